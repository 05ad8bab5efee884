"""Unions of the knots of cells, by sets of bits.

A knot of a cell is one of its track's, so that a set of them is a bit for each knot of the track:
no knots are sorted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from .lists import Knots

if TYPE_CHECKING:
    from .layout import Sources
    from .state import State

_WORD_BYTES = 16
"""A word of a set, and where its rows begin."""


def united(state: State, sources: Sources, cells: int) -> Knots:
    """Return the knots of a node's cells: of each, those of all cells that it takes.

    The sets of a cell take a quarter of a byte for each knot of the tracks. As many cells are
    united at once as a share of the memory has room for, and one read from the device tells how
    many knots those have.
    """
    most = max(state.budget.share // (_WORD_BYTES * state.knot_table.words), 1)
    parts = [
        _united_part(state, sources, first, min(first + most, cells))
        for first in range(0, max(cells, 1), most)
    ]
    return parts[0] if len(parts) == 1 else _one_after_the_other(parts)


def _united_part(state: State, sources: Sources, first: int, last: int) -> Knots:
    """Unite the knots of cells first to last - 1 of the node: their lists are numbered from 0."""
    kernels, knots = state.kernels, state.knot_table.arrays[:2]
    pairs = slice(sources.begin[first], sources.begin[last])
    cells, words_of_cell = last - first, state.knot_table.words
    with state.budget.held(cells * words_of_cell * _WORD_BYTES):
        words = sources.cell.new_zeros((cells, words_of_cell))
        kernels.mark_knots(
            state.table.arrays, sources.cell[pairs], sources.out[pairs] - first, knots, words
        )
        row = words.new_zeros(words.numel() + 1)
        kernels.count_knots(words.flatten(), row[1:])
        row.cumsum_(0)
        (rows,) = state.read(row[-1])
        begin = words.new_zeros(cells * state.tracks + 1)
        row_list = words.new_empty(rows, dtype=torch.int32)
        t = words.new_empty(rows, dtype=torch.float64)
        kernels.write_knots(words, row, knots, begin, row_list, t)
    return Knots(begin, row_list, t)


def _one_after_the_other(parts: list[Knots]) -> Knots:
    lists = rows = 0
    begins, row_lists = [], []
    for part in parts:
        begins.append(part.begin[:-1] + rows)
        row_lists.append(part.row_list + lists)
        lists += len(part.begin) - 1
        rows += part.rows
    begins.append(parts[-1].begin[-1:] + (rows - parts[-1].rows))
    return Knots(torch.cat(begins), torch.cat(row_lists), torch.cat([part.t for part in parts]))
