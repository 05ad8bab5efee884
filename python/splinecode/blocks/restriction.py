"""A group of segments as the norm sees it, in float64 with proven rounding bounds.

Bounds are for units in normal form, whose sizes lie in [1, 2), so that one number an end and
segment bounds the error of h there: `Ends.bent` for curved units, `Ends.flat` for straight ones.

Derivation. Let d be the width, m the mean as computed, y = x - m as computed, off by at most
delta + u abs(y_j) in entry j, delta = gamma(d + 2) mean(abs(x)). With D = gamma(d + 12) r + delta,
r = sqrt(v), the computed r is within D; p is within 1.01 D sqrt(d) norm(weight), by Cauchy and
Schwarz; q within gamma(d + 2) of its absolute terms. Together, for a unit of size below 2, h is
within 2.1 D. v01 is within D0 r1 + D1 r0, so v(t) within 2.5 D(t) rho(t), where D(t) and
rho(t) interpolate D and r: sqrt(v(t)) is off by that over itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .normal_form import gamma

if TYPE_CHECKING:
    from .block import Norm

Vector = np.ndarray[Any, Any]
Matrix = np.ndarray[Any, Any]

_UNIT_FACTOR = 2.1
_LARGEST_RELATIVE = 0.01
_LEAST_LENGTH = 2.0**-250


@dataclass(frozen=True)
class Ends:
    """v in Bernstein form (v0, v01, v1), its roots at the ends, and bounds; all (segments,)."""

    v0: Vector
    v01: Vector
    v1: Vector
    r0: Vector
    r1: Vector
    bent0: Vector
    bent1: Vector
    flat0: Vector
    flat1: Vector

    @classmethod
    def of(cls, norm: Norm, a: Matrix, b: Matrix) -> tuple[Ends, Matrix, Matrix]:
        """Restrict v to the segments; return it with y at the ends."""
        y0, y1 = norm.centred(a), norm.centred(b)
        square0, square01, square1 = (
            _mean_product(*pair) for pair in ((y0, y0), (y0, y1), (y1, y1))
        )
        (r0, bent0, flat0), (r1, bent1, flat1) = (
            _lengths(norm, a, y0, square0),
            _lengths(norm, b, y1, square1),
        )
        if norm.kind == "none":
            v0 = v01 = v1 = np.ones(len(a))
        else:
            v0, v01, v1 = square0 + norm.eps, square01 + norm.eps, square1 + norm.eps
        return cls(v0, v01, v1, r0, r1, bent0, bent1, flat0, flat1), y0, y1

    def near_zero(self) -> Vector:
        """Tell for each segment whether v could be 0 on it."""
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (self.v0 - self.v01) / (self.v0 - 2 * self.v01 + self.v1)
            t = np.clip(np.where(np.isfinite(t), t, 0.5), 0, 1)
            least = (1 - t) ** 2 * self.v0 + 2 * t * (1 - t) * self.v01 + t * t * self.v1
            largest = np.maximum(self.r0, self.r1)
            bound = np.maximum(self.bent0, self.bent1)
            vanishing: Vector = ~(least > 8 * bound * largest)
        return vanishing


def _mean_product(y: Matrix, w: Matrix) -> Vector:
    product: Vector = np.einsum("ij,ij->i", y, w) / y.shape[1]
    return product


def _lengths(norm: Norm, x: Matrix, y: Matrix, square: Vector) -> tuple[Vector, Vector, Vector]:
    """Return sqrt(v) at the ends x, and the bounds of h there for curved and for straight units."""
    width = x.shape[1]
    relative, size = gamma(width + 12), np.sqrt(square)
    delta = np.zeros(len(x))
    if norm.kind == "layer":
        delta = 1.01 * gamma(width + 2) * np.abs(x).mean(axis=1)
    vanished = (size < _LEAST_LENGTH) & y.any(axis=1)  # squares underflow: nothing is known
    flat = np.where(vanished, np.inf, _UNIT_FACTOR * (relative * size + delta))
    if norm.kind == "none":
        return np.ones(len(x)), _UNIT_FACTOR * relative * np.maximum(size, 1.0), flat
    length = np.sqrt(square + norm.eps)
    bound = relative * length + delta
    hopeless = (length < _LEAST_LENGTH) | (bound > _LARGEST_RELATIVE * length)
    return length, np.where(hopeless, np.inf, _UNIT_FACTOR * bound), flat
