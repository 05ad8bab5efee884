"""Hamming distances between spline codes: how many units differ."""

from __future__ import annotations

from . import _core
from .arrays import Array, dtype_name, empty, library_of, need_same_place
from .codes import Codes, need_same_layers


def words_of(codes: Codes | Array, name: str) -> Array:
    """Return the words (n, w) of codes given as `Codes` or as a uint64 array.

    Raises TypeError for another dtype and ValueError for another number of axes.
    """
    if isinstance(codes, Codes):
        return codes.words
    library_of(codes, name)
    if dtype_name(codes) != "uint64":
        raise TypeError(
            f"{name} has dtype {dtype_name(codes)}; wanted Codes or uint64 words: "
            "pack pre-activations or booleans first"
        )
    if codes.ndim != 2:
        raise ValueError(f"{name} has shape {tuple(codes.shape)}; wanted (n, words)")
    return codes


def need_comparable(a: Codes | Array, a_name: str, b: Codes | Array, b_name: str) -> None:
    """Raise ValueError unless the two have one layout, library and device."""
    a_words, b_words = words_of(a, a_name), words_of(b, b_name)
    need_same_place(a_words, a_name, b_words, b_name)
    if isinstance(a, Codes) and isinstance(b, Codes):
        need_same_layers(a, a_name, b, b_name)
    elif a_words.shape[1] != b_words.shape[1]:
        raise ValueError(
            f"{a_name} has {a_words.shape[1]} words a code and {b_name} "
            f"{b_words.shape[1]}; wanted codes of one width"
        )


def hamming(a: Codes | Array, b: Codes | Array, *, per_layer: bool = False) -> Array:
    """Hamming distance of code i of `a` and code i of `b`, for every i.

    Parameters
    ----------
    a, b : Codes, or uint64 words (n, w)
        Equally many codes of one layout. On the CPU.
    per_layer : bool
        Break the distance down by layer (needs Codes).

    Returns
    -------
    distances : int32 (n,), or (n, layers) if `per_layer`; counts of units

    Raises
    ------
    TypeError : not codes, or `per_layer` without layers.
    ValueError : other layout, number of codes, library or device.

    Notes
    -----
    O(n w); reads both once.

    """
    need_comparable(a, "a", b, "b")
    a_words, b_words = words_of(a, "a"), words_of(b, "b")
    if a_words.shape[0] != b_words.shape[0]:
        raise ValueError(
            f"a has {a_words.shape[0]} codes and b {b_words.shape[0]}; wanted pairs. "
            "hamming_matrix compares all with all"
        )
    if not per_layer:
        ranges = [(0, int(a_words.shape[1]))]
    elif isinstance(a, Codes):
        ranges = [a.word_range(i) for i in range(len(a.layers))]
    else:
        raise TypeError("per_layer needs Codes, which know their layers; a is plain words")
    out = empty(a_words, (a_words.shape[0], len(ranges)), "int32")
    _core.hamming_paired(a_words, b_words, ranges, out)
    return out if per_layer else out[:, 0]


def hamming_matrix(x: Codes | Array, y: Codes | Array | None = None) -> Array:
    """Hamming distances of every code of `x` to every code of `y` (of `x` itself if None).

    Parameters
    ----------
    x : Codes, or uint64 words (n, w)
    y : Codes, or uint64 words (m, w), or None

    Returns
    -------
    distances : int32 (n, m); counts of units

    Raises
    ------
    TypeError : not codes.
    ValueError : another layout, library or device.
    MemoryError : n * m distances do not fit in memory: `HammingNeighbors` needs no matrix.

    Notes
    -----
    O(n m w). CPU only.

    """
    other = x if y is None else y
    need_comparable(x, "x", other, "y")
    x_words, y_words = words_of(x, "x"), words_of(other, "y")
    out = empty(x_words, (x_words.shape[0], y_words.shape[0]), "int32")
    _core.hamming_matrix(x_words, y_words, out)
    return out
