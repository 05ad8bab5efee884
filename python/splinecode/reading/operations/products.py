"""Products with constant matrices."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...steps import Conv, Linear
from ..cells import Layout, Traced
from ..graph import Graph
from .arithmetic import add, multiply
from .table import Operand, reads


@reads("linear")
def linear(graph: Graph, x: Operand, weight: Operand, bias: Operand | None = None) -> Tensor:
    """Read x W' + b over the last axis."""
    matrix, shift = graph.constant(weight), None if bias is None else graph.constant(bias)
    if matrix is None or (bias is not None and shift is None):
        raise graph.refuse(_BOTH)
    return applied(graph, graph.cells_of(x), matrix, shift)


@reads("mm", "bmm", "mv", "dot")
def product(graph: Graph, one: Operand, other: Operand, bias: Tensor | None = None) -> Tensor:
    """Read a matrix product, one factor of which is constant; and one constant bias, (columns,)."""
    matrix = graph.constant(other)
    if matrix is not None:
        if matrix.ndim == 1:
            return applied(graph, graph.cells_of(one), matrix[None], None).squeeze(-1)
        return _times(graph, graph.cells_of(one), matrix, bias)
    matrix = graph.constant(one)
    if matrix is None:
        raise graph.refuse(_BOTH)
    cells = graph.cells_of(other)
    if cells.ndim == 1:
        return applied(graph, cells, torch.atleast_2d(matrix), None).reshape(matrix.shape[:-1])
    out = _times(graph, cells.mT, matrix.mT, None).mT
    return out if bias is None else add(graph, Traced(out), bias)


@reads("addmm", "baddbmm", "addmv")
def add_product(
    graph: Graph, bias: Operand, one: Operand, other: Operand, beta: float = 1, alpha: float = 1
) -> Tensor:
    """Read beta * bias + alpha * one @ other."""
    if alpha != 1:
        one = _scaled(graph, one, alpha)
    shift = graph.constant(bias)
    if shift is not None and shift.ndim == 1 and one.ndim == 2 and other.ndim == 2:
        return product(graph, one, other, shift * beta)
    return add(graph, Traced(product(graph, one, other)), bias, beta)


_BOTH = "it multiplies two tensors that depend on the input; wanted a constant matrix"


def _scaled(graph: Graph, value: Operand, factor: float) -> Any:
    constant = graph.constant(value)
    return Traced(multiply(graph, value, factor)) if constant is None else constant * factor


def _times(graph: Graph, cells: Tensor, matrix: Tensor, bias: Tensor | None) -> Tensor:
    """Return cells (..., n, k) times a constant (k, m) or (b, k, m)."""
    if matrix.ndim == 2:
        return applied(graph, cells, matrix.mT, bias)
    if matrix.stride(0) == 0 or bool((matrix == matrix[:1]).all()):
        return applied(graph, cells, matrix[0].mT, bias)
    return _each(graph, cells, matrix)


def applied(graph: Graph, cells: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return W h + b for each run h along the last axis."""
    layout = graph.layout([cells], inner=1)
    row = layout.split(cells)[0]
    shift = torch.zeros(len(weight), dtype=torch.float64) if bias is None else bias
    shape = (*row.shape[:-1], len(weight))
    step = Linear(weight.contiguous(), shift.contiguous())
    return graph.output(step, (graph.node(row),), layout, shape)


def _each(graph: Graph, cells: Tensor, matrices: Tensor) -> Tensor:
    """Return cells (b, n, k) times another constant matrix for each b: a grouped convolution.

    The inputs of the batch are along b, where they need the same matrices, or along n.
    """
    per_run = matrices.flatten(1)[:, None].expand(-1, cells.shape[1], -1)
    layout = graph.layout([cells], [per_run], inner=1)
    if layout.axis == 0:
        matrices = layout.split(matrices)[0]
    else:
        layout = Layout(2, layout.fast, graph.rows)
    channels = layout.split(cells.mT)[0]  # (b, k, n)
    weight = matrices.mT  # (b, m, k)
    groups, (size, length) = len(channels), channels.shape[1:]
    step = Conv(
        weight.reshape(-1, size, 1),
        torch.zeros(groups * weight.shape[1], dtype=torch.float64),
        (1,),
        (0,),
        (1,),
        groups,
        (groups * size, length),
    )
    shape = (groups, weight.shape[1], length)
    return graph.output(step, (graph.node(channels),), layout, shape).mT
