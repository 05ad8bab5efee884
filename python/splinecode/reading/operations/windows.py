"""Largest values and weighted sums of windows of cells: what pools and reductions are made of."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...steps import MaxWindows, Sparse
from ..cells import NOTHING
from ..graph import Graph


def windows_of(cells: Tensor, places: Sequence[Tensor]) -> Tensor:
    """Return the cells of windows over the last axes.

    `places[i]`, (out, size), has the places along axis i that each window covers, -1 for none. Of
    cells (..., *extents) come windows (..., *outs, size), size the product of the sizes.
    """
    axes = len(places)
    flat = torch.zeros((), dtype=torch.int64)
    inside = torch.ones((), dtype=torch.bool)
    for axis, place in enumerate(places):
        along = spread(place, axis, axes)
        flat = flat * cells.shape[cells.ndim - axes + axis] + along.clamp(min=0)
        inside = inside & (along >= 0)
    lines = cells.flatten(cells.ndim - axes)
    return torch.where(inside.flatten(axes), lines[..., flat.flatten(axes)], NOTHING)


def spread(table: Tensor, axis: int, axes: int) -> Tensor:
    """Return a table (out, size) of one axis so that it broadcasts with those of the others.

    Its axes are then (*outs, *sizes), all 1 but two.
    """
    outs, sizes = [1] * axes, [1] * axes
    outs[axis], sizes[axis] = table.shape
    return table.reshape(*outs, *sizes)


def entries_of(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Return the places (rows, most) of the nonzeros in each row, -1 for none, and the nonzeros."""
    nonzero = matrix != 0
    most = max(int(nonzero.sum(1).max()), 1)
    places = nonzero.to(torch.uint8).sort(dim=1, descending=True, stable=True).indices[:, :most]
    entries = matrix.gather(1, places)
    return torch.where(entries == 0, -1, places), entries


def largest(graph: Graph, windows: Tensor) -> Tensor:
    """Return the largest of the last axis's cells."""
    if windows.shape[-1] == 1:
        return windows.squeeze(-1)
    layout = graph.layout([windows], inner=1)
    row = layout.split(windows)[0]
    elements = row.reshape(-1, row.shape[-1])
    counts = (elements != NOTHING) & ~graph.is_minus_infinity(elements)
    if not bool(counts.any(1).all()):
        raise graph.refuse(
            "it takes the largest of nothing; wanted windows that hold more than padding"
        )
    index = torch.full_like(elements, -1)
    some = elements[counts]
    if bool((some <= 0).any()):
        node = graph.node(some)
        index[counts] = torch.arange(len(some))
    else:
        node, index[counts], _ = graph.source(some)
    return graph.output(MaxWindows(index), (node,), layout, row.shape[:-1])


def weighted_sum(graph: Graph, windows: Tensor, weights: Tensor) -> Tensor:
    """Return the sums of the last axis's cells times weights, which broadcast with them."""
    weights = weights.expand(windows.shape)
    layout = graph.layout([windows], [weights], inner=1)
    row = layout.split(windows)[0]
    elements = row.reshape(-1, row.shape[-1])
    shares = layout.split(weights)[0].reshape(elements.shape)
    constants = graph.values_of(elements)
    graph.need_finite(constants)
    bias = (constants * shares).sum(1)
    counts = (elements > 0) & (shares != 0)
    per_window = counts.sum(1)
    if bool((per_window == 1).all()) and bool((shares[counts] == 1).all()) and not bias.any():
        place = counts.to(torch.int64).argmax(1).reshape(row.shape[:-1])
        everywhere = layout.join(place.expand(graph.rows, *place.shape))
        return windows.gather(-1, everywhere[..., None]).squeeze(-1)
    node, columns, _ = graph.source(elements[counts])
    offsets = torch.zeros(len(elements) + 1, dtype=torch.int64)
    offsets[1:] = per_window.cumsum(0)
    step = Sparse(offsets, columns, shares[counts], bias)
    return graph.output(step, (node,), layout, row.shape[:-1])
