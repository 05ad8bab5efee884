"""Operators that are affine, but have no reader: their matrix is found by trying them out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from ..cells import NOTHING, Traced
from ..graph import Graph
from .windows import entries_of, weighted_sum

PROBED = frozenset(
    [
        "grid_sampler_2d",
        "grid_sampler_3d",
        "col2im",
        "index_add",
        "scatter_add",
        "_trilinear",
        "linalg_cross",
        "addr",
    ]
)
"""Operators that are affine in each operand."""

_MOST_ENTRIES = 2**24


def probed(graph: Graph, func: Any, arguments: dict[str, Any], traced: list[Traced]) -> Tensor:
    """Return the cells of an affine operator's result, of at most 2^24 weights."""
    sizes = [some.numel() for some in traced]
    inputs = sum(sizes)

    def run(values: Tensor) -> Tensor:
        parts = iter(values.split(sizes))
        stand_ins = {id(some): next(parts).reshape(some.shape) for some in traced}
        exact = pytree.tree_map_only(
            Tensor,
            lambda some: stand_ins[id(some)] if id(some) in stand_ins else _exact(some),
            arguments,
        )
        out: Tensor = func(**exact)
        return out

    bias = run(torch.zeros(inputs, dtype=torch.float64))
    if inputs * bias.numel() > _MOST_ENTRIES:
        raise graph.refuse(
            f"its matrix of {bias.numel()} x {inputs} is too large to be found by trying; wanted "
            "smaller inputs, or the operation spelled in others"
        )
    units = torch.eye(inputs, dtype=torch.float64)
    matrix = torch.stack([(run(unit) - bias).reshape(-1) for unit in units], dim=1)
    trial = torch.linspace(-1, 1, inputs, dtype=torch.float64).cos() * torch.arange(1, inputs + 1)
    if not torch.allclose(run(trial).reshape(-1), matrix @ trial + bias.reshape(-1)):
        raise graph.refuse("it multiplies values that depend on the input; wanted constants")
    places, entries = entries_of(matrix)
    cells = torch.cat([some.cells.reshape(-1) for some in traced])
    windows = torch.where(places < 0, NOTHING, cells[places])
    windows = torch.cat([windows, graph.cells_of(bias).reshape(-1, 1)], dim=1)
    weights = torch.cat([entries, torch.ones(len(entries), 1, dtype=torch.float64)], dim=1)
    shape = (*bias.shape, weights.shape[1])
    return weighted_sum(graph, windows.reshape(shape), weights.reshape(shape))


def _exact(value: Tensor) -> Tensor:
    return value.detach().to("cpu", torch.float64 if value.is_floating_point() else value.dtype)
