"""What a transformer's MLP computes up to its first threshold: a norm and a linear map."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from ..arrays import Array, from_numpy, library_of
from ..codes import Codes, Layer, pack
from .normal_form import NormalForm
from .rows import as_rows, parameter

Vector = np.ndarray[Any, np.dtype[np.float64]]
Matrix = np.ndarray[Any, Any]

_KINDS = ("layer", "rms", "none")


@dataclass(frozen=True, eq=False)
class Norm:
    """A normalisation of rows x (n, width): gain * y / sqrt(mean(y^2) + eps) + shift.

    Parameters
    ----------
    kind : "layer" (y = x - mean(x)), "rms" (y = x) or "none" (no norm at all)
    eps : float
    gain, shift : floating array (width,), optional
        Kept as float64, which is exact.

    Raises
    ------
    TypeError, ValueError : another kind, eps < 0, or parameters that are no finite vectors.

    """

    kind: Literal["layer", "rms", "none"] = "none"
    eps: float = 0.0
    gain: Vector | None = None
    shift: Vector | None = None

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ValueError(f"kind is {self.kind!r}; wanted one of {_KINDS}")
        if not (0 <= self.eps < math.inf):
            raise ValueError(f"eps is {self.eps}; wanted a finite number, at least 0")
        for name in ("gain", "shift"):
            given = getattr(self, name)
            if given is None:
                continue
            if self.kind == "none":
                raise ValueError(f"{name} is given, but kind is 'none'; wanted no parameters")
            object.__setattr__(self, name, parameter(given, name, 1).astype(np.float64))

    def centred(self, rows: Matrix) -> Matrix:
        """Return y: the rows less their means for "layer", else the rows themselves."""
        return rows - rows.mean(axis=1, keepdims=True) if self.kind == "layer" else rows

    def __call__(self, rows: Matrix) -> Matrix:
        """Normalise float64 rows (n, width)."""
        if self.kind == "none":
            return rows
        y = self.centred(rows)
        out: Matrix = y / np.sqrt((y * y).mean(axis=1, keepdims=True) + self.eps)
        out = out if self.gain is None else out * self.gain
        return out if self.shift is None else out + self.shift


@dataclass(frozen=True, eq=False)
class MlpBlock:
    """The pre-activations z = weight @ norm(x) + bias of one layer, x a residual stream's row.

    Made by `read_block` from a module, or from arrays. z > 0 is the bit of a unit: exact for a
    ReLU, a sign code for GELU and SiLU. Of a gated MLP the units are those of the gate.

    Parameters
    ----------
    norm : Norm
    weight : floating array (units, width)
        Kept in float32 or float64, whichever holds it exactly.
    bias : floating array (units,), optional
    name : str
        The layer's name in codes.

    Raises
    ------
    TypeError, ValueError : shapes that do not fit each other, NaN, inf, or sizes out of the range
        that float64 products bear (1e-75 to 1e75).

    """

    norm: Norm
    weight: Matrix
    bias: Vector | None = None
    name: str = "pre"

    def __post_init__(self) -> None:
        if not isinstance(self.norm, Norm):
            raise TypeError(f"norm is a {type(self.norm).__name__}; wanted a Norm")
        weight = parameter(self.weight, "weight", 2)
        units, width = weight.shape
        if width == 0:
            raise ValueError(f"weight has shape {weight.shape}; wanted at least one input")
        object.__setattr__(self, "weight", weight)
        bias = np.zeros(units) if self.bias is None else parameter(self.bias, "bias", 1)
        object.__setattr__(self, "bias", bias.astype(np.float64))
        wanted = {"bias": (bias, units), "gain": (self.norm.gain, width)}
        wanted["shift"] = (self.norm.shift, width)
        for name, (given, length) in wanted.items():
            if given is not None and given.shape != (length,):
                raise ValueError(
                    f"{name} has shape {given.shape} and weight {weight.shape}; "
                    f"wanted {name} of shape ({length},)"
                )

    @property
    def units(self) -> int:
        """Units of the layer: bits of a code."""
        return len(self.weight)

    @property
    def width(self) -> int:
        """Length of a row of the residual stream."""
        return int(self.weight.shape[1])

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The one layer of a code."""
        return (Layer(self.name, self.units),)

    @cached_property
    def normal_form(self) -> NormalForm:
        """The units as `block_crossings` computes with them: O(units * width) memory, kept."""
        return NormalForm.of(self)

    def __call__(self, x: Array) -> Array:
        """Evaluate the pre-activations in float64.

        Parameters
        ----------
        x : floating array (n, width) on the CPU, numpy or torch

        Returns
        -------
        z : float64 (n, units), of x's library

        """
        return from_numpy(self._evaluate(x), library_of(x, "x"))

    def codes(self, x: Array) -> Codes:
        """Return the sign codes at single points (n, width), evaluated in float64."""
        return Codes(from_numpy(pack(self._evaluate(x)), library_of(x, "x")), self.layers)

    def _evaluate(self, x: Array) -> Matrix:
        rows = as_rows(x, self.width, "x")
        z: Matrix = self.norm(rows) @ self.weight.T.astype(np.float64) + self.bias
        return z

    def __repr__(self) -> str:
        norm = {"layer": "layer norm", "rms": "RMS norm", "none": "no norm"}[self.norm.kind]
        return f"MlpBlock({self.width:,} -> {norm} -> {self.units:,} units of {self.name!r})"
