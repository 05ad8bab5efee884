"""The least of many distances, one for each bit."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

TIE = 2.0**-40
"""Distances that differ by this share count as equal: what rounding makes of true ties."""


class Least(NamedTuple):
    """The least distances of n points, each (n, k): inf, -1, -1 where there is none."""

    distance: Tensor
    layer: Tensor
    unit: Tensor


def least_of_layers(distances: list[Tensor], n: int) -> Least:
    """Return the least of the distances (n, bits) of each layer, k = layers; of ties the lowest."""
    layers = len(distances)
    distance = torch.empty(n, layers, dtype=torch.float64)
    unit = torch.empty(n, layers, dtype=torch.int64)
    for i, of_units in enumerate(distances):
        distance[:, i], unit[:, i] = _first_least(of_units)
    layer = torch.where(unit < 0, unit, torch.arange(layers))
    return Least(distance, layer, unit)


def least(distances: list[Tensor], n: int) -> Least:
    """Return the least of the distances (n, bits) of all layers, k = 1; of ties the lowest.

    Where a ray meets boundaries of several layers at once, it crosses that of the lowest for
    certain: nothing before that layer bends there.
    """
    found = least_of_layers(distances, n)
    distance, layer = _first_least(found.distance)
    unit = torch.full_like(layer, -1)
    there = layer >= 0
    unit[there] = found.unit[there, layer[there]]
    return Least(distance[:, None], layer[:, None], unit[:, None])


def _first_least(distances: Tensor) -> tuple[Tensor, Tensor]:
    """Return the first of the least of each row within `TIE`, and its column; -1 if all are inf."""
    if distances.shape[1] == 0:
        n = len(distances)
        return torch.full((n,), torch.inf).double(), torch.full((n,), -1)
    bound = distances.amin(dim=1, keepdim=True) * (1 + TIE)
    column = (distances <= bound).to(torch.uint8).argmax(dim=1)
    distance = distances.gather(1, column[:, None])[:, 0]
    return distance, torch.where(distance < torch.inf, column, -1)
