"""The linear part of an affine step, and its transpose."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.grad import conv1d_input, conv2d_input, conv3d_input

from ..steps import Affine, Concat, Conv, Gather, Linear, Scale, Sparse, Sum


def linear_part(step: Affine) -> Affine:
    """Return the step without its constant: it maps differences of inputs to those of outputs."""
    match step:
        case Linear() | Conv() | Sparse():
            return replace(step, bias=torch.zeros_like(step.bias))
        case Scale():
            return replace(step, shift=torch.zeros_like(step.shift))
        case _:
            return step


def transposed(  # noqa: PLR0911 - one for each step
    step: Affine, rows: Tensor, units: list[int]
) -> list[Tensor]:
    """Apply the transpose of the step's linear part.

    Parameters
    ----------
    step : an affine step
    rows : (n, units out)
    units : units of each of its inputs

    Returns
    -------
    rows (n, units) for each input

    """
    match step:
        case Concat():
            return list(rows.split(units, dim=1))
        case Sum():
            return [rows] * len(units)
        case Linear():
            runs = rows.unflatten(1, (-1, len(step.weight)))
            return [(runs @ step.weight).flatten(1)]
        case Conv():
            return [_transposed_conv(step, rows)]
        case Scale():
            return [rows * step.scale]
        case Gather():
            kept = step.index >= 0
            out = rows.new_zeros(len(rows), units[0])
            return [out.index_add_(1, step.index[kept], rows[:, kept])]
        case Sparse():
            row = torch.repeat_interleave(torch.arange(len(step.bias)), step.offsets.diff())
            out = rows.new_zeros(len(rows), units[0])
            return [out.index_add_(1, step.columns, rows[:, row] * step.weights)]


def _transposed_conv(step: Conv, rows: Tensor) -> Tensor:
    apply = (conv1d_input, conv2d_input, conv3d_input)[len(step.stride) - 1]
    out: Tensor = apply(  # type: ignore[no-untyped-call]
        (len(rows), *step.input_shape),
        step.weight,
        rows.reshape(len(rows), *step.output_shape),
        step.stride,
        step.padding,
        step.dilation,
        step.groups,
    )
    return out.flatten(1)
