"""Operations that only move values about: they are run on the cell numbers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from ..cells import Traced
from ..graph import Graph

MOVES = frozenset(
    [
        "alias",
        "clone",
        "contiguous",
        "detach",
        "lift",
        "lift_fresh",
        "expand",
        "permute",
        "transpose",
        "t",
        "numpy_T",
        "movedim",
        "view",
        "_unsafe_view",
        "reshape",
        "_reshape_alias",
        "squeeze",
        "unsqueeze",
        "slice",
        "select",
        "narrow",
        "unfold",
        "diagonal",
        "split",
        "split_with_sizes",
        "unbind",
        "chunk",
        "unsafe_split",
        "unsafe_split_with_sizes",
        "unsafe_chunk",
        "alias_copy",
        "detach_copy",
        "expand_copy",
        "permute_copy",
        "transpose_copy",
        "t_copy",
        "view_copy",
        "squeeze_copy",
        "unsqueeze_copy",
        "slice_copy",
        "select_copy",
        "unfold_copy",
        "diagonal_copy",
        "split_copy",
        "split_with_sizes_copy",
        "unbind_copy",
        "cat",
        "concat",
        "stack",
        "flip",
        "roll",
        "rot90",
        "repeat",
        "tile",
        "repeat_interleave",
        "index",
        "index_select",
        "gather",
        "take",
        "tril",
        "triu",
        "where",
        "masked_fill",
        "constant_pad_nd",
        "diag_embed",
        "pixel_shuffle",
        "pixel_unshuffle",
        "channel_shuffle",
        "native_channel_shuffle",
        "slice_scatter",
        "select_scatter",
        "diagonal_scatter",
        "index_put",
        "scatter",
        "copy",
        "index_copy",
        "index_fill",
        "copy_",
        "fill_",
        "zero_",
        "masked_fill_",
        "index_put_",
        "scatter_",
        "index_copy_",
        "index_fill_",
    ]
)
"""Operators that torch has for integers too."""

FLOAT_MOVES = frozenset(
    [
        "reflection_pad1d",
        "reflection_pad2d",
        "reflection_pad3d",
        "replication_pad1d",
        "replication_pad2d",
        "replication_pad3d",
        "upsample_nearest1d",
        "upsample_nearest2d",
        "upsample_nearest3d",
        "_upsample_nearest_exact1d",
        "_upsample_nearest_exact2d",
        "_upsample_nearest_exact3d",
        "im2col",
    ]
)
"""Operators that torch has for floats alone: float64 holds cell numbers exactly."""

_VIEWS = frozenset(("view", "_unsafe_view", "_reshape_alias", "view_copy"))
_NO_MOVES = ("dtype", "reduce", "value_reduce", "dtype_view")
_NO_VALUES = frozenset(("index", "indices", "mask", "condition", "repeats"))


def moves(name: str, overload: str) -> bool:
    """Tell whether an operator only moves values."""
    return (name in MOVES or name in FLOAT_MOVES) and overload not in _NO_MOVES


def moved(graph: Graph, func: Any, name: str, arguments: dict[str, Any]) -> Any:
    """Run an operator that moves values on cells, and return those of its results.

    Constants that it moves become cells. Operators that write do so in the cells of their tensor,
    which its views share.
    """
    if arguments.get("accumulate"):
        raise graph.refuse("it adds to places by index; wanted accumulate=False")
    if name in _VIEWS:
        return arguments["self"].cells.reshape(arguments["size"])
    as_float = name in FLOAT_MOVES

    def numbers(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        cells = graph.cells_of(value)
        return cells.to(torch.float64) if as_float else cells

    converted = {}
    for declared in func._schema.arguments:
        value = arguments[declared.name]
        if str(declared.type) == "number":
            value = int(graph.cells_of(value))
        elif declared.name in _NO_VALUES:
            value = pytree.tree_map_only(Tensor, Tensor.cpu, value)
        else:
            value = pytree.tree_map(numbers, value)
        converted[declared.name] = value
    out = func(**converted)
    return pytree.tree_map(lambda cells: cells.to(torch.int64), out) if as_float else out


def copied(graph: Graph, x: Traced, dtype: torch.dtype | None) -> Tensor:
    """Return the cells of a copy in another dtype: exact numbers do not change."""
    if dtype is not None and not dtype.is_floating_point:
        raise graph.refuse(f"it rounds values to {dtype}, which jumps; wanted a floating dtype")
    return x.cells.clone()


FACTORIES = frozenset(
    [
        "empty_like",
        "zeros_like",
        "ones_like",
        "full_like",
        "new_empty",
        "new_zeros",
        "new_ones",
        "new_full",
    ]
)
"""Operators that take a tensor for its shape, dtype or device alone."""


def filled(func: Any, name: str, arguments: dict[str, Any]) -> Tensor:
    """Run one of FACTORIES and return its constant values."""
    like = arguments["self"]
    stand_in = torch.empty((), dtype=like.dtype, device=like.device).expand(like.shape)
    out: Tensor = func(**{**arguments, "self": stand_in})
    return out.zero_() if "empty" in name else out
