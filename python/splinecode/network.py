"""A piecewise-linear network as a chain of affine steps and kinks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .arrays import Array, device_of, library_of, on_cuda
from .codes import Codes, Layer, pack
from .steps import Kink, Shape, Step


@dataclass(frozen=True)
class Place:
    """A step of a network: where it came from, and the shape of what goes in (no batch axis)."""

    step: Step
    name: str
    input_shape: Shape


class Network:
    """A piecewise-linear network as a chain of affine steps and kinks, in float64.

    Made by `read_network`. A kink is a *layer*: `layers[l]` is the layer that `Crossings.layer` and
    the codes number l.
    """

    def __init__(self, places: Sequence[Place], input_shape: Shape) -> None:
        self.places = tuple(places)
        self.input_shape = tuple(input_shape)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps in order."""
        return tuple(place.step for place in self.places)

    @property
    def kinks(self) -> tuple[Place, ...]:
        """The places of the kink steps: the layers of a code."""
        return tuple(place for place in self.places if isinstance(place.step, Kink))

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Names and bits of the layers of a code."""
        return tuple(
            Layer(place.name, place.step.bits(place.input_shape))
            for place in self.kinks
            if isinstance(place.step, Kink)
        )

    @property
    def n_bits(self) -> int:
        """Bits of a code."""
        return sum(layer.bits for layer in self.layers)

    @property
    def output_shape(self) -> Shape:
        """Shape of the output of one input."""
        last = self.places[-1]
        return last.step.output_shape(last.input_shape)

    def __call__(self, x: Array) -> Array:
        """Evaluate the network in float64.

        Parameters
        ----------
        x : floating array (n, *input_shape) on the CPU, numpy or torch

        Returns
        -------
        y : float64 (n, *output_shape), of x's library

        """
        values = self.as_rows(x, "x")
        for place in self.places:
            values = place.step(values, place.input_shape)
        out = values.reshape(len(values), *self.output_shape)
        return out.numpy() if library_of(x, "x") == "numpy" else out

    def codes(self, x: Array) -> Codes:
        """Return the spline codes at single points (n, *input_shape), evaluated in float64.

        A unit exactly on its boundary is inactive, and a max pool takes the lowest of the largest.
        """
        values = self.as_rows(x, "x")
        parts = []
        for place in self.places:
            if isinstance(place.step, Kink):
                bits = place.step.code(values, place.input_shape)
                parts.append(pack(bits.numpy()))
            values = place.step(values, place.input_shape)
        words = np.concatenate([np.empty((len(values), 0), np.uint64), *parts], axis=1)
        return Codes(
            words if library_of(x, "x") == "numpy" else torch.from_numpy(words), self.layers
        )

    def as_rows(self, x: Array, name: str) -> Tensor:
        """Return a batch of inputs as float64 rows (n, units), exactly.

        Raises TypeError for what is not floating, ValueError for a shape or a value (NaN, inf) that
        no input has.
        """
        shape = tuple(x.shape) if hasattr(x, "shape") else None
        library_of(x, name)
        if shape is None or shape[1:] != self.input_shape:
            raise ValueError(
                f"{name} has shape {shape}; wanted (n, {_inner(self.input_shape)}), "
                "a batch of inputs of the network"
            )
        rows = _as_float64(x, name).reshape(len(x), math.prod(self.input_shape))
        if not torch.isfinite(rows).all():
            raise ValueError(f"{name} holds NaN or inf; wanted finite numbers")
        return rows

    def __repr__(self) -> str:
        lines = [
            f"Network({_inner(self.input_shape)} -> {_inner(self.output_shape)}, "
            f"{len(self.layers)} layers, {self.n_bits:,} bits)"
        ]
        for place in self.places:
            bits = (
                f"{place.step.bits(place.input_shape):>10,} bits"
                if isinstance(place.step, Kink)
                else ""
            )
            lines.append(
                f"  {place.name:<24} {type(place.step).__name__:<14} "
                f"{_inner(place.step.output_shape(place.input_shape)):<16} {bits}"
            )
        return "\n".join(line.rstrip() for line in lines)


def _as_float64(x: Array, name: str) -> Tensor:
    """Copy a host array of at most 64-bit floats to float64 torch, exactly."""
    if on_cuda(x):
        raise ValueError(
            f"{name} is on {device_of(x)}; exact segments run on the CPU: move it there"
        )
    if isinstance(x, np.ndarray):
        if x.dtype.kind != "f" or x.dtype.itemsize > 8:
            raise TypeError(f"{name} has dtype {x.dtype}; wanted a floating dtype up to float64")
        return torch.from_numpy(np.array(x, dtype=np.float64))
    if not x.is_floating_point():
        raise TypeError(f"{name} has dtype {x.dtype}; wanted a floating dtype")
    rows: Tensor = x.to(torch.float64)
    return rows


def _inner(shape: Shape) -> str:
    return " x ".join(map(str, shape)) if shape else "scalar"
