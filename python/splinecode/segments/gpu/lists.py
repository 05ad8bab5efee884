"""Rows of values at the knots of cells: one list for each cell and track.

A *track* is a window of t of one segment, and a list the rows of one cell on one track, list
``cell * tracks + track``. The lists of a node are one after the other in one buffer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from .device import arange, prefix, repeated, runs

if TYPE_CHECKING:
    from .state import State


class Knots:
    """Where the rows of some lists are: list l has rows begin[l] to begin[l + 1]."""

    def __init__(self, begin: Tensor, row_list: Tensor, t: Tensor) -> None:
        self.begin = begin  # int64 (lists + 1,)
        self.row_list = row_list  # int32 (rows,)
        self.t = t  # float64 (rows,)

    @property
    def rows(self) -> int:
        """Rows of all lists."""
        return len(self.t)


class Columns(NamedTuple):
    """The columns of some cells, one cell after the other."""

    begin: Tensor  # int64 (cells + 1,)
    total: int
    width: int | None
    """Of each cell, where all are as wide."""


class Values:
    """Values of some cells at their knots; `flat` holds them row after row."""

    def __init__(self, columns: Columns, knots: Knots, state: State) -> None:
        self.knots = knots
        self.width = columns.width
        if columns.width is not None:
            size = knots.rows * columns.width
            self.begin = knots.begin[:-1] * columns.width
        else:
            widths = repeated(columns.begin.diff(), state.tracks)
            sizes = prefix(knots.begin.diff() * widths)
            (size,), self.begin = state.read(sizes[-1]), sizes[:-1]
        self.bytes = size * state.dtype.itemsize
        state.budget.take(self.bytes)
        self.flat = torch.empty(size, dtype=state.dtype, device=state.device)
        self.row_arrays = (knots.begin, knots.row_list, self.begin, columns.begin)

    @property
    def matrix(self) -> Tensor:
        """Values (rows, width) of cells of one width."""
        assert self.width is not None
        return self.flat.view(self.knots.rows, self.width)


class Table:
    """Where every list of the network lies: addresses and sizes, for the kernels."""

    def __init__(self, cells: int, tracks: int, width: Tensor) -> None:
        self.tracks = tracks
        empty = width.new_zeros(cells * tracks, dtype=torch.int64)
        self.t_address, self.values_address, self.count = empty, empty.clone(), empty.clone()
        self.arrays = (self.t_address, self.values_address, self.count, width)

    def put(self, first_cell: int, values: Values) -> None:
        """Enter the lists of cells from `first_cell` on."""
        begin, lists = values.knots.begin, len(values.begin)
        mine = slice(first_cell * self.tracks, first_cell * self.tracks + lists)
        self.t_address[mine] = values.knots.t.data_ptr() + 8 * begin[:-1]
        start, size = values.flat.data_ptr(), values.flat.dtype.itemsize
        self.values_address[mine] = start + size * values.begin
        self.count[mine] = begin.diff()

    def lists_of(self, cells: Tensor) -> Tensor:
        """Return the lists of cells, int64 (cells * tracks,)."""
        tracks = arange(cells, self.tracks)
        return (cells[:, None] * self.tracks + tracks).flatten()


def rows_of(state: State, lists: Tensor, total: int) -> tuple[Tensor, Tensor]:
    """Put lists of the table one after the other: where each begins, and each row's, int32."""
    counts = state.table.count[lists]
    return prefix(counts), runs(counts, total).to(torch.int32)


def gathered(state: State, lists: Tensor, total: int) -> Knots:
    """Bring the knots of lists of the table together."""
    begin, row_list = rows_of(state, lists, total)
    t = torch.empty(total, dtype=torch.float64, device=state.device)
    state.kernels.gather_knots(state.table.arrays, lists, begin, row_list.long(), t)
    return Knots(begin, row_list, t)
