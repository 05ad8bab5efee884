"""What a walk sees: crossings, ties and runs, from the layers right of one point after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from .places import Flags
from .sides import Layer, Side

Bit = tuple[int, int]
"""(layer, bit of the layer)."""


class Event(NamedTuple):
    """Bit `unit` of a layer turns on (+1) or off (-1) at t."""

    t: Fraction
    layer: int
    unit: int
    direction: int


class Tie(NamedTuple):
    """Two or more boundary forms vanish at t: those of `bits`, in order."""

    t: Fraction
    bits: list[Bit]


class Run(NamedTuple):
    """A bit that follows a convention between two t: see `Side.run`."""

    start: Fraction
    stop: Fraction
    layer: int
    unit: int


@dataclass
class Walk:
    """What lies on a stretch low < t < high.

    Attributes
    ----------
    first, last : the code right of low and left of high, a bool array for each layer
    events : in the order (t, layer, unit)
    ties, runs : in the order of t; runs that leave the stretch are cut off
    finished : False where the budget ran out; then the rest of the stretch is missing

    """

    first: list[Flags] = field(default_factory=list)
    last: list[Flags] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    ties: list[Tie] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    finished: bool = False

    def __post_init__(self) -> None:
        self._sides: list[Side] = []
        self._open: dict[Bit, Fraction] = {}

    def arrive(self, t: Fraction, sides: list[Side], layers: Sequence[Layer]) -> None:
        """Note what changes at t: `sides`, of one row, are the layers right of it."""
        self.last = [side.on for side in sides]
        if self._sides:
            self._cross(t, sides, layers)
        else:
            self.first = self.last
        for layer, after in enumerate(sides):
            before = self._sides[layer].run if self._sides else np.zeros_like(after.run)
            for unit in np.flatnonzero(before & ~after.run).tolist():
                self.runs.append(Run(self._open.pop((layer, unit)), t, layer, unit))
            for unit in np.flatnonzero(after.run & ~before).tolist():
                self._open[layer, unit] = t
        self._sides = sides

    def _cross(self, t: Fraction, sides: list[Side], layers: Sequence[Layer]) -> None:
        vanishing, bits = 0, []
        for layer, (before, after) in enumerate(zip(self._sides, sides, strict=True)):
            for unit in np.flatnonzero(before.on != after.on).tolist():
                self.events.append(Event(t, layer, unit, 1 if after.on[unit] else -1))
            still = (before.sign == 0) & (after.sign == 0)  # zero at t, but on both sides as well
            vanish = np.flatnonzero(after.touching & ~still)
            if len(vanish):
                bits += [(layer, unit) for unit in vanish.tolist()]
                size = layers[layer].window
                spare = np.setdiff1d(vanish // size, np.flatnonzero(still) // size)
                vanishing += len(vanish) - (len(spare) if size > 1 else 0)
        if vanishing > 1:
            self.ties.append(Tie(t, bits))

    def finish(self, t: Fraction) -> None:
        """End the stretch."""
        for (layer, unit), start in self._open.items():
            self.runs.append(Run(start, t, layer, unit))
        self.runs.sort()
        self.finished = True
