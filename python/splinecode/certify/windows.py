"""Layers of windows: the largest element just right of a point."""

from __future__ import annotations

from itertools import groupby

import numpy as np

from ..steps import MaxWindows
from .dyadic import Integers
from .exact import Exact, Form
from .floats import Floats
from .places import Flags, Rows
from .sides import FloatForms, Points, Side, value_at


class WindowsLayer:
    """A `MaxWindows` node; bit w * size + e is on where element e of window w is the largest."""

    def __init__(
        self, source: int, step: MaxWindows, choice: Integers, exact: Exact, floats: Floats
    ) -> None:
        self._source = source
        self._choice = choice  # of all rows: units that the current polytopes select
        self._bits = step.bits
        self._index = step.index.numpy()
        self._windows, self.window = self._index.shape
        self._unit = self._index.ravel().clip(min=0)
        self._missing = self._index.ravel() < 0
        self._exact = exact
        self._floats = floats

    def float_forms(self, rows: Rows) -> FloatForms:
        """The largest element less each element; inf where there is none."""
        largest = np.repeat(self._choice[rows], self.window, axis=-1)
        w, e = self._forms(rows, largest), self._elements(rows)
        v, s = w.v - e.v, w.s - e.s
        v_error, s_error = w.v_error + e.v_error, w.s_error + e.s_error
        rounding = 2.0**-51
        v_error += rounding * (v_error + np.abs(v))
        s_error += rounding * (s_error + np.abs(s))
        v[:, self._missing], s[:, self._missing] = np.inf, 0.0
        v_error[:, self._missing] = s_error[:, self._missing] = 0.0
        return FloatForms(v, s, v_error, s_error)

    def _elements(self, rows: Rows) -> FloatForms:
        """The elements themselves: (rows, bits)."""
        return self._forms(rows, np.broadcast_to(self._unit, (len(rows), self._bits)))

    def _forms(self, rows: Rows, units: Integers) -> FloatForms:
        values, errors = self._floats.values[self._source], self._floats.errors[self._source]
        row = rows[:, None]
        return FloatForms(
            values[row, 0, units],
            values[row, 1, units],
            errors[row, 0, units],
            errors[row, 1, units],
        )

    def exact_forms(self, rows: Rows, bits: Rows) -> list[Form]:
        """The largest element less each of some elements, in integers."""
        largest = self._choice[rows, bits // self.window]
        forms = self._exact.forms(
            self._source, np.concatenate([rows, rows]), np.concatenate([largest, self._unit[bits]])
        )
        pairs = zip(forms[: len(rows)], forms[len(rows) :], strict=True)
        return [(w[0] - e[0], w[1] - e[1]) for w, e in pairs]

    def side(self, rows: Rows, points: Points) -> Side:
        """Compare what float64 cannot tell apart in integers."""
        shape = (len(rows), self._windows, self.window)
        forms = self._elements(rows)
        candidate = self._candidates(forms, points).reshape(shape)
        winner = candidate.argmax(axis=-1)  # the first of them
        tied = candidate.copy()
        moving = self._moving(forms).reshape(shape)
        undecided = (candidate.sum(axis=-1) > 1) & ~self._equal(forms, candidate)
        touching = candidate & ~undecided[:, :, None]
        row, window, element = np.nonzero(candidate & undecided[:, :, None])
        exact = self._exact.forms(self._source, rows[row], self._index[window, element])
        found = zip(row.tolist(), window.tolist(), element.tolist(), exact, strict=True)
        for (r, w), group in groupby(found, key=lambda item: item[:2]):
            values = {e: (value_at(form, points.t[r]), form[1]) for _, _, e, form in group}
            best = max(values.values())
            winner[r, w] = next(e for e, value in values.items() if value == best)
            for e, value in values.items():
                touching[r, w, e] = value[0] == best[0]
                tied[r, w, e] = value == best
                moving[r, w, e] = value[1] != 0
        on = winner[:, :, None] == np.arange(self.window)
        flat = (len(rows), self._bits)
        return Side(
            on.reshape(flat),
            (~tied).astype(np.int8).reshape(flat),
            touching.reshape(flat),
            (tied & ~on & moving).reshape(flat),
            self._index[np.arange(self._windows), winner],
        )

    def _candidates(self, forms: FloatForms, points: Points) -> Flags:
        """Elements that may be the largest right of the points."""
        value, error = forms.at(points)
        lower, upper = value - error, value + error
        lower[np.isnan(lower)] = -np.inf
        lower[:, self._missing] = -np.inf
        least = lower.reshape(len(lower), self._windows, self.window).max(axis=-1)
        return ~(upper < np.repeat(least, self.window, axis=-1)) & ~self._missing

    def _equal(self, forms: FloatForms, candidate: Flags) -> Flags:
        """Windows whose candidates are exactly known and equal."""
        first = candidate.argmax(axis=-1)[:, :, None]
        equal = forms.known.reshape(candidate.shape)
        for part in (forms.v, forms.s):
            values = part.reshape(candidate.shape)
            equal = equal & (values == np.take_along_axis(values, first, axis=-1))
        alike: Flags = np.all(equal | ~candidate, axis=-1)
        return alike

    @staticmethod
    def _moving(forms: FloatForms) -> Flags:
        """Elements that are not certainly constant."""
        moving: Flags = (forms.s != 0) | (forms.s_error != 0)
        return moving
