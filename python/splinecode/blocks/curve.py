"""Convex functions h(t) = p(t) + q sqrt(v(t)) on [0, 1] in float64: values, bounds, roots.

One for each of k pairs of a segment and a unit in normal form; all arrays are (k,).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Vector = np.ndarray[Any, Any]

_WIDENINGS = (1.5, 1.5, 1.5, 6.0, 48.0)
_ROUNDING = 2.0**-51


@dataclass(frozen=True)
class Curve:
    """p at the ends, q >= 0, v in Bernstein form and its roots at the ends, bounds at the ends."""

    p0: Vector
    p1: Vector
    q: Vector
    v0: Vector
    v01: Vector
    v1: Vector
    r0: Vector
    r1: Vector
    error0: Vector
    error1: Vector

    def __len__(self) -> int:
        return len(self.p0)

    def take(self, chosen: Vector) -> Curve:
        """Return the functions at an index or where a mask is True."""
        return Curve(*(column[chosen] for column in self.columns()))

    def columns(self) -> tuple[Vector, ...]:
        """Return the arrays in order."""
        return tuple(getattr(self, name) for name in self.__dataclass_fields__)

    def length(self, t: Vector) -> Vector:
        """Return sqrt(v(t))."""
        s = 1 - t
        length: Vector = np.sqrt(
            np.maximum(s * s * self.v0 + 2 * s * t * self.v01 + t * t * self.v1, 0)
        )
        return length

    def value(self, t: Vector) -> Vector:
        """Return h(t)."""
        value: Vector = (1 - t) * self.p0 + t * self.p1 + self.q * self.length(t)
        return value

    def slope(self, t: Vector) -> Vector:
        """Return h'(t)."""
        bend = (1 - t) * (self.v01 - self.v0) + t * (self.v1 - self.v01)
        slope: Vector = self.p1 - self.p0 + self.q * bend / self.length(t)
        return slope

    def error(self, t: Vector) -> Vector:
        """Bound the error of `value` at t; see restriction.py."""
        stretch = ((1 - t) * self.r0 + t * self.r1) / self.length(t)
        error: Vector = 2 * ((1 - t) * self.error0 + t * self.error1) * np.maximum(stretch, 1)
        return error

    def tangent(self, t: Vector) -> tuple[Vector, Vector, Vector]:
        """Return the tangent at t where it meets 0 and 1, and the error of both.

        h lies above it; that it is computed for a t of float64 only does not matter.
        """
        length = self.length(t)
        at0 = self.p0 + self.q * ((1 - t) * self.v0 + t * self.v01) / length
        at1 = self.p1 + self.q * ((1 - t) * self.v01 + t * self.v1) / length
        stretch = np.maximum(self.r0, self.r1) / length
        error = 4 * np.maximum(self.error0, self.error1) * np.maximum(stretch * stretch, 1)
        return at0, at1, error

    def lowest(self) -> Vector:
        """Return about where in [0, 1] h is least."""
        bend = self.v0 - 2 * self.v01 + self.v1
        least = (self.v0 * self.v1 - self.v01 * self.v01) / bend
        k = self.p0 - self.p1
        t = (self.v0 - self.v01) / bend + k * np.sqrt(
            least / (bend * (self.q * self.q * bend - k * k))
        )
        return np.clip(np.where(np.isfinite(t), t, 0.5), 0, 1)

    def closed_form(self, rises: Vector) -> Vector:
        """Return about where h crosses 0 (rising or falling): a root of p^2 = q^2 v.

        In Bernstein form with coefficients f0, f01, f1, the discriminant is q^2 (g - q^2 w) with
        w = v0 v1 - v01^2 and g = v of the affine p1 y0 - p0 y1: no difference of fourth powers.
        The root is written so that b and the square root add.
        """
        p0, p1, q, v0, v01, v1 = self.columns()[:6]
        f0 = (p0 - q * self.r0) * (p0 + q * self.r0)
        f01 = p0 * p1 - q * q * v01
        f1 = (p1 - q * self.r1) * (p1 + q * self.r1)
        a, b = f0 - 2 * f01 + f1, f0 - f01
        g = p0 * p0 * v1 - 2 * p0 * p1 * v01 + p1 * p1 * v0
        root = q * np.sqrt(np.maximum(g - q * q * (v0 * v1 - v01 * v01), 0))
        far = b + np.where(b >= 0, root, -root)
        t: Vector = np.where((b >= 0) == rises, f0 / far, far / a)
        return t


@dataclass(frozen=True)
class Roots:
    """Roots t with proven enclosures [low, high]; `proven` is False where there is none."""

    t: Vector
    low: Vector
    high: Vector
    proven: Vector


@np.errstate(divide="ignore", invalid="ignore", over="ignore")  # such roots are not proven
def enclose(curve: Curve, rises: Vector, low: Vector, high: Vector) -> Roots:
    """Find the one root of each function in [low, high], at whose ends its sign is proven.

    Newton's method from the closed form, then proven signs on both sides of what it gives.
    """
    t = curve.closed_form(rises)
    t = np.where((t >= low) & (t <= high), t, (low + high) / 2)
    found = _enclosed(curve, rises, t, low, high, _WIDENINGS[0])
    for factor in _WIDENINGS[1:]:
        rest = np.flatnonzero(~found.proven)
        if not len(rest):
            break
        part = curve.take(rest)
        again = _enclosed(part, rises[rest], found.t[rest], low[rest], high[rest], factor)
        for name in ("t", "low", "high", "proven"):
            getattr(found, name)[rest] = getattr(again, name)
    return found


def _enclosed(
    curve: Curve, rises: Vector, t: Vector, low: Vector, high: Vector, factor: float
) -> Roots:
    """Take a Newton step from t, and prove the signs at `factor` times its likely error around."""
    slope = curve.slope(t)
    step = t - curve.value(t) / slope
    t = np.where(np.isfinite(step), step, t)
    t = np.clip(t, np.nextafter(low, 1), np.nextafter(high, 0))
    reach = factor * ((curve.error(t) + np.abs(curve.value(t))) / np.abs(slope) + _ROUNDING)
    left, right = np.maximum(t - reach, low), np.minimum(t + reach, high)
    sign = np.where(rises, 1, -1)
    proven = (left == low) | (-sign * curve.value(left) > curve.error(left))
    proven &= (right == high) | (sign * curve.value(right) > curve.error(right))
    return Roots(t, left, right, proven)
