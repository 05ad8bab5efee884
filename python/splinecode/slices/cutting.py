"""Cutting a window layer by layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from .. import _core
from ..arrays import Array
from ..memory import need_room
from ..network import Network
from ..progress import progress_bar
from ..segments.program import array_of, program_of
from ..steps import Input, MaxWindows, Pieces
from .plane import Plane, plane_through
from .result import Slice2D, slice_of

MAX_POLYGONS = 1_000_000
MOST_POLYGONS = 1 << 28
_WINDOW = -1
"""The number under which the window's own coordinates go along with the values of nodes."""


def slice_2d(
    network: Network,
    p0: Array,
    p1: Array,
    p2: Array,
    extent: Sequence[float] = (-0.25, 1.25, -0.25, 1.25),
    *,
    max_polygons: int = MAX_POLYGONS,
    progress: bool = False,
) -> Slice2D:
    """Cut a window of the plane through three inputs into a network's polytopes, exactly.

    Parameters
    ----------
    network : Network from `read_network`
    p0, p1, p2 : floating arrays (*input_shape) on the CPU, numpy or torch
        The plane is x(u, v) = p0 + u (p1 - p0) + v (p2 - p0): p0 is at (0, 0), p1 at (1, 0), p2 at
        (0, 1), whatever the angle between the two directions. Areas are those of input space.
    extent : (u_min, u_max, v_min, v_max)
        The window.
    max_polygons : int
        More polygons raise an error.
    progress : bool
        Show a progress bar over the network's steps (needs tqdm).

    Returns
    -------
    slice : Slice2D, drawn by `splinecode.plots.slice_2d`

    Raises
    ------
    TypeError : network is no Network, or a point no floating array.
    ValueError : points of another shape, on a GPU, with NaN or inf or on a line; an extent that is
        no window; more polygons than max_polygons; values that overflow.
    MemoryError : the values of a step at all vertices are more than the memory available.

    Notes
    -----
    Every unit's pre-activation is linear on the polygons that earlier layers leave. It is known at
    their vertices, which neighbours share; a polygon with vertices on both sides of a boundary is
    cut. A vertex is made once, by a unit's zero on an edge or on another unit's line. Affine steps
    cost their products at the vertices so far: O(vertices * products), as many vertices as
    polygons, about; a layer costs O(vertices * units). Polygons do not depend on the number of
    threads wherever `ambiguous` is False.

    Values within the rounding of a unit's boundary are taken to be on it, so that units that are
    equal, or lines through one point, come out as in exact arithmetic.

    """
    if not isinstance(network, Network):
        raise TypeError(
            f"network is a {type(network).__name__}; wanted a Network: "
            "read_network(module, example_input); for others there is sampled_slice_2d"
        )
    if not 1 <= max_polygons <= MOST_POLYGONS:
        raise ValueError(f"max_polygons is {max_polygons}; wanted 1 to {MOST_POLYGONS:,}")
    plane = plane_through(p0, p1, p2, extent)
    if plane.origin.shape != network.input_shape:
        raise ValueError(
            f"p0, p1 and p2 have shape {plane.origin.shape}; wanted {network.input_shape}, "
            "inputs of the network without a batch axis"
        )
    return cut_window(network, plane, max_polygons, progress)


def cut_window(
    network: Network, plane: Plane, max_polygons: int, progress: bool = False
) -> Slice2D:
    """Cut a window of a plane whose points are inputs of the network."""
    with torch.no_grad(), progress_bar(len(network.nodes), "steps", progress) as advance:
        cutter = Cutter(network, plane, max_polygons)
        for node in range(len(network.nodes)):
            cutter.take(node)
            advance(1)
    return slice_of(network, plane, cutter.slice, cutter.values[_WINDOW], cutter.outputs)


class Cutter:
    """The values of nodes at the vertices of a slice, as far as later nodes take them."""

    def __init__(self, network: Network, plane: Plane, max_polygons: int) -> None:
        self.network = network
        self.slice = _core.Slice(program_of(network), max_polygons)
        self.values: dict[int, Tensor] = {_WINDOW: torch.from_numpy(plane.corners)}
        self._corners = torch.from_numpy(plane.points(plane.corners).reshape(4, -1))
        self._max_polygons = max_polygons
        self._last_use = {i: n for n, node in enumerate(network.nodes) for i in node.inputs}

    @property
    def outputs(self) -> Tensor:
        """The values of the last node."""
        return self.values[len(self.network.nodes) - 1]

    def take(self, number: int) -> None:
        """Take a node's step, which may cut."""
        node = self.network.nodes[number]
        if isinstance(node.step, Input):
            values = self._corners
        else:
            if isinstance(node.step, Pieces | MaxWindows):
                self._cut(number, node.inputs[0], node.step)
            need_room(
                (self.slice.vertices, node.units),
                8,
                f"{node.units:,} units of {node.name!r} at {self.slice.vertices:,} vertices",
            )
            values = self._step(number)
        self._bound(number, values)
        self.values[number] = values
        for i in node.inputs:
            if self._last_use[i] == number:
                self.values.pop(i, None)

    def _step(self, number: int) -> Tensor:
        node = self.network.nodes[number]
        inputs = [self.values[i] for i in node.inputs]
        assert not isinstance(node.step, Input)
        if not isinstance(node.step, Pieces):
            out: Tensor = node.step(*inputs).contiguous()
            return out
        # Torch would pass over the values six times.
        spent = self._last_use[node.inputs[0]] == number
        values = inputs[0] if spent else torch.empty_like(inputs[0])
        _core.apply_pieces(
            inputs[0].numpy(),
            array_of(node.step.thresholds),
            array_of(node.step.slopes),
            array_of(node.step.intercepts),
            values.numpy(),
        )
        return values

    def _cut(self, number: int, source: int, step: Pieces | MaxWindows) -> None:
        before = self.values[source].numpy()
        try:
            if isinstance(step, Pieces):
                self.slice.cut_pieces(number, before, array_of(step.thresholds))
            else:
                self.slice.cut_windows(number, before, array_of(step.index))
        except OverflowError:
            raise ValueError(
                f"the slice has more than max_polygons = {self._max_polygons:,} polygons at "
                f"{self.network.nodes[number].name!r}; wanted a smaller extent, or a larger "
                "max_polygons"
            ) from None
        for node, values in self.values.items():
            self.values[node] = self._extended(values, node == source)

    def _extended(self, values: Tensor, of_layer: bool) -> Tensor:
        shape = (self.slice.vertices, values.shape[1])
        need_room(shape, 8, f"{shape[1]:,} units at {shape[0]:,} vertices of a slice")
        out = np.empty(shape)
        self.slice.extend(values.numpy(), out, of_layer)
        return torch.from_numpy(out)

    def _bound(self, number: int, values: Tensor) -> None:
        try:
            self.slice.take(number, values.numpy())
        except OverflowError:
            raise ValueError(
                f"values overflow float64 at {self.network.nodes[number].name!r}; scale the "
                "weights or the window down"
            ) from None
