"""Stretches of a segment that are walked: what a sweep left open, with ends in proven pieces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .dyadic import Vector


@dataclass
class Stretch:
    """low <= t <= high, and the numbers [begin, end) of the sweep's crossings in it."""

    low: float
    high: float
    begin: int
    end: int


def stretches(
    low: Vector, high: Vector, t: Vector, error: Vector, first_event: int
) -> list[Stretch]:
    """Unite ranges of one segment with what meets them, and extend them into the gaps beside them.

    Ranges [low, high] and the enclosures t +- error of crossings that meet, or that hardly a number
    lies between, are one *place*; places with a range are walked. The end of a stretch is 0, 1, or
    a number strictly between its place and the next: there the sweep's code is proven. `t`, `error`
    are the segment's crossings in order, the first of them event `first_event`. O(n log n).
    """
    starts, stops = np.concatenate([low, t - error]), np.concatenate([high, t + error])
    order = np.argsort(starts, kind="stable")
    starts, stops = _outward(starts[order], -1), _outward(stops[order], 1)
    reach = np.maximum.accumulate(stops)
    heads = np.flatnonzero(np.append(True, starts[1:] > _outward(reach[:-1], 1)))
    starts, stops = starts[heads], np.append(reach[heads[1:] - 1], reach[-1])
    found = []
    for place in np.flatnonzero(np.logical_or.reduceat(order < len(low), heads)).tolist():
        start, stop = starts[place], stops[place]
        before = stops[place - 1] if place > 0 else 0.0
        after = starts[place + 1] if place + 1 < len(starts) else 1.0
        begin, end = np.searchsorted(t, [start, stop]).tolist()
        found.append(
            Stretch(
                float(before + (start - before) / 2) if start > 0.0 else 0.0,
                float(stop + (after - stop) / 2) if stop < 1.0 else 1.0,
                first_event + begin,
                first_event + end,
            )
        )
    return found


def _outward(values: Vector, direction: int) -> Vector:
    """Two numbers outward: beyond what one rounding hides."""
    return np.nextafter(np.nextafter(values, direction * np.inf), direction * np.inf)
