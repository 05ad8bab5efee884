"""Exact crossings of one segment, beside counting transitions between sampled points."""

from __future__ import annotations

from functools import partial

from .. import crossings, reference
from ..segments import Crossings
from .case import Baseline, Case, DisagreementError
from .nets import Net, make_net

GROUP = "sampling"


def cases(quick: bool) -> list[partial[Case]]:
    """Return what builds each case, data included, when called."""
    if quick:
        return [partial(_case, (2, 8, 8, 1), points=50)]
    return [
        partial(_case, (784, 256, 256, 256, 256, 10), points=100_000),
        partial(_case, (784, *6 * (1024,), 10), points=100_000),
    ]


def _case(widths: tuple[int, ...], points: int) -> Case:
    """Sample in float32, as users do and the faster, and in float64, the dtype of ours."""
    net = make_net(widths, segments=1)
    a, b = net.a[0], net.b[0]
    compare = partial(_compare, net)
    sampling = f"torch, {points:,} sampled points"
    return Case(
        group=GROUP,
        title=f"crossings of 1 segment of {net.name} beside {points:,} sampled points",
        sizes={"net": net.name, "points": points},
        ours=lambda: crossings(net.network, a, b),
        baselines=(
            Baseline(
                f"{sampling}, float32",
                lambda: reference.sampled_crossings(net.single, a.float(), b.float(), points),
                compare,
            ),
            Baseline(
                f"{sampling}, float64",
                lambda: reference.sampled_crossings(net.double, a, b, points),
                compare,
            ),
        ),
    )


def _compare(net: Net, found: Crossings, sampled: int) -> str:
    """Only endpoint <= exact is certain: sampling misses crossings, and float32 invents some."""
    exact = len(found.t)
    endpoint = reference.sampled_crossings(net.double, net.a[0], net.b[0], 2)
    if exact < endpoint:
        raise DisagreementError(f"{exact} exact crossings, but {endpoint} units differ at the ends")
    return f"{sampled:,} sampled, {exact:,} exact, {endpoint:,} between the ends"
