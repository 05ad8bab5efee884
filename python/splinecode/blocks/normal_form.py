"""The units of a block, rewritten so that every unit is a convex function along a segment.

With y(x) and v(x) = mean(y^2) + eps of the norm (`Norm`), z = (p + q sqrt(v)) / sqrt(v), where
p = (weight * gain) . y and q = weight . shift + bias. Along a segment y is affine in t, and sqrt(v)
is the length of an affine vector: convex. So is h = sign (p + q sqrt(v)) with the sign that makes q
positive, and a convex function has at most two roots. Without a norm v is 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from .exact import exact_offset

if TYPE_CHECKING:
    from .block import MlpBlock

Vector = np.ndarray[Any, Any]
Matrix = np.ndarray[Any, Any]

UNIT = 2.0**-53
"""The unit roundoff of float64."""

_LEAST = 2.0**-1074
_LEAST_SIZE = 2.0**-500
_ROWS_BYTES = 1 << 25


def gamma(products: int) -> float:
    """Bound the relative error of a sum of products, in any order (Higham 2002, section 3.1)."""
    return products * UNIT / (1 - products * UNIT)


@dataclass(frozen=True)
class NormalForm:
    """The units that can fire, scaled by powers of two: straight ones first, then curved ones.

    Straight units have q = 0, their h is affine in t. Row k of `weight` (d columns) and `offset`
    are p's and q's of unit `order[k]`, times `sign[k]` and a power of two such that
    sqrt(d) * norm(weight[k]) + 2 * (sum of the absolute terms of q) lies in [1, 2): rounding
    bounds then depend on the segment alone. Signs of q are exact.
    """

    weight: Matrix
    offset: Vector
    sign: np.ndarray[Any, Any]  # int8
    order: np.ndarray[Any, Any]  # int64
    straight: int

    @classmethod
    def of(cls, block: MlpBlock) -> NormalForm:
        """Rewrite the units of a block: O(units * width)."""
        weight, offset, size = _float_units(block)
        _need_bearable(block, size)
        dead, straight = size == 0, offset == 0
        order = np.lexsort((np.arange(len(size)), ~straight))
        order = order[~dead[order]]
        sign = np.where(offset < 0, -1, 1).astype(np.int8)[order]
        exponent = 1 - np.frexp(size)[1][order]
        weight = weight[order]
        np.ldexp(weight, exponent[:, None], out=weight)
        weight *= sign[:, None]
        return cls(
            weight,
            np.ldexp(np.abs(offset[order]), exponent),
            sign,
            order,
            int((straight & ~dead).sum()),
        )


def _float_units(block: MlpBlock) -> tuple[Matrix, Vector, Vector]:
    """Return weight * gain (units, d), q (units,) with exact signs, and the sizes of the units."""
    assert block.bias is not None
    gain, shift = block.norm.gain, block.norm.shift
    weight = np.empty(block.weight.shape)
    offset, terms = block.bias.copy(), np.abs(block.bias)
    size = np.empty(block.units)
    step = max(1, _ROWS_BYTES // (8 * block.width))
    for start in range(0, block.units, step):
        rows = slice(start, start + step)
        raw = block.weight[rows].astype(np.float64)
        weight[rows] = raw if gain is None else raw * gain
        if shift is not None:
            offset[rows] += raw @ shift
            terms[rows] += np.abs(raw) @ np.abs(shift)
        size[rows] = np.sqrt(block.width) * _norms(weight[rows])
    size += 2 * terms
    if shift is not None:
        unsure = np.abs(offset) <= 2 * gamma(block.width + 2) * terms
        for unit in np.flatnonzero(unsure & (terms > 0)):
            offset[unit] = _with_sign(exact_offset(block, int(unit)))
    return weight, offset, size


def _with_sign(value: Fraction) -> float:
    """Round, but not to 0."""
    return float(value) or _LEAST * ((value > 0) - (value < 0))


def _norms(rows: Matrix) -> Vector:
    """Return the Euclidean norms of rows of any scale."""
    largest = np.abs(rows).max(axis=1, initial=0.0)
    scale = np.where(largest > 0, largest, 1.0)
    scaled = rows / scale[:, None]
    norms: Vector = np.sqrt(np.einsum("ij,ij->i", scaled, scaled)) * scale
    return norms


def _need_bearable(block: MlpBlock, size: Vector) -> None:
    """Refuse units so small that their products underflow."""
    assert block.bias is not None
    counts = np.ones(block.width, bool) if block.norm.gain is None else block.norm.gain != 0
    if block.norm.shift is not None:
        counts |= block.norm.shift != 0
    for unit in np.flatnonzero(size < _LEAST_SIZE):
        if block.weight[unit, counts].any() or block.bias[unit] != 0:
            raise ValueError(
                f"unit {unit} of the block has weights of size {size[unit]:.0e}, whose products "
                "underflow float64; scale them up"
            )
