"""Work that an analysis cannot do without."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import torch

from ..steps import Conv, Linear


def products(work: Iterable[tuple[Linear | Conv, int, int]]) -> partial[None]:
    """Return a function that takes each step, of so many units, at so many random points."""
    steps = [
        (step, torch.randn(points, units, dtype=torch.float64)) for step, units, points in work
    ]

    def multiply() -> None:
        for step, values in steps:
            step(values)

    return partial(multiply)
