"""Distance to a bank of known codes, class by class: what runtime monitors compute."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import _core
from .arrays import Array, as_numpy, from_numpy, library_of
from .codes import Codes
from .hamming import need_comparable, words_of
from .masks import Mask, mask_words


class BankMatches(NamedTuple):
    """The nearest codes of a bank: of all of it, or of every class's part.

    distances : int32 (m,) or (m, classes)
    indices : int64, likewise; the rows of the bank at these distances, the lowest at a tie
    classes : the labels in rising order, one a column; None without labels
    """

    distances: Array
    indices: Array
    classes: Array | None


def nearest_in_bank(
    queries: Codes | Array,
    bank: Codes | Array,
    labels: Any = None,
    mask: Mask | None = None,
) -> BankMatches:
    """Least Hamming distance of every query to a bank of codes, or to each class's part of it.

    Parameters
    ----------
    queries : Codes, or uint64 words (m, w); on the CPU
    bank : Codes, or uint64 words (n, w)
        Codes known to be good, such as those of the training inputs.
    labels : array or sequence (n,), optional
        The class of every code of the bank: integers or strings.
    mask : Codes of one code, uint64 words (w,), or bool (n_bits,), optional
        Only the units set here count, as in `hamming`.

    Returns
    -------
    BankMatches (distances, indices, classes)

    Raises
    ------
    TypeError : not codes, or a mask of another kind.
    ValueError : an empty bank; not a label a code; another layout, library or device.

    Notes
    -----
    A monitor accepts an input as class c where ``distances[:, c]`` is at most a threshold. O(m n w)
    without a distance matrix. Labels that are not sorted take a copy of the bank sorted by them, a
    mask a copy of both sides. The answer is the same for every thread count.

    """
    need_comparable(queries, "queries", bank, "bank")
    query_words, bank_words = words_of(queries, "queries"), words_of(bank, "bank")
    library = library_of(query_words, "queries")
    x, y = as_numpy(query_words, "queries"), as_numpy(bank_words, "bank")
    if len(y) == 0:
        raise ValueError("bank holds no codes; wanted at least one")
    if mask is not None:
        chosen = mask_words(mask, queries)
        x, y = x & chosen, y & chosen
    if labels is None:
        distances, indices = _nearest(x, y)
        return BankMatches(from_numpy(distances, library), from_numpy(indices, library), None)
    classes, order, bounds = _by_class(labels, len(y))
    by_class = y if (order[1:] > order[:-1]).all() else y[order]
    found = [_nearest(x, by_class[begin:end]) for begin, end in pairwise(bounds)]
    distances = np.stack([d for d, _ in found], axis=1)
    indices = np.stack(
        [order[begin + i] for begin, (_, i) in zip(bounds, found, strict=False)], axis=1
    )
    named = from_numpy(classes, library) if classes.dtype.kind in "iub" else classes
    return BankMatches(from_numpy(distances, library), from_numpy(indices, library), named)


def _nearest(
    queries: NDArray[np.uint64], bank: NDArray[np.uint64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    distances = np.empty((len(queries), 1), np.int32)
    indices = np.empty((len(queries), 1), np.int64)
    _core.top_k(queries, bank, False, distances, indices)
    return distances[:, 0], indices[:, 0]


def _by_class(labels: Any, rows: int) -> tuple[NDArray[Any], NDArray[np.int64], list[int]]:
    """Sorted classes, the rows class by class in rising order, and where each class begins."""
    is_array = hasattr(labels, "dtype")
    values = as_numpy(labels, "labels") if is_array else np.asarray(labels)
    if values.shape != (rows,):
        raise ValueError(f"labels has shape {values.shape}; wanted ({rows},), one a code of bank")
    if values.dtype.kind not in "iubUS":
        raise TypeError(f"labels has dtype {values.dtype}; wanted integers or strings")
    classes, inverse = np.unique(values, return_inverse=True)
    order = np.argsort(inverse, kind="stable").astype(np.int64, copy=False)
    bounds = np.concatenate([[0], np.cumsum(np.bincount(inverse))]).tolist()
    return classes, order, bounds
