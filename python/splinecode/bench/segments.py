"""Exact crossings of many segments at once, beside an exact sweep of one after the other."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from .. import crossings, reference
from ..segments import Crossings
from ..steps import Kink
from .case import Baseline, Case, DisagreementError, Floor, Rate
from .nets import Net, make_net

GROUP = "segments"
_T_TOLERANCE = 1e-9

Events = tuple[Tensor, Tensor, Tensor]
"""t, layer and unit of the crossings of one segment, as `reference.exact_crossings` gives them."""


def cases(quick: bool) -> list[partial[Case]]:
    """Return what builds each case, data included, when called."""
    if quick:
        return [partial(_case, (2, 8, 8, 1), segments=3)]
    return [
        partial(_case, widths, segments=64)
        for widths in ((2, 64, 64, 64, 1), (784, 256, 256, 256, 256, 10))
    ]


def _case(widths: tuple[int, ...], segments: int) -> Case:
    net = make_net(widths, segments)
    found = crossings(net.network, net.a, net.b)
    return Case(
        group=GROUP,
        title=f"crossings of {segments} segments of {net.name}",
        sizes={"net": net.name, "segments": segments, "crossings": len(found.t)},
        ours=lambda: crossings(net.network, net.a, net.b),
        baselines=(
            Baseline(
                "torch float64, one by one",
                partial(_one_by_one, net.double, net.a, net.b),
                _compare,
            ),
            Baseline(
                "torch float32, one by one",
                partial(_one_by_one, net.single, net.a.float(), net.b.float()),
                _compare_loosely,
            ),
        ),
        rate=Rate(len(found.t) / 1e6, "M crossings/s"),
        floor=Floor("its matrix products alone, float64", _products(net, found)),
    )


def _one_by_one(model: nn.Sequential, a: Tensor, b: Tensor) -> list[Events]:
    return [reference.exact_crossings(model, *ends) for ends in zip(a, b, strict=True)]


def _products(net: Net, found: Crossings) -> partial[None]:
    """Return a function that does the affine steps for as many knots as the sweep had at each."""
    knots = 2 * len(found)
    per_layer = iter(found.count(per_layer=True).sum(0).tolist())
    work = []
    for place in net.network.places:
        if isinstance(place.step, Kink):
            knots += next(per_layer)
        else:
            work.append((place, torch.randn(knots, *place.input_shape, dtype=torch.float64)))

    def multiply() -> None:
        for place, values in work:
            place.step(values, place.input_shape)

    return partial(multiply)


def _split(found: Crossings) -> list[Events]:
    sizes = found.count().tolist()
    columns = (found.t.split(sizes), found.layer.split(sizes), found.unit.split(sizes))
    return list(zip(*columns, strict=True))


def _same_order(ours: Events, theirs: Events) -> bool:
    return torch.equal(ours[1], theirs[1]) and torch.equal(ours[2], theirs[2])


def _compare(found: Crossings, theirs: list[Events]) -> str:
    """Hold both to the same crossings in the same order, t within 1e-9."""
    for s, (one, other) in enumerate(zip(_split(found), theirs, strict=True)):
        if len(one[0]) != len(other[0]):
            raise DisagreementError(f"{len(one[0])} and {len(other[0])} crossings on segment {s}")
        if not _same_order(one, other):
            raise DisagreementError(f"other crossings, or another order, on segment {s}")
        off = float((one[0] - other[0]).abs().max()) if len(one[0]) else 0.0
        if not off <= _T_TOLERANCE:
            raise DisagreementError(f"t differs by {off:.1e} on segment {s}")
    return ""


def _compare_loosely(found: Crossings, theirs: list[Events]) -> str:
    """Say how far float32 is off: it need not find the same crossings."""
    wrong = sum(not _same_order(*pair) for pair in zip(_split(found), theirs, strict=True))
    return f"other crossings or order on {wrong} of {len(found)} segments" if wrong else ""
