"""Matrices along single axes: interpolation, cumulative sums."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..graph import Graph
from .table import READERS, Operand, reads
from .windows import entries_of, spread, weighted_sum, windows_of


@reads("cumsum")
def cumulative_sum(graph: Graph, x: Operand, axis: int, *_: Any) -> Tensor:
    """Read sums of all values so far along an axis."""
    extent = x.shape[axis]
    below = torch.ones(extent, extent, dtype=torch.float64).tril()
    return along_axes(graph, x.cells.movedim(axis, -1), [below]).movedim(-1, axis)


def _interpolate(operator: Any) -> Any:
    """Return the reader of an interpolation, which is a matrix along each of its axes."""

    def reader(
        graph: Graph, x: Operand, size: Sequence[int], align: bool, *scales: float | None
    ) -> Tensor:
        axes = len(size)
        extents = x.shape[x.ndim - axes :]
        matrices = [
            _along_one(operator, axes, axis, extents[axis], size[axis], align, scales[axis])
            for axis in range(axes)
        ]
        return along_axes(graph, x.cells, matrices)

    return reader


def _along_one(
    operator: Any, axes: int, axis: int, extent: int, out: int, align: bool, scale: float | None
) -> Tensor:
    """Return the matrix (out, extent) of an interpolation along one axis.

    The other axes keep an extent of 2: torch 2.13 goes wrong at antialiasing lines of extent 1.
    """
    shape, outs = [2] * axes, [2] * axes
    scales: list[float | None] = [None] * axes
    shape[axis], outs[axis], scales[axis] = 1, out, scale
    units = torch.eye(extent, dtype=torch.float64).reshape(
        1, extent, *(extent if i == axis else 1 for i in range(axes))
    )
    images = operator(units.repeat(1, 1, *shape), outs, align, *scales)
    lines: Tensor = images[0].movedim(1 + axis, 1).reshape(extent, out, -1)[:, :, 0]
    return lines.T


for _name in (
    "upsample_linear1d",
    "upsample_bilinear2d",
    "upsample_bicubic2d",
    "upsample_trilinear3d",
    "_upsample_bilinear2d_aa",
    "_upsample_bicubic2d_aa",
):
    READERS[_name] = _interpolate(getattr(torch.ops.aten, _name))


def along_axes(graph: Graph, cells: Tensor, matrices: Sequence[Tensor]) -> Tensor:
    """Return a constant matrix (out, extent) applied along each of the last axes."""
    axes = len(matrices)
    places, entries = zip(*map(entries_of, matrices), strict=True)
    along = (spread(some, axis, axes) for axis, some in enumerate(entries))
    weights = torch.ones((), dtype=torch.float64)
    for some in along:
        weights = weights * some
    return weighted_sum(graph, windows_of(cells, places), weights.flatten(axes))
