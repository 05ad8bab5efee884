"""Codes as sets of active units: how many a code has, how many two codes share."""

from __future__ import annotations

from . import _core
from .arithmetic import as_words, cast, copied, namespace, repeated, zeros
from .arrays import Array, empty, handed_back, lent
from .codes import Codes
from .hamming import hamming, hamming_matrix, need_comparable, need_pairs, words_of
from .kernels import run
from .masks import layer_ranges
from .memory import need_room


def active_counts(codes: Codes | Array, *, per_layer: bool = False) -> Array:
    """Count the active units of every code.

    Parameters
    ----------
    codes : Codes, or uint64 words (n, w)
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
    return _paired(codes, "codes", None, per_layer)


def intersection_counts(a: Codes | Array, b: Codes | Array, *, per_layer: bool = False) -> Array:
    """Count the units that are active in code i of `a` and in code i of `b`, for every i.

    Parameters, results, errors and cost are those of `hamming`; the counts are int32.
    """
    need_pairs(a, b)
    return _paired(a, "a", words_of(b, "b"), per_layer)


def _paired(codes: Codes | Array, name: str, mask: Array | None, per_layer: bool) -> Array:
    """Compare, under the mask, with the code without active units."""
    words = words_of(codes, name)
    nothing = as_words(zeros(lent(words), (int(words.shape[1]),), "int64"))
    ranges = layer_ranges(codes, name, "per_layer") if per_layer else [(0, int(words.shape[1]))]
    out = empty(words, (words.shape[0], len(ranges)), "int32", "counts")
    others = repeated(nothing, int(words.shape[0]))
    run(_core.hamming_paired, words, words, others, ranges, out, mask)
    return out if per_layer else out[:, 0]


def intersection_counts_matrix(x: Codes | Array, y: Codes | Array | None = None) -> Array:
    """Count the units that every code of `x` shares with every code of `y` (of `x` if None).

    Returns
    -------
    counts : int32 (n, m)

    Raises what `hamming_matrix` raises.

    Notes
    -----
    ``(|x_i| + |y_j| - H(x_i, y_j)) / 2``. O(n m w), half of that if y is None.

    """
    other = x if y is None else y
    need_comparable(x, "x", other, "y")
    distances = lent(hamming_matrix(x, y))
    into_intersections(distances, *(lent(active_counts(c)) for c in (x, other)))
    return handed_back(distances, words_of(x, "x"))


def into_intersections(distances: Array, x_counts: Array, y_counts: Array) -> None:
    """Turn distances (n, m) into intersection counts in place."""
    namespace(distances).subtract(y_counts[None, :], distances, out=distances)
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
    shared, differing = lent(intersection_counts(a, b)), lent(hamming(a, b))
    return handed_back(_ratio(shared, differing), words_of(a, "a"))


def jaccard_similarity_matrix(x: Codes | Array, y: Codes | Array | None = None) -> Array:
    """Jaccard similarity of every code of `x` to every code of `y` (of `x` itself if None).

    Returns
    -------
    similarity : float64 (n, m), as in `jaccard_similarity`

    Raises what `hamming_matrix` raises. O(n m w), half of that if y is None.

    """
    other = x if y is None else y
    need_comparable(x, "x", other, "y")
    # Three counts and the similarity a pair.
    shape = (len(words_of(x, "x")), len(words_of(other, "y")))
    what = f"similarities of {shape[0]} x {shape[1]} codes"
    need_room(shape, 3 * 4 + 8, what, words_of(x, "x"))
    differing = lent(hamming_matrix(x, y))
    shared = copied(differing)
    into_intersections(shared, *(lent(active_counts(c)) for c in (x, other)))
    return handed_back(_ratio(shared, differing), words_of(x, "x"))


def _ratio(shared: Array, differing: Array) -> Array:
    """Return shared / (shared + differing), and 1 for 0 / 0. Overwrites both."""
    either = differing
    either += shared
    neither = either == 0
    either |= neither
    shared |= neither
    similarity = cast(shared, "float64")
    similarity /= either
    return similarity
