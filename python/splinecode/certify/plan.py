"""What exact arithmetic needs to know of a network once: powers of two, sizes, costs.

On a polytope the values of node i along a segment are alpha + beta t, and alpha * 2**E_i and
beta * 2**E_i are integers with E_i = E + `shifts[i]`: E is the scale of the segment's ends and the
shift is that of the weights on the way.
"""

from __future__ import annotations

import math
from functools import cached_property

from ..network import Network, Node
from ..steps import Kink, Pieces, Sum
from .dyadic import Dyadic, Vector
from .products import (
    Weighted,
    constant_of,
    linear_of,
    log2_gain,
    log2_largest,
    multiplications_of,
    terms_of,
)


class Plan:
    """A network's powers of two, sizes and costs.

    Attributes
    ----------
    nodes : the network's
    kinks : the nodes that are layers, in their order
    shifts : int for each node, see above
    least : the least scale of a segment with which all constants of the network are integers

    """

    def __init__(self, network: Network) -> None:
        self.nodes = network.nodes
        self.kinks = [i for i, node in enumerate(self.nodes) if isinstance(node.step, Kink)]
        self.shifts: list[int] = []
        self.least = 0
        for node in self.nodes:
            self.shifts.append(self._shift(node))
        self._gains = [self._gain(node) for node in self.nodes]
        self._ancestors: dict[int, list[int]] = {}
        self._descendants: dict[int, list[int]] = {}

    def _shift(self, node: Node) -> int:
        """Return the node's shift; raise `least` to what its constants need."""
        step, before = node.step, max((self.shifts[i] for i in node.inputs), default=0)
        if not isinstance(step, Weighted | Pieces):
            return before
        shift = before + (Dyadic.of(linear_of(step)).scale or 0)
        self._need(constant_of(step), shift)
        if isinstance(step, Pieces):
            self._need(step.thresholds.numpy(), before)
        return shift

    def _need(self, constants: Vector, shift: int) -> None:
        scale = Dyadic.of(constants).scale
        if scale is not None:
            self.least = max(self.least, scale - shift)

    def _gain(self, node: Node) -> tuple[float, float]:
        """log2 of how much a node enlarges its inputs at most, and of what it adds to them."""
        step = node.step
        if isinstance(step, Weighted):
            gain = log2_gain(step, self.nodes[node.inputs[0]].units)
            return gain, log2_largest(constant_of(step))
        if isinstance(step, Pieces):
            return log2_largest(step.slopes.numpy()), log2_largest(step.intercepts.numpy())
        return (math.log2(len(node.inputs)) if isinstance(step, Sum) else 0.0), -math.inf

    def sizes(self, log2_input: float) -> list[float]:
        """Return log2 bounds of |alpha| and |beta| of each node's units, on any polytope."""
        sizes: list[float] = []
        for node, (gain, constant) in zip(self.nodes, self._gains, strict=True):
            size = max((sizes[i] for i in node.inputs), default=log2_input) + gain
            sizes.append(size if constant == -math.inf else max(size, constant) + 1)
        return sizes

    @cached_property
    def terms(self) -> int:
        """The most products or inputs that are added up in one unit."""
        steps = [node.step for node in self.nodes]
        products = [terms_of(step) for step in steps if isinstance(step, Weighted)]
        return max([*products, *(len(node.inputs) for node in self.nodes)])

    @cached_property
    def multiplications(self) -> list[int]:
        """Products that a row of each node takes; moving or adding a value counts as one."""
        return [
            node.units
            + (multiplications_of(node.step, node.units) if isinstance(node.step, Weighted) else 0)
            for node in self.nodes
        ]

    def ancestors(self, node: int) -> list[int]:
        """Return the nodes that a node needs, itself too, in order."""
        if node not in self._ancestors:
            needed = {node}
            for i in range(node, -1, -1):
                if i in needed:
                    needed.update(self.nodes[i].inputs)
            self._ancestors[node] = sorted(needed)
        return self._ancestors[node]

    def descendants(self, node: int) -> list[int]:
        """Return the nodes that need a node, itself too, in order."""
        if node not in self._descendants:
            needing = {node}
            for i in range(node + 1, len(self.nodes)):
                if needing.intersection(self.nodes[i].inputs):
                    needing.add(i)
            self._descendants[node] = sorted(needing)
        return self._descendants[node]
