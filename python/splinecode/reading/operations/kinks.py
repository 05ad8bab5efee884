"""Piecewise-linear functions of each value."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from ...steps import Pieces
from ..cells import Traced
from ..graph import Graph
from .arithmetic import scaled
from .table import Operand, reads

Constant = Tensor | float


@reads("relu")
def relu(graph: Graph, x: Operand) -> Tensor:
    """Read max(x, 0)."""
    return pieces(graph, x, [0], [0, 1], [0, 0])


@reads("leaky_relu")
def leaky_relu(graph: Graph, x: Operand, slope: float = 0.01) -> Tensor:
    """Read x where x > 0, else slope * x."""
    return pieces(graph, x, [0], [slope, 1], [0, 0])


@reads("_prelu_kernel")
def prelu(graph: Graph, x: Operand, slope: Operand) -> Tensor:
    """Read x where x > 0, else slope * x, with slopes that broadcast."""
    return pieces(graph, x, [0], [_constant(graph, slope), 1], [0, 0])


@reads("rrelu_with_noise")
def rrelu(
    graph: Graph, x: Operand, noise: Tensor, lower: float, upper: float, training: bool, rng: None
) -> Tensor:
    """Read a randomised leaky ReLU in evaluation mode: its slope is the mean one."""
    if training:
        raise graph.refuse("it is random in training mode; wanted evaluation mode")
    return leaky_relu(graph, x, (lower + upper) / 2)


@reads("hardtanh", "relu6")
def hardtanh(graph: Graph, x: Operand, low: float = -1, high: float = 1) -> Tensor:
    """Read x limited to [low, high]."""
    return clamp(graph, x, low, high)


@reads("clamp", "clip")
def clamp(
    graph: Graph, x: Operand, low: Operand | None = None, high: Operand | None = None
) -> Tensor:
    """Read min(max(x, low), high), with constant limits that broadcast."""
    low = None if isinstance(low, float) and low == -math.inf else low
    high = None if isinstance(high, float) and high == math.inf else high
    if low is None or high is None:
        floored = x if low is None else Traced(clamp_min(graph, x, low))
        return graph.cells_of(floored) if high is None else clamp_max(graph, floored, high)
    low, high = _constant(graph, low), _constant(graph, high)
    if bool((low < high).all()):
        return pieces(graph, x, [low, high], [0, 1, 0], [low, 0, high])
    return clamp_max(graph, Traced(clamp_min(graph, x, low)), high)


@reads("clamp_min")
def clamp_min(graph: Graph, x: Operand, low: Operand) -> Tensor:
    """Read max(x, low)."""
    low = _constant(graph, low)
    return pieces(graph, x, [low], [0, 1], [low, 0])


@reads("clamp_max")
def clamp_max(graph: Graph, x: Operand, high: Operand) -> Tensor:
    """Read min(x, high)."""
    high = _constant(graph, high)
    return pieces(graph, x, [high], [1, 0], [0, high])


@reads("threshold")
def threshold(graph: Graph, x: Operand, limit: float, value: float) -> Tensor:
    """Read x where x > limit, else value, if that is continuous."""
    if limit != value:
        raise graph.refuse(
            f"it jumps from {value} to {limit} at its threshold; wanted value == threshold"
        )
    return clamp_min(graph, x, limit)


@reads("hardsigmoid")
def hardsigmoid(graph: Graph, x: Operand) -> Tensor:
    """Read min(max(x, -3), 3) / 6 + 1/2. Limiting first lets the pieces meet exactly."""
    return scaled(graph, clamp(graph, x, -3, 3), 1 / 6, 0.5)


@reads("softshrink")
def softshrink(graph: Graph, x: Operand, width: float = 0.5) -> Tensor:
    """Read x moved towards 0 by width."""
    return pieces(graph, x, [-width, width], [1, 0, 1], [width, 0, -width])


@reads("abs")
def absolute(graph: Graph, x: Operand) -> Tensor:
    """Read |x|."""
    return pieces(graph, x, [0], [-1, 1], [0, 0])


def _constant(graph: Graph, value: Operand) -> Tensor:
    constant = graph.constant(value)
    if constant is None:
        raise graph.refuse("its parameters depend on the input; wanted constants")
    return constant


def pieces(
    graph: Graph,
    x: Operand,
    thresholds: list[Constant],
    slopes: list[Constant],
    intercepts: list[Constant],
) -> Tensor:
    """Return a piecewise-linear function of each value, as `Pieces` has it.

    Parameters are numbers, or tensors that broadcast with x.
    """
    tables = [
        [torch.as_tensor(some, dtype=torch.float64) for some in table]
        for table in (thresholds, slopes, intercepts)
    ]
    full = [some for table in tables for some in table if some.ndim]
    shape = np.broadcast_shapes(x.shape, *(some.shape for some in full))
    cells = graph.cells_of(x).expand(shape)
    layout = graph.layout([cells], [some.expand(shape) for some in full])
    row = layout.split(cells)[0]

    def per_unit(table: list[Tensor]) -> Tensor:
        if not any(some.ndim for some in table):
            return torch.stack(table)[:, None].expand(-1, row.numel())
        rows = (layout.split(some.expand(shape))[0] for some in table)
        return torch.stack([some.reshape(-1) for some in rows])

    step = Pieces(*map(per_unit, tables))
    return graph.output(step, (graph.node(row),), layout, row.shape)
