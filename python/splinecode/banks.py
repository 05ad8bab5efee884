"""Distance to a bank of known codes, class by class: what runtime monitors compute."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .arithmetic import masked, namespace, rows_at
from .arrays import Array, empty, handed_back, lent, library_of, to_host, uploaded
from .codes import Codes
from .cuda_search import fill_nearest
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
    queries : Codes, or uint64 words (m, w)
    bank : Codes, or uint64 words (n, w)
        Codes known to be good, such as those of the training inputs.
    labels : array or sequence (n,), optional
        The class of every code of the bank: integers or strings. Sorted on the CPU: an array on a
        GPU is copied back first.
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
    x, y = lent(query_words), lent(bank_words)
    if len(y) == 0:
        raise ValueError("bank holds no codes; wanted at least one")
    if mask is not None:
        chosen = mask_words(mask, queries)
        x, y = masked(x, chosen), masked(y, chosen)
    if labels is None:
        return BankMatches(*_handed_back(*_nearest(x, y), query_words), classes=None)
    classes, order, bounds = _by_class(labels, len(y))
    rows = uploaded(order, x)
    by_class = y if (order[1:] > order[:-1]).all() else rows_at(y, rows)
    found = [_nearest(x, by_class[begin:end]) for begin, end in pairwise(bounds)]
    distances = namespace(x).stack([d for d, _ in found], axis=1)
    indices = namespace(x).stack(
        [rows[begin + i] for begin, (_, i) in zip(bounds, found, strict=False)], axis=1
    )
    is_number = classes.dtype.kind in "iub"
    columns = handed_back(uploaded(classes, x), query_words) if is_number else classes
    return BankMatches(*_handed_back(distances, indices, query_words), classes=columns)


def _handed_back(distances: Array, indices: Array, like: Array) -> tuple[Array, Array]:
    return handed_back(distances, like), handed_back(indices, like)


def _nearest(queries: Array, bank: Array) -> tuple[Array, Array]:
    distances = empty(queries, (len(queries), 1), "int32", "distances")
    indices = empty(queries, (len(queries), 1), "int64", "indices")
    fill_nearest(queries, bank, False, distances, indices)
    return distances[:, 0], indices[:, 0]


def _by_class(labels: Any, rows: int) -> tuple[NDArray[Any], NDArray[np.int64], list[int]]:
    """Sorted classes, the rows class by class in rising order, and where each class begins."""
    if hasattr(labels, "dtype"):
        library_of(labels, "labels")
        values = to_host(labels)
    else:
        values = np.asarray(labels)
    if values.shape != (rows,):
        raise ValueError(f"labels has shape {values.shape}; wanted ({rows},), one a code of bank")
    if values.dtype.kind not in "iubUS":
        raise TypeError(f"labels has dtype {values.dtype}; wanted integers or strings")
    classes, inverse = np.unique(values, return_inverse=True)
    order = np.argsort(inverse, kind="stable").astype(np.int64, copy=False)
    bounds = np.concatenate([[0], np.cumsum(np.bincount(inverse))]).tolist()
    return classes, order, bounds
