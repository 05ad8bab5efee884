"""What the sweep of some tracks found, in order: crossings, knots, outputs, codes."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .device import arange, changes, sorted_by
from .errors import ValueOverflowError
from .knot_table import overlap_groups
from .lists import Columns, Knots, Values
from .state import Intervals, State


class Crossed(NamedTuple):
    """Crossings by (track, t, layer, unit), as columns."""

    track: Tensor
    t: Tensor
    error: Tensor
    layer: Tensor
    unit: Tensor
    direction: Tensor

    def of(self, chosen: Tensor) -> Crossed:
        """Return those that indices choose."""
        return Crossed(*(column[chosen] for column in self))


class Windows(NamedTuple):
    """What was found on tracks, and where their parts begin in it."""

    events: Crossed
    knot_begin: Tensor  # int64 (tracks + 1,)
    knots: Tensor  # float64: the begin of a track, each t of its crossings once, its end
    values: Tensor  # float64 (knots, outputs)
    first_codes: Tensor  # int64 (tracks, words)
    ambiguous: Intervals
    assumed: Intervals


def windows_of(state: State) -> Windows:
    """Put in order what a sweep found, and take the outputs at its crossings."""
    events = _ordered(_all_events(state))
    ambiguous = _real(state, [*state.ambiguous, _close(state, events)])
    begin, knots = _knots(state, events)
    return Windows(
        events,
        begin,
        knots,
        _outputs(state, begin, knots),
        state.first_codes,
        ambiguous,
        _real(state, state.assumed),
    )


def _all_events(state: State) -> Crossed:
    layers = [torch.full_like(one.track, one.layer) for one in state.events]
    columns = [
        torch.cat([getattr(one, name) for one in state.events])
        if state.events
        else torch.zeros(0, dtype=dtype, device=state.device)
        for name, dtype in _EVENT_COLUMNS.items()
    ]
    track, t, error, unit, direction = columns
    layer = torch.cat(layers) if layers else track
    return Crossed(track, t, error, layer, unit, direction)


_EVENT_COLUMNS = {
    "track": torch.int64,
    "t": torch.float64,
    "error": torch.float64,
    "bit": torch.int64,
    "direction": torch.int64,
}


def _ordered(events: Crossed) -> Crossed:
    """Order crossings; of opposite flips of a bit at one t, leave none."""
    events = events.of(
        sorted_by(events.track, events.t, events.layer, events.unit, events.direction)
    )
    starts = changes(events.track, events.t, events.layer, events.unit)
    place = arange(events.t, len(events.t))
    start = starts.nonzero().flatten()[torch.cumsum(starts, 0) - 1]
    last = torch.ones_like(starts)
    last[:-1] = starts[1:]
    kept = last & ((place - start) % 2 == 0)
    return events.of(kept.nonzero().flatten())


def _close(state: State, events: Crossed) -> Intervals:
    """Find enclosures of crossings at different t that meet: their order is not proven."""
    low, high = events.t - events.error, events.t + events.error
    order = sorted_by(events.track, low)
    track, low, high, t = events.track[order], low[order], high[order], events.t[order]
    starts, reach = overlap_groups(state.kernels, track, low, high)
    first = starts.nonzero().flatten()
    group = torch.cumsum(starts, 0) - 1
    apart = torch.zeros_like(first).index_add_(0, group, (t != t[first[group]]).long()) > 0
    last = torch.cat([first[1:], first.new_full((min(len(first), 1),), len(t))]) - 1
    close = apart.nonzero().flatten()
    return Intervals(track[first], low[first], reach[last]).of(close)


def _real(state: State, parts: list[Intervals]) -> Intervals:
    """Put intervals together, by track, and leave out those that are none."""
    if not parts:
        none = torch.zeros(0, dtype=torch.float64, device=state.device)
        return Intervals(none.long(), none, none)
    all_parts = Intervals(*(torch.cat(column) for column in zip(*parts, strict=True)))
    real = all_parts.of((all_parts.low == all_parts.low).nonzero().flatten())
    return real.of(torch.argsort(real.track, stable=True))


def _knots(state: State, events: Crossed) -> tuple[Tensor, Tensor]:
    """Return where the knots of each track begin, and these."""
    ends = state.ends[events.track]
    new = changes(events.track, events.t) & (events.t > ends[:, 0]) & (events.t < ends[:, 1])
    chosen = new.nonzero().flatten()
    track, t = events.track[chosen], events.t[chosen]
    tracks = arange(t, state.tracks)
    all_tracks = torch.cat([tracks, track, tracks])
    all_t = torch.cat([state.ends[:, 0], t, state.ends[:, 1]])
    order = torch.argsort(all_tracks, stable=True)
    begin = torch.searchsorted(all_tracks[order], arange(t, state.tracks + 1))
    return begin, all_t[order]


def _outputs(state: State, begin: Tensor, knots: Tensor) -> Tensor:
    """Bring the values of the last node to knots."""
    entries = state.layout.outputs
    width = entries.columns
    rows = torch.repeat_interleave(
        arange(knots, state.tracks), begin.diff(), output_size=len(knots)
    )
    columns = Columns(arange(begin, 2) * width, width, width)
    values = Values(columns, Knots(begin, rows.to(torch.int32), knots), state)
    bias = torch.zeros(width, dtype=torch.float64, device=state.device)
    state.kernels.add_entries(
        state.table.arrays, values.row_arrays, knots, entries.arrays, bias, values.flat
    )
    out = values.matrix.to(torch.float64)
    state.budget.give(values.bytes)
    (bad,) = state.read((~out.isfinite()).any())
    if bad:
        raise ValueOverflowError(len(state.layout.nodes) - 1)
    return out
