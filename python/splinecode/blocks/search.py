"""The crossings of a group of segments that float64 can prove, and the pairs that it cannot."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..codes import pack
from .curve import Curve, enclose
from .events import Events, joined
from .restriction import Ends

if TYPE_CHECKING:
    from .block import MlpBlock

Vector = np.ndarray[Any, Any]
Matrix = np.ndarray[Any, Any]
Pairs = Matrix
"""int64 (k, 2): segments, counted from 0 in the group, and units."""


@dataclass(frozen=True)
class Found:
    """Of a group of segments: proven crossings, undecided pairs, first codes.

    Bits and crossings of undecided pairs are not known yet.
    """

    events: Events
    undecided: Pairs
    first_codes: Matrix


def search(block: MlpBlock, ends: Ends, y0: Matrix, y1: Matrix) -> Found:
    """Decide every unit on a group of segments, as far as rounding allows."""
    form = block.normal_form
    p0, p1 = np.split(np.concatenate([y0, y1]) @ form.weight.T, 2)
    bits = np.zeros((len(y0), block.units), bool)
    events, undecided = [], []
    for straight in (True, False):
        rows = slice(0, form.straight) if straight else slice(form.straight, None)
        part = _Part(p0[:, rows], p1[:, rows], form.offset[rows], ends, straight)
        part.search()
        order, sign = form.order[rows], form.sign[rows]
        bits[:, order] = part.positive ^ (sign < 0)
        for found in part.events:
            direction = found.direction * sign[found.unit]
            events.append(replace(found, unit=order[found.unit], direction=direction))
        undecided += [
            np.stack([pairs[:, 0], order[pairs[:, 1]]], axis=1) for pairs in part.undecided
        ]
    return Found(joined(events), np.concatenate(undecided), pack(bits))


class _Part:
    """The straight or the curved units of a group: p at the ends (segments, units), q (units,)."""

    def __init__(self, p0: Matrix, p1: Matrix, q: Vector, ends: Ends, straight: bool) -> None:
        self._p0, self._p1, self._q = p0, p1, q
        self._ends, self._straight = ends, straight
        self.positive = np.empty(p0.shape, bool)
        """Whether h is positive on the first piece; any value where it is undecided."""
        self.events: list[Events] = []
        self.undecided: list[Pairs] = []

    def search(self) -> None:
        """Fill in the attributes."""
        if self._straight:
            self._search_straight()
        else:
            self._search_curved()

    def _search_straight(self) -> None:
        """Compare the signs of p at the ends. Where y is 0, so is p, exactly."""
        ends = self._ends
        positive0, negative0, known0 = _signs(self._p0, ends.flat0)
        positive1, negative1, known1 = _signs(self._p1, ends.flat1)
        zero0 = (ends.flat0 == 0)[:, None]
        self.positive = positive0 | (zero0 & positive1)
        self._cross_once(positive0 & negative1, negative0 & positive1)
        self._leave(~(known0 & known1))

    def _search_curved(self) -> None:
        """Compare the signs of h at the ends; where both are positive, h may dip between.

        It does not where its tangent at one end is positive at the other.
        """
        ends, q = self._ends, self._q
        positive0, negative0, known0 = _signs(self._p0 + np.outer(ends.r0, q), ends.bent0)
        positive1, negative1, known1 = _signs(self._p1 + np.outer(ends.r1, q), ends.bent1)
        self.positive = positive0
        self._cross_once(positive0 & negative1, negative0 & positive1)
        self._leave(~(known0 & known1))
        dips = positive0 & positive1
        dips &= ~self._above(self._p1, ends.v01 / ends.r0, ends.r0)
        dips &= ~self._above(self._p0, ends.v01 / ends.r1, ends.r1)
        self._cross_twice(*np.nonzero(dips))

    def _above(self, p: Matrix, factor: Vector, length: Vector) -> Matrix:
        """Tell whether a tangent (`Curve.tangent`, at an end) is proven positive at the other."""
        ends = self._ends
        stretch = np.maximum(ends.r0, ends.r1) / length
        error = 4 * np.maximum(ends.bent0, ends.bent1) * stretch * stretch
        above: Matrix = p + np.outer(factor, self._q) > error[:, None]
        return above

    def _cross_once(self, falls: Matrix, rises: Matrix) -> None:
        """Enclose the roots of functions of which each has one."""
        segments, units = np.nonzero(falls | rises)
        curve = self._curve(segments, units)
        low = np.zeros(len(curve))
        self._keep(segments, units, curve, rises[segments, units], low, low + 1)

    def _cross_twice(self, segments: Vector, units: Vector) -> None:
        """Look at where functions that are positive at both ends are least."""
        curve = self._curve(segments, units)
        with np.errstate(divide="ignore", invalid="ignore"):  # undecided, then
            t = curve.lowest()
            at0, at1, error = curve.tangent(t)
            twice = curve.value(t) < -curve.error(t)
        unknown = ~twice & ~((at0 > error) & (at1 > error))
        self.undecided.append(np.stack([segments[unknown], units[unknown]], axis=1))
        segments, units, curve, t = segments[twice], units[twice], curve.take(twice), t[twice]
        zero, true = np.zeros(len(t)), np.ones(len(t), bool)
        self._keep(segments, units, curve, ~true, zero, t)
        self._keep(segments, units, curve, true, t, zero + 1)

    def _keep(
        self,
        segments: Vector,
        units: Vector,
        curve: Curve,
        rises: Vector,
        low: Vector,
        high: Vector,
    ) -> None:
        """Keep the roots in [low, high], or leave the pairs undecided where that fails."""
        roots = enclose(curve, rises, low, high)
        events = Events.proven(
            segments, units, roots.t, roots.low, roots.high, np.where(rises, 1, -1)
        )
        self.events.append(events.take(roots.proven))
        missed = ~roots.proven
        self.undecided.append(np.stack([segments[missed], units[missed]], axis=1))

    def _leave(self, undecided: Matrix) -> None:
        self.undecided.append(np.argwhere(undecided))

    def _curve(self, segments: Vector, units: Vector) -> Curve:
        """Gather h of pairs of a segment and a unit."""
        p0, p1 = self._p0[segments, units], self._p1[segments, units]
        q, ends = self._q[units], self._ends
        if self._straight:
            one = np.ones(len(p0))
            flat0, flat1 = ends.flat0[segments], ends.flat1[segments]
            return Curve(p0, p1, q, one, one, one, one, one, flat0, flat1)
        columns = (ends.v0, ends.v01, ends.v1, ends.r0, ends.r1, ends.bent0, ends.bent1)
        return Curve(p0, p1, q, *(column[segments] for column in columns))


def _signs(h: Matrix, error: Vector) -> tuple[Matrix, Matrix, Matrix]:
    """Return where h is proven positive, proven negative, and either or exactly 0."""
    bound = error[:, None]
    positive, negative = h > bound, h < -bound
    return positive, negative, positive | negative | (bound == 0)
