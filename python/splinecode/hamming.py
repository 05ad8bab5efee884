"""Hamming distances between spline codes: how many units differ."""

from __future__ import annotations

from . import _core
from .arithmetic import masked, repeated, scaled, zeros
from .arrays import (
    Array,
    dtype_name,
    empty,
    handed_back,
    lent,
    library_of,
    need_same_place,
)
from .codes import Codes, need_same_layers
from .kernels import run
from .masks import Mask, Weights, layer_ranges, layer_weights, mask_words
from .matrices import Distances, need_counts_fit, need_form
from .memory import item_bytes


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


def hamming(
    a: Codes | Array,
    b: Codes | Array,
    *,
    per_layer: bool = False,
    mask: Mask | None = None,
    weights: Weights | None = None,
) -> Array:
    """Hamming distance of code i of `a` and code i of `b`, for every i.

    Parameters
    ----------
    a, b : Codes, or uint64 words (n, w)
        Equally many codes of one layout.
    per_layer : bool
        Break the distance down by layer (needs Codes).
    mask : Codes of one code, uint64 words (w,), or bool (n_bits,)
        Count only the units that are set here. Booleans stand in the order of `Codes.bits()` and
        need Codes. Beside a and b, or on the CPU, from where it is copied to their GPU.
    weights : mapping of layer name to float, or a float a layer
        What a unit of each layer counts (needs Codes): finite, at least 0. Read on the CPU: an
        array on a GPU is copied back first.

    Returns
    -------
    distances : int32 (n,), or (n, layers) if `per_layer`; counts of units. With `weights` float64:
        each layer's count times its weight, added up in the order of the layers unless `per_layer`

    Raises
    ------
    TypeError : not codes, or layers asked for where there are none.
    ValueError : other layout, number of codes, library or device; a mask or weights that do not
        fit the layers.

    Notes
    -----
    O(n w); reads both once, whatever is asked for.

    """
    need_pairs(a, b)
    a_words, b_words = words_of(a, "a"), words_of(b, "b")
    ranges = [(0, int(a_words.shape[1]))]
    if per_layer or weights is not None:
        ranges = layer_ranges(a, "a", "per_layer" if weights is None else "weights")
    chosen = None if mask is None else repeated(mask_words(mask, a), len(a_words))
    out = empty(a_words, (a_words.shape[0], len(ranges)), "int32", "distances")
    run(_core.hamming_paired, a_words, a_words, b_words, ranges, out, chosen)
    if weights is None:
        return out if per_layer else out[:, 0]
    assert isinstance(a, Codes)
    sums = _weighted(lent(out), layer_weights(weights, a).tolist(), per_layer)
    return handed_back(sums, a_words)


def need_pairs(a: Codes | Array, b: Codes | Array) -> None:
    """Raise ValueError unless the two have one layout, library and device, and as many codes."""
    need_comparable(a, "a", b, "b")
    n_a, n_b = (words_of(codes, "codes").shape[0] for codes in (a, b))
    if n_a != n_b:
        raise ValueError(
            f"a has {n_a} codes and b {n_b}; wanted pairs. The matrix functions compare all "
            "with all"
        )


def _weighted(counts: Array, weights: list[float], per_layer: bool) -> Array:
    """Multiply counts (n, layers) by the weights; add up layer by layer unless `per_layer`.

    One after the other, so that the rounding does not depend on a library's blocks.
    """
    layers = len(weights) if per_layer else 1
    out = zeros(counts, (counts.shape[0], layers), "float64", "distances")
    for layer, weight in enumerate(weights):
        out[:, layer if per_layer else 0] += scaled(counts[:, layer], weight)
    return out if per_layer else out[:, 0]


def hamming_matrix(
    x: Codes | Array,
    y: Codes | Array | None = None,
    *,
    form: str = "full",
    dtype: str = "int32",
    per_layer: bool = False,
    mask: Mask | None = None,
    weights: Weights | None = None,
) -> Array:
    """Hamming distances of every code of `x` to every code of `y` (of `x` itself if None).

    Parameters
    ----------
    x : Codes, or uint64 words (n, w)
    y : Codes, or uint64 words (m, w), or None
    form : "full" or "condensed"
        "condensed" (needs y=None) leaves out what a symmetric matrix says twice: the pairs i < j
        alone, by i and then j, as `scipy.spatial.distance.pdist` orders them.
    dtype : "int32" or "uint16"
        What counts are kept in. uint16 takes half the memory; codes (with
        `per_layer`, layers) may have no more than 65,535 bits, pad bits counted.
    per_layer, mask, weights
        As in `hamming`.

    Returns
    -------
    distances : `dtype` (n, m), or (n (n - 1) / 2,) if condensed; counts of units. `per_layer` adds
        a last axis of layers. float64 with `weights`, as in `hamming`

    Raises
    ------
    TypeError : not codes, or layers asked for where there are none.
    ValueError : another layout, library or device; a mask or weights that do not fit the layers;
        no such form or dtype; "condensed" with y, or uint16 with weights or too wide codes.
    MemoryError : the distances do not fit in memory: `HammingNeighbors` needs no matrix.

    Notes
    -----
    O(n m w), half of that if y is None. A mask takes a copy of both sides' words; layers
    take a matrix more.

    """
    need_form(form, dtype, y is not None, weights is not None)
    other = x if y is None else y
    need_comparable(x, "x", other, "y")
    layered = per_layer or weights is not None
    ranges = [(0, int(words_of(x, "x").shape[1]))]
    if layered:
        ranges = layer_ranges(x, "x", "per_layer" if weights is None else "weights")
    need_counts_fit(dtype, ranges)
    matrix = _distances(x, y, mask, form, dtype)
    if not layered:
        matrix.need_room(1, dtype, 0)
        out = empty(words_of(x, "x"), matrix.shape, dtype, "distances")
        matrix.write(*ranges[0], lent(out))
        return out
    if weights is None:
        values = _stacked(matrix, ranges, dtype)
    else:
        assert isinstance(x, Codes)
        values = _summed(matrix, ranges, layer_weights(weights, x).tolist(), per_layer)
    return handed_back(values, words_of(x, "x"))


def _distances(
    x: Codes | Array, y: Codes | Array | None, mask: Mask | None, form: str, dtype: str
) -> Distances:
    chosen = None if mask is None else mask_words(mask, x)
    x_words, y_words = (
        words if words is None or chosen is None else masked(words, chosen)
        for words in (lent(words_of(x, "x")), None if y is None else lent(words_of(y, "y")))
    )
    assert x_words is not None
    return Distances(x_words, y_words, form, dtype)


def _stacked(matrix: Distances, ranges: list[tuple[int, int]], dtype: str) -> Array:
    matrix.need_room(len(ranges), dtype, item_bytes(dtype))
    out = empty(matrix.near, (*matrix.shape, len(ranges)), dtype, "distances")
    for layer, distances in enumerate(matrix.by_layer(ranges)):
        out[..., layer] = distances
    return out


def _summed(
    matrix: Distances, ranges: list[tuple[int, int]], weights: list[float], per_layer: bool
) -> Array:
    """Times the weights: a matrix a layer, or their sum in the order of the layers."""
    layers = len(ranges) if per_layer else 1
    # The counts, and their products with a weight.
    matrix.need_room(layers, "float64", 4 + 8)
    out = zeros(matrix.near, (*matrix.shape, layers), "float64", "distances")
    for layer, distances in enumerate(matrix.by_layer(ranges)):
        out[..., layer if per_layer else 0] += scaled(distances, weights[layer])
    return out if per_layer else out[..., 0]
