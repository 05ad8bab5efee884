"""How the time of exact crossings grows with their number: by segments, by width, by depth."""

from __future__ import annotations

from functools import partial

import torch

from .. import crossings
from .case import Case, Floor, Rate
from .nets import make_net
from .segments import plain_products

GROUP = "growth"
_SIZE, _QUICK_SIZE = 1024, 64


def cases(quick: bool) -> list[partial[Case]]:
    """Return what builds each case, data included, when called: 10^2 to 10^6 crossings."""
    if quick:
        case = partial(_case, size=_QUICK_SIZE)
        return [
            *(partial(case, "segments", (2, 8, 8, 1), segments=n) for n in (1, 2)),
            *(partial(case, "width", (n, n, n, 2), segments=1) for n in (8, 16)),
            *(partial(case, "depth", (8, *depth * (8,), 2), segments=1) for depth in (2, 3)),
        ]
    case = partial(_case, size=_SIZE)
    return [
        *(
            partial(case, "segments", (2, 64, 64, 64, 1), segments=n)
            for n in (1, 10, 100, 1_000, 15_000)
        ),
        *(partial(case, "width", (n, n, n, n, 10), segments=1) for n in (64, 256, 1024, 2048)),
        *(
            partial(case, "depth", (256, *depth * (256,), 10), segments=1)
            for depth in (2, 4, 8, 16, 32)
        ),
    ]


def _case(along: str, widths: tuple[int, ...], segments: int, size: int) -> Case:
    """Time alone, beside the flops of the plain sweep at the rate of a product of two matrices."""
    net = make_net(widths, segments)
    found = crossings(net.network, net.a, net.b)
    flops = 2 * plain_products(net.network, found)
    left, right = torch.randn(2, size, size, dtype=torch.float64)
    return Case(
        group=GROUP,
        title=f"growth by {along}: {segments:,} x {net.name}, {len(found.t):,} crossings",
        sizes={
            "along": along,
            "net": net.name,
            "width": widths[1],
            "depth": len(widths) - 2,
            "segments": segments,
            "crossings": len(found.t),
            "flops": flops,
        },
        ours=lambda: crossings(net.network, net.a, net.b),
        baselines=(),
        rate=Rate(len(found.t) / 1e6, "M crossings/s"),
        floor=Floor(
            f"{flops / 1e9:.3g} GFLOP of the plain sweep at the rate of a {size} x {size} product",
            lambda: left @ right,
            scale=flops / (2 * size**3),
        ),
    )
