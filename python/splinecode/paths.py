"""Codes along paths: how many units flip from step to step, and how far a path leaves its start."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import Array, as_numpy, from_numpy, library_of
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
    codes : Codes, or uint64 words (n, w); on the CPU
        The codes at the points of one path in order, or of many paths one after the other.
    offsets : integers (paths + 1,), optional
        Path p is rows [offsets[p], offsets[p + 1]), at least one. None: all rows are one path.
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
    return from_numpy(as_numpy(steps, "codes")[inside], library_of(words, "codes"))


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
    library, host = library_of(words, "codes"), _on_host(codes)
    if offsets is None:
        start = _with_words(
            codes, np.broadcast_to(words_of(host, "codes")[:1], (rows, _width(words)))
        )
        return from_numpy(hamming(host, start, per_layer=per_layer), library)
    bounds = checked_offsets(offsets, rows, "path", least=1)
    starts = np.repeat(bounds[:-1], np.diff(bounds))
    step = max(1, _GATHER_BYTES // max(8, 8 * _width(words)))
    parts = [
        hamming(host[begin : begin + step], host[starts[begin : begin + step]], per_layer=per_layer)
        for begin in range(0, max(rows, 1), step)
    ]
    return from_numpy(np.concatenate(parts), library)


def _width(words: Array) -> int:
    return int(words.shape[1])


def _on_host(codes: Codes | Array) -> Codes | NDArray[np.uint64]:
    """View codes through numpy, layers and all."""
    return _with_words(codes, as_numpy(words_of(codes, "codes"), "codes"))


def _with_words(codes: Codes | Array, words: NDArray[np.uint64]) -> Codes | NDArray[np.uint64]:
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
    chi : float, or with `offsets` float64 (paths,) of the codes' library; NaN for a path without
        transitions

    Raises what `consecutive_hamming` raises, and ValueError for one path of no codes. O(n w).

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
    steps = as_numpy(consecutive_hamming(codes, given), "codes")
    away = as_numpy(hamming_from_start(codes, given), "codes")
    first = bounds[:-1]
    paths = len(first)
    if paths == 0:
        return from_numpy(np.empty(0), library_of(words, "codes"))
    farthest = np.maximum.reduceat(away, first)
    so_far = np.concatenate([[0], np.cumsum(steps, dtype=np.int64)])
    total = np.diff(so_far[bounds - np.arange(paths + 1)])
    chi = np.full(paths, np.nan)
    np.divide(farthest, total, out=chi, where=total > 0)
    chi = 1 - chi
    return float(chi[0]) if offsets is None else from_numpy(chi, library_of(words, "codes"))
