"""Certifying a sweep: what it left open is walked exactly and put in its place."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from ..arrays import Array, as_torch, to_host, uploaded
from ..codes import pack
from ..network import Network
from .constants import Constants
from .dyadic import Vector
from .places import Flags, Places
from .plan import Plan
from .ranges import Stretch, stretches
from .record import Event, Walk
from .walk import walk

if TYPE_CHECKING:
    from ..segments.result import Events, Swept

Column = np.ndarray[Any, Any]
Words = np.ndarray[Any, np.dtype[np.uint64]]

_BUDGET = 4e9
"""Multiplications that a stretch may take: some 20 seconds."""
_ROWS = 64
"""Stretches that are walked side by side."""


class SegmentTie(NamedTuple):
    """Two or more boundary forms vanish at t on a segment: those of `bits`, (layer, unit)."""

    segment: int
    t: Fraction
    bits: list[tuple[int, int]]


class SegmentRun(NamedTuple):
    """A unit that is identically zero, or tied for the largest, from t = start to stop."""

    segment: int
    start: Fraction
    stop: Fraction
    layer: int
    unit: int


@dataclass
class Certificate:
    """What is proven of the crossings of some segments.

    Attributes
    ----------
    certified : bool (segments,), a tensor beside those of the sweep
    t_lo, t_hi : float64 (crossings,), likewise; the true crossing lies in [t_lo, t_hi]
    exact : the exact t of crossings that were resolved, by their number
    ties, runs : what was met where the sweep was resolved

    """

    certified: Tensor
    t_lo: Tensor
    t_hi: Tensor
    exact: dict[int, Fraction] = field(default_factory=dict)
    ties: list[SegmentTie] = field(default_factory=list)
    runs: list[SegmentRun] = field(default_factory=list)


_KNOWN: WeakKeyDictionary[Network, tuple[Plan, Constants]] = WeakKeyDictionary()


class _OnHost:
    """A sweep in numpy. What is large comes from a GPU when it is first asked for."""

    def __init__(self, swept: Swept) -> None:
        self.swept = swept
        self.events = type(swept.events)(*map(to_host, swept.events))
        self.ambiguous = type(swept.ambiguous)(*map(to_host, swept.ambiguous))
        self.assumed = type(swept.assumed)(*map(to_host, swept.assumed))
        self.offsets: Column = np.searchsorted(self.events.segment, np.arange(swept.segments + 1))

    @cached_property
    def first_codes(self) -> Words:
        words: Words = to_host(self.swept.first_codes).view(np.uint64)
        return words

    @cached_property
    def knot_offsets(self) -> Column:
        return to_host(self.swept.knot_offsets)

    @cached_property
    def knots(self) -> Vector:
        return to_host(self.swept.knots)

    @cached_property
    def values(self) -> Column:
        return to_host(self.swept.values).reshape(len(self.knots), -1)

    def back(self, values: Column) -> Tensor:
        """Return numpy values where the sweep's are."""
        tensor: Tensor = as_torch(uploaded(values, self.swept.knots))
        return tensor


def certified(network: Network, a: Array, b: Array, swept: Swept) -> tuple[Swept, Certificate]:
    """Resolve what a sweep of segments a to b left open; a, b are its ends as float64 rows.

    Returns the sweep with exact crossings in place of the open ranges, and the certificate. Works
    on the host: from a GPU come the crossings, and of the rest what the open ranges need. Call it
    where `torch_beside` holds.
    """
    found = _OnHost(swept)
    ranges = [found.ambiguous, found.assumed, _touching(found.events)]
    segment, low, high = (np.concatenate(column) for column in zip(*ranges, strict=True))
    jobs: list[tuple[int, Stretch]] = []
    for s in np.unique(segment).tolist():
        mine = slice(found.offsets[s], found.offsets[s + 1])
        t, error = found.events.t[mine], found.events.t_error[mine]
        here = segment == s
        apart = stretches(low[here], high[here], t, error, int(found.offsets[s]))
        jobs += [(s, one) for one in apart]
    walks = _walks(network, a, b, jobs)
    done = np.ones(swept.segments, bool)
    by_segment: dict[int, list[tuple[Stretch, Walk]]] = {}
    for (s, stretch), walked in zip(jobs, walks, strict=True):
        good = walked.finished and _fits(network, found, s, stretch, walked)
        done[s] &= good
        by_segment.setdefault(s, []).append((stretch, walked))
    resolved = {s: parts for s, parts in by_segment.items() if done[s]}
    return _Rebuilt(network, a, b, found, resolved).result(done)


def _touching(events: Events) -> tuple[Column, Vector, Vector]:
    """Return (segment, low, high) where enclosures of neighbouring t meet once rounded outward."""
    same = (events.segment[1:] == events.segment[:-1]) & (events.t[1:] == events.t[:-1])
    heads = np.flatnonzero(np.append(len(events.t) > 0, ~same))
    lo, hi = _outward(events.t, events.t_error)
    lo, hi = np.minimum.reduceat(lo, heads), np.maximum.reduceat(hi, heads)
    segment = events.segment[heads]
    meet = (hi[:-1] >= lo[1:]) & (segment[:-1] == segment[1:])
    return segment[1:][meet], lo[1:][meet], hi[:-1][meet]


def _outward(t: Vector, error: Vector) -> tuple[Vector, Vector]:
    """Return numbers at most t - error and at least t + error."""
    return np.nextafter(t - error, -np.inf), np.nextafter(t + error, np.inf)


def _walks(network: Network, a: Array, b: Array, jobs: list[tuple[int, Stretch]]) -> list[Walk]:
    if not jobs:
        return []
    if network not in _KNOWN:
        plan = Plan(network)
        _KNOWN[network] = plan, Constants(plan)
    plan, constants = _KNOWN[network]
    walks: list[Walk] = []
    with torch.no_grad():
        for start in range(0, len(jobs), _ROWS):
            part = jobs[start : start + _ROWS]
            rows = [s for s, _ in part]
            low, high = (
                np.array(ends) for ends in zip(*((j.low, j.high) for _, j in part), strict=True)
            )
            ends = to_host(a[rows]), to_host(b[rows])
            walks += walk(constants, Places(plan, *ends, low, high, _BUDGET))
    return walks


def _fits(network: Network, found: _OnHost, s: int, stretch: Stretch, walked: Walk) -> bool:
    """Whether the exact codes at the ends of a stretch are those of the sweep, proven there."""
    checks = [(stretch.low, walked.first, 0.0), (stretch.high, walked.last, 1.0)]
    for t, exact, end in checks:
        if t == end:
            continue  # nothing is proven at the ends of a segment
        if not np.array_equal(_words(exact), _code_at(network, found, s, t)):
            warnings.warn(
                f"segment {s}: the sweep's code at t = {t} differs from the exact one, where it is "
                "proven; the segment is not certified. Please report this network and segment",
                RuntimeWarning,
                stacklevel=4,
            )
            return False
    return True


def _words(code: list[Flags]) -> Words:
    parts = [pack(layer[None])[0] for layer in code]
    return np.concatenate([np.empty(0, np.uint64), *parts])


def _code_at(network: Network, found: _OnHost, s: int, t: float) -> Words:
    """The sweep's code of the piece around t."""
    mine = slice(found.offsets[s], found.offsets[s + 1])
    before = found.events.t[mine] < t
    words: Words = found.first_codes[s].copy()
    starts = np.cumsum([0, *(layer.words for layer in network.layers)])
    unit = found.events.unit[mine][before]
    word = starts[found.events.layer[mine][before]] + unit // 64
    np.bitwise_xor.at(words, word, np.uint64(1) << (unit % 64).astype(np.uint64))
    return words


class _Rebuilt:
    """A sweep whose open stretches are replaced."""

    def __init__(
        self,
        network: Network,
        a: Array,
        b: Array,
        found: _OnHost,
        resolved: dict[int, list[tuple[Stretch, Walk]]],
    ) -> None:
        self._network = network
        self._a, self._b = a, b
        self._found = found
        self._resolved = resolved

    def result(self, done: Flags) -> tuple[Swept, Certificate]:
        """Put everything together."""
        found, swept = self._found, self._found.swept
        events = found.events
        if not self._resolved:
            return swept, self._certificate(events.t, events.t_error, {}, done)
        columns, exact = self._events()
        new_events = type(events)(*columns)
        first_codes = found.first_codes.copy()
        for s, parts in self._resolved.items():
            if parts[0][0].low == 0.0:
                first_codes[s] = _words(parts[0][1].first)
        knot_offsets, knots, values = self._knots(new_events.segment, new_events.t)
        left = found.ambiguous.of(~done[found.ambiguous.segment])
        rebuilt = type(swept)(
            swept.segments,
            type(events)(*map(found.back, new_events)),
            found.back(first_codes.view(np.int64)),
            found.back(knot_offsets),
            found.back(knots),
            found.back(values),
            type(left)(*map(found.back, left)),
            swept.assumed,
        )
        return rebuilt, self._certificate(new_events.t, new_events.t_error, exact, done)

    def _events(self) -> tuple[list[Column], dict[int, Fraction]]:
        """Return the columns of all crossings, and the exact t of those that were resolved."""
        old = self._found.events
        pieces: list[tuple[Column, ...]] = []
        exact: dict[int, Fraction] = {}
        count, at = 0, 0
        for s in sorted(self._resolved):
            for stretch, walked in self._resolved[s]:
                pieces.append(tuple(column[at : stretch.begin] for column in old))
                count += stretch.begin - at
                exact.update(enumerate((event.t for event in walked.events), count))
                pieces.append(_columns(s, walked.events, old))
                count += len(walked.events)
                at = stretch.end
        pieces.append(tuple(column[at:] for column in old))
        return [np.concatenate(column) for column in zip(*pieces, strict=True)], exact

    def _knots(
        self,
        segment: Column,
        t: Vector,
    ) -> tuple[Column, Vector, Vector]:
        """Knots of all segments; values of new ones are evaluated there."""
        found = self._found
        knots, values = [], []
        for s in range(found.swept.segments):
            mine = slice(found.knot_offsets[s], found.knot_offsets[s + 1])
            old, old_values = found.knots[mine], found.values[mine]
            if s in self._resolved:
                inner = np.unique(t[segment == s])
                new = np.concatenate([[0.0], inner, [1.0]])
                place = np.searchsorted(old, new).clip(max=len(old) - 1)
                known = old[place] == new
                filled = old_values[place].copy()
                if not known.all():
                    filled[~known] = self._values(s, new[~known])
                old, old_values = new, filled
            knots.append(old)
            values.append(old_values)
        offsets = np.cumsum([0, *(len(one) for one in knots)])
        return offsets, np.concatenate(knots), np.concatenate(values).ravel()

    def _values(self, s: int, t: Vector) -> Vector:
        a, b = to_host(self._a[s]), to_host(self._b[s])
        rows = a + t[:, None] * (b - a)
        inputs = torch.from_numpy(rows).reshape(len(t), *self._network.input_shape)
        with torch.no_grad():
            values: Vector = self._network(inputs).reshape(len(t), -1).numpy()
        return values

    def _certificate(
        self, t: Vector, error: Vector, exact: dict[int, Fraction], done: Flags
    ) -> Certificate:
        lo, hi = _outward(t, error)
        for i, number in exact.items():
            lo[i], hi[i] = _enclosed(number)
        back = self._found.back
        found = Certificate(back(done), back(lo), back(hi), exact)
        for s in sorted(self._resolved):
            for _, walked in self._resolved[s]:
                found.ties += [SegmentTie(s, *tie) for tie in walked.ties]
                found.runs += [SegmentRun(s, *run) for run in walked.runs]
        return found


def _columns(s: int, events: list[Event], like: tuple[Column, ...]) -> tuple[Column, ...]:
    """Exact events as columns (segment, t, t_error, layer, unit, direction)."""
    t = [_nearest(event.t) for event in events]
    error = [math.ulp(one) for one in t]
    rows = (
        [s] * len(events),
        t,
        error,
        [event.layer for event in events],
        [event.unit for event in events],
        [event.direction for event in events],
    )
    return tuple(np.array(row, column.dtype) for row, column in zip(rows, like, strict=True))


def _nearest(t: Fraction) -> float:
    """Return the nearest number in the open interval (0, 1)."""
    return min(max(float(t), math.nextafter(0.0, 1.0)), math.nextafter(1.0, 0.0))


def _enclosed(t: Fraction) -> tuple[float, float]:
    """Return neighbouring numbers, or one, that enclose t."""
    near = float(t)
    if Fraction(near) == t:
        return near, near
    return (near, math.nextafter(near, 2.0)) if near < t else (math.nextafter(near, -1.0), near)
