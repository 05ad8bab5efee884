"""Walking stretches of segments from polytope to polytope, exactly."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from ..steps import MaxWindows, Pieces
from .constants import Constants
from .exact import Exact
from .floats import Floats
from .pieces import PiecesLayer
from .places import OverBudgetError, Places, Rows
from .record import Walk
from .roots import next_roots
from .sides import Layer, Points, Side
from .windows import WindowsLayer


def walk(constants: Constants, places: Places) -> list[Walk]:
    """Walk all places from low to high, side by side: what one round computes shares products.

    Right of a point a layer's code follows from the forms of the layers before; the least root of
    all boundary forms is the next point. Places that run out of budget stay unfinished.
    """
    walker = _Walker(constants, places)
    walks = [Walk() for _ in range(len(places))]
    t = [Fraction(low) for low in places.low.tolist()]
    ends = [Fraction(high) for high in places.high.tolist()]
    active = np.arange(len(places))
    while len(active):
        try:
            with np.errstate(all="ignore"):  # overflow, inf - inf: decided exactly
                sides, roots = walker.step(active, [t[row] for row in active])
        except OverBudgetError as over:
            active = np.setdiff1d(active, over.rows)
            continue
        going = np.ones(len(active), bool)
        for i, row in enumerate(active.tolist()):
            walks[row].arrive(t[row], [side.of_row(i) for side in sides], walker.layers)
            root = roots[i]
            if root is None or root >= ends[row]:
                walks[row].finish(ends[row])
                going[i] = False
            else:
                t[row] = root
        active = active[going]
    return walks


class _Walker:
    """The network at some places."""

    def __init__(self, constants: Constants, places: Places) -> None:
        self._places = places
        self._floats = Floats(places)
        self._exact = Exact(constants, places)
        self._layer_of = {node: self._layer(constants, node) for node in places.plan.kinks}
        self.layers = list(self._layer_of.values())
        self._start = [Fraction(low) for low in places.low.tolist()]
        spans = zip(self._start, places.high.tolist(), strict=True)
        self._reach = np.array([_rounded_up(Fraction(high) - low) for low, high in spans])

    def _layer(self, constants: Constants, node: int) -> Layer:
        step = self._places.plan.nodes[node].step
        source = self._places.plan.nodes[node].inputs[0]
        if isinstance(step, Pieces):
            numbers = constants.numbers(node, "thresholds")
            return PiecesLayer(source, step, numbers, self._exact, self._floats)
        assert isinstance(step, MaxWindows)
        choices = self._places.choices[node]
        return WindowsLayer(source, step, choices, self._exact, self._floats)

    def step(self, rows: Rows, t: list[Fraction]) -> tuple[list[Side], list[Fraction | None]]:
        """Look just right of t in each row; return the layers there, and where to look next."""
        sides = []
        points = self._points(rows, t)
        for node in range(len(self._places.plan.nodes)):
            layer = self._layer_of.get(node)
            if layer is not None:
                side = layer.side(rows, points)
                self._places.choose(node, rows, side.choice)
                sides.append(side)
            self._floats.update(node, rows)
        return sides, next_roots(self.layers, sides, rows, self._reach[rows])

    def _points(self, rows: Rows, t: list[Fraction]) -> Points:
        """Enclose t - low, which is not negative."""
        past = [time - self._start[row] for time, row in zip(t, rows.tolist(), strict=True)]
        low = [-_rounded_up(-distance) for distance in past]
        high = [_rounded_up(distance) for distance in past]
        return Points(t, np.array(low)[:, None], np.array(high)[:, None])


def _rounded_up(number: Fraction) -> float:
    """Return the number itself where it is a float, else the next float but one at most."""
    nearest = float(number)
    return nearest if nearest == number else math.nextafter(nearest, math.inf)
