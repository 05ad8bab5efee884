"""The forms of a network's units in float64, with proven bounds of their errors: a filter.

Whatever these bounds can tell is told; `exact` does the rest. u = 2^-53 is the unit roundoff. A
sum of n products and a constant, in any order, fused or not, differs from the true one by at most
gamma (sum |w| |x| + |c|) with gamma = (n + 1) u / (1 - (n + 1) u) (Higham, Accuracy and Stability
of Numerical Algorithms, 2nd ed., section 3.1), and by sum |w| e more where x is only known to
within e. Bounds round too, by less than `_SLACK`. Where products may underflow, `TINY` is added;
sums never do. Where a value overflows its bound is inf: what compares with it stays undecided.
"""

from __future__ import annotations

import numpy as np

from ..steps import Concat, Gather, Kink, MaxWindows, Sum
from .dyadic import Vector
from .places import Places, Rows
from .products import Weighted, constant_of, linear_of, product, spread, terms_of

UNIT = 2.0**-53
TINY = 2.0**-1000
_SLACK = 1.01


class Floats:
    """v + s (t - low) for every unit: `values` (rows, 2, units) with v, then s; `errors` alike.

    Both have an entry for every node that was updated.
    """

    def __init__(self, places: Places) -> None:
        self._places = places
        self._nodes = places.plan.nodes
        self._versions = np.zeros_like(places.versions)
        self.values: dict[int, Vector] = {}
        self.errors: dict[int, Vector] = {}
        self._magnitudes: dict[int, tuple[Vector, float]] = {}

    def update(self, node: int, rows: Rows) -> None:
        """Bring a node's forms at some places up to date; its inputs are."""
        stale = rows[self._versions[node, rows] != self._places.versions[node, rows]]
        if len(stale) == 0:
            return
        self._places.spend(node, stale, 4)
        if node not in self.values:
            shape = (len(self._places), 2, self._nodes[node].units)
            self.values[node], self.errors[node] = np.zeros(shape), np.zeros(shape)
        values, errors = self._forward(node, stale)
        self.values[node][stale] = values
        self.errors[node][stale] = np.where(np.isfinite(values), errors, np.inf)
        self._versions[node, stale] = self._places.versions[node, stale]

    def _forward(self, node: int, rows: Rows) -> tuple[Vector, Vector]:
        step, inputs = self._nodes[node].step, self._nodes[node].inputs
        if not inputs:
            return self._ends(rows)
        values = [self.values[i][rows] for i in inputs]
        errors = [self.errors[i][rows] for i in inputs]
        if isinstance(step, Concat):
            return np.concatenate(values, axis=-1), np.concatenate(errors, axis=-1)
        if isinstance(step, Sum):
            rounding = len(values) * UNIT * np.sum(np.abs(values), axis=0)
            return np.sum(values, axis=0), _SLACK * (np.sum(errors, axis=0) + rounding)
        if isinstance(step, Gather):
            index = step.index.numpy()
            return (
                np.where(index < 0, 0.0, values[0][..., index]),
                np.where(index < 0, 0.0, errors[0][..., index]),
            )
        if isinstance(step, Kink):
            return self._kink(node, step, values[0], errors[0], rows)
        assert isinstance(step, Weighted)
        return self._weighted(node, step, values[0], errors[0])

    def _ends(self, rows: Rows) -> tuple[Vector, Vector]:
        """x(low) and b - a. Their errors are zero where a and b agree."""
        a, b, low = self._places.a[rows], self._places.b[rows], self._places.low[rows, None]
        slope = b - a
        step = low * slope
        value = a + step
        error = _SLACK * UNIT * (np.abs(value) + 2 * np.abs(step)) + TINY
        error[(slope == 0) | (low == 0)] = 0.0
        slope_error = _SLACK * UNIT * np.abs(slope)
        return np.stack([value, slope], axis=1), np.stack([error, slope_error], axis=1)

    def _weighted(
        self, node: int, step: Weighted, values: Vector, errors: Vector
    ) -> tuple[Vector, Vector]:
        magnitudes, least = self._magnitudes_of(node, step)
        terms = terms_of(step)
        gamma = (terms + 1) * UNIT / (1 - (terms + 1) * UNIT)
        combined = gamma * np.abs(values) + errors
        rows, _, units = values.shape
        flat = (1, 2 * rows, units)
        out = product(step, linear_of(step)[None], values.reshape(flat)).reshape(rows, 2, -1)
        error = product(step, magnitudes[None], combined.reshape(flat)).reshape(rows, 2, -1)
        constant = spread(step, constant_of(step), out.shape[-1])
        out[:, 0] += constant
        error[:, 0] += gamma * np.abs(constant)
        present = combined[(values != 0) | (errors != 0)]
        if not least * present.min(initial=1.0) >= TINY / UNIT:  # products may underflow, or NaN
            error += (terms + 1) * TINY
        return out, _SLACK * error

    def _magnitudes_of(self, node: int, step: Weighted) -> tuple[Vector, float]:
        """Return magnitudes of the weights, and the least that is not zero."""
        if node not in self._magnitudes:
            magnitudes = np.abs(linear_of(step))
            least = float(magnitudes[magnitudes > 0].min(initial=1.0))
            self._magnitudes[node] = magnitudes, least
        return self._magnitudes[node]

    def _kink(
        self, node: int, step: Kink, values: Vector, errors: Vector, rows: Rows
    ) -> tuple[Vector, Vector]:
        """Apply the pieces that the polytope selects; slopes 0, 1 and -1 do not round."""
        choice = self._places.choices[node][rows]
        if isinstance(step, MaxWindows):
            take = choice[:, None]
            return np.take_along_axis(values, take, -1), np.take_along_axis(errors, take, -1)
        unit = np.arange(choice.shape[-1])
        slope = step.slopes.numpy()[choice, unit]
        intercept = step.intercepts.numpy()[choice, unit]
        out = values * slope[:, None]
        error = errors * np.abs(slope)[:, None]
        exact = ((slope == 0) | (np.abs(slope) == 1)) & (intercept == 0)
        rounding = 2 * UNIT * np.abs(out)
        rounding[:, 0] += 2 * UNIT * np.abs(intercept)
        out[:, 0] += intercept
        return out, np.where(exact[:, None], error, _SLACK * (error + rounding) + TINY)
