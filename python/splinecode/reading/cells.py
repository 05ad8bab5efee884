"""Traced tensors hold cell numbers: where each of their numbers comes from.

A module is read by running it on a batch of a few inputs, `ROWS` unless it takes no other number
than its own. Each number that it computes from them is a cell, and a cell has an int64 number:

- c > 0: a unit of a node, for one row of the batch; node k owns a range of rows * units numbers;
- c = 0: the constant 0.0, so that whatever pads or masks with zeros does the same to numbers;
- c < 0: another constant; NOTHING: no cell (padding of a max pool); POISON - e: error e.

Operations that move numbers about are then run on the cell numbers themselves, views and writes
through views included. Numbers stay below 2^53, so that float64 holds them as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

ROWS = 2
"""Inputs in the batch that a module is read with: enough to see that rows do not mix."""

NOTHING = -(2**51)
POISON = -(2**52)


class Traced(torch.Tensor):
    """A tensor of a module that is being read: shape, dtype and cell numbers, but no values."""

    cells: Tensor

    @staticmethod
    def __new__(
        cls,
        cells: Tensor,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str = "cpu",
    ) -> Traced:
        """Make a tensor of cells that has a dtype and a device of its own."""
        traced: Traced = torch.Tensor._make_wrapper_subclass(
            cls, cells.shape, dtype=dtype, device=torch.device(device)
        )
        traced.cells = cells
        return traced

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        raise RuntimeError(f"{func} ran on a traced tensor outside of its tracing")


@dataclass(frozen=True)
class Layout:
    """Where the rows of a batch are in a tensor: along an axis, as its slow or its fast part.

    ``x.reshape(rows * steps, -1)`` has the rows in the slow part of axis 0.
    """

    axis: int
    fast: bool
    rows: int

    def split(self, tensor: Tensor) -> Tensor:
        """Return the tensor with the rows as an axis of their own, at the front."""
        sizes = (-1, self.rows) if self.fast else (self.rows, -1)
        axes: Tensor = tensor.unflatten(self.axis, sizes)
        return axes.movedim(self.axis + self.fast, 0)

    def join(self, rows: Tensor) -> Tensor:
        """Undo `split`, for rows whose axes up to the layout's are the same."""
        axes = rows.movedim(0, self.axis + self.fast)
        return axes.flatten(self.axis, self.axis + 1)


def layouts(shape: torch.Size, inner: int, rows: int) -> list[Layout]:
    """Return the layouts that a shape allows, the last `inner` axes left out; likely ones first."""
    return [
        Layout(axis, fast, rows)
        for fast in (False, True)
        for axis in range(len(shape) - inner)
        if shape[axis] % rows == 0 and shape[axis] >= rows * (1 + fast)
    ]
