"""Forms of single units as exact integers."""

from __future__ import annotations

import numpy as np

from .constants import Constants
from .dyadic import Dyadic, Integers
from .places import Places, Rows
from .products import log2_largest
from .residues import Residues

Form = tuple[int, int]
"""(A, B): the value at t is (A + B t) / 2**E."""


class Exact:
    """The forms of the units of all nodes in the current polytopes of some places.

    Integers of a node have the common scale `scales[node]`.
    """

    def __init__(self, constants: Constants, places: Places) -> None:
        self._constants = constants
        self._places = places
        plan = places.plan
        ends = np.stack([places.a, places.b])
        scale = max(plan.least, Dyadic.of(ends).scale or 0)
        self.scales = [scale + shift for shift in plan.shifts]
        sizes = plan.sizes(log2_largest(ends) + 1)  # b - a may be twice as large
        self._bits = [max(s + e, 0.0) for s, e in zip(sizes, self.scales, strict=True)]
        self._residues: list[Residues] = []

    def forms(self, node: int, rows: Rows, units: Integers) -> list[Form]:
        """Return the forms of unit `units[i]` of a node at place `rows[i]`."""
        if len(rows) == 0:
            return []
        used = np.unique(rows)
        parts = [
            residues.update(node, used)[:, rows, :, units]  # (forms, moduli, 2)
            for residues in self._chunks(node)
        ]
        alpha, beta = np.concatenate(parts, axis=1).transpose(2, 1, 0)
        integers = self._constants.basis.integers
        return list(zip(integers(alpha), integers(beta), strict=True))

    def _chunks(self, node: int) -> list[Residues]:
        """Return as many chunks of moduli as the integers of a node need."""
        count = self._constants.basis.chunks_for(self._bits[node])
        while len(self._residues) < count:
            chunk = len(self._residues)
            self._residues.append(Residues(self._constants, chunk, self._places, self.scales))
        return self._residues[:count]
