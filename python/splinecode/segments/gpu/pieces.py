"""Layers of piecewise-linear units: ReLU, LeakyReLU, Hardtanh, abs and the like."""

from __future__ import annotations

import torch

from .bounds import bound_kink, slots_of
from .chords import chords_of
from .kinks import room_for, take
from .lists import Knots, gathered
from .settling import COLUMN, no_errors
from .state import State


def run_pieces(state: State, number: int) -> None:
    """Make the values and bounds of a layer; note its crossings and its first codes."""
    node = state.layout.nodes[number]
    pieces, kernels = node.pieces, state.kernels
    knots = _source_knots(state, number)
    scan = (
        state.table.arrays,
        pieces.units,
        (knots.begin, knots.row_list),
        (pieces.norms, pieces.slot, slots_of(state, pieces.bounded_by)),
        node.fields["thresholds"],
        pieces.thresholds,
        pieces.exact_zeros,
        state.dtype == torch.float32,
    )
    counts = torch.empty((3, knots.rows), dtype=torch.int64, device=state.device)
    kernels.count_pieces(*scan, counts)
    starts, found, _ = room_for(state, counts)
    errors = no_errors(state)
    snapped = torch.zeros(node.cells * state.tracks, dtype=torch.int32, device=state.device)
    kernels.emit_pieces(
        *scan,
        node.unit,
        state.knot_table.arrays,
        starts,
        found.roots,
        found.events,
        found.ambiguous,
        state.first_codes,
        state.layout.first_words[node.layer],
        errors.shift,
        snapped,
    )
    rows = take(state, number, knots, found, errors)
    values = state.make(number, rows.knots)
    kernels.fill_pieces(
        state.table.arrays,
        pieces.units,
        node.fields["thresholds"],
        pieces.functions,
        (knots.begin, *rows.sources, found.roots.places),
        values.row_arrays,
        values.flat,
    )
    chords_of(state, number, knots.rows, rows, found.roots.places[COLUMN])
    # Units of all cells may be taken to be 0 at one t, and so may those of all thresholds.
    together = errors.together + node.fields["thresholds"] * snapped.view(node.cells, -1).sum(0)
    bound_kink(state, number, errors.shift, together)
    state.measure(number)


def _source_knots(state: State, number: int) -> Knots:
    """Return the rows that the layer's cells take."""
    pieces = state.layout.nodes[number].pieces
    if pieces.source in state.values:
        return state.values[pieces.source].knots
    lists = state.table.lists_of(pieces.cells)
    (total,) = state.read(state.table.count[lists].sum())
    return gathered(state, lists, total)
