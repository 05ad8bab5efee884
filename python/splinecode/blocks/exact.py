"""Single units in rational arithmetic, for what float64 cannot decide.

Ends and parameters are floats, hence rationals. The sign of p + q sqrt(v) at a rational t is
decided by comparing p^2 with q^2 v, so every root can be isolated between neighbouring floats.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, isqrt, lcm
from operator import mul
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from .block import MlpBlock

Vector = np.ndarray[Any, Any]


class ExactRoot(NamedTuple):
    """A crossing: its float64 `t`, how far that is off at most, +1 or -1, and what it is.

    Two roots are the same number iff their `number`s are equal.
    """

    t: float
    t_error: float
    direction: int
    number: Hashable


class ExactUnit(NamedTuple):
    """The bit of a unit at the start of a segment, and its crossings from there on."""

    first_bit: bool
    roots: list[ExactRoot]


def integers(values: Vector) -> tuple[list[int], Fraction]:
    """Write floats as integers times one power of two."""
    mantissa, exponent = np.frexp(values.astype(np.float64))
    exponent = exponent.astype(np.int64) - 53
    whole = np.ldexp(mantissa, 53).astype(np.int64)
    used = exponent[whole != 0]
    least = int(used.min()) if len(used) else 0
    shifts = np.where(whole == 0, 0, exponent - least)
    scale = Fraction(2) ** least
    return [w << s for w, s in zip(whole.tolist(), shifts.tolist(), strict=True)], scale


def exact_offset(block: MlpBlock, unit: int) -> Fraction:
    """Return q = weight . shift + bias of a unit."""
    assert block.bias is not None
    q = Fraction(float(block.bias[unit]))
    if block.norm.shift is not None:
        q += _dot(integers(block.weight[unit]), integers(block.norm.shift))
    return q


def _dot(a: tuple[list[int], Fraction], b: tuple[list[int], Fraction]) -> Fraction:
    return Fraction(sum(map(mul, a[0], b[0]))) * a[1] * b[1]


class ExactSegment:
    """A segment as the norm sees it: y at its ends, and v as a quadratic in Bernstein form."""

    def __init__(self, block: MlpBlock, a: Vector, b: Vector) -> None:
        self._block = block
        self._gain = None if block.norm.gain is None else integers(block.norm.gain)
        ends, scale = integers(np.concatenate([a, b]))
        width = len(a)
        start, end = ends[:width], ends[width:]
        if block.norm.kind == "layer":  # y times the width, in integers
            start, end = ([width * x - sum(y) for x in y] for y in (start, end))
            scale /= width
        self._ends = ((start, scale), (end, scale))
        if block.norm.kind == "none":
            self._v = (Fraction(1), Fraction(1), Fraction(1))
        else:
            eps = Fraction(block.norm.eps)
            (y0, y1) = self._ends
            mean = (_dot(y, w) / width + eps for y, w in ((y0, y0), (y0, y1), (y1, y1)))
            self._v = next(mean), next(mean), next(mean)

    def meets_zero(self) -> bool:
        """Tell whether v is 0 at some t in [0, 1]: nothing to divide by."""
        v0, v01, v1 = self._v
        if v0 == 0 or v1 == 0:
            return True
        return v01 < 0 and v01 * v01 == v0 * v1  # antiparallel, by Cauchy and Schwarz

    def unit(self, unit: int) -> ExactUnit:
        """Decide everything about a unit: O(width) products of big integers."""
        weight = integers(self._block.weight[unit])
        if self._gain is not None:
            weight = list(map(mul, weight[0], self._gain[0])), weight[1] * self._gain[1]
        p0, p1 = (_dot(weight, y) for y in self._ends)
        q = exact_offset(self._block, unit)
        if q == 0:
            return _straight_unit(p0, p1)
        sign = -1 if q < 0 else 1
        v0, v01, v1 = self._v
        squares = (p0 * p0 - q * q * v0, p0 * p1 - q * q * v01, p1 * p1 - q * q * v1)
        return _Convex.of(sign * p0, sign * p1, squares).unit(sign)


def _straight_unit(p0: Fraction, p1: Fraction) -> ExactUnit:
    """Decide p alone, which is affine."""
    first_bit = p0 > 0 or (p0 == 0 and p1 > 0)
    if p0 * p1 >= 0:
        return ExactUnit(first_bit, [])
    root = p0 / (p0 - p1)
    direction = 1 if p1 > 0 else -1
    return ExactUnit(first_bit, [_rounded(lambda t: _sign(t - root), direction, root)])


@dataclass(frozen=True)
class _Convex:
    """h = p + abs(q) sqrt(v) up to a factor: p at the ends, f = p^2 - q^2 v in Bernstein form.

    All integers. Where p < 0, h and f have opposite signs; elsewhere h > 0.
    """

    p: tuple[int, int]
    f: tuple[int, int, int]

    @classmethod
    def of(
        cls, p0: Fraction, p1: Fraction, squares: tuple[Fraction, Fraction, Fraction]
    ) -> _Convex:
        p_scale = lcm(p0.denominator, p1.denominator)
        f_scale = lcm(*(f.denominator for f in squares))
        f0, f01, f1 = (int(f * f_scale) for f in squares)
        return cls((int(p0 * p_scale), int(p1 * p_scale)), (f0, f01, f1))

    def sign(self, t: Fraction) -> int:
        """Return the sign of h at t."""
        n, m = t.numerator, t.denominator
        if (m - n) * self.p[0] + n * self.p[1] >= 0:
            return 1
        f0, f01, f1 = self.f
        return -_sign((m - n) ** 2 * f0 + 2 * n * (m - n) * f01 + n * n * f1)

    def dip(self) -> Fraction | None:
        """Return a t in (0, 1) where h < 0, for h >= 0 at both ends; None if there is none.

        h < 0 inside means that f is concave and positive just there: look at its vertex.
        """
        f0, f01, f1 = self.f
        rise, bend = f01 - f0, f0 - 2 * f01 + f1
        if not (bend < 0 < rise < -bend):
            return None
        vertex = Fraction(rise, -bend)
        return vertex if self.sign(vertex) < 0 else None

    def unit(self, sign: int) -> ExactUnit:
        """Find the crossings of a unit whose pre-activation has the sign of sign * h."""
        first, last = self.sign(Fraction(0)), self.sign(Fraction(1))
        dip = self.dip() if first >= 0 and last >= 0 else None
        roots = []
        if first > 0 and (last < 0 or dip is not None):
            roots.append(self._root(-1, sign, Fraction(1) if dip is None else dip))
        if last > 0 and (first < 0 or dip is not None):
            roots.append(self._root(1, sign, Fraction(0) if dip is None else dip))
        inside = first or (-1 if dip is not None else last)  # the sign just after 0
        return ExactUnit(sign * inside > 0, roots)

    def _root(self, slope: int, sign: int, negative: Fraction) -> ExactRoot:
        """Round the root where h falls (slope -1) before, or rises after, a t where h < 0."""

        def side(t: Fraction) -> int:
            """Return the sign of t less the root."""
            beyond = t > negative if slope < 0 else t < negative
            return -slope if beyond else slope * self.sign(t)

        return _rounded(side, slope * sign, self._number(slope))

    def _number(self, slope: int) -> Hashable:
        """Name the root: a rational, or a primitive integer quadratic and which of its roots.

        f = a t^2 - 2 b t + c has f' = 2 (a t - b) = -slope 2 sqrt(D) there, as f' has the sign of
        -h'.
        """
        f0, f01, f1 = self.f
        a, b, c = f0 - 2 * f01 + f1, f0 - f01, f0
        discriminant = b * b - a * c
        root = isqrt(discriminant)
        if a == 0:
            return Fraction(c, 2 * b)
        if root * root == discriminant:
            return Fraction(b - slope * root, a)
        common = gcd(a, 2 * b, c) * _sign(a)
        return a // common, 2 * b // common, c // common, slope * _sign(a)


def _rounded(side: Callable[[Fraction], int], direction: int, number: Hashable) -> ExactRoot:
    """Find the float in (0, 1) nearest to a root, given the sign of t less the root."""
    low, high = 0, _bits(1.0)
    while high - low > 1:
        middle = (low + high) // 2
        if side(Fraction(_float(middle))) < 0:
            low = middle
        else:
            high = middle
    below, above = _float(low), _float(high)
    if above < 1 and side(Fraction(above)) == 0:
        return ExactRoot(above, 0.0, direction, number)
    nearer_above = side((Fraction(below) + Fraction(above)) / 2) < 0
    t = above if below == 0 or (nearer_above and above < 1) else below
    return ExactRoot(t, above - below, direction, number)


def _bits(value: float) -> int:
    """Number the floats from 0 on in their order."""
    return int(struct.unpack("<q", struct.pack("<d", value))[0])


def _float(bits: int) -> float:
    return float(struct.unpack("<d", struct.pack("<q", bits))[0])


def _sign(value: Any) -> int:
    return int(value > 0) - int(value < 0)
