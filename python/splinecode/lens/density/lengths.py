"""Boundary density: how many polytope boundaries stand between two points, per unit of distance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ...arrays import Array, dtype_name, empty, library_of, need_same_place
from ...codes import Codes
from ...hamming import hamming

if TYPE_CHECKING:
    from ...segments import Crossings


def endpoint_density(codes_a: Codes, codes_b: Codes, distance: Array) -> Array:
    """Return the endpoint boundary density of pairs of points, layer by layer.

    ``density[i, l] = Hamming(s_l(x_i), s_l(y_i)) / ||x_i - y_i||_2``, as arXiv:2211.12312 defines
    it, with x the input of the piecewise-linear part. A unit that crosses and crosses back between
    the two points is not seen: see `exact_density`.

    Parameters
    ----------
    codes_a, codes_b : Codes
        Codes of x_i and y_i: equally many, of one layout.
    distance : real array (n,) of the codes' library and device
        ||x_i - y_i||_2, finite and not negative.

    Returns
    -------
    density : float64 (n, layers), units per unit of distance; NaN where the distance is 0

    Raises
    ------
    TypeError : not Codes, or distance no real array.
    ValueError : codes of another layout, number or place; distance of another shape or place, or
        with a number that is negative, NaN or inf.

    Notes
    -----
    O(n words). On a GPU the check of the distances waits.

    """
    for name, codes in (("codes_a", codes_a), ("codes_b", codes_b)):
        if not isinstance(codes, Codes):
            raise TypeError(
                f"{name} is a {type(codes).__name__}; wanted Codes, which know their layers"
            )
    return per_length(hamming(codes_a, codes_b, per_layer=True), distance, "distance", "pairs")


def exact_density(crossings: Crossings, length: Array) -> Array:
    """Return the exact boundary density of line segments, layer by layer.

    ``density[i, l] = (crossings of layer l in segment i) / length_i``: the limit of ever finer
    sampling, and never below the `endpoint_density` of the segment's ends unless an end lies
    exactly on a boundary (crossings lie in the open segment).

    Parameters
    ----------
    crossings : Crossings of n segments
    length : real array (n,) of the library of the crossings
        ||b_i - a_i||_2, finite and not negative.

    Returns
    -------
    density : float64 (n, layers), crossings per unit of length; NaN where the length is 0

    Raises
    ------
    TypeError : length is no real array.
    ValueError : length has another shape or place, or a number that is negative, NaN or inf.

    Notes
    -----
    O(crossings). A max pool's layer counts bits of its argmax: two for each change of winner.

    """
    return per_length(crossings.count(per_layer=True), length, "length", "segments")


def per_length(counts: Array, length: Array, name: str, what: str) -> Array:
    """Divide counts (n, layers) by length (n,), giving NaN where that is 0.

    `name` is what an error calls the lengths, `what` what they are of.
    """
    _need_lengths(counts, length, name, what)
    density = empty(counts, tuple(counts.shape), "float64")
    density[...] = counts
    apart = length > 0
    density[~apart] = math.nan
    density[apart] /= length[apart][:, None]
    return density


def _need_lengths(counts: Array, length: Array, name: str, what: str) -> None:
    library_of(length, name)
    need_same_place(counts, f"the counts of {what}", length, name)
    if not dtype_name(length).startswith(("float", "int", "uint")):
        raise TypeError(f"{name} has dtype {dtype_name(length)}; wanted real numbers")
    if tuple(length.shape) != (counts.shape[0],):
        raise ValueError(
            f"{name} has shape {tuple(length.shape)}; wanted "
            f"({counts.shape[0]},), one for each of the {what}"
        )
    wrong = ~((length >= 0) & (length < math.inf))
    if bool(wrong.any()):
        raise ValueError(
            f"{name} holds {int(wrong.sum())} numbers that are no length; wanted "
            "finite ones, at least 0"
        )
