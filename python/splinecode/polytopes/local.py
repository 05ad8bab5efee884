"""A network with the pattern of n points held fixed: the affine map of each point's polytope."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from ..arrays import Array, library_of, need_on_cpu
from ..network import Network
from ..steps import Affine, Input, Kink
from .linear import linear_part, transposed
from .patterns import Pattern, fixed

_BYTES = 1 << 27
"""What a chunk of rows is meant to stay within..."""
_LIVE = 4
"""... where so many values of the widest node are held at a time."""


class LocalMap:
    """The affine maps around n points, from the input to every layer and to the output.

    Rows are (n, k, units) as in `patterns`; a first axis of 1 stands for rows that are the same for
    every point.

    Attributes
    ----------
    network : Network
    layers : tuple of int, the nodes that are layers
    patterns : list of Pattern, one a layer

    """

    def __init__(self, network: Network, patterns: Sequence[Pattern]) -> None:
        self.network = network
        self.layers = layer_nodes(network)
        self.patterns = list(patterns)

    def push(self, rows: Tensor, *, points: bool = False) -> Iterator[Tensor]:
        """Yield what `rows` are at the input of each layer, one after the other, and at the output.

        Parameters
        ----------
        rows : (n or 1, k, inputs)
            Directions of input space, which constants do not move, or points of it.
        points : bool

        """
        pattern = dict(zip(self.layers, self.patterns, strict=True))

        def apply(node: int, inputs: Tensor) -> Tensor:
            return pattern[node].affine(inputs) if points else pattern[node].linear(inputs)

        return pushed(self.network, rows, rows.shape[1] if points else 0, apply)

    def pull(self, rows: dict[int, Tensor]) -> Tensor:
        """Apply transposes from nodes to the input.

        Parameters
        ----------
        rows : node: (n or 1, k, units of the node)
            All of one k. They are overwritten.

        Returns
        -------
        the sum over nodes of rows times the matrix from the input to the node, (n or 1, k, inputs)

        """
        nodes = self.network.nodes
        pattern = dict(zip(self.layers, self.patterns, strict=True))
        k = next(iter(rows.values())).shape[1]
        for index in range(max(rows), 0, -1):
            here = rows.pop(index, None)
            if here is None:
                continue
            step, inputs = nodes[index].step, nodes[index].inputs
            if isinstance(step, Kink):
                parts = [pattern[index].transposed(here)]
            else:
                assert not isinstance(step, Input)
                units = [nodes[i].units for i in inputs]
                flat = transposed(step, here.flatten(0, 1), units)
                parts = [part.unflatten(0, here.shape[:2]) for part in flat]
            for i, part in zip(inputs, parts, strict=True):
                rows[i] = rows[i] + part if i in rows else part
        return rows.get(0, torch.zeros(1, k, nodes[0].units, dtype=torch.float64))

    def pull_forms(self, rows: dict[int, Tensor]) -> Tensor:
        """Apply transposes from the forms of layers to the input.

        Parameters
        ----------
        rows : layer: (n or 1, k, bits of the layer)

        Returns
        -------
        (n or 1, k, inputs)

        """
        seeds: dict[int, Tensor] = {}
        for layer, of_bits in rows.items():
            source = self.network.nodes[self.layers[layer]].inputs[0]
            seed = self.patterns[layer].transposed_forms(of_bits)
            seeds[source] = seeds[source] + seed if source in seeds else seed
        return self.pull(seeds)


def layer_nodes(network: Network) -> tuple[int, ...]:
    """Return the nodes that are layers, in the order of the layers."""
    return tuple(i for i, node in enumerate(network.nodes) if isinstance(node.step, Kink))


def around(network: Network, points: Tensor) -> tuple[LocalMap, list[Tensor]]:
    """Fix the patterns at points (n, inputs), as `Network.codes` has them.

    Returns
    -------
    local : LocalMap
    forms : the forms of each layer at the points, (n, bits)

    """
    patterns: list[Pattern] = []
    forms = []

    def apply(node: int, inputs: Tensor) -> Tensor:
        patterns.append(fixed(kink_at(network, node), inputs[:, 0]))
        forms.append(patterns[-1].forms_at(inputs)[:, 0])
        return patterns[-1].affine(inputs)

    exhaust(pushed(network, points[:, None], 1, apply))
    return LocalMap(network, patterns), forms


def kink_at(network: Network, node: int) -> Kink:
    """Return the step of a node that is a layer."""
    step = network.nodes[node].step
    assert isinstance(step, Kink)
    return step


def pushed(
    network: Network, rows: Tensor, points: int, apply: Callable[[int, Tensor], Tensor]
) -> Iterator[Tensor]:
    """Push rows (n or 1, k, inputs) through a network whose kink at a node is `apply`.

    The first `points` of the k are points, the others directions. Yields what `LocalMap.push` does.
    """
    nodes = network.nodes
    values: dict[int, Tensor] = {0: rows}
    last_use = {i: index for index, node in enumerate(nodes) for i in node.inputs}
    for index, node in enumerate(nodes):
        inputs = [values[i] for i in node.inputs]
        if isinstance(node.step, Kink):
            yield inputs[0]
            values[index] = apply(index, inputs[0])
        elif not isinstance(node.step, Input):
            values[index] = _affine(node.step, inputs, points)
        for i in node.inputs:
            if last_use[i] == index:
                values.pop(i, None)
    yield values[len(nodes) - 1]


def _affine(step: Affine, inputs: list[Tensor], points: int) -> Tensor:
    """Apply a step to rows (n, k, units), the first `points` of the k with its constant."""
    # Rows of all points go with rows of none, too: len 1 stands for any number.
    n = next((len(rows) for rows in inputs if len(rows) != 1), 1)
    k = inputs[0].shape[1]
    parts = []
    for part, begin, end in ((step, 0, points), (linear_part(step), points, k)):
        if begin < end:
            flat = [rows[:, begin:end].expand(n, -1, -1).flatten(0, 1) for rows in inputs]
            parts.append(part(*flat).unflatten(0, (n, end - begin)))
    return torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]


def exhaust(pushed: Iterator[Tensor]) -> Tensor:
    """Run through to the output."""
    *_, output = pushed
    return output


def chunk_size(network: Network) -> int:
    """Return how many rows are pushed or pulled through together: at least one."""
    widest = max(node.units for node in network.nodes)
    widest = max([widest, *(layer.bits for layer in network.layers)])
    return max(1, _BYTES // (8 * _LIVE * widest))


def chunks(count: int, size: int) -> Iterator[slice]:
    """Cut a range into slices of at most `size`: one, if it is empty."""
    starts = range(0, max(count, 1), size)
    return (slice(start, min(start + size, count)) for start in starts)


def unit_rows(numbers: slice, units: int) -> Tensor:
    """Return rows of the identity matrix, (1, numbers, units)."""
    rows = torch.zeros(1, numbers.stop - numbers.start, units, dtype=torch.float64)
    rows[0].diagonal(numbers.start).fill_(1.0)
    return rows


def points_of(network: Network, x: Array, name: str = "x") -> Tensor:
    """Return a batch of inputs (n, *input_shape) as float64 rows (n, inputs).

    Raises TypeError unless `network` is a Network, and what `Network.as_rows` raises.
    """
    if not isinstance(network, Network):
        raise TypeError(
            f"network is a {type(network).__name__}; wanted a Network: "
            "read_network(module, example_input)"
        )
    need_on_cpu(x, name, "polytopes are computed in float64 on the CPU")
    return network.as_rows(x, name)


def handed(values: Tensor, x: Array) -> Array:
    """Return values in x's library."""
    return values.numpy() if library_of(x, "x") == "numpy" else values
