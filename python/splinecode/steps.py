"""The steps of a piecewise-linear network: affine maps and kinks, in float64 torch.

Few on purpose: `splinecode.reading` spells every torch operation in these, so that the sweep, the
certificate and the tests' oracle each know nine steps and not a hundred operations.

Values are flat: a batch is rows (n, units), units in C order of the node's shape. A step is called
with the rows of each of its inputs and returns the rows of its output. Kinks are the layers of a
code; they have `bits`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Input:
    """The network's input."""


@dataclass(frozen=True, eq=False)
class Gather:
    """out[u] = in[index[u]], or 0 where index[u] is -1: slices, permutations, padding, repeats."""

    index: Tensor  # int64 (units out,)

    def __call__(self, values: Tensor) -> Tensor:
        """Map rows to rows."""
        out = values[:, self.index.clamp(min=0)]
        return torch.where(self.index < 0, 0.0, out) if bool((self.index < 0).any()) else out


@dataclass(frozen=True, eq=False)
class Concat:
    """The units of all inputs, one input after the other."""

    def __call__(self, *values: Tensor) -> Tensor:
        """Map rows to rows."""
        return torch.cat(values, dim=1)


@dataclass(frozen=True, eq=False)
class Linear:
    """z = W h + b on each run of `in` consecutive units; weight (out, in), bias (out,)."""

    weight: Tensor
    bias: Tensor

    def __call__(self, values: Tensor) -> Tensor:
        """Map rows to rows."""
        runs = values.unflatten(1, (-1, self.weight.shape[1]))
        return functional.linear(runs, self.weight, self.bias).flatten(1)


@dataclass(frozen=True, eq=False)
class Conv:
    """Cross-correlation over 1, 2 or 3 axes with zero padding; weight (out, in / groups, *kernel).

    Units are (channel, *spatial) of `input_shape`; strides, padding and dilation one an axis.
    """

    weight: Tensor
    bias: Tensor
    stride: Shape
    padding: Shape
    dilation: Shape
    groups: int
    input_shape: Shape

    @property
    def output_shape(self) -> Shape:
        """Shape (channels, *spatial) of the output."""
        spatial = (
            (extent + 2 * p - d * (k - 1) - 1) // s + 1
            for extent, k, s, p, d in zip(
                self.input_shape[1:],
                self.weight.shape[2:],
                self.stride,
                self.padding,
                self.dilation,
                strict=True,
            )
        )
        return (len(self.weight), *spatial)

    def __call__(self, values: Tensor) -> Tensor:
        """Map rows to rows."""
        convolve = (functional.conv1d, functional.conv2d, functional.conv3d)[len(self.stride) - 1]
        out = convolve(
            values.reshape(len(values), *self.input_shape),
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
        )
        return out.flatten(1)


@dataclass(frozen=True, eq=False)
class Scale:
    """out[u] = scale[u] * in[u] + shift[u]."""

    scale: Tensor  # (units,)
    shift: Tensor  # (units,)

    def __call__(self, values: Tensor) -> Tensor:
        """Map rows to rows."""
        return values * self.scale + self.shift


@dataclass(frozen=True, eq=False)
class Sum:
    """The sum of its inputs, which have as many units."""

    def __call__(self, *values: Tensor) -> Tensor:
        """Map rows to rows."""
        total = values[0]
        for more in values[1:]:
            total = total + more
        return total


@dataclass(frozen=True, eq=False)
class Sparse:
    """out[u] = bias[u] + sum of weight[i] * in[column[i]] for offsets[u] <= i < offsets[u + 1].

    Means over windows, interpolation, reductions.
    """

    offsets: Tensor  # int64 (units out + 1,)
    columns: Tensor  # int64 (entries,)
    weights: Tensor  # (entries,)
    bias: Tensor  # (units out,)

    def __call__(self, values: Tensor) -> Tensor:
        """Map rows to rows."""
        units = len(self.bias)
        row = torch.repeat_interleave(torch.arange(units), self.offsets.diff())
        out = self.bias.repeat(len(values), 1)
        return out.index_add_(1, row, values[:, self.columns] * self.weights)


@dataclass(frozen=True, eq=False)
class Pieces:
    """A continuous piecewise-linear function of each unit; a layer with a bit for each threshold.

    With k thresholds: slope[i] * z + intercept[i] on the i-th piece from below, i = 0 ... k, the
    number of thresholds below z. A ReLU has threshold 0, slopes (0, 1), intercepts (0, 0); a ReLU6
    thresholds (0, 6), slopes (0, 1, 0), intercepts (0, 0, 6). The pieces meet: exactly, in rational
    arithmetic. Bit u * k + i is z[u] > threshold[i, u] (thermometer).
    """

    thresholds: Tensor  # (k, units), rising in k
    slopes: Tensor  # (k + 1, units)
    intercepts: Tensor  # (k + 1, units)

    @property
    def bits(self) -> int:
        """Bits of the layer's code."""
        return self.thresholds.numel()

    def code(self, values: Tensor) -> Tensor:
        """Return the bits (n, bits) at single points."""
        return (values[:, :, None] > self.thresholds.T).flatten(1)

    def __call__(self, values: Tensor) -> Tensor:
        """Map rows to rows."""
        out = self.slopes[0] * values + self.intercepts[0]
        for i, threshold in enumerate(self.thresholds):
            above = self.slopes[i + 1] * values + self.intercepts[i + 1]
            out = torch.where(values > threshold, above, out)
        return out


@dataclass(frozen=True, eq=False)
class MaxWindows:
    """Output w is the largest of the units index[w]; -1 is no unit. Max pools, maxout, maximum.

    Bit w * size + e is on where element e of window w is the largest, the lowest of those that tie.
    """

    index: Tensor  # int64 (windows, size), a unit in each window at least

    @property
    def bits(self) -> int:
        """Bits of the layer's code."""
        return self.index.numel()

    def code(self, values: Tensor) -> Tensor:
        """Return the bits (n, bits) at single points."""
        elements = self._elements(values)
        largest = elements == elements.amax(dim=-1, keepdim=True)
        return (largest & (largest.cumsum(dim=-1) == 1)).flatten(1)

    def __call__(self, values: Tensor) -> Tensor:
        """Map rows to rows."""
        return self._elements(values).amax(dim=-1)

    def _elements(self, values: Tensor) -> Tensor:
        elements = values[:, self.index.clamp(min=0)]
        return elements.masked_fill(self.index < 0, -math.inf)


Affine = Gather | Concat | Linear | Conv | Scale | Sum | Sparse
Kink = Pieces | MaxWindows
Step = Input | Affine | Kink


def relu(units: int, negative_slope: float | Tensor = 0.0) -> Pieces:
    """Return z where z > 0, else negative_slope * z, one slope or one a unit."""
    zero = torch.zeros(units, dtype=torch.float64)
    below = torch.as_tensor(negative_slope, dtype=torch.float64).expand(units)
    return Pieces(zero[None], torch.stack([below, zero + 1]), torch.stack([zero, zero]))


def clamp(units: int, low: float | Tensor, high: float | Tensor) -> Pieces:
    """Return z limited to [low, high], one pair or one a unit."""
    zero = torch.zeros(units, dtype=torch.float64)
    ends = [torch.as_tensor(end, dtype=torch.float64).expand(units) for end in (low, high)]
    slopes = torch.stack([zero, zero + 1, zero])
    return Pieces(torch.stack(ends), slopes, torch.stack([ends[0], zero, ends[1]]))
