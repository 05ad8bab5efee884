"""The first boundary along a ray, and the polytope behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..arrays import Array, from_numpy, library_of, need_same_place
from ..codes import Codes, pack
from ..network import Network
from .least import TIE, Least, least
from .local import chunk_size, chunks, exhaust, handed, kink_at, layer_nodes, points_of, pushed
from .patterns import Pattern, fixed


class BoundaryAlong(NamedTuple):
    """The first boundaries along rays from n points: arrays (n,).

    Attributes
    ----------
    distance : float64, in lengths of the direction; inf where there is no boundary
    layer : int64, index into ``network.layers``; -1 where there is none
    unit : int64, the bit within the layer; -1 where there is none

    """

    distance: Array
    layer: Array
    unit: Array


class NextPolytope(NamedTuple):
    """What rays from n points meet first.

    Attributes
    ----------
    distance, layer, unit : the boundary, as in `BoundaryAlong`
    codes : Codes of the polytopes that the rays start in
    next_codes : Codes of the polytopes behind the boundary; the same where there is none

    """

    distance: Array
    layer: Array
    unit: Array
    codes: Codes
    next_codes: Codes


@torch.no_grad()
def boundary_along(network: Network, x: Array, direction: Array) -> BoundaryAlong:
    """Return the first polytope boundary along the ray x + distance * direction, distance > 0.

    Parameters
    ----------
    network : Network from `read_network`
    x : floating array (n, *input_shape) on the CPU
        From a point on a boundary the ray starts in the polytope ahead: as in `crossings`, there is
        no boundary at distance 0.
    direction : floating array like x

    Returns
    -------
    boundary : BoundaryAlong of x's library
        Of boundaries that the ray meets together, within rounding (a share of 2^-40 of the
        distance), that of the lowest layer and unit. An element of a pooling window is met where it
        becomes the largest.

    Raises
    ------
    TypeError : network is no Network, or x or direction no floating array.
    ValueError : x or direction of another shape, NaN or inf; of two libraries.

    Notes
    -----
    float64, without a proven bound, which `crossings` has. One evaluation of the network a point.

    """
    rays = _rays(network, x, direction)
    parts = [_Ray.ahead(network, *part).boundary() for part in rays]
    return BoundaryAlong(*(handed(column[:, 0], x) for column in _joined(parts)))


@torch.no_grad()
def next_polytope(network: Network, x: Array, direction: Array) -> NextPolytope:
    """Return the polytope that a ray comes into at its first boundary, and the one it leaves.

    With the direction of `nearest_boundary` this is the polytope across the nearest boundary. Bits
    of all layers are those just behind the boundary, by the rule of `crossings`: a unit that is on
    its boundary there has the sign of its slope along the ray.

    Parameters, errors and the rounding of ties are those of `boundary_along`. Polytopes less than
    a share of 2^-40 of the distance deep are passed over. Two evaluations of the network a point.

    Returns
    -------
    next : NextPolytope of x's library

    """
    library = library_of(x, "x")
    rays = [_Ray.ahead(network, *part) for part in _rays(network, x, direction)]
    met = [ray.boundary() for ray in rays]
    behind = [ray.behind(there.distance[:, 0]) for ray, there in zip(rays, met, strict=True)]
    distance, layer, unit = (handed(column[:, 0], x) for column in _joined(met))
    return NextPolytope(
        distance,
        layer,
        unit,
        _codes(network, [ray.patterns for ray in rays], library),
        _codes(network, behind, library),
    )


def _rays(network: Network, x: Array, direction: Array) -> list[tuple[Tensor, Tensor]]:
    """Return the starts and directions (n, inputs), in parts that are swept together."""
    points = points_of(network, x)
    need_same_place(x, "x", direction, "direction")
    if tuple(direction.shape) != tuple(x.shape):
        raise ValueError(
            f"direction has shape {tuple(direction.shape)} and x {tuple(x.shape)}; wanted the same"
        )
    ways = points_of(network, direction, "direction")
    return [(points[part], ways[part]) for part in chunks(len(points), chunk_size(network))]


def _joined(parts: list[Least]) -> Least:
    return Least(*map(torch.cat, zip(*parts, strict=True)))


def _codes(network: Network, parts: list[list[Pattern]], library: str) -> Codes:
    words = np.concatenate([_words(patterns) for patterns in parts])
    return Codes(from_numpy(words, library), network.layers)


def _words(patterns: list[Pattern]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Pack the bits of every layer side by side."""
    return np.concatenate([pack(pattern.bits.numpy()) for pattern in patterns], axis=1)


@dataclass(frozen=True)
class _Ray:
    """Rays from n points: the pattern just ahead, and the layers' inputs there."""

    network: Network
    directions: Tensor  # (n, inputs)
    patterns: list[Pattern]
    values: list[Tensor]  # of each layer: its input and how fast it changes, (n, 2, units)

    @classmethod
    def ahead(cls, network: Network, points: Tensor, directions: Tensor) -> _Ray:
        """Fix the pattern at the start of the open ray."""
        patterns: list[Pattern] = []
        values: list[Tensor] = []

        def apply(node: int, inputs: Tensor) -> Tensor:
            pattern = fixed(kink_at(network, node), inputs[:, 0], inputs[:, 1])
            patterns.append(pattern)
            values.append(inputs)
            return torch.cat([pattern.affine(inputs[:, :1]), pattern.linear(inputs[:, 1:])], dim=1)

        exhaust(pushed(network, torch.stack([points, directions], dim=1), 1, apply))
        return cls(network, directions, patterns, values)

    def boundary(self) -> Least:
        """Return the first boundary of each ray, (n, 1)."""
        distances = []
        for pattern, values in zip(self.patterns, self.values, strict=True):
            form = pattern.forms_at(values[:, :1])[:, 0]
            slope = pattern.forms(values[:, 1:])[:, 0]
            meets = torch.where(pattern.bits, slope < 0, slope > 0)
            distances.append(torch.where(meets, -form / slope, torch.inf))
        return least(distances, len(self.directions))

    def behind(self, distance: Tensor) -> list[Pattern]:
        """Return the patterns just behind the points at `distance` (n,); ahead of x for inf."""
        t = torch.where(distance < torch.inf, distance, 0.0)[:, None]
        layer = {node: i for i, node in enumerate(layer_nodes(self.network))}
        patterns: list[Pattern] = []

        def apply(node: int, slopes: Tensor) -> Tensor:
            before, slope = self.values[layer[node]].unbind(dim=1)
            way = t * slope
            slack = TIE * (before.abs() + way.abs())
            step = kink_at(self.network, node)
            patterns.append(fixed(step, before + way, slopes[:, 0], slack))
            return patterns[-1].linear(slopes)

        exhaust(pushed(self.network, self.directions[:, None], 0, apply))
        return patterns
