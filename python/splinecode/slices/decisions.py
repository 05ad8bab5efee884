"""Decision boundaries of a slice: it is cut by the network with a layer that decides."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..network import Network, Node
from ..steps import MaxWindows, Pieces, relu
from .result import DecisionBoundary, Slice2D


def decision_boundary(of: Slice2D) -> DecisionBoundary:
    """Return where the largest output, or the sign of the only one, changes."""
    from .cutting import MOST_POLYGONS, cut_window  # noqa: PLC0415  # it makes what asks for this

    found = cut_window(deciding(of.network), of.plane, MOST_POLYGONS)
    bits = found.codes.bits(len(found.layers) - 1)
    chosen = bits.argmax(axis=1) if bits.shape[1] > 1 else bits[:, 0].astype("int64")
    left, right = found.edge_polygons.T
    inner = (left >= 0) & (right >= 0)
    changes = inner & (chosen[left] != chosen[right])
    start, end = (found.vertices[found.edges[changes, i]] for i in (0, 1))
    return DecisionBoundary(start, end, chosen[left[changes]], chosen[right[changes]])


def deciding(network: Network) -> Network:
    """Append a layer: the largest output, or a unit that is on where the only output is > 0."""
    outputs = network.nodes[-1].units
    step: Pieces | MaxWindows = MaxWindows(torch.arange(outputs)[None])
    if outputs == 1:
        step = relu(1)
    name = "decision"
    taken = {node.name for node in network.nodes}
    while name in taken:
        name += "'"
    last = Node(step, (len(network.nodes) - 1,), name, (1,))
    nodes: Sequence[Node] = [*network.nodes, last]
    return Network(nodes)
