"""Norms and linear maps of modules, told apart by what they compute.

Names do not tell: Gemma's RMS norm multiplies by 1 + w, Gemma 3n's by w, and Qwen3-Next's, whose
name says neither, by 1 + w again. So every reading of the parameters is compared with the module.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..reading import UnsupportedNetworkError
from .block import Matrix, Norm

_TOLERANCE = 1e-4  # many norms compute in float32 whatever they get
_PROBES = 6


def read_norm(norm: nn.Module, width: int, place: str) -> Norm:
    """Read a layer norm or an RMS norm of rows of `width` numbers, found at `place`.

    Raises UnsupportedNetworkError where the module computes neither from its parameters.
    """
    eps = _eps_of(norm, place)
    probe = _probe(width, eps)
    wanted = _run(norm, probe, eps, place)
    for candidate in _readings(norm, eps, width):
        difference = np.abs(candidate(probe) - wanted).max()
        if difference <= _TOLERANCE * np.abs(wanted).max():
            return candidate
    raise UnsupportedNetworkError(
        f"{_before(norm, place)} and computes neither a layer norm nor an RMS norm over "
        f"{width} inputs from its parameters, with gain w or 1 + w; "
        "build MlpBlock(Norm(...), weight, bias) from arrays"
    )


def read_linear(linear: nn.Module, place: str) -> tuple[Matrix, Matrix | None]:
    """Return weight (units, width) and bias of a linear map, stored either way round.

    Raises UnsupportedNetworkError for a module that computes something else: quantised weights,
    adapters beside them.
    """
    weight, bias = getattr(linear, "weight", None), getattr(linear, "bias", None)
    if isinstance(weight, Tensor) and weight.ndim == 2 and weight.is_floating_point():
        shift = None if bias is None else array(bias)
        for stored in (weight, weight.T):
            if type(linear) is nn.Linear or _computes(linear, stored, shift):
                return array(stored), shift
    raise UnsupportedNetworkError(
        f"{type(linear).__name__} at {place!r} is no linear map of its own `weight` and `bias`; "
        "merge adapters or dequantise it first, or build MlpBlock(Norm(...), weight, bias)"
    )


def array(values: Tensor) -> Matrix:
    """Return parameters as float32 or float64, whichever holds them exactly."""
    values = values.detach().cpu()
    wide = values if values.dtype == torch.float64 else values.float()
    found: Matrix = wide.contiguous().numpy()
    return found


def _eps_of(norm: nn.Module, place: str) -> float:
    for name in ("eps", "variance_epsilon", "epsilon"):
        value = getattr(norm, name, None)
        if isinstance(value, float | int):
            return float(value)
    if isinstance(norm, nn.RMSNorm):  # None: that of the dtype
        weight = norm.weight
        return float(torch.finfo(weight.dtype if weight is not None else torch.float32).eps)
    raise UnsupportedNetworkError(
        f"{_before(norm, place)} and has no eps; wanted a LayerNorm or an RMSNorm, or "
        "MlpBlock(Norm(...), weight, bias) built from arrays"
    )


def _before(norm: nn.Module, place: str) -> str:
    return f"{type(norm).__name__} comes before the linear map, at {place!r},"


def _probe(width: int, eps: float) -> Matrix:
    """Return rows that tell norms apart: with and without a mean, and so small that eps counts."""
    rows = np.random.default_rng(0).standard_normal((_PROBES, width))
    rows[1::3] += 3
    rows[2::3] *= math.sqrt(eps) or 1.0
    return rows


def _run(norm: nn.Module, probe: Matrix, eps: float, place: str) -> Matrix:
    """Run a float64 copy of the norm, on rows as a batch of one sequence."""
    try:
        twin = copy.deepcopy(norm).to("cpu", torch.float64).eval()
        if isinstance(twin, nn.RMSNorm):
            twin.eps = eps
        with torch.no_grad():
            found: Matrix = twin(torch.from_numpy(probe)[None])[0].double().numpy()
    except Exception as error:  # whatever another library's module may raise
        raise UnsupportedNetworkError(
            f"{_before(norm, place)} and cannot be run on rows of {probe.shape[1]} numbers "
            f"({error}); build MlpBlock(Norm(...), weight, bias) from arrays"
        ) from error
    return found


def _readings(norm: nn.Module, eps: float, width: int) -> Iterator[Norm]:
    """Read the parameters in every way known."""
    weight = _parameter(norm, width, "weight", "w", "scale", "gamma")
    shift = _parameter(norm, width, "bias", "b", "beta")
    gains = [weight] if weight is None else [weight, 1 + weight.astype(np.float64)]
    for gain in gains:
        yield Norm("layer", eps, gain, shift)
        yield Norm("rms", eps, gain, shift)


def _parameter(norm: nn.Module, width: int, *names: str) -> Matrix | None:
    for name in names:
        value = getattr(norm, name, None)
        if isinstance(value, Tensor) and value.shape == (width,):
            return array(value)
    return None


def _computes(linear: Any, weight: Tensor, bias: Matrix | None) -> bool:
    """Compare a module with weight (units, width), in the module's own arithmetic."""
    probe = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 4, weight.shape[1])))
    probe = probe.to(weight.device, weight.dtype)
    try:
        with torch.no_grad():
            theirs = linear(probe)[0].double().cpu().numpy()
    except Exception:  # a module of other shapes, or none at all
        return False
    ours = array(probe[0]).astype(np.float64) @ array(weight).T.astype(np.float64)
    ours = ours if bias is None else ours + bias
    close = math.sqrt(torch.finfo(weight.dtype).eps) * np.abs(ours).max()
    return ours.shape == theirs.shape and bool(np.abs(ours - theirs).max() <= close)
