"""A network's weights, biases and pieces modulo primes."""

from __future__ import annotations

from ..steps import Pieces
from .dyadic import Dyadic, Vector
from .moduli import basis_below, largest_modulus, reduce
from .plan import Plan
from .products import Weighted, constant_of, linear_of

_KEPT_BYTES = 1 << 28
_CHUNK_WEIGHTS = 1 << 23
"""Weights times primes of one chunk of moduli."""


class Constants:
    """Residues of a network's numbers, made when they are asked for and kept while there is room.

    `basis` has the moduli: small ones where sums are long, in small chunks for large networks.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        steps = [node.step for node in plan.nodes]
        weights = sum(linear_of(step).size for step in steps if isinstance(step, Weighted))
        chunk_size = max(1, min(8, _CHUNK_WEIGHTS // max(weights, 1)))
        self.basis = basis_below(largest_modulus(plan.terms), chunk_size)
        self._dyadic: dict[tuple[int, str], Dyadic] = {}
        self._kept: dict[tuple[int, int, str], Vector] = {}
        self._kept_bytes = 0

    def linear(self, chunk: int, node: int) -> Vector:
        """Residues of weights or slopes times 2**their scale: (moduli, *stored)."""
        return self._residues(chunk, node, "linear")

    def constant(self, chunk: int, node: int, scale: int) -> Vector:
        """Residues of biases or intercepts times 2**scale: (moduli, *stored)."""
        own = self.numbers(node, "constant").scale
        residues = self._residues(chunk, node, "constant")
        if own is None or own == scale:
            return residues
        moduli = self.basis.chunk(chunk)
        column = (-1, *[1] * (residues.ndim - 1))
        power = moduli.power(scale - own).reshape(column)
        return reduce(residues * power, moduli.column.reshape(column))

    def numbers(self, node: int, part: str) -> Dyadic:
        """Return the "linear", the "constant" or the "thresholds" part of a node, taken apart."""
        if (node, part) not in self._dyadic:
            step = self._plan.nodes[node].step
            assert isinstance(step, Weighted | Pieces)
            if part == "thresholds":
                assert isinstance(step, Pieces)
                values = step.thresholds.numpy()
            else:
                values = linear_of(step) if part == "linear" else constant_of(step)
            self._dyadic[node, part] = Dyadic.of(values)
        return self._dyadic[node, part]

    def _residues(self, chunk: int, node: int, part: str) -> Vector:
        key = (chunk, node, part)
        if key not in self._kept:
            number = self.numbers(node, part)
            residues = number.residues(self.basis.chunk(chunk), number.scale or 0)
            if self._kept_bytes + residues.nbytes > _KEPT_BYTES:
                self._kept.clear()
                self._kept_bytes = 0
            self._kept[key] = residues
            self._kept_bytes += residues.nbytes
        return self._kept[key]
