"""Exact crossings of many segments at once, beside an exact sweep of one after the other."""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor, nn

from .. import crossings, reference
from ..network import Network
from ..segments import Crossings
from ..steps import Conv, Kink, Linear, MaxWindows
from . import peers
from .case import Baseline, Case, DisagreementError, Floor, Rate
from .floors import products
from .nets import Net, make_cnn, make_net
from .peak import peak_bytes

GROUP = "segments"
_T_TOLERANCE = 1e-9

Events = tuple[Tensor, Tensor, Tensor]
"""t, layer and unit of the crossings of one segment, as `reference.exact_crossings` gives them."""


_SMALL = (2, 64, 64, 64, 1)
_MEDIUM = (784, 256, 256, 256, 256, 10)
_WIDE = (784, *6 * (1024,), 10)


def cases(quick: bool) -> list[partial[Case]]:
    """Return what builds each case, data included, when called."""
    if quick:
        return [
            partial(_case, (2, 8, 8, 1), segments=3),
            partial(_cnn_case, (2, 2, 2), 4, share=0.5),
            partial(_certify_case, (2, 8, 8, 1), segments=3),
        ]
    return [
        partial(_case, _SMALL, segments=1),
        partial(_case, _SMALL, segments=1024),
        partial(_case, _MEDIUM, segments=1),
        partial(_case, _MEDIUM, segments=64),
        partial(_case, _WIDE, segments=1),
        partial(_cnn_case, (32, 32, 64), 28, share=0.05),
        partial(_whole_cnn_case, (32, 32, 64), 28),
        partial(_certify_case, _SMALL, segments=1024),
        partial(_certify_case, _MEDIUM, segments=64),
        partial(_certify_case, _WIDE, segments=1),
    ]


def _case(widths: tuple[int, ...], segments: int) -> Case:
    net = make_net(widths, segments)
    found = crossings(net.network, net.a, net.b)
    baselines = [*_torch_baselines(net)]
    pieces = peers.regioncam_pieces(net.single, net.a, net.b)
    if pieces:
        baselines.append(Baseline("regioncam float32, one by one", pieces, _compare_pieces))
    return Case(
        group=GROUP,
        title=f"crossings of {_count(segments)} of {net.name}",
        sizes={"net": net.name, "segments": segments, "crossings": len(found.t)},
        ours=lambda: crossings(net.network, net.a, net.b),
        baselines=tuple(baselines),
        rate=Rate(len(found.t) / 1e6, "M crossings/s"),
        floor=Floor(
            "the plain sweep's matrix products alone, float64",
            products(affine_work(net.network, found)),
        ),
    )


def _torch_baselines(net: Net) -> tuple[Baseline, ...]:
    return (
        Baseline(
            "torch float64, one by one", partial(_one_by_one, net.double, net.a, net.b), _compare
        ),
        Baseline(
            "torch float32, one by one",
            partial(_one_by_one, net.single, net.a.float(), net.b.float()),
            _compare_loosely,
        ),
    )


def _cnn_case(channels: tuple[int, int, int], size: int, share: float) -> Case:
    """A part of a segment, since the plain sweep's memory grows with its knots.

    It knows no max pool: an average pool is in its place.
    """
    net = make_cnn(channels, size, nn.AvgPool2d(2), 1, share)
    part = f"the first {share:.0%} of a segment"
    return _cnn(net, part, _torch_baselines(net), with_floor=True)


def _whole_cnn_case(channels: tuple[int, int, int], size: int) -> Case:
    """A whole segment with a max pool: no baseline does it in bounded time and memory."""
    return _cnn(make_cnn(channels, size, nn.MaxPool2d(2), 1, 1.0), "a whole segment", ())


def _cnn(net: Net, part: str, baselines: tuple[Baseline, ...], with_floor: bool = False) -> Case:
    found = crossings(net.network, net.a, net.b)  # reads the program once, before the peak is taken
    peak = peak_bytes(lambda: crossings(net.network, net.a, net.b))
    memory = {} if peak is None else {"peak_bytes": peak}
    return Case(
        group=GROUP,
        title=f"crossings of {part} of a {net.name}, {_peak(peak)}",
        sizes={"net": net.name, "crossings": len(found.t), **memory},
        ours=lambda: crossings(net.network, net.a, net.b),
        baselines=baselines,
        rate=Rate(len(found.t) / 1e6, "M crossings/s"),
        floor=Floor(
            "the plain sweep's convolutions alone, float64",
            products(affine_work(net.network, found)),
        )
        if with_floor
        else None,
    )


def _peak(peak: int | None) -> str:
    return "peak memory not known" if peak is None else f"{peak / 1e9:.2f} GB at peak"


def _certify_case(widths: tuple[int, ...], segments: int) -> Case:
    """The plain call is ours here, so that the ratio says how many times its time a proof takes."""
    net = make_net(widths, segments)
    return Case(
        group=GROUP,
        title=f"crossings of {_count(segments)} of {net.name}, plain beside certified",
        sizes={"net": net.name, "segments": segments},
        ours=lambda: crossings(net.network, net.a, net.b),
        baselines=(
            Baseline(
                "splinecode, certify=True",
                lambda: crossings(net.network, net.a, net.b, certify=True),
                _compare_certified,
            ),
        ),
    )


def _count(segments: int) -> str:
    return "1 segment" if segments == 1 else f"{segments:,} segments"


def _one_by_one(model: nn.Sequential, a: Tensor, b: Tensor) -> list[Events]:
    return [reference.exact_crossings(model, *ends) for ends in zip(a, b, strict=True)]


def affine_work(network: Network, found: Crossings) -> list[tuple[Linear | Conv, int, int]]:
    """Return (step, units in, knots) of each affine step of the plain sweep, from input to output.

    The plain sweep takes a step at all knots that the kinks before it made.
    """
    knots = 2 * len(found)
    per_layer = iter(found.count(per_layer=True).sum(0).tolist())
    work = []
    nodes = network.nodes
    for node in nodes:
        if isinstance(node.step, Kink):
            bits_a_knot = 2 if isinstance(node.step, MaxWindows) else 1
            knots += next(per_layer) // bits_a_knot
        elif isinstance(node.step, Linear | Conv):
            work.append((node.step, nodes[node.inputs[0]].units, knots))
    return work


def plain_products(network: Network, found: Crossings) -> int:
    """Return the multiply-adds of the plain sweep's affine steps: half of its flops."""
    return sum(
        knots * _products_a_knot(step, units) for step, units, knots in affine_work(network, found)
    )


def _products_a_knot(step: Linear | Conv, units: int) -> int:
    if isinstance(step, Conv):
        return math.prod(step.output_shape) * step.weight[0].numel()
    return units * len(step.weight)


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


def _compare_pieces(found: Crossings, pieces: list[int]) -> str:
    """Say on how many segments the number of pieces is another: float32 merges and invents some."""
    wrong = sum(a + 1 != b for a, b in zip(found.count().tolist(), pieces, strict=True))
    return f"other counts on {wrong:,} of {len(found):,} segments" if wrong else ""


def _compare_certified(plain: Crossings, found: Crossings) -> str:
    """Hold what was certified to the plain crossings where nothing was open."""
    if not plain.ambiguous.any() and not torch.equal(found.t, plain.t):
        raise DisagreementError("certifying changed crossings of segments without open ranges")
    proven = int(found.certified.sum())
    share = f"{proven:,} of {len(found):,} segments certified ({proven / len(found):.1%})"
    return f"{share}, {len(plain.ambiguous_ranges[0]):,} ranges were open"


def _compare_loosely(found: Crossings, theirs: list[Events]) -> str:
    """Say how far float32 is off: it need not find the same crossings."""
    wrong = sum(not _same_order(*pair) for pair in zip(_split(found), theirs, strict=True))
    return f"other crossings or order on {wrong} of {len(found)} segments" if wrong else ""
