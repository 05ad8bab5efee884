"""Codes seen by unit: how often each is active, and which are active together."""

from __future__ import annotations

import numpy as np

from . import _core
from .arithmetic import cast, zeros
from .arrays import Array, empty, handed_back, lent, need_same_place
from .codes import WORD_BITS, Codes, words_for
from .hamming import words_of
from .kernels import run
from .masks import bits_of_layers
from .memory import need_room
from .similarity import active_counts, into_intersections

_TRANSPOSED_BYTES = 256 << 20
_MATRIX_BYTES = 64 << 20


def firing_counts(codes: Codes | Array) -> Array:
    """Count, for every unit, the codes in which it is active.

    Parameters
    ----------
    codes : Codes, or uint64 words (n, w)
        One layer: ``codes.layer(name)`` or ``codes.select(glob)``, without a copy.

    Returns
    -------
    counts : int64 (n_bits,)
        In the order of ``codes.bits()``; of plain words every bit is a unit.

    Raises
    ------
    TypeError : not codes.

    Notes
    -----
    O(n w) by bit-sliced counters; reads the words once. ``(counts == 0)`` are the dead units of
    these inputs, ``(counts == n)`` those always on.

    """
    words, bits = words_of(codes, "codes"), bits_of_layers(codes)
    counts = empty(words, (sum(bits),), "int64")
    run(_core.column_counts, words, words, bits, counts)
    return counts


def firing_rates(codes: Codes | Array) -> Array:
    """Share of the codes in which each unit is active: float64 (n_bits,), as `firing_counts`.

    Raises ValueError for no codes, of which there is no share.
    """
    words = words_of(codes, "codes")
    if words.shape[0] == 0:
        raise ValueError("codes holds no codes; wanted at least one for rates")
    rates = cast(lent(firing_counts(codes)), "float64")
    rates /= int(words.shape[0])
    return handed_back(rates, words)


def cofiring(codes: Codes | Array, other: Codes | Array | None = None) -> Array:
    """Count, for every two units, the inputs for which both are active.

    Parameters
    ----------
    codes : Codes, or uint64 words (n, w)
    other : Codes or words of the same n inputs, optional
        Where the second unit is looked up, such as another layer; None: in `codes` too.

    Returns
    -------
    counts : int32 (units, units of other)
        Units in the order of ``bits()``. Without `other` the diagonal holds the firing counts.

    Raises
    ------
    TypeError : not codes.
    ValueError : other numbers of inputs, another library or device, or 2^31 inputs and more.
    MemoryError : units * units counts do not fit in memory.

    Notes
    -----
    The product of the bit matrix and its transpose, as Hamming distances between units:
    ``|a & b| = (|a| + |b| - H(a, b)) / 2``. O(n units^2 / 64), half of that
    without `other`. Beside the result it takes unit-major copies of up to 256 MiB of codes at a
    time, and 64 MiB of distances.

    """
    x_words = words_of(codes, "codes")
    y_words = x_words if other is None else words_of(other, "other")
    need_same_place(x_words, "codes", y_words, "other")
    rows = int(x_words.shape[0])
    if y_words.shape[0] != rows:
        raise ValueError(
            f"codes has {rows} codes and other {y_words.shape[0]}; wanted those of the same inputs"
        )
    if rows > np.iinfo(np.int32).max:
        raise ValueError(
            f"codes has {rows} codes; wanted fewer than 2^31, so that counts fit int32"
        )
    x_bits, y_bits = bits_of_layers(codes), bits_of_layers(codes if other is None else other)
    shape = (sum(x_bits), sum(y_bits))
    what = f"counts of {shape[0]} x {shape[1]} units"
    need_room(shape, 4, what, near=x_words)
    x, y = lent(x_words), lent(y_words)
    counts = zeros(x, shape, "int32", what)
    step = _rows_at_once(x.shape[1] + y.shape[1])
    for begin in range(0, rows, step):
        x_units = _unit_major(x[begin : begin + step], x_bits)
        if other is None:
            _add_symmetric_intersections(x_units, counts)
            continue
        _add_intersections(x_units, _unit_major(y[begin : begin + step], y_bits), counts)
    return handed_back(counts, x_words)


def _rows_at_once(words: int) -> int:
    """Rows whose unit-major copy stays within bounds: whole words of them."""
    rows = _TRANSPOSED_BYTES // (8 * max(words, 1))
    return max(rows // WORD_BITS, WORD_BITS) * WORD_BITS


def _unit_major(words: Array, bits: list[int]) -> Array:
    """Bit r of row u says whether unit u is active in code r."""
    units = empty(words, (sum(bits), words_for(len(words))), "uint64", "codes by unit")
    run(_core.transpose_bits, words, words, bits, units)
    return units


def _add_intersections(x_units: Array, y_units: Array, counts: Array) -> None:
    step = max(1, _MATRIX_BYTES // max(4, 4 * len(y_units)))
    for begin in range(0, len(x_units), step):
        part = slice(begin, begin + step)
        counts[part] += _intersections(x_units[part], y_units)


def _add_symmetric_intersections(units: Array, counts: Array) -> None:
    """As `_add_intersections` of units with themselves, each two of them compared once."""
    step = max(1, _MATRIX_BYTES // max(4, 4 * len(units)))
    for begin in range(0, len(units), step):
        part, after = slice(begin, begin + step), slice(begin + step, None)
        counts[part, part] += _intersections(units[part], None)
        shared = _intersections(units[part], units[after])
        counts[part, after] += shared
        counts[after, part] += shared.T


def _intersections(x_units: Array, y_units: Array | None) -> Array:
    others = x_units if y_units is None else y_units
    distances = empty(x_units, (len(x_units), len(others)), "int32", "distances of units")
    if y_units is None:
        run(_core.hamming_matrix_symmetric, x_units, x_units, distances)
    else:
        run(_core.hamming_matrix, x_units, x_units, y_units, distances)
    into_intersections(distances, active_counts(x_units), active_counts(others))
    return distances
