"""Interleaved timing: a ratio of two times counts only where both were taken side by side."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Call = Callable[[], Any]

Stopwatch = Callable[[Call, int], float]
"""Mean seconds of a call that is repeated so many times."""

_LEAST_SECONDS = 0.01
"""Calls shorter than this are repeated within a sample: the clock and cold caches weigh less."""
_SETTLE_SECONDS = 0.01
"""Rest before a sample: OpenMP's threads spin for some milliseconds after torch's last region, on
processors that the next contender needs."""


@dataclass(frozen=True)
class Spread:
    """Median, least and largest of samples."""

    median: float
    min: float
    max: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> Spread:
        """Sum up at least one sample."""
        return cls(statistics.median(samples), min(samples), max(samples))

    def scaled(self, by: float) -> Spread:
        """Return the spread of so many times the samples."""
        return Spread(by * self.median, by * self.min, by * self.max)


@dataclass(frozen=True)
class Paired:
    """Seconds of a contender, and its ratio to ours, taken just before it, round by round."""

    seconds: Spread
    ratio: Spread
    rounds: int

    def scaled(self, by: float) -> Paired:
        """Return the result for a contender that takes so many times as long."""
        return Paired(self.seconds.scaled(by), self.ratio.scaled(by), self.rounds)


def wall_seconds(call: Call, repeats: int) -> float:
    """Time calls by the clock. A result is freed within: both sides pay for their memory."""
    time.sleep(_SETTLE_SECONDS)
    begin = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - begin) / repeats


def interleave(
    ours: Call,
    others: Sequence[Call],
    seconds: float,
    most_rounds: int = 100,
    stopwatch: Stopwatch = wall_seconds,
) -> tuple[Spread, list[Paired]]:
    """Time ours and others in turn: ours, first, ours, second, ..., and round again.

    Each of the others has an equal share of the budget and drops out when it is spent, but takes
    at least one round. Call every one once before: there is no warm-up here but the probe that
    tells how often to repeat a short call, and is a sample of a long one. Without others ours is
    timed alone.
    """
    if not others:
        return Spread.of(_alone(ours, seconds, most_rounds, stopwatch)), []
    pairs = [_Pair(ours, other, seconds / len(others), stopwatch) for other in others]
    while waiting := [pair for pair in pairs if pair.wants_more(most_rounds)]:
        for pair in waiting:
            pair.take()
    all_ours = [sample for pair in pairs for sample in pair.ours_seconds]
    return Spread.of(all_ours), [pair.result() for pair in pairs]


def _alone(ours: Call, seconds: float, most_rounds: int, stopwatch: Stopwatch) -> list[float]:
    probe = stopwatch(ours, 1)
    repeats = _repeats(probe)
    samples = [probe if repeats == 1 else stopwatch(ours, repeats)]
    while len(samples) < most_rounds and sum(samples) * repeats < seconds:
        samples.append(stopwatch(ours, repeats))
    return samples


class _Pair:
    """Ours beside one contender."""

    def __init__(self, ours: Call, other: Call, budget: float, stopwatch: Stopwatch) -> None:
        self._ours, self._other, self._budget = ours, other, budget
        self._stopwatch = stopwatch
        probes = stopwatch(ours, 1), stopwatch(other, 1)
        self._repeats = _repeats(probes[0]), _repeats(probes[1])
        long = self._repeats == (1, 1)
        self._spent = sum(probes) if long else 0.0
        self.ours_seconds = [probes[0]] if long else []
        self.other_seconds = [probes[1]] if long else []

    def wants_more(self, most_rounds: int) -> bool:
        rounds = len(self.ours_seconds)
        return rounds == 0 or (rounds < most_rounds and self._spent < self._budget)

    def take(self) -> None:
        begin = time.perf_counter()
        self.ours_seconds.append(self._stopwatch(self._ours, self._repeats[0]))
        self.other_seconds.append(self._stopwatch(self._other, self._repeats[1]))
        self._spent += time.perf_counter() - begin

    def result(self) -> Paired:
        ratios = [b / a for a, b in zip(self.ours_seconds, self.other_seconds, strict=True)]
        return Paired(Spread.of(self.other_seconds), Spread.of(ratios), len(ratios))


def repeats_for(call: Call, stopwatch: Stopwatch) -> int:
    """Return how often to repeat a short call within a sample."""
    return _repeats(stopwatch(call, 1))


def _repeats(seconds: float) -> int:
    return max(1, math.ceil(_LEAST_SECONDS / seconds))
