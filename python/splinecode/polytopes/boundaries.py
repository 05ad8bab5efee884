"""The nearest boundary of a point."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ..arrays import Array
from ..network import Network
from .least import Least, least, least_of_layers
from .local import LocalMap, around, chunk_size, chunks, handed, points_of, unit_rows


class NearestBoundary(NamedTuple):
    """The nearest boundaries of n points: arrays (n,), or (n, layers) if of each layer.

    Attributes
    ----------
    distance : float64; inf where there is no boundary
    layer : int64, index into ``network.layers``; -1 where there is none
    unit : int64, the bit within the layer; -1 where there is none
    direction : float64 (*distance's shape, *input_shape)
        The way there, of length 1 in the norm: ``x + distance * direction`` lies on the boundary.
        0 where there is none.

    """

    distance: Array
    layer: Array
    unit: Array
    direction: Array


@torch.no_grad()
def nearest_boundary(
    network: Network, x: Array, *, norm: float = 2, per_layer: bool = False
) -> NearestBoundary:
    """Return the nearest polytope boundary of each point.

    The boundary of unit j is abs(z_j) / norm(grad z_j) away, with the gradient of the point's
    polytope and in the dual norm. The least of these is the distance from the point to the end of
    its polytope, exactly: no boundary is nearer, and where that hyperplane is, the polytope still
    is. Across a boundary: `next_polytope`.

    Parameters
    ----------
    network : Network from `read_network`
    x : floating array (n, *input_shape) on the CPU
        A point exactly on a boundary has distance 0.
    norm : 1, 2 or inf
        Of input space.
    per_layer : bool
        The nearest hyperplane of every layer. Beyond the first layer of all it may lie outside of
        the polytope, where the unit's boundary has bent away.

    Returns
    -------
    nearest : NearestBoundary of x's library
        Of boundaries equally near within rounding (a share of 2^-40), that of the lowest layer and
        unit. An element of a pooling window is near when it is about to be the largest.

    Raises
    ------
    TypeError : network is no Network, or x no floating array.
    ValueError : x has another shape, NaN or inf; norm is another.

    Notes
    -----
    float64, without a proven bound: a unit that depends on the input by rounding alone counts as
    one that does. n * inputs evaluations of the network, in bounded memory: gradients of all units
    are reduced to their norms a few input coordinates at a time.

    """
    points = points_of(network, x)
    if norm not in (1, 2, math.inf):
        raise ValueError(f"norm is {norm!r}; wanted 1, 2 or inf")
    size = chunk_size(network)
    together = max(1, size // min(64, points.shape[1]))
    parts = [
        _nearest(network, points[part], norm, per_layer, max(1, size // together))
        for part in chunks(len(points), together)
    ]
    distance, layer, unit, direction = map(torch.cat, zip(*parts, strict=True))
    if not per_layer:
        distance, layer, unit = distance[:, 0], layer[:, 0], unit[:, 0]
    direction = direction.reshape(*distance.shape, *network.input_shape)
    return NearestBoundary(*(handed(column, x) for column in (distance, layer, unit, direction)))


def _nearest(
    network: Network, points: Tensor, norm: float, per_layer: bool, size: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the columns of `Least`, and the directions (n, k, inputs)."""
    local, forms = around(network, points)
    distances = [
        torch.where(slope > 0, form.abs() / slope, torch.inf)
        for form, slope in zip(forms, _slopes(local, forms, norm, size), strict=True)
    ]
    found = (least_of_layers if per_layer else least)(distances, len(points))
    return *found, _directions(local, found, norm)


def _slopes(local: LocalMap, forms: list[Tensor], norm: float, size: int) -> list[Tensor]:
    """Return the dual norms (n, bits) of the gradients of every layer's forms."""
    slopes = [torch.zeros_like(form) for form in forms]
    inputs = local.network.nodes[0].units
    for columns in chunks(inputs, size):
        pushed = local.push(unit_rows(columns, inputs))
        for i, (pattern, values) in enumerate(zip(local.patterns, pushed, strict=False)):
            gradients = pattern.forms(values)
            if norm == 1:
                slopes[i] = torch.maximum(slopes[i], gradients.abs().amax(dim=1))
            else:
                sizes = gradients.square() if norm == 2 else gradients.abs()
                slopes[i] = slopes[i] + sizes.sum(dim=1)
    return [slope.sqrt() for slope in slopes] if norm == 2 else slopes


def _directions(local: LocalMap, found: Least, norm: float) -> Tensor:
    """Return the shortest ways to the boundaries found, (n, k, inputs)."""
    n, k = found.layer.shape
    if not local.patterns:
        return torch.zeros(n, k, local.network.nodes[0].units, dtype=torch.float64)
    seeds = {}
    for layer, pattern in enumerate(local.patterns):
        point, one = torch.where(found.layer == layer)
        unit = found.unit[point, one]
        seeds[layer] = torch.zeros(n, k, pattern.bits.shape[1], dtype=torch.float64)
        # A form is positive where its bit is on: away from there, or towards it.
        seeds[layer][point, one, unit] = torch.where(pattern.bits[point, unit], -1.0, 1.0).double()
    gradients = local.pull_forms(seeds).expand(n, -1, -1)
    if norm == 1:
        steepest = gradients.abs().argmax(dim=2, keepdim=True)
        kept = gradients.gather(2, steepest).sign()
        return torch.zeros_like(gradients).scatter_(2, steepest, kept)
    if norm == 2:
        return torch.nn.functional.normalize(gradients, dim=2, eps=0.0).nan_to_num(0.0)
    return gradients.sign()
