"""Rounding bounds of the tracks, on the device: the rules are those of cpp/sweep/bound_rules.hpp.

The bounds of a node are float64 (6, tracks): e2, einf, snapinf, size2, sizeinf, steps. The rounding
of units of an affine step follows from their norms and from its *step*, float64 (7, tracks).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from .state import State

E2, EINF, SNAPINF, SIZE2, SIZEINF, STEPS = range(6)


def starting_bounds(state: State) -> Tensor:
    """Return the bounds of values that are exact and 0."""
    return torch.zeros((6, state.tracks), dtype=torch.float64, device=state.device)


def bound_affine(state: State, number: int) -> None:
    """Bound the values of an affine node, from the bounds of what it takes."""
    node = state.layout.nodes[number]
    to = state.bounds[number] = starting_bounds(state)
    if node.fields["sum"]:
        state.kernels.sum_bounds(_inputs(state, number), state.roundoff, to)
        return
    step = state.steps[number] = to.new_empty((7, state.tracks))
    *_, operator2, local2, bias2, terms = node.fields["norms"]
    whole = (operator2, local2, bias2, terms + node.sums)
    taken = state.bounds[node.inputs[0]]
    state.kernels.affine_bounds(taken, node.norms, whole, state.roundoff, to, step)


def bound_view(state: State, number: int) -> None:
    """Bound values that are taken from other nodes as they are."""
    to = state.bounds[number] = starting_bounds(state)
    multiplicity = state.layout.nodes[number].fields["multiplicity"]
    state.kernels.view_bounds(_inputs(state, number), multiplicity, to)


def bound_kink(state: State, number: int, shift: Tensor, together: Tensor) -> None:
    """Bound the values of a layer; `shift` and `together` are what its decisions did to them."""
    fields = state.layout.nodes[number].fields
    to = state.bounds[number] = starting_bounds(state)
    taken = state.bounds[fields["inputs"][0]]
    multiplicity = fields["multiplicity"]
    steepest = fields["steepest"]
    counts = together.to(torch.float64)
    state.kernels.kink_bounds(taken, steepest, multiplicity, shift, counts, state.roundoff, to)


def slots_of(state: State, nodes: list[int]) -> Tensor:
    """Return the steps (nodes, 7, tracks) by which units of nodes are bounded.

    Where only the worst unit is known, gamma is -1 and e2 and einf are its snap and bound.
    """
    slots = torch.zeros((len(nodes), 7, state.tracks), dtype=torch.float64, device=state.device)
    slots[:, 4] = -1
    for i, number in enumerate(nodes):
        if number in state.steps:
            slots[i] = state.steps[number]
        elif number in state.bounds:
            slots[i, 0] = state.bounds[number][SNAPINF]
            slots[i, 1] = state.bounds[number][EINF]
    return slots


def _inputs(state: State, number: int) -> Tensor:
    return torch.stack([state.bounds[i] for i in state.layout.nodes[number].inputs])
