"""Convolutions, and transposed ones."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ...steps import Conv, Shape
from ..graph import Graph
from .table import Operand, reads


@reads("convolution", "_convolution")
def convolution(
    graph: Graph,
    x: Operand,
    weight: Operand,
    bias: Operand | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
    *_: bool,
) -> Tensor:
    """Read a convolution, or a transposed one, with a constant kernel."""
    kernel = graph.constant(weight)
    shift = None if bias is None else graph.constant(bias)
    if kernel is None or (bias is not None and shift is None):
        raise graph.refuse("its kernel depends on the input; wanted a constant kernel")
    axes = kernel.ndim - 2
    stride, padding, dilation = (_each(axes, some) for some in (stride, padding, dilation))
    cells = graph.cells_of(x)
    if transposed:
        reach = [d * (k - 1) for d, k in zip(dilation, kernel.shape[2:], strict=True)]
        low = [r - p for r, p in zip(reach, padding, strict=True)]
        high = [before + o for before, o in zip(low, _each(axes, output_padding), strict=True)]
        cells = _stuffed(cells, stride, low, high)
        kernel = _turned(kernel, groups)
        stride, padding = (1,) * axes, (0,) * axes
    return _convolved(graph, cells, kernel, shift, stride, padding, dilation, groups)


def _each(axes: int, setting: Sequence[int]) -> Shape:
    return tuple(setting) * axes if len(setting) == 1 else tuple(setting)


def _stuffed(
    cells: Tensor, stride: Sequence[int], low: Sequence[int], high: Sequence[int]
) -> Tensor:
    """Return cells with zeros between and around them: stride - 1 between, low and high around."""
    extents = [(extent - 1) * s + 1 for extent, s in zip(cells.shape[2:], stride, strict=True)]
    out = cells.new_zeros((*cells.shape[:2], *extents))
    out[(slice(None), slice(None), *(slice(None, None, s) for s in stride))] = cells
    around = [width for pair in zip(low, high, strict=True) for width in pair]
    pairs = [around[i : i + 2] for i in range(0, len(around), 2)]
    return functional.pad(out, [width for pair in reversed(pairs) for width in pair])


def _turned(kernel: Tensor, groups: int) -> Tensor:
    """Return the kernel of the convolution that a transposed one is."""
    parts = kernel.unflatten(0, (groups, -1)).transpose(1, 2)  # (groups, out, in, *kernel)
    turned: Tensor = parts.flatten(0, 1).flip(tuple(range(2, kernel.ndim)))
    return turned


def _convolved(
    graph: Graph,
    cells: Tensor,
    kernel: Tensor,
    bias: Tensor | None,
    stride: Shape,
    padding: Shape,
    dilation: Shape,
    groups: int,
) -> Tensor:
    """Return the convolution of cells (rows * times, channels, *spatial).

    Where axis 0 holds several times a row, such as the frames of a film, each is a group.
    """
    layout = graph.layout([cells], inner=cells.ndim - 1)
    row = layout.split(cells)[0]
    times = len(row)
    shift = torch.zeros(len(kernel), dtype=torch.float64) if bias is None else bias
    step = Conv(
        kernel.repeat(times, *(1,) * (kernel.ndim - 1)),
        shift.repeat(times),
        stride,
        padding,
        dilation,
        groups * times,
        (times * row.shape[1], *row.shape[2:]),
    )
    shape = (times, len(kernel), *step.output_shape[1:])
    return graph.output(step, (graph.node(row),), layout, shape)
