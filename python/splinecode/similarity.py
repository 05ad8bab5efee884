"""Codes as sets of active units: how many a code has, how many two codes share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import _core
from .arrays import Array, as_numpy, empty, from_numpy, library_of
from .codes import Codes
from .hamming import hamming, hamming_matrix, need_comparable, need_pairs, repeat_row, words_of
from .masks import layer_ranges
from .memory import need_room


def active_counts(codes: Codes | Array, *, per_layer: bool = False) -> Array:
    """Count the active units of every code.

    Parameters
    ----------
    codes : Codes, or uint64 words (n, w); on the CPU
    per_layer : bool
        Break the count down by layer (needs Codes).

    Returns
    -------
    counts : int32 (n,), or (n, layers) if `per_layer`

    Raises
    ------
    TypeError : not codes, or `per_layer` without layers.

    Notes
    -----
    The distance to the code without active units. O(n w); reads the words once.

    """
    words = words_of(codes, "codes")
    nothing = repeat_row(np.zeros(int(words.shape[1]), np.uint64), int(words.shape[0]))
    return _paired(codes, "codes", words, nothing, None, per_layer)


def intersection_counts(a: Codes | Array, b: Codes | Array, *, per_layer: bool = False) -> Array:
    """Count the units that are active in code i of `a` and in code i of `b`, for every i.

    Parameters, results, errors and cost are those of `hamming`; the counts are int32.
    """
    need_pairs(a, b)
    words = words_of(a, "a")
    nothing = repeat_row(np.zeros(int(words.shape[1]), np.uint64), int(words.shape[0]))
    return _paired(a, "a", words, nothing, words_of(b, "b"), per_layer)


def _paired(
    codes: Codes | Array,
    name: str,
    words: Array,
    others: NDArray[np.uint64],
    mask: Array | None,
    per_layer: bool,
) -> Array:
    ranges = layer_ranges(codes, name, "per_layer") if per_layer else [(0, int(words.shape[1]))]
    out = empty(words, (words.shape[0], len(ranges)), "int32")
    _core.hamming_paired(words, others, ranges, out, mask)
    return out if per_layer else out[:, 0]


def intersection_counts_matrix(x: Codes | Array, y: Codes | Array | None = None) -> Array:
    """Count the units that every code of `x` shares with every code of `y` (of `x` if None).

    Returns
    -------
    counts : int32 (n, m)

    Raises what `hamming_matrix` raises.

    Notes
    -----
    ``(|x_i| + |y_j| - H(x_i, y_j)) / 2``. O(n m w), half of that if y is None. CPU only.

    """
    other = x if y is None else y
    need_comparable(x, "x", other, "y")
    distances = as_numpy(hamming_matrix(x, y), "x")
    into_intersections(distances, *(as_numpy(active_counts(c), "x") for c in (x, other)))
    return from_numpy(distances, library_of(words_of(x, "x"), "x"))


def into_intersections(
    distances: NDArray[np.int32], x_counts: NDArray[np.int32], y_counts: NDArray[np.int32]
) -> None:
    """Turn distances (n, m) into intersection counts in place."""
    np.subtract(y_counts[None, :], distances, out=distances)
    distances += x_counts[:, None]
    distances >>= 1


def jaccard_similarity(a: Codes | Array, b: Codes | Array) -> Array:
    """Jaccard similarity of code i of `a` and code i of `b`: shared units over units of either.

    Returns
    -------
    similarity : float64 (n,), from 0 to 1; 1 for two codes without active units, which are equal

    Raises what `hamming` raises.

    Notes
    -----
    ``|a & b| / |a | b|``, correctly rounded. scipy's Jaccard *distance* is 1 minus this. O(n w).

    """
    shared = as_numpy(intersection_counts(a, b), "a")
    differing = as_numpy(hamming(a, b), "a")
    return from_numpy(_ratio(shared, differing), library_of(words_of(a, "a"), "a"))


def jaccard_similarity_matrix(x: Codes | Array, y: Codes | Array | None = None) -> Array:
    """Jaccard similarity of every code of `x` to every code of `y` (of `x` itself if None).

    Returns
    -------
    similarity : float64 (n, m), as in `jaccard_similarity`

    Raises what `hamming_matrix` raises. O(n m w), half of that if y is None. CPU only.

    """
    other = x if y is None else y
    need_comparable(x, "x", other, "y")
    # Three counts and the similarity a pair.
    shape = (len(words_of(x, "x")), len(words_of(other, "y")))
    need_room(shape, 3 * 4 + 8, f"similarities of {shape[0]} x {shape[1]} codes")
    differing = as_numpy(hamming_matrix(x, y), "x")
    shared = differing.copy()
    into_intersections(shared, *(as_numpy(active_counts(c), "x") for c in (x, other)))
    return from_numpy(_ratio(shared, differing), library_of(words_of(x, "x"), "x"))


def _ratio(shared: NDArray[np.int32], differing: NDArray[np.int32]) -> NDArray[np.float64]:
    either = shared + differing
    similarity: NDArray[np.float64] = np.ones(shared.shape)
    np.divide(shared, either, out=similarity, where=either > 0)
    return similarity
