"""What layers of pieces and of maxima do alike: note their crossings, insert their roots."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .device import prefix
from .lists import Knots
from .rows import NewRows, unchanged, with_roots
from .settling import ERROR, OFF, ON, ROW, Errors, Roots, T
from .state import Intervals, LayerEvents, State

_ROW_BYTES, _ROOT_BYTES = 160, 250
"""About what a row and a root of a layer take, besides values, while they are dealt with."""


class Found(NamedTuple):
    """What the scan of a layer's rows writes."""

    roots: Roots
    events: tuple[Tensor, Tensor]  # float64 (2, n): t, error; int64 (3, n): track, bit, direction
    ambiguous: tuple[Tensor, Tensor]  # float64 (2, n): low, high; int64 (n,): track


def room_for(state: State, counts: Tensor) -> tuple[Tensor, Found, list[int]]:
    """Return where the findings of each row begin (kinds, rows), and room for them.

    counts : int64 (kinds, rows): roots, events, ambiguous ranges, and more of one kind each

    Reads the totals from the device.
    """
    sums = torch.stack([prefix(kind) for kind in counts])
    totals = state.read(*sums[:, -1])

    def numbers(rows: int, n: int) -> Tensor:
        return torch.empty((rows, n), dtype=torch.float64, device=state.device)

    def places(rows: int, n: int) -> Tensor:
        return torch.empty((rows, n), dtype=torch.int64, device=state.device)

    n_roots, n_events, n_ranges = totals[:3]
    state.scratch(_ROW_BYTES * counts.shape[1] + _ROOT_BYTES * n_roots)
    found = Found(
        Roots(numbers(7, n_roots), places(6, n_roots)),
        (numbers(2, n_events), places(3, n_events)),
        (numbers(2, n_ranges), places(1, n_ranges)[0]),
    )
    return sums[:, :-1].contiguous(), found, totals


def take(state: State, number: int, knots: Knots, found: Found, errors: Errors) -> NewRows:
    """Note what was found in a layer, and return its rows with its roots."""
    node = state.layout.nodes[number]
    layer = node.layer
    ends, track = found.ambiguous
    state.ambiguous.append(Intervals(track, *ends))
    (t, error), (track, bit, direction) = found.events
    state.events.append(LayerEvents(layer, track, t, error, bit, direction))
    if found.roots.numbers.shape[1] == 0:
        return unchanged(knots)
    rows = with_roots(state, knots, found.roots, errors)
    track = knots.row_list[found.roots.places[ROW]].long() % state.tracks
    t, error = found.roots.numbers[T], found.roots.numbers[ERROR]
    state.events += [
        LayerEvents(layer, track, t, error, bit, direction)
        for bit, direction in _bits_of(node.kind, found.roots)
    ]
    return rows


def _bits_of(kind: str, roots: Roots) -> list[tuple[Tensor, Tensor]]:
    """Return the bits that differ beside each root, and their directions: of maxima two."""
    off, on = roots.places[OFF], roots.places[ON]
    if kind == "pieces":
        return [(torch.maximum(off, on), torch.where(on >= 0, 1, -1))]
    return [(off, torch.full_like(off, -1)), (on, torch.ones_like(on))]
