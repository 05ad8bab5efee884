"""The affine map of a point's polytope."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..arrays import Array
from ..memory import need_room
from ..network import Network
from .local import LocalMap, around, chunk_size, chunks, exhaust, handed, points_of, unit_rows


class AffineMap(NamedTuple):
    """What a network is on the polytope of each of n points: ``weight[i] @ x + bias[i]``.

    Attributes
    ----------
    weight : float64 (n, outputs, inputs), outputs and inputs flat in C order
    bias : float64 (n, outputs)

    """

    weight: Array
    bias: Array


@torch.no_grad()
def affine_map(network: Network, x: Array) -> AffineMap:
    """Return the affine maps A x + b that the network is on the polytopes of points.

    A = W_L D_{L-1} W_{L-1} ... D_1 W_1 for a ReLU network, D the diagonal pattern of a layer.

    Parameters
    ----------
    network : Network from `read_network`
    x : floating array (n, *input_shape) on the CPU
        A point exactly on a boundary gets the map of its code (`Network.codes`): inactive, and the
        lowest of the largest.

    Returns
    -------
    map : AffineMap of x's library

    Raises
    ------
    TypeError : network is no Network, or x no floating array.
    ValueError : x has another shape, NaN or inf.
    MemoryError : the maps are more than the memory available.

    Notes
    -----
    float64, without gradients of torch: rows of the identity are carried through the transposes of
    the steps, or columns through the steps, whichever are fewer. n * min(inputs, outputs)
    evaluations of the network; beside the result, memory is bounded.

    """
    points = points_of(network, x)
    inputs, outputs = network.nodes[0].units, network.nodes[-1].units
    need_room((len(points), outputs, inputs + 1), 8, f"the affine maps of {len(points):,} points")
    weight = torch.empty(len(points), outputs, inputs, dtype=torch.float64)
    bias = torch.empty(len(points), outputs, dtype=torch.float64)
    origin = torch.zeros(1, 1, inputs, dtype=torch.float64)
    size = chunk_size(network)
    together = max(1, size // min(inputs, outputs))
    for part in chunks(len(points), together):
        local, _ = around(network, points[part])
        bias[part] = exhaust(local.push(origin, points=True))[:, 0]
        _fill(local, weight[part], max(1, size // together))
    return AffineMap(handed(weight, x), handed(bias, x))


def _fill(local: LocalMap, weight: Tensor, size: int) -> None:
    """Write the matrices (n, outputs, inputs), `size` rows or columns at a time."""
    _, outputs, inputs = weight.shape
    if outputs <= inputs:
        last = len(local.network.nodes) - 1
        for rows in chunks(outputs, size):
            weight[:, rows] = local.pull({last: unit_rows(rows, outputs)})
    else:
        for columns in chunks(inputs, size):
            pushed = exhaust(local.push(unit_rows(columns, inputs)))
            weight[:, :, columns] = pushed.transpose(1, 2)
