"""The half-spaces whose intersection is a point's polytope."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..arrays import Array, library_of
from ..codes import layer_position
from ..memory import need_room
from ..network import Network
from .local import LocalMap, around, chunk_size, chunks, handed, points_of, unit_rows


class HalfSpaces(NamedTuple):
    """Half-spaces (2 s_j - 1)(g_j . x + h_j) >= 0, a row each; their intersection is a polytope.

    Attributes
    ----------
    normal : float64 (m, inputs), g: zero where the unit does not depend on the input
    offset : float64 (m,), h
    layer : int64 (m,), index into ``network.layers``
    unit : int64 (m,), the bit within the layer
    active : bool (m,), s: the bit

    """

    normal: Array
    offset: Array
    layer: Array
    unit: Array
    active: Array


@torch.no_grad()
def half_spaces(
    network: Network,
    x: Array,
    *,
    layers: Sequence[int | str] | None = None,
    units: Any = None,
) -> HalfSpaces:
    """Return the linear forms whose signs are the bits of a point's polytope.

    A form is what a bit's z is on the polytope, as a function of the input: on the other side of
    g . x + h = 0 the bit differs. For z > threshold it is z - threshold. For an element of a
    pooling window it is element minus largest element, and at most 0; the largest itself and
    padding have no row.

    Parameters
    ----------
    network : Network from `read_network`
    x : floating array (*input_shape), one point, on the CPU
        On a boundary, its polytope is that of its code (`Network.codes`).
    layers : numbers or names of layers, optional
        Only the rows of these.
    units : integers, optional
        Only the rows of these bits, of the one layer given.

    Returns
    -------
    half_spaces : HalfSpaces of x's library, in the order (layer, unit)

    Raises
    ------
    TypeError : network is no Network, or x no floating array.
    ValueError : x has another shape, NaN or inf; units without a single layer.
    KeyError, IndexError : a layer or unit that there is not.
    MemoryError : the rows are more than the memory available.

    Notes
    -----
    Polytopes as in arXiv:2211.12312. float64; min(inputs, m) evaluations of the network; beside the
    result, memory is bounded.

    """
    points = _point(network, x)
    local, _ = around(network, points)
    rows = _rows(local, _selected(network, layers, units))
    count, inputs = sum(map(len, rows.values())), points.shape[1]
    need_room((count, inputs), 8, f"{count:,} half-spaces of {inputs:,} coordinates")
    found = (
        _normals(local, rows, torch.empty(count, inputs, dtype=torch.float64)),
        *_offsets(local, rows, torch.zeros_like(points)),
    )
    return HalfSpaces(*(handed(column, x) for column in found))


def _point(network: Network, x: Array) -> Tensor:
    """Return one input as a batch of one, (1, inputs)."""
    library_of(x, "x")
    shape = tuple(x.shape)
    if isinstance(network, Network) and shape != network.input_shape:
        raise ValueError(f"x has shape {shape}; wanted {network.input_shape}, one point")
    return points_of(network, x[None])


def _selected(
    network: Network, layers: Sequence[int | str] | None, units: Any
) -> dict[int, Tensor]:
    """Return the bits asked for: layer: int64, rising."""
    every = network.layers
    numbers = (
        range(len(every)) if layers is None else sorted({layer_position(every, i) for i in layers})
    )
    if units is None:
        return {i: torch.arange(every[i].bits) for i in numbers}
    if len(numbers) != 1:
        raise ValueError(
            f"units are given, and {len(numbers)} layers; wanted the one layer of them"
        )
    bits = every[numbers[0]].bits
    wanted = np.unique(np.asarray(units))
    if wanted.size and wanted.dtype.kind not in "iu":
        raise TypeError(f"units has dtype {wanted.dtype}; wanted integers")
    if wanted.size and not 0 <= wanted[0] <= wanted[-1] < bits:
        raise IndexError(f"units has {wanted[0]} to {wanted[-1]}; the layer has {bits} bits")
    return {numbers[0]: torch.from_numpy(wanted.astype(np.int64))}


def _rows(local: LocalMap, selected: dict[int, Tensor]) -> dict[int, Tensor]:
    """Keep the bits that have a form at the one point."""
    return {layer: bits[local.patterns[layer].bounds[0, bits]] for layer, bits in selected.items()}


def _normals(local: LocalMap, rows: dict[int, Tensor], normal: Tensor) -> Tensor:
    """Fill in the forms' linear parts (m, inputs): by columns, or by rows if those are fewer."""
    count, inputs = normal.shape
    size = chunk_size(local.network)
    if inputs <= count:
        for columns in chunks(inputs, size):
            pushed = _picked(local, rows, unit_rows(columns, inputs), points=False)
            normal[:, columns] = torch.cat(pushed, dim=1).T
        return normal
    start = 0
    for layer, bits in rows.items():
        for part in chunks(len(bits), size):
            seeds = torch.zeros(1, part.stop - part.start, local.network.layers[layer].bits)
            seeds = seeds.double().scatter_(2, bits[part][None, :, None], 1.0)
            normal[start + part.start : start + part.stop] = local.pull_forms({layer: seeds})[0]
        start += len(bits)
    return normal


def _offsets(local: LocalMap, rows: dict[int, Tensor], origin: Tensor) -> tuple[Tensor, ...]:
    """Return the columns of `HalfSpaces` that follow the normals."""
    layers = [torch.full_like(bits, layer) for layer, bits in rows.items()]
    active = [local.patterns[layer].bits[0, bits] for layer, bits in rows.items()]
    offsets = [part[0] for part in _picked(local, rows, origin[None], points=True)]
    none = torch.empty(0, dtype=torch.int64)
    return (
        torch.cat([none.double(), *offsets]),
        torch.cat([none, *layers]),
        torch.cat([none, *rows.values()]),
        torch.cat([none.bool(), *active]),
    )


def _picked(
    local: LocalMap, rows: dict[int, Tensor], pushed: Tensor, *, points: bool
) -> list[Tensor]:
    """Push rows (1, k, inputs); return the chosen forms of each layer, (k, chosen)."""
    found = []
    last = max(rows, default=-1)
    for layer, values in zip(range(last + 1), local.push(pushed, points=points), strict=False):
        if layer in rows:
            pattern = local.patterns[layer]
            forms = pattern.forms_at(values) if points else pattern.forms(values)
            found.append(forms[0][:, rows[layer]])
    return found
