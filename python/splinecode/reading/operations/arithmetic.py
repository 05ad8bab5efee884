"""Sums of values, and products of values with constants."""

from __future__ import annotations

import torch
from torch import Tensor

from ...steps import Scale, Sum
from ..cells import Traced
from ..graph import Graph
from .table import Operand, reads


@reads("add")
def add(graph: Graph, one: Operand, other: Operand, alpha: float = 1) -> Tensor:
    """Read one + alpha * other."""
    constant = graph.constant(other)
    if constant is not None:
        return scaled(graph, graph.cells_of(one), 1.0, constant * alpha)
    constant = graph.constant(one)
    if constant is not None:
        return scaled(graph, graph.cells_of(other), alpha, constant)
    more = graph.cells_of(other) if alpha == 1 else scaled(graph, graph.cells_of(other), alpha, 0.0)
    return total(graph, graph.cells_of(one), more)


@reads("sub")
def subtract(graph: Graph, one: Operand, other: Operand, alpha: float = 1) -> Tensor:
    """Read one - alpha * other."""
    return add(graph, one, other, -alpha)


@reads("rsub")
def subtract_from(graph: Graph, one: Operand, other: Operand, alpha: float = 1) -> Tensor:
    """Read other - alpha * one."""
    return add(graph, other, one, -alpha)


@reads("neg")
def negative(graph: Graph, values: Operand) -> Tensor:
    """Read -values."""
    return scaled(graph, values.cells, -1.0, 0.0)


@reads("mul")
def multiply(graph: Graph, one: Operand, other: Operand) -> Tensor:
    """Read a product, one factor of which is constant."""
    for values, factor in ((one, graph.constant(other)), (other, graph.constant(one))):
        if factor is not None:
            return scaled(graph, graph.cells_of(values), factor, 0.0)
    raise graph.refuse(
        "it multiplies two values that depend on the input; wanted a constant factor"
    )


@reads("div")
def divide(graph: Graph, one: Operand, other: Operand, rounding_mode: str | None = None) -> Tensor:
    """Read a quotient of values by constants."""
    if rounding_mode is not None:
        raise graph.refuse("it rounds, which jumps; wanted division without rounding_mode")
    divisor = graph.constant(other)
    if divisor is None:
        raise graph.refuse("it divides by a value that depends on the input; wanted a constant")
    if not bool(divisor.all()):
        raise graph.refuse("it divides by 0")
    return scaled(graph, graph.cells_of(one), 1.0 / divisor, 0.0)


@reads("addcmul")
def add_product(
    graph: Graph, values: Operand, one: Operand, other: Operand, value: float = 1
) -> Tensor:
    """Read values + value * one * other, where one factor is constant."""
    return add(graph, values, Traced(multiply(graph, one, other)), value)


@reads("lerp")
def interpolate(graph: Graph, start: Operand, end: Operand, weight: Operand) -> Tensor:
    """Read start + weight * (end - start), where the weight is constant."""
    return add(graph, start, Traced(multiply(graph, Traced(subtract(graph, end, start)), weight)))


@reads("native_batch_norm", "_native_batch_norm_legit")
def normalise(
    graph: Graph,
    values: Operand,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor | None,
    variance: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Tensor, None, None]:
    """Read a batch norm of running statistics, for each channel of axis 1."""
    if training or mean is None or variance is None:
        raise graph.refuse(
            "it divides by a deviation of its input, which is not piecewise linear; wanted "
            "a batch norm in evaluation mode with track_running_stats=True"
        )
    mean, variance, weight, bias = (
        graph.constant(some) if some is not None else None
        for some in (mean, variance, weight, bias)
    )
    assert mean is not None
    assert variance is not None
    scale = torch.rsqrt(variance + eps)
    if weight is not None:
        scale = scale * weight
    shift = -mean * scale if bias is None else bias - mean * scale
    channels = (-1, *(1,) * (values.ndim - 2))
    return scaled(graph, values.cells, scale.reshape(channels), shift.reshape(channels)), None, None


@reads("_native_batch_norm_legit_no_training")
def normalise_in_evaluation(
    graph: Graph,
    values: Operand,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor,
    variance: Tensor,
    momentum: float,
    eps: float,
) -> tuple[Tensor, None, None]:
    """Read a batch norm as a program of torch's core operators has it."""
    return normalise(graph, values, weight, bias, mean, variance, False, momentum, eps)


def scaled(graph: Graph, cells: Tensor, scale: Tensor | float, shift: Tensor | float) -> Tensor:
    """Return scale * x + shift, of constants that broadcast with x."""
    constants = [torch.as_tensor(some, dtype=torch.float64) for some in (scale, shift)]
    cells, *constants = torch.broadcast_tensors(cells, *constants)
    layout = graph.layout([cells], constants)
    row = layout.split(cells)[0]
    step = Scale(*(layout.split(some)[0].reshape(-1) for some in constants))
    return graph.output(step, (graph.node(row),), layout, row.shape)


def total(graph: Graph, one: Tensor, other: Tensor) -> Tensor:
    """Return the sum of two tensors of values."""
    both = torch.broadcast_tensors(one, other)
    layout = graph.layout(both)
    rows = [layout.split(some)[0] for some in both]
    nodes = tuple(graph.node(row) for row in rows)
    if nodes[0] == nodes[1]:
        return scaled(graph, both[0], 2.0, 0.0)
    return graph.output(Sum(), nodes, layout, rows[0].shape)
