"""Products of the rows that a layer has just made.

Between two knots that a layer's cell had before, it has new ones where some of its units cross. Its
values there are on the chord of the old rows but for these units, and so are their products: a row
of the product is the chord of its neighbours' plus a column of the weights for each unit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from .device import places_of

if TYPE_CHECKING:
    from .layout import DeviceProduct
    from .rows import NewRows
    from .state import State

LEAST_WIDTH = 512
"""Of a cell: a chord moves some four rows of the product, which a narrow product is done with."""
_MOST_ROOTS = 16
"""Between two old knots: where there are more, their rows are multiplied."""
_ROWS_AT_ONCE = 1 << 14


class Chords(NamedTuple):
    """Rows that lie on chords; `dense` are the others. One entry a row where not said otherwise."""

    dense: Tensor  # int64 (n,), rising
    left: Tensor  # int64: the row where its chord begins, -1 for others
    right: Tensor  # int64: where it ends
    weight: Tensor  # float64: of `right`
    root_begin: Tensor  # int64: the roots between, in `sorted`
    root_end: Tensor
    sorted: Tensor  # int64: numbers of roots
    column: Tensor  # int64 (roots,)
    distinct: bool
    """No column has two roots between two knots."""

    @property
    def rows(self) -> tuple[Tensor, ...]:
        """As kernels take them."""
        return self.left, self.right, self.weight, self.root_begin, self.root_end


def chords_of(state: State, number: int, old_rows: int, rows: NewRows, column: Tensor) -> None:
    """Keep which rows of a layer lie on chords, if it pays. Reads their number from the device."""
    width = state.layout.nodes[number].columns.width
    if width is None or width < LEAST_WIDTH or rows.knots.rows == old_rows:
        return
    is_new = torch.zeros_like(rows.source, dtype=torch.bool)
    is_new[1:] = rows.source[1:] == rows.source[:-1]
    old_place = places_of(~is_new, old_rows)
    left = old_place[rows.source]
    right = old_place[(rows.source + 1).clamp(max=old_rows - 1)]
    begin, end = rows.root_begin[left], rows.root_begin[right]
    on_chord = is_new & (end - begin <= _MOST_ROOTS)
    (dense,) = state.read((~on_chord).sum())
    state.chords[number] = Chords(
        places_of(~on_chord, dense),
        torch.where(on_chord, left, -1),
        right,
        rows.weight,
        begin,
        end,
        rows.sorted,
        column,
        state.layout.nodes[number].fields["thresholds"] == 1,
    )


def multiply(state: State, source: int, product: DeviceProduct, bias: Tensor, out: Tensor) -> None:
    """Write the rows of a node times a product's weights, plus the bias."""
    x, weight = state.values[source].matrix, product.weight
    in_place = product.in_order and x.shape[1] == len(weight)
    chords = state.chords.get(source) if in_place else None
    if chords is not None:
        _multiply_dense(state, chords.dense, x, weight, bias, out)
        state.kernels.expand_chords(
            chords.rows, chords.sorted, chords.column, chords.distinct, x, weight, out
        )
        return
    with state.budget.held(0 if in_place else len(x) * len(weight) * x.element_size()):
        x = x if in_place else x.index_select(1, product.columns)
        torch.addmm(bias, x, weight, out=out)


def _multiply_dense(
    state: State, dense: Tensor, x: Tensor, weight: Tensor, bias: Tensor, out: Tensor
) -> None:
    """Multiply some rows, so many at a time that their copies take little memory."""
    row = sum(weight.shape) * x.element_size()
    at_once = max(1, min(_ROWS_AT_ONCE, state.budget.share // row))
    with state.budget.held(min(at_once, len(dense)) * row):
        for some in dense.split(at_once):
            out.index_copy_(0, some, torch.addmm(bias, x.index_select(0, some), weight))
