"""Codes along paths: how many units flip from step to step, and how far a path leaves its start."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arithmetic import cast, group_maxima, namespace, repeated, rows_at, running_totals
from .arrays import Array, handed_back, lent, uploaded
from .codes import Codes
from .hamming import hamming, words_of
from .ragged import checked_offsets

_GATHER_BYTES = 32 << 20


def consecutive_hamming(
    codes: Codes | Array, offsets: Any = None, *, per_layer: bool = False
) -> Array:
    """Hamming distance of every code to the next one on its path: the sampled transitions.

    Parameters
    ----------
    codes : Codes, or uint64 words (n, w)
        The codes at the points of one path in order, or of many paths one after the other.
    offsets : integers (paths + 1,), optional
        Path p is rows [offsets[p], offsets[p + 1]), at least one. None: all rows are one path.
        Read on the CPU: an array on a GPU is copied back first.
    per_layer : bool
        Break the distances down by layer (needs Codes).

    Returns
    -------
    distances : int32 (steps,), or (steps, layers) if `per_layer`
        The steps of one path after those of another: ``n - 1`` for one path (0 for no codes), and
        those of path p are [offsets[p] - p, offsets[p + 1] - p - 1). There is no step from one path
        to the next.

    Raises
    ------
    TypeError : not codes, or `per_layer` without layers, or offsets that are no integers.
    ValueError : offsets that do not cover the codes, or a path without codes.

    Notes
    -----
    Their sum is at most the number of exact crossings: a unit that flips twice between two points
    is missed. O(n w); the words are compared in place.

    """
    words = words_of(codes, "codes")
    rows = int(words.shape[0])
    steps = hamming(codes[:-1], codes[1:], per_layer=per_layer)
    if offsets is None:
        return steps
    inside = np.ones(max(rows - 1, 0), bool)
    inside[checked_offsets(offsets, rows, "path", least=1)[1:-1] - 1] = False
    kept = lent(steps)[uploaded(np.flatnonzero(inside), words)]
    return handed_back(kept, words)


def hamming_from_start(
    codes: Codes | Array, offsets: Any = None, *, per_layer: bool = False
) -> Array:
    """Hamming distance of every code to the first one on its path.

    Parameters
    ----------
    codes, offsets, per_layer
        As in `consecutive_hamming`.

    Returns
    -------
    distances : int32 (n,), or (n, layers) if `per_layer`; 0 at each start

    Raises what `consecutive_hamming` raises. O(n w); the starts of many paths are copied beside
    their codes, 32 MiB at a time.

    """
    words = words_of(codes, "codes")
    rows = int(words.shape[0])
    if offsets is None:
        start = repeated(words[0], rows) if rows else words
        return hamming(codes, _with_words(codes, start), per_layer=per_layer)
    bounds = checked_offsets(offsets, rows, "path", least=1)
    starts = np.repeat(bounds[:-1], np.diff(bounds))
    step = max(1, _GATHER_BYTES // max(8, 8 * _width(words)))
    parts = []
    for begin in range(0, max(rows, 1), step):
        first = rows_at(lent(words), uploaded(starts[begin : begin + step], words))
        beside = _with_words(codes, handed_back(first, words))
        part = hamming(codes[begin : begin + step], beside, per_layer=per_layer)
        parts.append(lent(part))
    return handed_back(namespace(parts[0]).concatenate(parts), words)


def _width(words: Array) -> int:
    return int(words.shape[1])


def _with_words(codes: Codes | Array, words: Array) -> Codes | Array:
    return Codes._trusted(words, codes.layers) if isinstance(codes, Codes) else words


def space_folding(codes: Codes | Array, offsets: Any = None) -> Any:
    """How much a path folds: the share of its transitions that do not lead away from its start.

    ``chi = 1 - max_i H(s_1, s_i) / sum_i H(s_i, s_i+1)``: 0 if no unit flips back, towards 1 if the
    path keeps returning to polytopes near its first.

    Parameters
    ----------
    codes, offsets
        As in `consecutive_hamming`.

    Returns
    -------
    chi : float, or with `offsets` float64 (paths,) of the codes' library and device; NaN for a
        path without transitions

    Raises what `consecutive_hamming` raises, and ValueError for one path of no codes. O(n w). On a
    GPU a float waits for it.

    Notes
    -----
    After the space folding of arXiv 2502.09954, in the form that field notes of this project give
    from memory: it has not been checked against the paper's text.

    """
    words = words_of(codes, "codes")
    rows = int(words.shape[0])
    if offsets is None and rows == 0:
        raise ValueError("codes holds no codes; wanted a path of at least one")
    given = [0, rows] if offsets is None else offsets
    bounds = checked_offsets(given, rows, "path", least=1)
    paths = len(bounds) - 1
    if paths == 0:
        return handed_back(uploaded(np.empty(0), words), words)
    so_far = running_totals(lent(consecutive_hamming(codes, given)))
    total = so_far[uploaded(bounds - np.arange(paths + 1), words)]
    chi = cast(group_maxima(lent(hamming_from_start(codes, given)), bounds), "float64")
    with np.errstate(invalid="ignore"):
        chi /= total[1:] - total[:-1]
    chi = 1 - chi
    return float(chi[0]) if offsets is None else handed_back(chi, words)
