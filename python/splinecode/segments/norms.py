"""What bounds the rounding errors of affine steps: norms of their weights.

How the bounds pass through a sweep is argued in cpp/sweep/bounds.hpp.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from .. import steps
from ..steps import Shape

Vector = np.ndarray[tuple[int], np.dtype[np.float64]]

_SLACK = 1.01  # covers the rounding of the norms themselves
_LARGEST_GRAM = 4096
_SQUARINGS = 4


class Norms(NamedTuple):
    """What bounds the error of an affine step.

    Per output unit: `row1`, `row2` (sum and Euclidean norm of its weights), `bias` (absolute).
    For the whole map: `operator2` bounds its Euclidean norm, `local2` that of the entrywise
    absolute map, `bias2` is the norm of the bias; `terms` is the number of products in a unit.
    """

    row1: Vector
    row2: Vector
    bias: Vector
    operator2: float
    local2: float
    bias2: float
    terms: float


def linear_norms(step: steps.Linear, runs: int) -> Norms:
    """Return the norms of the matrix on each of `runs` runs of units."""
    return _norms_of_matrix(step.weight, step.bias, _Repeated(runs, "tile"), 1, 1)


def conv_norms(step: steps.Conv) -> Norms:
    """Return the norms of a convolution: a matrix applied to patches that overlap."""
    positions = math.prod(step.output_shape[1:])
    overlap = _overlap(step.weight.shape[2:], step.stride, step.dilation)
    weight = step.weight.flatten(1)
    return _norms_of_matrix(weight, step.bias, _Repeated(positions, "repeat"), overlap, step.groups)


def scale_norms(step: steps.Scale) -> Norms:
    """Return the norms of a diagonal map."""
    scale, shift = step.scale.abs().numpy(), step.shift.abs().numpy()
    largest = float(scale.max(initial=0.0))
    return Norms(scale, scale, shift, largest, largest, float(np.linalg.norm(shift)), 1)


def sparse_norms(step: steps.Sparse, inputs: int) -> Norms:
    """Return the norms of a sparse map; its operator norm by rows and columns."""
    counts = step.offsets.diff().numpy()
    rows = np.repeat(np.arange(len(counts)), counts)
    columns, weights = step.columns.numpy(), step.weights.abs().numpy()
    row1, column1 = _totals(rows, weights, len(counts)), _totals(columns, weights, inputs)
    places, entry = np.unique(rows * inputs + columns, return_inverse=True)
    largest = np.zeros(len(counts))  # of a row's weights, those of one column added up
    np.maximum.at(largest, places // max(inputs, 1), _totals(entry, weights, len(places)))
    row2 = largest * np.sqrt(counts)  # no squares, which may leave the range
    operator2 = math.sqrt(row1.max(initial=0.0)) * math.sqrt(column1.max(initial=0.0)) * _SLACK
    bias = step.bias.abs().numpy()
    return Norms(
        row1,
        np.minimum(row1, row2) * _SLACK,
        bias,
        operator2,
        operator2,
        float(np.linalg.norm(bias)),
        float(counts.max(initial=0)),
    )


def _totals(
    place: np.ndarray[Any, Any], values: np.ndarray[Any, Any], places: int
) -> np.ndarray[Any, Any]:
    """Add up the values of each place."""
    return np.bincount(place, values, places).astype(np.float64)  # int64 where there are none


class _Repeated(NamedTuple):
    """Spreads a value for each row of a matrix over the units that it makes."""

    times: int
    how: str

    def __call__(self, values: Tensor) -> Vector:
        spread = np.repeat if self.how == "repeat" else np.tile
        return np.ascontiguousarray(spread(values.numpy(), self.times))


def _norms_of_matrix(
    weight: Tensor, bias: Tensor, units: _Repeated, overlap: int, groups: int
) -> Norms:
    """Norms of a matrix applied to patches, each input element lying in at most `overlap` of them.

    Stacking the patches multiplies the Euclidean norm by at most sqrt(overlap).
    """
    spread = math.sqrt(overlap) * _SLACK
    blocks = weight.reshape(groups, len(weight) // groups, -1)
    return Norms(
        units(weight.abs().sum(1)),
        units(_norm(weight, 1)),
        units(bias.abs()),
        spread * max(_spectral_bound(block) for block in blocks),
        spread * max(float(_norm(block.flatten(), 0)) for block in blocks),
        float(_norm(bias, 0)) * math.sqrt(units.times),
        weight.shape[1],
    )


def _norm(values: Tensor, dim: int) -> Tensor:
    """Return Euclidean norms along `dim`, of any scale: scaled by the largest entry first."""
    if values.shape[dim] == 0:
        return values.sum(dim)
    largest = values.abs().amax(dim, keepdim=True)
    scale = torch.where(largest > 0, largest, 1.0)
    norm: Tensor = (values / scale).norm(dim=dim) * scale.squeeze(dim) * _SLACK
    return norm


def _spectral_bound(matrix: Tensor) -> float:
    """Bound the largest singular value, some m^(1/64) too large for m rows or columns.

    With A = W W^T and p = 2^k, its square is at most |A^p|_F^(1/p): k products of a small matrix,
    where a singular value decomposition takes seconds.
    """
    frobenius = float(_norm(matrix.flatten(), 0))
    if frobenius == 0.0 or math.isinf(frobenius):
        return frobenius
    if min(matrix.shape) > _LARGEST_GRAM:
        rows, columns = matrix.abs().sum(1).max(), matrix.abs().sum(0).max()
        return min(math.sqrt(float(rows) * float(columns)) * _SLACK, frobenius)
    wide = matrix / frobenius if matrix.shape[0] <= matrix.shape[1] else matrix.T / frobenius
    power, log_scale = wide @ wide.T, 0.0
    for squaring in range(_SQUARINGS):
        power = power @ power
        norm = float(power.norm())
        power, log_scale = power / norm, log_scale + math.log(norm) / 2 ** (squaring + 1)
    return frobenius * math.exp(log_scale / 2) * _SLACK


def _overlap(kernel: Shape, stride: Shape, dilation: Shape) -> int:
    """Return in how many windows an element can lie at most."""
    return math.prod(
        -(-k // (s // math.gcd(s, d))) for k, s, d in zip(kernel, stride, dilation, strict=True)
    )
