"""The rows of a layer once its roots are knots."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .device import arange, changes, places_of, sorted_by
from .lists import Knots
from .settling import AT_KNOT, ERROR, HIGH, LOW, ROW, SNAP, Errors, Roots, T, settle
from .state import State


class NewRows(NamedTuple):
    """Where each row comes from: (1 - weight) * row `source` + weight * row source + 1."""

    knots: Knots
    source: Tensor  # int64 (rows,)
    weight: Tensor  # float64 (rows,)
    root_begin: Tensor  # int64 (rows + 1,): a row's roots, in `sorted`
    sorted: Tensor  # int64: roots by (list, t)

    @property
    def sources(self) -> tuple[Tensor, ...]:
        """As kernels take them."""
        return self.source, self.weight, self.root_begin, self.sorted


def unchanged(knots: Knots) -> NewRows:
    """Return rows where there are no roots."""
    source = arange(knots.t, knots.rows)
    none = source.new_zeros(knots.rows + 1)
    return NewRows(knots, source, torch.zeros_like(knots.t), none, source[:0])


def with_roots(state: State, knots: Knots, roots: Roots, errors: Errors) -> NewRows:
    """Settle roots and insert them into their intervals; several at one t make one row.

    Reads their number from the device.
    """
    track = knots.row_list[roots.places[ROW]].long() % state.tracks
    fresh = settle(state, roots, track, errors)
    usable = roots.places[AT_KNOT] == 0
    lists = knots.row_list[roots.places[ROW]].long()
    lists = torch.where(usable, lists, len(knots.begin))  # the others come last
    order = sorted_by(lists, roots.numbers[T])
    row, t, lists = roots.places[ROW][order], roots.numbers[T][order], lists[order]
    first = usable[order] & changes(lists, t)
    n_fresh, n_new, n_usable = state.read(fresh.sum(), first.sum(), usable.sum())
    _add_to_table(state, roots, track, places_of(fresh, n_fresh))
    chosen = places_of(first, n_new)
    left = row[chosen]
    place = left + 1 + arange(left, n_new)  # among the rows to be
    total = knots.rows + n_new
    is_new = torch.zeros(total, dtype=torch.bool, device=t.device)
    is_new[place] = True
    made = torch.cumsum(is_new, 0)
    source = arange(t, total) - made
    new_t = knots.t[source]
    new_t[place] = t[chosen]
    low, high = (roots.numbers[end][order][chosen] for end in (LOW, HIGH))
    weight = torch.zeros(total, dtype=torch.float64, device=t.device)
    weight[place] = (t[chosen] - low) / (high - low)
    ends = torch.cat([chosen, chosen.new_full((1,), n_usable)])
    root_begin = torch.cat([ends[made - is_new.long()], ends[-1:]])
    before = torch.searchsorted(lists[chosen], arange(t, len(knots.begin)))
    made_knots = Knots(knots.begin + before, knots.row_list[source], new_t)
    return NewRows(made_knots, source, weight, root_begin, order)


def _add_to_table(state: State, roots: Roots, track: Tensor, chosen: Tensor) -> None:
    columns = (roots.numbers[i][chosen] for i in (T, SNAP, ERROR))
    state.knot_table.merge(track[chosen], *columns)
