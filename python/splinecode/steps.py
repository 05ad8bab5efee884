"""The steps of a piecewise-linear network: affine maps and kinks, in float64 torch.

An affine step maps rows of values to rows of values; a kink step is a layer of units and has bits.
Values are flat: one row an input, units in C order of the step's shape (channel, row, column).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

Shape = tuple[int, ...]
Pair = tuple[int, int]


def _rows(values: Tensor, shape: Shape) -> Tensor:
    return values.reshape(len(values), *shape)


def _pooled_shape(shape: Shape, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Shape:
    """Spatial shape (rows, columns) after sliding a window, rounding down."""
    return tuple(
        (extent + 2 * p - d * (k - 1) - 1) // s + 1
        for extent, k, s, p, d in zip(shape[-2:], kernel, stride, padding, dilation, strict=True)
    )


@dataclass(frozen=True, eq=False)
class Linear:
    """z = W h + b; weight (out, in), bias (out,)."""

    weight: Tensor
    bias: Tensor

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the outputs."""
        return (len(self.weight),)

    def __call__(self, values: Tensor, shape: Shape) -> Tensor:
        """Map rows of values (n, units), whose inputs have `shape`, to rows of outputs."""
        return functional.linear(values, self.weight, self.bias)


@dataclass(frozen=True, eq=False)
class Conv2d:
    """2-d cross-correlation with zero padding; weight (out, in / groups, rows, columns)."""

    weight: Tensor
    bias: Tensor
    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the outputs."""
        kernel = (self.weight.shape[2], self.weight.shape[3])
        spatial = _pooled_shape(shape, kernel, self.stride, self.padding, self.dilation)
        return (len(self.weight), *spatial)

    def __call__(self, values: Tensor, shape: Shape) -> Tensor:
        """Map rows of values (n, units), whose inputs have `shape`, to rows of outputs."""
        out = functional.conv2d(
            _rows(values, shape),
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
        )
        return out.flatten(1)


@dataclass(frozen=True, eq=False)
class ChannelAffine:
    """scale * h + shift, one pair a channel (first axis): a batch norm that nothing absorbed."""

    scale: Tensor
    shift: Tensor

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the outputs."""
        return shape

    def __call__(self, values: Tensor, shape: Shape) -> Tensor:
        """Map rows of values (n, units), whose inputs have `shape`, to rows of outputs."""
        column = (-1,) + (1,) * (len(shape) - 1)
        out = _rows(values, shape) * self.scale.view(column) + self.shift.view(column)
        return out.flatten(1)


@dataclass(frozen=True)
class AvgPool2d:
    """Mean over windows."""

    kernel: Pair
    stride: Pair
    padding: Pair
    count_include_pad: bool

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the outputs."""
        return shape[0], *_pooled_shape(shape, self.kernel, self.stride, self.padding, (1, 1))

    def __call__(self, values: Tensor, shape: Shape) -> Tensor:
        """Map rows of values (n, units), whose inputs have `shape`, to rows of outputs."""
        out = functional.avg_pool2d(
            _rows(values, shape),
            self.kernel,
            self.stride,
            self.padding,
            count_include_pad=self.count_include_pad,
        )
        return out.flatten(1)


@dataclass(frozen=True)
class Flatten:
    """All axes into one; values are flat already."""

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the outputs."""
        return (math.prod(shape),)

    def __call__(self, values: Tensor, shape: Shape) -> Tensor:
        """Map rows of values (n, units), whose inputs have `shape`, to rows of outputs."""
        return values


@dataclass(frozen=True)
class ReLU:
    """z where z > 0, else negative_slope * z (0 for a plain ReLU). One bit a unit: z > 0."""

    negative_slope: float = 0.0

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the outputs."""
        return shape

    def bits(self, shape: Shape) -> int:
        """Return the bits of the layer's code."""
        return math.prod(shape)

    def code(self, values: Tensor, shape: Shape) -> Tensor:
        """Return the bits (n, bits) at single points."""
        return values > 0

    def __call__(self, values: Tensor, shape: Shape) -> Tensor:
        """Map rows of values (n, units), whose inputs have `shape`, to rows of outputs."""
        return torch.where(values > 0, values, self.negative_slope * values)


@dataclass(frozen=True)
class MaxPool2d:
    """Largest element of windows; padding never wins.

    One bit a window element, flat over (channel, out row, out column, kernel row, kernel column):
    set at the largest element, the lowest of those that tie.
    """

    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the outputs."""
        spatial = _pooled_shape(shape, self.kernel, self.stride, self.padding, self.dilation)
        return shape[0], *spatial

    def bits(self, shape: Shape) -> int:
        """Return the bits of the layer's code."""
        return math.prod(self.output_shape(shape)) * math.prod(self.kernel)

    def windows(self, shape: Shape) -> Tensor:
        """Return the input unit of each window element, int64 (windows, elements); -1 is padding.

        The units' own numbers are unfolded; 0 marks padding on the way, and float64 is exact here.
        """
        numbers = torch.arange(1, math.prod(shape) + 1, dtype=torch.float64, device="cpu")
        numbers = numbers.view(1, *shape)
        columns = functional.unfold(numbers, self.kernel, self.dilation, self.padding, self.stride)
        by_window = columns.view(shape[0], math.prod(self.kernel), -1).transpose(1, 2)
        return by_window.reshape(-1, math.prod(self.kernel)).long() - 1

    def code(self, values: Tensor, shape: Shape) -> Tensor:
        """Return the bits (n, bits) at single points."""
        windows = self.windows(shape)
        elements = values[:, windows.clamp(min=0)].masked_fill(windows < 0, -math.inf)
        largest = elements == elements.amax(dim=-1, keepdim=True)
        first = largest & (largest.cumsum(dim=-1) == 1)
        return first.flatten(1)

    def __call__(self, values: Tensor, shape: Shape) -> Tensor:
        """Map rows of values (n, units), whose inputs have `shape`, to rows of outputs."""
        out = functional.max_pool2d(
            _rows(values, shape), self.kernel, self.stride, self.padding, self.dilation
        )
        return out.flatten(1)


Affine = Linear | Conv2d | ChannelAffine | AvgPool2d | Flatten
Kink = ReLU | MaxPool2d
Step = Affine | Kink


def pair(value: Any) -> Pair:
    """Return (rows, columns) of a module's setting that may be one number for both."""
    if isinstance(value, int):
        return value, value
    rows, columns = value
    return int(rows), int(columns)
