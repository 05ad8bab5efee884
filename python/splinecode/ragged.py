"""Rows that belong together: groups of consecutive rows, given by where each begins."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import Array, library_of, to_host


def checked_offsets(offsets: Any, rows: int, what: str, least: int = 0) -> NDArray[np.int64]:
    """Return offsets as contiguous int64 (groups + 1,): group g is rows [offsets[g], offsets[g+1]).

    Parameters
    ----------
    offsets : integers (groups + 1,); an array, which is read back from a GPU, or a sequence
    rows : int
        How many rows there are: every row is in one group.
    what : str
        What a group is called in messages.
    least : int
        The fewest rows of a group.

    Raises
    ------
    TypeError : not integers.
    ValueError : not one axis; not from 0 to `rows`; a group of fewer rows than `least`.

    """
    values = np.asarray(offsets if isinstance(offsets, (list, tuple, range)) else _host(offsets))
    if values.size and values.dtype.kind not in "iu":
        raise TypeError(f"offsets has dtype {values.dtype}; wanted integers")
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"offsets has shape {values.shape}; wanted ({what}s + 1,)")
    values = np.ascontiguousarray(values, dtype=np.int64)
    if values[0] != 0 or values[-1] != rows:
        raise ValueError(
            f"offsets goes from {values[0]} to {values[-1]}; wanted 0 to {rows}, the number of rows"
        )
    sizes = np.diff(values)
    if (sizes < least).any():
        group = int(np.argmax(sizes < least))
        raise ValueError(
            f"offsets gives {what} {group} {sizes[group]} rows; wanted at least {least}"
        )
    return values


def _host(offsets: Array) -> NDArray[Any]:
    library_of(offsets, "offsets")
    return to_host(offsets)
