"""The analyses of the lens, each beside the plain PyTorch way."""

from __future__ import annotations

from functools import partial

from ..case import Case
from . import density, local_complexity

GROUP = "lens"


def cases(quick: bool) -> list[partial[Case]]:
    """Return what builds each case, data included, when called."""
    return [*density.cases(quick), *local_complexity.cases(quick)]
