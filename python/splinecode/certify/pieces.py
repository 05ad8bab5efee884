"""Layers of units with thresholds: the sign of z - threshold just right of a point."""

from __future__ import annotations

import numpy as np

from ..steps import Pieces
from .dyadic import Dyadic, Vector
from .exact import Exact, Form
from .floats import Floats
from .places import Rows
from .sides import FloatForms, Points, Side, sign_of, value_at


class PiecesLayer:
    """A `Pieces` node; bit u * k + i is z[u] > threshold[i, u]."""

    window = 1

    def __init__(
        self, source: int, step: Pieces, numbers: Dyadic, exact: Exact, floats: Floats
    ) -> None:
        self._source = source
        self._per_unit = len(step.thresholds)
        self._thresholds = step.thresholds.numpy().T.ravel()
        self._numbers = numbers
        self._exact = exact
        self._floats = floats

    def float_forms(self, rows: Rows) -> FloatForms:
        """Z - threshold in float64."""
        v, s = self._per_bit(self._floats.values[self._source][rows])
        v_error, s_error = self._per_bit(self._floats.errors[self._source][rows])
        if not self._thresholds.any():
            return FloatForms(v, s, v_error, s_error)
        v = v - self._thresholds
        return FloatForms(v, s, v_error + 2.0**-52 * (v_error + np.abs(v)), s_error)

    def _per_bit(self, values: Vector) -> tuple[Vector, Vector]:
        if self._per_unit != 1:
            values = np.repeat(values, self._per_unit, axis=-1)
        return values[:, 0], values[:, 1]

    def exact_forms(self, rows: Rows, bits: Rows) -> list[Form]:
        """Z - threshold in integers."""
        forms = self._exact.forms(self._source, rows, bits // self._per_unit)
        scale = self._exact.scales[self._source]
        k = self._per_unit
        return [
            (alpha - self._numbers.scaled((bit % k, bit // k), scale), beta)
            for (alpha, beta), bit in zip(forms, bits.tolist(), strict=True)
        ]

    def side(self, rows: Rows, points: Points) -> Side:
        """Signs by float64 where its bounds tell them, else by integers."""
        forms = self.float_forms(rows)
        value, error = forms.at(points)
        sign = (value > error).astype(np.int8) - (value < -error).astype(np.int8)
        touching = forms.known & (forms.v == 0) & (forms.s == 0)
        places = np.nonzero((sign == 0) & ~touching)
        exact = self.exact_forms(rows[places[0]], places[1])
        for row, bit, form in zip(*(p.tolist() for p in places), exact, strict=True):
            at_point = value_at(form, points.t[row])
            sign[row, bit] = sign_of(at_point or form[1])
            touching[row, bit] = at_point == 0
        on = sign > 0
        choice = on.reshape(len(rows), -1, self._per_unit).sum(axis=-1)
        return Side(on, sign, touching, sign == 0, choice)
