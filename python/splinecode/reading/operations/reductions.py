"""Sums, means, largest and smallest values over axes and of several tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..cells import Traced
from ..graph import Graph
from .arithmetic import negative
from .kinks import clamp_max, clamp_min
from .table import Operand, reads
from .windows import largest, weighted_sum

Axes = Sequence[int] | int | None


@reads("sum.dim_IntList")
def sum_over(graph: Graph, x: Operand, axes: Axes, keep: bool = False, *_: Any) -> Tensor:
    """Read a sum over axes."""
    return _kept(weighted_sum(graph, _last(x, axes), _share(1)), x, axes, keep)


@reads("mean.dim")
def mean_over(graph: Graph, x: Operand, axes: Axes, keep: bool = False, *_: Any) -> Tensor:
    """Read a mean over axes."""
    windows = _last(x, axes)
    return _kept(weighted_sum(graph, windows, _share(windows.shape[-1])), x, axes, keep)


@reads("sum")
def sum_of_all(graph: Graph, x: Operand, *_: Any) -> Tensor:
    """Refuse a sum over all axes, the batch among them."""
    return sum_over(graph, x, None)


@reads("mean")
def mean_of_all(graph: Graph, x: Operand, *_: Any) -> Tensor:
    """Refuse a mean over all axes, the batch among them."""
    return mean_over(graph, x, None)


@reads("amax")
def largest_over(graph: Graph, x: Operand, axes: Axes = (), keep: bool = False) -> Tensor:
    """Read the largest value over axes."""
    return _kept(largest(graph, _last(x, axes)), x, axes, keep)


@reads("amin")
def smallest_over(graph: Graph, x: Operand, axes: Axes = (), keep: bool = False) -> Tensor:
    """Read the smallest value over axes."""
    least = Traced(largest_over(graph, Traced(negative(graph, x)), axes, keep))
    return negative(graph, least)


@reads("max.dim")
def largest_along(graph: Graph, x: Operand, axis: int, keep: bool) -> tuple[Tensor, None]:
    """Read the largest value along an axis; not where it is."""
    return largest_over(graph, x, axis, keep), None


@reads("min.dim")
def smallest_along(graph: Graph, x: Operand, axis: int, keep: bool) -> tuple[Tensor, None]:
    """Read the smallest value along an axis; not where it is."""
    return smallest_over(graph, x, axis, keep), None


@reads("max")
def largest_of_all(graph: Graph, x: Operand) -> Tensor:
    """Refuse the largest value over all axes, the batch among them."""
    return largest_over(graph, x)


@reads("min")
def smallest_of_all(graph: Graph, x: Operand) -> Tensor:
    """Refuse the smallest value over all axes, the batch among them."""
    return smallest_over(graph, x)


@reads("maximum", "fmax")
def larger(graph: Graph, one: Operand, other: Operand) -> Tensor:
    """Read the larger of two values, one of which may be constant."""
    for value, limit in ((one, graph.constant(other)), (other, graph.constant(one))):
        if limit is not None:
            return clamp_min(graph, value, limit)
    pair = torch.broadcast_tensors(graph.cells_of(one), graph.cells_of(other))
    return largest(graph, torch.stack(pair, dim=-1))


@reads("minimum", "fmin")
def smaller(graph: Graph, one: Operand, other: Operand) -> Tensor:
    """Read the smaller of two values, one of which may be constant."""
    for value, limit in ((one, graph.constant(other)), (other, graph.constant(one))):
        if limit is not None:
            return clamp_max(graph, value, limit)
    turned = (Traced(negative(graph, value)) for value in (one, other))
    return negative(graph, Traced(larger(graph, *turned)))


def _share(count: int) -> Tensor:
    return torch.tensor(1 / count, dtype=torch.float64)


def _chosen(x: Operand, axes: Axes) -> list[int]:
    """Return axes as numbers from 0, all of them by default."""
    if axes is None or (not isinstance(axes, int) and len(axes) == 0):
        return list(range(x.ndim))
    return sorted(axis % x.ndim for axis in ([axes] if isinstance(axes, int) else axes))


def _last(x: Operand, axes: Axes) -> Tensor:
    """Return the cells with some axes as one, the last."""
    chosen = _chosen(x, axes)
    kept = [axis for axis in range(x.ndim) if axis not in chosen]
    cells: Tensor = x.cells.permute(*kept, *chosen)
    return cells.reshape(*cells.shape[: len(kept)], -1)


def _kept(cells: Tensor, x: Operand, axes: Axes, keep: bool) -> Tensor:
    """Return the cells with the axes that were reduced back, of size 1, if asked to keep them."""
    for axis in _chosen(x, axes) if keep else ():
        cells = cells.unsqueeze(axis)
    return cells
