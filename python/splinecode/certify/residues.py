"""The forms alpha + beta t of a network's units modulo primes, exactly, in float64 products."""

from __future__ import annotations

import numpy as np

from ..steps import Concat, Gather, Kink, MaxWindows, Sum
from .constants import Constants
from .dyadic import Dyadic, Vector
from .moduli import reduce
from .places import Places, Rows
from .plan import Plan
from .products import Weighted, product, spread


class Residues:
    """alpha * 2**E_i and beta * 2**E_i of every node i and place, modulo one chunk of primes.

    Computed when they are asked for; again only where the polytope has changed what they are.
    Values are (moduli, rows, 2, units): alpha, then beta.
    """

    def __init__(self, constants: Constants, chunk: int, places: Places, scales: list[int]) -> None:
        self._constants = constants
        self._chunk = chunk
        self._moduli = constants.basis.chunk(chunk)
        self._places = places
        self._plan: Plan = places.plan
        self._scales = scales
        self._values: dict[int, Vector] = {}
        self._versions = np.zeros_like(places.versions)

    def update(self, node: int, rows: Rows) -> Vector:
        """Return the residues of a node: (moduli, all rows, 2, units), right at `rows`."""
        for i in self._plan.ancestors(node):
            stale = rows[self._versions[i, rows] != self._places.versions[i, rows]]
            if len(stale):
                self._places.spend(i, stale, 2 * len(self._moduli.primes))
                if i not in self._values:
                    shape = (len(self._moduli.primes), len(self._places), 2)
                    self._values[i] = np.zeros((*shape, self._plan.nodes[i].units))
                self._values[i][:, stale] = self._forward(i, stale)
                self._versions[i, stale] = self._places.versions[i, stale]
        return self._values[node]

    def _forward(self, node: int, rows: Rows) -> Vector:
        """Compute a node's residues from those of its inputs."""
        step, inputs = self._plan.nodes[node].step, self._plan.nodes[node].inputs
        if not inputs:
            return self._ends(rows)
        if isinstance(step, Concat | Sum):
            aligned = [self._aligned(i, node, rows) for i in inputs]
            if isinstance(step, Concat):
                return np.concatenate(aligned, axis=-1)
            return self._reduced(np.sum(aligned, axis=0))
        values = self._values[inputs[0]][:, rows]
        if isinstance(step, Gather):
            index = step.index.numpy()
            return np.where(index < 0, 0.0, values[..., index])
        if isinstance(step, Kink):
            return self._kink(node, step, values, rows)
        assert isinstance(step, Weighted)
        return self._weighted(node, step, values)

    def _ends(self, rows: Rows) -> Vector:
        """Residues of a and b - a."""
        scale = self._scales[0]
        a = Dyadic.of(self._places.a[rows]).residues(self._moduli, scale)
        b = Dyadic.of(self._places.b[rows]).residues(self._moduli, scale)
        return self._reduced(np.stack([a, b - a], axis=2))

    def _aligned(self, node: int, target: int, rows: Rows) -> Vector:
        """Residues of a node at the scale of another."""
        values = self._values[node][:, rows]
        more = self._scales[target] - self._scales[node]
        if more == 0:
            return values
        return self._reduced(values * self._moduli.power(more)[:, None, None, None])

    def _weighted(self, node: int, step: Weighted, values: Vector) -> Vector:
        moduli, rows, _, units = values.shape
        weights = self._constants.linear(self._chunk, node)
        out = product(step, weights, values.reshape(moduli, 2 * rows, units))
        out = out.reshape(moduli, rows, 2, -1)
        constant = self._constants.constant(self._chunk, node, self._scales[node])
        out[:, :, 0] += spread(step, constant, out.shape[-1])[:, None]
        return self._reduced(out)

    def _kink(self, node: int, step: Kink, values: Vector, rows: Rows) -> Vector:
        """Apply the pieces that the polytope selects."""
        choice = self._places.choices[node][rows]
        if isinstance(step, MaxWindows):
            return np.take_along_axis(values, choice[None, :, None], axis=-1)
        unit = np.arange(choice.shape[-1])
        slopes = self._constants.linear(self._chunk, node)[:, choice, unit]
        intercepts = self._constants.constant(self._chunk, node, self._scales[node])
        out = values * slopes[:, :, None]
        out[:, :, 0] += intercepts[:, choice, unit]
        return self._reduced(out)

    def _reduced(self, values: Vector) -> Vector:
        return reduce(values, self._moduli.column[:, None, None, None])
