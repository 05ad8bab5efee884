"""A piecewise-linear network as a graph of affine steps and kinks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .arithmetic import contiguous
from .arrays import Array, as_torch, device_of, library_of, need_on_cpu, torch_beside
from .codes import Codes, Layer, pack
from .restriction import node_named, restricted
from .steps import Input, Kink, Shape, Step
from .summary import table_of


@dataclass(frozen=True)
class Node:
    """A step of a network: the nodes it takes, where it came from, the shape of its output."""

    step: Step
    inputs: tuple[int, ...]
    name: str
    shape: Shape

    @property
    def units(self) -> int:
        """Units of the output."""
        return math.prod(self.shape)


class Network:
    """A piecewise-linear network as a graph of affine steps and kinks, in float64.

    Made by `read_network`. `nodes` is in an order in which inputs come first; node 0 is the
    network's `Input`, the last node its output, and every node is needed for it. A kink is a
    *layer*: `layers[l]` is the layer that `Crossings.layer` and the codes number l.
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = tuple(nodes)

    @property
    def input_shape(self) -> Shape:
        """Shape of one input."""
        return self.nodes[0].shape

    @property
    def output_shape(self) -> Shape:
        """Shape of the output of one input."""
        return self.nodes[-1].shape

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Names and bits of the layers of a code."""
        return tuple(
            Layer(node.name, node.step.bits) for node in self.nodes if isinstance(node.step, Kink)
        )

    @property
    def n_bits(self) -> int:
        """Bits of a code."""
        return sum(layer.bits for layer in self.layers)

    def __call__(self, x: Array) -> Array:
        """Evaluate the network in float64.

        Parameters
        ----------
        x : floating array (n, *input_shape) on the CPU, numpy or torch

        Returns
        -------
        y : float64 (n, *output_shape), of x's library

        """
        values = self._values(self._rows_on_cpu(x))[-1]
        out = values.reshape(len(values), *self.output_shape)
        return out.numpy() if library_of(x, "x") == "numpy" else out

    def codes(self, x: Array) -> Codes:
        """Return the spline codes at single points (n, *input_shape), evaluated in float64.

        A unit exactly on its boundary is inactive, and a max pool takes the lowest of the largest.
        """
        rows = self._rows_on_cpu(x)
        values = self._values(rows)
        parts = [
            pack(node.step.code(values[node.inputs[0]]).numpy())
            for node in self.nodes
            if isinstance(node.step, Kink)
        ]
        words = np.concatenate([np.empty((len(rows), 0), np.uint64), *parts], axis=1)
        return Codes(
            words if library_of(x, "x") == "numpy" else torch.from_numpy(words), self.layers
        )

    def values_at(self, x: Array, name: str) -> Array:
        """Evaluate a hidden node in float64: of the nodes with a name, the last.

        Parameters
        ----------
        x : floating array (n, *input_shape) on the CPU, numpy or torch
        name : as in `summary`

        Returns
        -------
        values : float64 (n, *shape of the node), of x's library

        Raises ValueError for the name of no node.

        """
        node_named(self.nodes, name, "name")
        return self.restrict(stop=name)(x)

    def restrict(self, start: str | None = None, stop: str | None = None) -> Network:
        """Return the network between two nodes: from `start`'s output to `stop`'s.

        The output of `start` is the input of the new network, the output of `stop` its output;
        None is this network's own. Of nodes with one name the last counts. Segments then run
        straight in a hidden layer::

            h = network.values_at(torch.stack([a, b]), "layer2")
            found = crossings(network.restrict(start="layer2"), h[0], h[1])

        Raises ValueError for the name of no node (it lists near ones), for a `stop` that does not
        depend on `start`, and for a `start` that is no cut: where another path leads around it to
        the output, as a residual connection does, its output does not decide what follows.
        """
        return Network(restricted(self.nodes, start, stop))

    def summary(self) -> str:
        """Return a table of the nodes: shapes, units, bits, multiply-adds of one evaluation."""
        return f"{self!r}\n\n{table_of(self.nodes)}"

    def _values(self, rows: Tensor) -> list[Tensor]:
        """Return the values of every node."""
        values: list[Tensor] = []
        for node in self.nodes:
            step = node.step
            if isinstance(step, Input):
                values.append(rows)
            else:
                values.append(step(*(values[i] for i in node.inputs)))
        return values

    def _rows_on_cpu(self, x: Array) -> Tensor:
        need_on_cpu(x, "x", "a network is evaluated in float64 on the CPU")
        return self.as_rows(x, "x")

    def as_rows(self, x: Array, name: str, dtype: torch.dtype = torch.float64) -> Tensor:
        """Return a batch of inputs as rows (n, units) of a dtype, exactly in float64.

        Rows lie where x does, and are made on the current stream of its library; one number is
        read from a GPU.

        Raises TypeError for what is not floating, ValueError for a shape or a value (NaN, inf,
        beyond the dtype) that no input has.
        """
        shape = tuple(x.shape) if hasattr(x, "shape") else None
        library = library_of(x, name)
        if shape is None or shape[1:] != self.input_shape:
            raise ValueError(
                f"{name} has shape {shape}; wanted (n, {_inner(self.input_shape)}), "
                "a batch of inputs of the network"
            )
        with torch_beside(library, device_of(x)):
            units = math.prod(self.input_shape)
            rows = _as_floats(x, name, dtype).reshape(shape[0], units).contiguous()
            # numpy is quicker for few
            finite = rows.isfinite() if rows.is_cuda else np.isfinite(rows.numpy())
            if not finite.all():
                raise ValueError(f"{name} holds NaN or inf; wanted finite numbers")
        return rows

    def __repr__(self) -> str:
        return (
            f"Network({_inner(self.input_shape)} -> {_inner(self.output_shape)}, "
            f"{len(self.layers)} layers, {self.n_bits:,} bits)"
        )


def _as_floats(x: Array, name: str, dtype: torch.dtype) -> Tensor:
    """Copy an array of at most 64-bit floats to torch, where it lives."""
    if isinstance(x, Tensor):
        if not x.is_floating_point():
            raise TypeError(f"{name} has dtype {x.dtype}; wanted a floating dtype")
        return x.to(dtype)
    if x.dtype.kind != "f" or x.dtype.itemsize > 8:
        raise TypeError(f"{name} has dtype {x.dtype}; wanted a floating dtype up to float64")
    if isinstance(x, np.ndarray):
        return torch.from_numpy(np.array(x, dtype=np.float64, order="C")).to(dtype)
    rows: Tensor = as_torch(contiguous(x)).to(dtype)
    return rows


def _inner(shape: Shape) -> str:
    return " x ".join(map(str, shape)) if shape else "scalar"
