"""A layer just right of a point: its code, and what lies on a boundary there.

A layer has a *boundary form* for every bit, a linear function of t on the current polytope. For
`Pieces` it is z - threshold, and the bit is on where it is positive. For `MaxWindows` it is the
window's largest element less this one, and never negative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple, Protocol

import numpy as np

from .dyadic import Integers, Vector
from .exact import Form
from .floats import TINY
from .places import Flags, Rows

_ROUNDING = 2.0**-50
Signs = np.ndarray[Any, np.dtype[np.int8]]


class Points(NamedTuple):
    """A point of each of some places: exact, and t - low within [low, high], both (rows, 1)."""

    t: Sequence[Fraction]
    low: Vector
    high: Vector


@dataclass(frozen=True)
class Side:
    """A layer just right of a point; all (rows, bits) but `choice`.

    Attributes
    ----------
    on : the code
    sign : of the boundary forms, 0 where they are zero from the point on
    touching : boundary forms that are zero at the point, whatever they are right of it
    run : the bit follows a convention from the point on: z is identically at a threshold, or an
        element ties with the window's largest while both move
    choice : linear pieces of the units, or the units that the windows take

    """

    on: Flags
    sign: Signs
    touching: Flags
    run: Flags
    choice: Integers

    def of_row(self, row: int) -> Side:
        """Return one row, (bits,)."""
        return Side(*(part[row] for part in vars(self).values()))


@dataclass(frozen=True)
class FloatForms:
    """Forms v + s (t - low) with bounds of their errors, all (rows, forms)."""

    v: Vector
    s: Vector
    v_error: Vector
    s_error: Vector

    def at(self, points: Points) -> tuple[Vector, Vector]:
        """Return values at points, and bounds of their errors."""
        value = self.v + self.s * points.high
        size = np.abs(self.v) + np.abs(self.s) * points.high
        error = self.v_error + self.s_error * points.high
        error += np.abs(self.s) * (points.high - points.low)
        return value, error + _ROUNDING * (error + size) + TINY

    @property
    def known(self) -> Flags:
        """Where the numbers are exact."""
        known: Flags = (self.v_error == 0) & (self.s_error == 0)
        return known

    def roots(self, sign: Signs) -> tuple[Vector, Vector]:
        """Enclose t - low where forms with these signs next become zero: inf where they do not.

        A form of sign g right of a point t0 >= low vanishes later iff g s < 0, then at
        t - low = g v / -g s.
        """
        distance, speed = sign * self.v, -(sign * self.s)
        first = (distance - self.v_error) / (speed + self.s_error) * (1 - _ROUNDING) - TINY
        last = (distance + self.v_error) / (speed - self.s_error) * (1 + _ROUNDING) + TINY
        never = (sign == 0) | (speed + self.s_error <= 0)
        surely = ~never & (speed - self.s_error > 0)
        return (
            np.where(never, np.inf, np.where(first > 0, first, 0.0)),
            np.where(surely & ~np.isnan(last), last, np.inf),
        )


class Layer(Protocol):
    """A kink of a network at some places."""

    window: int
    """Bits of a window of which one is on; 1 for units."""

    def side(self, rows: Rows, points: Points) -> Side:
        """Look just right of a point of each row."""

    def float_forms(self, rows: Rows) -> FloatForms:
        """Boundary forms of the current polytopes in float64."""

    def exact_forms(self, rows: Rows, bits: Rows) -> list[Form]:
        """Boundary form `bits[i]` of row `rows[i]`, exactly."""


def value_at(form: Form, t: Fraction) -> int:
    """Return the value at t, times a positive number that only depends on t."""
    return form[0] * t.denominator + form[1] * t.numerator


def sign_of(number: int) -> int:
    """Return -1, 0 or 1."""
    return (number > 0) - (number < 0)
