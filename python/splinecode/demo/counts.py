"""Endpoint, sampled and exact counts of the same segments, over the same layers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..codes import Codes
from ..hamming import hamming
from ..network import Network
from ..progress import progress_bar
from ..segments import Crossings

Counts = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

INSET = 2.0**-30
"""How far inside a segment its end codes are read, as a share of its length.

A digit can lie exactly on a boundary: blank pixels tie in a max pool. Leaving it is then no
crossing of the open segment, and would be counted by endpoints and samples alone.
"""


def codes_at(network: Network, a: Tensor, b: Tensor, t: float) -> Codes:
    """Codes of the points a + t (b - a) of every segment, evaluated in float64."""
    return network.codes(torch.lerp(a, b, torch.tensor(t, dtype=a.dtype)))


def sampled_counts(
    network: Network, a: Tensor, b: Tensor, steps: tuple[int, ...], *, progress: bool
) -> dict[int, Counts]:
    """Count transitions between neighbours among step + 1 even points, for every number of steps.

    a and b are the ends, float64 (segments, *input_shape); a count is int64 (segments, layers). The
    outermost points stand `INSET` inside, so that one step gives the endpoint Hamming distance.
    The points of fewer steps are among those of the most (each number must divide the largest):
    the network runs once a segment.
    """
    finest = max(steps)
    t = torch.linspace(0, 1, finest + 1, dtype=a.dtype).clamp(INSET, 1 - INSET)
    t = t.view(-1, *[1] * (a.ndim - 1))
    counts = {step: np.empty((len(a), len(network.layers)), np.int64) for step in steps}
    with progress_bar(len(a), "segments", progress) as advance:
        for i in range(len(a)):
            codes = network.codes(torch.lerp(a[i], b[i], t))
            for step in steps:
                counts[step][i] = _transitions(codes[:: finest // step])
            advance(1)
    return counts


def _transitions(codes: Codes) -> Counts:
    """Bits that differ between consecutive codes: int64 (layers,)."""
    flips = hamming(codes[:-1], codes[1:], per_layer=True).sum(dim=0)
    return np.asarray(flips, dtype=np.int64)


def exact_counts(found: Crossings) -> Counts:
    """Count exact crossings: int64 (segments, layers)."""
    return np.asarray(found.count(per_layer=True), dtype=np.int64)


@dataclass(frozen=True)
class Checks:
    """What must hold for the counts of a segment: bool (segments,) each.

    ordered : in no layer does a finer count find fewer
    arrives : the exact crossings lead from the code at one end to the code at the other
    """

    ordered: Flags
    arrives: Flags

    @property
    def passed(self) -> Flags:
        """Whether both hold."""
        return self.ordered & self.arrives


def check(counts: list[Counts], found: Crossings, start: Codes, end: Codes) -> Checks:
    """Check counts from the endpoint one to the exact one, and the exact walk against end codes."""
    ordered = [(coarse <= fine).all(axis=1) for coarse, fine in pairwise(counts)]
    arrives = np.empty(len(found), bool)
    for i in range(len(found)):
        pieces = found.codes(i)
        arrives[i] = pieces[0] == start[i] and pieces[-1] == end[i]
    return Checks(np.logical_and.reduce(ordered), arrives)
