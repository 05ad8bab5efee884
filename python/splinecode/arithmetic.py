"""What numpy, torch and cupy spell differently, on arrays that the caller was asked about.

On a GPU torch does little with uint64: words are taken as int64, of the same bits.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from .arrays import Array, dtype_name, empty, uploaded


def namespace(array: Array) -> Any:
    """Return the module whose functions take the array: numpy, torch or cupy."""
    if isinstance(array, np.ndarray):
        return np
    return sys.modules["cupy" if type(array).__module__.startswith("cupy") else "torch"]


def is_torch(array: Array) -> bool:
    """Tell whether the array is torch's."""
    return not isinstance(array, np.ndarray) and namespace(array) is sys.modules.get("torch")


def zeros(like: Array, shape: tuple[int, ...], dtype: str, what: str = "results") -> Array:
    """Allocate zeros of the library and device of `like`."""
    if isinstance(like, np.ndarray):
        return np.zeros(shape, dtype)
    out = empty(like, shape, dtype, what)
    as_signed(out)[...] = 0
    return out


def cast(array: Array, dtype: str) -> Array:
    """Copy the array in another dtype."""
    if is_torch(array):
        return array.to(getattr(sys.modules["torch"], dtype))
    return array.astype(dtype)


def scaled(counts: Array, factor: float) -> Array:
    """Return counts times a number, float64; each product is rounded once."""
    return (counts.double() if is_torch(counts) else counts) * factor


def copied(array: Array) -> Array:
    """Copy the array."""
    return array.clone() if is_torch(array) else array.copy()


def contiguous(array: Array) -> Array:
    """Return the array in C order, itself if it is."""
    if is_torch(array):
        made = as_signed(array).contiguous()
        return as_words(made) if dtype_name(array) == "uint64" else made
    return namespace(array).ascontiguousarray(array)


def concatenate(parts: list[Array], axis: int) -> Array:
    """Join arrays of one library and device along an axis."""
    joined = namespace(parts[0]).concatenate([as_signed(part) for part in parts], axis=axis)
    return as_words(joined) if dtype_name(parts[0]) == "uint64" else joined


def as_signed(array: Array) -> Array:
    """View uint64 words as int64; anything else as it is."""
    return _viewed(array, "int64") if dtype_name(array) == "uint64" else array


def as_words(signed: Array) -> Array:
    """Undo `as_signed` on words."""
    return _viewed(signed, "uint64")


def _viewed(array: Array, dtype: str) -> Array:
    return array.view(getattr(sys.modules["torch"], dtype) if is_torch(array) else dtype)


def rows_at(words: Array, index: Any) -> Array:
    """Index words as the library does."""
    return as_words(as_signed(words)[index]) if is_torch(words) else words[index]


def masked(words: Array, row: Array) -> Array:
    """Copy words (n, w) with the bits alone that are set in one row (w,)."""
    return as_words(as_signed(words) & as_signed(row))


def repeated(row: Array, n: int) -> Array:
    """View one row (w,) as n equal rows, without a copy."""
    if is_torch(row):
        return row.expand(n, row.shape[0])
    return namespace(row).broadcast_to(row, (n, row.shape[0]))


def running_totals(counts: Array) -> Array:
    """Return where each group begins and the last one ends: int64 (n + 1,), from 0."""
    totals = empty(counts, (counts.shape[0] + 1,), "int64")
    totals[:1] = 0
    totals[1:] = namespace(counts).cumsum(counts, 0, dtype=namespace(counts).int64)
    return totals


def places(chosen: Array) -> Array:
    """Return where a bool array (n,) is True: int64. On a GPU waits for their number."""
    if is_torch(chosen):
        return chosen.nonzero()[:, 0]
    return namespace(chosen).flatnonzero(chosen)


def group_maxima(values: Array, bounds: np.ndarray[Any, Any]) -> Array:
    """Return the largest value, int32 and at least 0, of each group of rows; none is empty."""
    if isinstance(values, np.ndarray):
        return np.maximum.reduceat(values, bounds[:-1])
    groups = uploaded(np.repeat(np.arange(len(bounds) - 1), np.diff(bounds)), values)
    largest = zeros(values, (len(bounds) - 1,), "int32")
    if is_torch(values):
        return largest.scatter_reduce_(0, groups, values, "amax")
    namespace(values).maximum.at(largest, groups, values)
    return largest


def along_rows(values: Array, order: Array) -> Array:
    """Return values[i, order[i, j]]."""
    if is_torch(values):
        return values.gather(1, order)
    return namespace(values).take_along_axis(values, order, axis=1)


def pair_order(first: Array, then: Array) -> Array:
    """Return the order that sorts each row of pairs (m, n): by `first`, then by `then`."""
    if isinstance(first, np.ndarray):
        return np.lexsort((then, first), axis=1)
    order = _stable_order(then)
    return along_rows(order, _stable_order(along_rows(first, order)))


def _stable_order(values: Array) -> Array:
    if is_torch(values):
        return values.argsort(dim=1, stable=True)
    return namespace(values).argsort(values, axis=1)  # cupy's sorts are stable
