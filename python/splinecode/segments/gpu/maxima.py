"""Layers of maxima over windows of units: max pools, maxout, elementwise maximum."""

from __future__ import annotations

import torch

from ...kernels import cuda
from .affine import common_knots
from .bounds import EINF, SIZEINF, SNAPINF, bound_kink
from .kinks import room_for, take
from .lists import Values
from .settling import no_errors
from .state import Intervals, State


def run_max(state: State, number: int) -> None:
    """Make the values and bounds of a layer; note its crossings and its first codes."""
    node = state.layout.nodes[number]
    windows, kernels = node.windows, state.kernels
    knots = common_knots(state, number)
    elements = Values(windows.columns, knots, state)
    kernels.add_entries(
        state.table.arrays,
        elements.row_arrays,
        knots.t,
        windows.entries.arrays,
        windows.bias,
        elements.flat,
    )
    # The rows' lists are those of the layer: an element's are as many.
    scan = (
        windows.arrays,
        elements.row_arrays,
        knots.t,
        elements.flat,
        windows.exact,
        _tolerances(state, node.inputs[0]),
    )
    counts = torch.empty((4, knots.rows), dtype=torch.int64, device=state.device)
    kernels.count_windows(*scan, counts)
    starts, found, (*_, n_assumed) = room_for(state, counts)
    assumed = torch.empty((2, n_assumed), dtype=torch.float64, device=state.device)
    assumed_track = torch.empty(n_assumed, dtype=torch.int64, device=state.device)
    kernels.emit_windows(
        *scan,
        windows.bits,
        state.knot_table.arrays,
        starts,
        found.roots,
        found.events,
        found.ambiguous,
        (assumed, assumed_track),
        state.first_codes,
        state.layout.first_words[node.layer],
    )
    state.assumed.append(Intervals(assumed_track, *assumed))
    errors = no_errors(state)
    rows = take(state, number, knots, found, errors)
    values = state.make(number, rows.knots)
    kernels.fill_windows(
        windows.arrays,
        elements.row_arrays,
        elements.flat,
        rows.source,
        rows.weight,
        values.row_arrays,
        values.flat,
    )
    state.budget.give(elements.bytes)
    bound_kink(state, number, errors.shift, errors.together)
    state.measure(number)


def _tolerances(state: State, taken: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the snap and the bound of differences of elements, by track."""
    bounds = state.bounds[taken]
    interpolation = cuda().interpolation(state.roundoff) * bounds[SIZEINF]
    return 2 * (bounds[SNAPINF] + interpolation), 2 * (bounds[EINF] + interpolation)
