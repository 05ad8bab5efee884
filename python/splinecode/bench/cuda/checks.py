"""Ours on a few rows against the CPU engine, bit for bit; all of ours against torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ... import HammingNeighbors
from ..case import DisagreementError
from .data import Coins

_SOME = 4


def some(rows: int) -> Tensor:
    """Return the first and the last rows of so many: what the CPU can answer in no time."""
    return torch.arange(rows)[[*range(min(_SOME, rows)), *range(max(_SOME, rows - _SOME), rows)]]


def need_nearest(x: Tensor, database: Coins, k: int) -> Callable[[Any], None]:
    """Return a check of neighbours (distances, indices) of x."""

    def check(ours: tuple[Tensor, Tensor]) -> None:
        rows = some(len(x))
        wanted = HammingNeighbors(k, algorithm="brute").fit(database.host).kneighbors(x.cpu()[rows])
        for name, found, right in zip(("distances", "indices"), ours, wanted, strict=True):
            need_equal(name, found.cpu()[rows], right)

    return check


def need_equal(name: str, ours: Tensor, wanted: Tensor) -> None:
    """Raise DisagreementError unless two tensors, on any device, are equal."""
    found, right = (ours, wanted) if ours.device == wanted.device else (ours.cpu(), wanted.cpu())
    if found.dtype != right.dtype or found.shape != right.shape:
        raise DisagreementError(
            f"{name}: {found.dtype} {tuple(found.shape)} instead of {right.dtype} "
            f"{tuple(right.shape)}"
        )
    # torch compares no uint64 or uint16 on some devices, but any bytes.
    if not torch.equal(*(part.contiguous().view(torch.uint8) for part in (found, right))):
        raise DisagreementError(f"{name} differ from the CPU's")


def same_distances(ours: tuple[Tensor, Tensor], theirs: tuple[Tensor, Tensor]) -> str:
    """Hold all distances to a baseline's; which of equally far rows it names is its own."""
    if not torch.equal(ours[0], theirs[0]):
        raise DisagreementError("distances differ")
    return ""


def same_answers(ours: Any, theirs: Any) -> str:
    """Hold an answer, or every part of it, to another's on any device."""
    pairs = zip(ours, theirs, strict=True) if isinstance(ours, tuple) else [(ours, theirs)]
    for a, b in pairs:
        need_equal("answers", a, b)
    return ""
