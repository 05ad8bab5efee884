"""Rounding bounds for values that a sweep carries along a segment.

For every segment two numbers bound the error of a layer's values at every t: `e2` in the Euclidean
norm over units and `einf` for the worst unit. An affine step adds the error of its dot products,
gamma_n |w| . |h| with gamma_n = n u / (1 - n u) (Higham, Accuracy and Stability of Numerical
Algorithms, 2nd ed., section 3.1), bounded by Cauchy-Schwarz, and passes the old error on through
the norms of its weights. Kinks are 1-Lipschitz (or `slope`-Lipschitz) and add the rounding of one
interpolation.

The bounds are proven, and in deep networks far larger than the error, which tends to grow by the
rounding of one step a step: that is `Tolerance.snap`, and what is taken to be a tie.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import torch

from . import steps
from .network import Network
from .steps import Affine, Kink, Shape

Vector = np.ndarray[Any, np.dtype[np.float64]]

UNIT = 2.0**-53
"""The unit roundoff of float64."""

_INTERPOLATION = 6 * UNIT
_LEAST = 2.0**-1074  # the error of a product that underflows
_SLACK = 1.01  # covers second-order terms and the rounding of the bounds themselves
_LARGEST_GRAM = 4096
_SQUARINGS = 4


@dataclass(frozen=True)
class Norms:
    """What bounds the error of an affine step.

    Per output unit: `row1`, `row2` (sum and Euclidean norm of its weights), `bias` (absolute).
    For the whole map: `operator2` bounds its Euclidean norm, `local2` that of the entrywise
    absolute map; `terms` is the number of products in a dot product.
    """

    row1: Vector
    row2: Vector
    bias: Vector
    operator2: float
    local2: float
    terms: int


def norms_of(step: Affine, shape: Shape) -> Norms | None:
    """Return the norms of an affine step with inputs of `shape`; None if it computes nothing."""
    if isinstance(step, steps.Linear):
        return _linear_norms(step.weight, step.bias, 1, 1)
    if isinstance(step, steps.Conv2d):
        positions = math.prod(step.output_shape(shape)[1:])
        kernel = (step.weight.shape[2], step.weight.shape[3])
        overlap = _overlap(kernel, step.stride, step.dilation)
        return _linear_norms(step.weight.flatten(1), step.bias, positions, overlap, step.groups)
    if isinstance(step, steps.ChannelAffine):
        scale = np.repeat(step.scale.abs().numpy(), math.prod(shape[1:]))
        shift = np.repeat(step.shift.abs().numpy(), math.prod(shape[1:]))
        largest = float(scale.max(initial=0.0))
        return Norms(scale, scale, shift, largest, largest, 1)
    if isinstance(step, steps.AvgPool2d):
        ones = np.ones(math.prod(step.output_shape(shape)))
        spread = math.sqrt(_overlap(step.kernel, step.stride, (1, 1)))
        return Norms(ones, ones, 0 * ones, spread, spread, math.prod(step.kernel))
    return None


_NORMS: WeakKeyDictionary[Network, list[Norms | None]] = WeakKeyDictionary()


def network_norms(network: Network) -> list[Norms | None]:
    """Return the norms of every place (None for kinks), kept as long as the network lives."""
    if network not in _NORMS:
        _NORMS[network] = [
            None if isinstance(place.step, Kink) else norms_of(place.step, place.input_shape)
            for place in network.places
        ]
    return _NORMS[network]


def _norm(values: torch.Tensor, dim: int) -> torch.Tensor:
    """Return Euclidean norms along `dim`, of any scale: scaled by the largest entry first."""
    if values.shape[dim] == 0:
        return values.sum(dim)
    largest = values.abs().amax(dim, keepdim=True)
    scale = torch.where(largest > 0, largest, 1.0)
    norm: torch.Tensor = (values / scale).norm(dim=dim) * scale.squeeze(dim)
    return norm


def _linear_norms(
    weight: torch.Tensor, bias: torch.Tensor, positions: int, overlap: int, groups: int = 1
) -> Norms:
    """Norms of a matrix applied to patches, each input element lying in at most `overlap` of them.

    Stacking the patches multiplies the Euclidean norm by at most sqrt(overlap).
    """
    spread = math.sqrt(overlap)
    blocks = weight.reshape(groups, len(weight) // groups, -1)
    return Norms(
        row1=np.repeat(weight.abs().sum(1).numpy(), positions),
        row2=np.repeat(_norm(weight, 1).numpy(), positions),
        bias=np.repeat(bias.abs().numpy(), positions),
        operator2=spread * max(_spectral_bound(block) for block in blocks),
        local2=spread * max(float(_norm(block.flatten(), 0)) for block in blocks),
        terms=weight.shape[1],
    )


def _spectral_bound(matrix: torch.Tensor) -> float:
    """Bound the largest singular value, some m^(1/64) too large for m rows or columns.

    With A = W W^T and p = 2^k, its square is at most |A^p|_F^(1/p): k products of a small matrix,
    where a singular value decomposition takes seconds.
    """
    frobenius = float(_norm(matrix.flatten(), 0))
    if frobenius == 0.0 or math.isinf(frobenius):
        return frobenius
    if min(matrix.shape) > _LARGEST_GRAM:
        rows, columns = matrix.abs().sum(1).max(), matrix.abs().sum(0).max()
        return min(math.sqrt(float(rows) * float(columns)), frobenius)
    wide = matrix / frobenius if matrix.shape[0] <= matrix.shape[1] else matrix.T / frobenius
    power, log_scale = wide @ wide.T, 0.0
    for squaring in range(_SQUARINGS):
        power = power @ power
        norm = float(power.norm())
        power, log_scale = power / norm, log_scale + math.log(norm) / 2 ** (squaring + 1)
    return frobenius * math.exp(log_scale / 2) * _SLACK


def _overlap(kernel: steps.Pair, stride: steps.Pair, dilation: steps.Pair) -> int:
    """Return in how many windows an element can lie at most."""
    return math.prod(
        -(-k // (s // math.gcd(s, d))) for k, s, d in zip(kernel, stride, dilation, strict=True)
    )


class Tolerance(NamedTuple):
    """How well the values of a layer are known, each (segments, units); see cpp/segments.hpp."""

    snap: Vector
    bound: Vector


@dataclass
class Bound:
    """Bounds for every segment (arrays (segments,)): errors, and norms of the values themselves."""

    e2: Vector
    einf: Vector
    size2: Vector
    sizeinf: Vector
    snapinf: Vector
    steps: int = 0

    @classmethod
    def of_inputs(cls, a: torch.Tensor, b: torch.Tensor) -> Bound:
        """Bound segments between rows of `a` and `b`, which are exact."""
        zero = np.zeros(len(a))
        norm2 = torch.maximum(_norm(a, 1), _norm(b, 1)).numpy()
        largest = torch.maximum(a.abs(), b.abs()).numpy().max(axis=1, initial=0.0)
        return cls(zero, zero.copy(), norm2, largest, zero.copy())

    def measure(self, norm2: Vector, largest: Vector, offsets: np.ndarray[Any, Any]) -> None:
        """Take the sizes of the values at the knots (rows): between knots none is larger."""
        if len(self.e2):
            self.size2 = np.maximum.reduceat(norm2, offsets[:-1])
            self.sizeinf = np.maximum.reduceat(largest, offsets[:-1])

    @np.errstate(over="ignore", invalid="ignore")  # values that overflow are refused afterwards
    def affine(self, norms: Norms) -> Tolerance:
        """Pass through an affine step; return the tolerances of its units."""
        products = norms.terms + 2
        gamma = _SLACK * products * UNIT / (1 - products * UNIT)
        passed = np.minimum(np.outer(self.e2, norms.row2), np.outer(self.einf, norms.row1))
        size = np.minimum(np.outer(self.size2, norms.row2), np.outer(self.sizeinf, norms.row1))
        local = gamma * (size + norms.bias)
        local[local > 0] += products * _LEAST
        bound = _SLACK * passed + local
        self.steps += 1
        whole = _SLACK * norms.operator2 * self.e2 + gamma * (
            norms.local2 * self.size2 + np.linalg.norm(norms.bias)
        )
        self.e2 = np.minimum(whole, np.linalg.norm(bound, axis=1))
        self.einf = bound.max(axis=1, initial=0.0)
        snap = np.minimum(self.steps * local, bound)
        self.snapinf = snap.max(axis=1, initial=0.0)
        self.sizeinf = (size + norms.bias).max(axis=1, initial=0.0)
        self.size2 = norms.operator2 * self.size2 + float(np.linalg.norm(norms.bias))
        return Tolerance(snap, bound)

    def kink(self, step: Kink) -> None:
        """Pass through a kink; `measure` the new values afterwards."""
        grow2 = growinf = 1.0
        if isinstance(step, steps.ReLU):
            grow2 = growinf = max(1.0, abs(step.negative_slope))
        else:
            grow2 = math.sqrt(_overlap(step.kernel, step.stride, step.dilation))
        self.e2 = grow2 * (self.e2 + _INTERPOLATION * self.size2)
        self.einf = growinf * (self.einf + _INTERPOLATION * self.sizeinf)
        self.snapinf = growinf * (self.snapinf + _INTERPOLATION * self.sizeinf)
