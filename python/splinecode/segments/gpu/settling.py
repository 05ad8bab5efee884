"""Roots of a layer become knots: those within their rounding of each other are one."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .device import sorted_by
from .knot_table import overlap_groups
from .state import Intervals, State

T, SNAP, ERROR, SLOPE, REACH, LOW, HIGH = range(7)
ROW, COLUMN, THRESHOLD, OFF, ON, AT_KNOT = range(6)
_FOLLOWED_WORDS = 5
"""Of a FollowedLeader of cpp/sweep/leader_tree.hpp."""


class Roots(NamedTuple):
    """Changes of piece strictly between two knots of a cell, (n,) each in the rows of both."""

    numbers: Tensor  # float64 (7, n): t, snap, error, slope, reach, low, high
    places: Tensor  # int64 (6, n): row, column, threshold, off, on, at_knot


class Errors(NamedTuple):
    """What a layer's decisions may have done to values, by track."""

    shift: Tensor  # int64 (tracks,): the bits of float64
    together: Tensor  # int32 (tracks,)


def no_errors(state: State) -> Errors:
    """Return what nothing has done."""
    shift = torch.zeros(state.tracks, dtype=torch.int64, device=state.device)
    return Errors(shift, shift.to(torch.int32))


def settle(state: State, roots: Roots, track: Tensor, errors: Errors) -> Tensor:
    """Decide which roots are one point: changes their t and error.

    Returns which of them are new knots of their track.
    """
    numbers, places = roots
    t, snap = numbers[T], numbers[SNAP]
    order = sorted_by(track, t - snap, t)
    starts, _ = overlap_groups(state.kernels, track[order], (t - snap)[order], (t + snap)[order])
    group = torch.empty_like(order)
    group[order] = torch.cumsum(starts, 0)
    by_snap = sorted_by(group, snap, t)
    fresh = torch.zeros(len(t), dtype=torch.bool, device=t.device)
    joined = torch.full((2, len(t)), math.nan, dtype=torch.float64, device=t.device)
    room = torch.empty((len(t), _FOLLOWED_WORDS), dtype=torch.int64, device=t.device)
    groups = (by_snap, starts, track)
    state.kernels.settle_roots(state.knot_table.arrays, groups, room, roots, fresh, joined, *errors)
    at_knot = places[AT_KNOT] != 0
    low, high = t - numbers[ERROR], t + numbers[ERROR]
    state.ambiguous += [
        Intervals(track, *joined),
        Intervals(track, torch.where(at_knot, low, math.nan), high),
    ]
    return fresh
