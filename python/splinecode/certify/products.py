"""The linear part of an affine step with other weights in it: magnitudes, or residues.

Sums of products in no promised order, possibly fused: what uses them must allow for any.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ..steps import Conv, Linear, Pieces, Scale, Sparse

Weighted = Linear | Conv | Scale | Sparse
"""The affine steps that multiply; the others move and add."""

Values = np.ndarray[Any, np.dtype[np.float64]]

_SLACK = 1e-6
"""Covers the rounding of a logarithm of a sum of magnitudes."""


def linear_of(step: Weighted | Pieces) -> Values:
    """Return the weights or the slopes of a step, as they are stored."""
    if isinstance(step, Scale):
        return step.scale.numpy()
    if isinstance(step, Pieces):
        return step.slopes.numpy()
    return step.weights.numpy() if isinstance(step, Sparse) else step.weight.numpy()


def constant_of(step: Weighted | Pieces) -> Values:
    """Return what a step adds: biases or intercepts, as they are stored."""
    if isinstance(step, Scale):
        return step.shift.numpy()
    return step.intercepts.numpy() if isinstance(step, Pieces) else step.bias.numpy()


def spread(step: Weighted, bias: Values, units: int) -> Values:
    """Return biases (..., stored) for each of the output units: (..., units)."""
    if isinstance(step, Conv):
        return np.repeat(bias, units // max(bias.shape[-1], 1), axis=-1)
    if isinstance(step, Linear):
        return np.tile(bias, units // max(bias.shape[-1], 1))
    return bias


def terms_of(step: Weighted) -> int:
    """Return the most products in one sum."""
    if isinstance(step, Linear):
        return step.weight.shape[1]
    if isinstance(step, Conv):
        return math.prod(step.weight.shape[1:])
    return 1 if isinstance(step, Scale) else int(step.offsets.diff().max()) if len(step.bias) else 0


def multiplications_of(step: Weighted, units: int) -> int:
    """Return how many products the `units` outputs of one row take."""
    return len(step.weights) if isinstance(step, Sparse) else units * terms_of(step)


def log2_gain(step: Weighted, units: int) -> float:
    """Return a bound of log2 of the largest sum of magnitudes of the weights of an output.

    `units` are those of the input. Minus infinity where all weights are zero.
    """
    weights = np.abs(linear_of(step))
    largest = float(weights.max(initial=0.0))
    if largest == 0.0:
        return -math.inf
    sums = product(step, weights[None] / largest, np.ones((1, 1, units)))
    return math.log2(largest) + log2_largest(sums) + _SLACK


def log2_largest(values: Values) -> float:
    """Return log2 of the largest magnitude; minus infinity for zeros or nothing."""
    largest = float(np.abs(values).max(initial=0.0))
    return math.log2(largest) if largest else -math.inf


def product(step: Weighted, weights: Values, values: Values) -> Values:
    """Apply the linear part for several sets of weights at once.

    weights (sets, *stored shape), values (sets, rows, units in) -> (sets, rows, units out)
    """
    sets, rows, _ = values.shape
    if isinstance(step, Linear):
        runs = values.reshape(sets, -1, weights.shape[2])
        out: Values = np.matmul(runs, weights.swapaxes(1, 2)).reshape(sets, rows, -1)
        return out
    if isinstance(step, Scale):
        return values * weights[:, None]
    if isinstance(step, Sparse):
        return _sums(values[:, :, step.columns.numpy()] * weights[:, None], step.offsets.numpy())
    return _convolution(step, weights, values)


def _sums(terms: Values, offsets: np.ndarray[Any, Any]) -> Values:
    """Add up terms[..., offsets[u] : offsets[u + 1]]."""
    some = offsets[:-1] < offsets[1:]  # reduceat takes an empty run for its first term
    out = np.zeros((*terms.shape[:-1], len(offsets) - 1))
    if some.any():
        out[..., some] = np.add.reduceat(terms, offsets[:-1][some], axis=-1)
    return out


def _convolution(step: Conv, weights: Values, values: Values) -> Values:
    """Convolve with several filters as groups of one convolution."""
    sets, rows, _ = values.shape
    grouped = replace(
        step,
        weight=torch.from_numpy(weights.reshape(-1, *weights.shape[2:])),
        bias=torch.zeros(sets * weights.shape[1], dtype=torch.float64),
        groups=sets * step.groups,
        input_shape=(sets * step.input_shape[0], *step.input_shape[1:]),
    )
    out = grouped(torch.from_numpy(values.swapaxes(0, 1).reshape(rows, -1)))
    return out.numpy().reshape(rows, sets, -1).swapaxes(0, 1)
