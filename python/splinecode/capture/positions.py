"""Which tokens or pixels of a layer become rows of codes: what was asked for."""

from __future__ import annotations

import hashlib
import operator
from typing import Any

import numpy as np

from ..arrays import Array, library_of, to_host
from .batches import Batch
from .chosen import Chosen, Many, One, Pooled, Whole

_WORDS = ("last", "all", "any")
PositionsLike = str | int | tuple[int, ...] | slice | Array | None


class Positions:
    """The `positions` of `spline_codes`, checked.

    Raises TypeError and ValueError for anything else.
    """

    def __init__(self, positions: PositionsLike, units_axis: int | None = None) -> None:
        self._wanted = _checked(positions)
        self._units_axis = units_axis if units_axis is None else operator.index(units_axis)
        if self._units_axis == 0:
            raise ValueError("units_axis is 0, the axis of the inputs; wanted another, or None")

    def of_batch(self, first: int, batch: Batch) -> Chosen:
        """Return what chooses from a batch, of which input number `first` is the first."""
        of_batch = (first, batch, self._units_axis)
        if self._wanted is None:
            return Whole(*of_batch)
        if isinstance(self._wanted, tuple):
            return One(self._wanted, *of_batch)
        if isinstance(self._wanted, str) and self._wanted != "all":
            return Pooled(*of_batch) if self._wanted == "any" else One((-1,), *of_batch)
        return Many(self._wanted, *of_batch)

    @property
    def one_an_input(self) -> bool:
        """Whether every input gives one row."""
        return not isinstance(self._wanted, slice | np.ndarray) and self._wanted != "all"

    def __str__(self) -> str:
        text = repr(self._wanted)
        if isinstance(self._wanted, np.ndarray):
            packed = np.packbits(self._wanted).tobytes()
            text = f"mask of {self._wanted.shape}, {hashlib.sha256(packed).hexdigest()}"
        return text if self._units_axis is None else f"{text}, units along axis {self._units_axis}"


def _checked(positions: Any) -> Any:
    if positions is None or isinstance(positions, slice):
        return positions
    if isinstance(positions, str):
        if positions not in _WORDS:
            raise ValueError(f"positions is {positions!r}; wanted one of {_WORDS}")
        return positions
    if hasattr(positions, "dtype") and positions.ndim > 0:
        library_of(positions, "positions")
        mask = to_host(positions)
        if mask.dtype != bool:
            raise TypeError(f"positions has dtype {mask.dtype}; wanted a boolean mask")
        return mask
    try:
        if isinstance(positions, bool):
            raise TypeError
        if isinstance(positions, tuple):
            return tuple(operator.index(step) for step in positions)
        return (operator.index(positions),)
    except TypeError:
        raise TypeError(
            f"positions is {positions!r}; wanted one of {_WORDS}, a whole number, a tuple of them "
            "for images, a slice, a boolean mask, or None"
        ) from None
