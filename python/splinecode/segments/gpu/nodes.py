"""The nodes of a network, one after the other, on some tracks."""

from __future__ import annotations

import torch
from torch import Tensor

from .affine import run_affine
from .bounds import E2, EINF, SNAPINF, bound_view, starting_bounds
from .layout import Layout
from .maxima import run_max
from .pieces import run_pieces
from .state import Budget, State


def swept(layout: Layout, a: Tensor, b: Tensor, ends: Tensor, budget: Budget) -> State:
    """Sweep tracks: windows `ends` (tracks, 2) of the segments a to b, float64 (tracks, units).

    Raises OverBudgetError, and ValueOverflowError with the number of a node.
    """
    state = State(layout, ends, budget)
    for number, node in enumerate(layout.nodes):
        if node.kind == "input":
            _take_input(state, a, b)
        elif node.kind == "view":
            bound_view(state, number)
        elif node.kind == "affine":
            run_affine(state, number)
        elif node.kind == "pieces":
            run_pieces(state, number)
        else:
            run_max(state, number)
        state.finish(number)
    return state


def _take_input(state: State, a: Tensor, b: Tensor) -> None:
    """Make the values at the ends of the tracks."""
    begin, end = state.ends[:, :1], state.ends[:, 1:]
    values = state.make(0, state.two_rows)
    rows = values.matrix.view(state.tracks, 2, a.shape[1])
    rows[:, 0] = torch.where(begin == 0, a, a + begin * (b - a))
    rows[:, 1] = torch.where(end == 1, b, a + end * (b - a))
    bounds = state.bounds[0] = starting_bounds(state)
    state.measure(0)
    exact = (begin == 0) & (end == 1)
    if state.dtype == torch.float32:
        exact &= ((a.float() == a) & (b.float() == b)).all(1, keepdim=True)
    largest = torch.maximum(a.abs(), b.abs()).amax(1) if a.shape[1] else begin[:, 0] * 0
    error = torch.where(exact[:, 0], 0.0, 6 * state.roundoff * largest)
    bounds[EINF] = bounds[SNAPINF] = error
    bounds[E2] = error * a.shape[1] ** 0.5 * 1.01
