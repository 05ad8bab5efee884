"""The specification of crossings through a norm, in rational numbers; obvious and slow.

Like oracle.py it imports nothing of splinecode. A unit is on where p(t) + q sqrt(v(t)) > 0. Its
sign at a rational t is decided by squaring. It can only change at roots of p^2 = q^2 v, which are
enclosed by rationals; the bit on the open interval between two of them is its sign in the middle.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

Row = list[Fraction]

PRECISION = 2**300


@dataclass(frozen=True)
class Unit:
    """p and v at t = 0, 1/2 and 1 (which is all there is to know of a quadratic), and q."""

    p: tuple[Fraction, Fraction, Fraction]
    v: tuple[Fraction, Fraction, Fraction]
    q: Fraction

    def sign(self, t: Fraction) -> int:
        """Return the sign of the pre-activation at t."""
        p, v = quadratic(self.p, t), quadratic(self.v, t)
        assert v > 0
        difference = p * p - self.q * self.q * v
        if p >= 0 and self.q >= 0:
            return int(p > 0 or self.q > 0)
        if p <= 0 and self.q <= 0:
            return -1
        larger = p if difference > 0 else self.q
        return 0 if difference == 0 else (1 if larger > 0 else -1)


def quadratic(values: tuple[Fraction, Fraction, Fraction], t: Fraction) -> Fraction:
    """Interpolate values at 0, 1/2 and 1 (Lagrange)."""
    f0, f5, f1 = values
    return f0 * (1 - t) * (1 - 2 * t) + f5 * 4 * t * (1 - t) + f1 * t * (2 * t - 1)


def roots_inside(values: tuple[Fraction, Fraction, Fraction]) -> list[tuple[Fraction, Fraction]]:
    """Enclose the roots in (0, 1) of a quadratic that is not 0 everywhere, in rising order."""
    f0, f5, f1 = values
    a, b, c = 2 * f0 - 4 * f5 + 2 * f1, -3 * f0 + 4 * f5 - f1, f0
    if a == 0:
        found = [] if b == 0 else [(-c / b, -c / b)]
    elif b * b < 4 * a * c:
        found = []
    else:
        low, high = square_root(b * b - 4 * a * c)
        ends = [(-b - high, -b - low), (-b + low, -b + high)]
        found = [tuple(sorted((x / (2 * a), y / (2 * a)))) for x, y in ends]
        found = sorted(found)[: 1 if high == 0 else 2]
    return [(x, y) for x, y in found if y > 0 and x < 1 and (x, y) not in ((0, 0), (1, 1))]


def square_root(value: Fraction) -> tuple[Fraction, Fraction]:
    """Enclose a square root, by the number itself where it is rational."""
    n, m = value.numerator, value.denominator
    if isqrt(n) ** 2 == n and isqrt(m) ** 2 == m:
        return (Fraction(isqrt(n), isqrt(m)),) * 2
    scaled = isqrt(n * m * PRECISION * PRECISION)
    return Fraction(scaled, m * PRECISION), Fraction(scaled + 1, m * PRECISION)


def crossings_of(unit: Unit) -> tuple[bool, list[tuple[Fraction, Fraction, int]]]:
    """Return the bit on the first piece, and (low, high, direction) of every crossing."""
    squares = tuple(p * p - unit.q * unit.q * v for p, v in zip(unit.p, unit.v, strict=True))
    places = roots_inside(squares) if any(squares) else []
    edges = [(Fraction(0),) * 2, *places, (Fraction(1),) * 2]
    middles = [(before[1] + after[0]) / 2 for before, after in itertools.pairwise(edges)]
    assert all(x[1] < y[0] for x, y in itertools.pairwise(edges)), "closer than PRECISION"
    bits = [unit.sign(t) > 0 for t in middles]
    changes = [
        (*place, 1 if after else -1)
        for place, before, after in zip(places, bits, bits[1:], strict=False)
        if before != after
    ]
    return bits[0], changes


def units_of(
    kind: str, eps: Fraction, gain: Row, shift: Row, weight: list[Row], bias: Row, a: Row, b: Row
) -> list[Unit]:
    """Write z of every unit along a segment, from the definition of the norm."""
    points = [[x + t * (y - x) for x, y in zip(a, b, strict=True)] for t in (0, Fraction(1, 2), 1)]
    width = len(a)
    if kind == "layer":
        points = [[x - sum(row) / width for x in row] for row in points]
    v = tuple(sum(x * x for x in row) / width + eps for row in points)
    if kind == "none":
        v = (Fraction(1),) * 3
    return [
        Unit(
            tuple(sum(w * g * x for w, g, x in zip(row, gain, y, strict=True)) for y in points),
            v,
            sum(w * s for w, s in zip(row, shift, strict=True)) + c,
        )
        for row, c in zip(weight, bias, strict=True)
    ]
