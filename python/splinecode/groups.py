"""Units that flip somewhere, or everywhere, in groups of codes: local complexity."""

from __future__ import annotations

from typing import Any

from . import _core
from .arithmetic import repeated
from .arrays import Array, empty, uploaded
from .codes import Codes
from .hamming import need_comparable, words_of
from .kernels import run
from .ragged import checked_offsets
from .similarity import active_counts


def flipped_any(
    codes: Codes | Array,
    offsets: Any,
    reference: Codes | Array | None = None,
    *,
    per_layer: bool = False,
    return_codes: bool = False,
) -> Any:
    """Count the units that differ from a group's reference in at least one of its codes.

    Parameters
    ----------
    codes : Codes, or uint64 words (n, w)
    offsets : integers (groups + 1,)
        Group g is rows [offsets[g], offsets[g + 1]). Read on the CPU: an array on a GPU is copied
        back first.
    reference : Codes or words, optional
        One code a group, or one for all. None: the first code of each group, which the others are
        compared with.
    per_layer : bool
        Break the counts down by layer (needs Codes).
    return_codes : bool
        Also return which units they are.

    Returns
    -------
    counts : int32 (groups,), or (groups, layers) if `per_layer`
    flipped : Codes (or words) of one code a group, if `return_codes`
        A unit that counts is active in it.

    A group in which nothing is compared (no codes, or only the reference itself) counts 0.

    Raises
    ------
    TypeError : not codes, `per_layer` without layers, or offsets that are no integers.
    ValueError : offsets that do not cover the codes; a reference of another layout, library or
        number of codes.

    Notes
    -----
    ``popcount(OR_k (c_k XOR c_0))``, in one pass over the words: O(n w). With a point and the
    vertices of a small cross-polytope around it as one group, summed over layers, it is the local
    complexity of arXiv 2402.15555: the units whose sign is not the same at all of them.

    """
    return _flipped(codes, offsets, reference, False, per_layer, return_codes)


def flipped_all(
    codes: Codes | Array,
    offsets: Any,
    reference: Codes | Array | None = None,
    *,
    per_layer: bool = False,
    return_codes: bool = False,
) -> Any:
    """Count the units that differ from a group's reference in every one of its codes.

    ``popcount(AND_k (c_k XOR c_0))``. Parameters, results, errors and cost are those of
    `flipped_any`; a group in which nothing is compared counts 0.
    """
    return _flipped(codes, offsets, reference, True, per_layer, return_codes)


def _flipped(
    codes: Codes | Array,
    offsets: Any,
    reference: Codes | Array | None,
    every: bool,
    per_layer: bool,
    return_codes: bool,
) -> Any:
    words = words_of(codes, "codes")
    bounds = checked_offsets(offsets, int(words.shape[0]), "group")
    groups = len(bounds) - 1
    center = None if reference is None else _one_a_group(codes, reference, groups)
    reduced = empty(words, (groups, int(words.shape[1])), "uint64", "flipped units")
    starts = uploaded(bounds, words)
    run(_core.reduce_differences, words, words, starts, center, every, reduced)
    flipped = Codes._trusted(reduced, codes.layers) if isinstance(codes, Codes) else reduced
    counts = active_counts(flipped, per_layer=per_layer)
    return (counts, flipped) if return_codes else counts


def _one_a_group(codes: Codes | Array, reference: Codes | Array, groups: int) -> Array:
    need_comparable(codes, "codes", reference, "reference")
    words = words_of(reference, "reference")
    if len(words) not in (1, groups):
        raise ValueError(
            f"reference has {len(words)} codes; wanted one, or one for each of {groups} groups"
        )
    return words if len(words) == groups else repeated(words[0], groups)
