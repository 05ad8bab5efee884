"""Crossings of two engines side by side, on the host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...segments import Crossings
from ..case import DisagreementError
from ..segments import Events

_NEAR = 1e-6
"""How far apart t may be where no bound is known, or one that says nothing: a unit that crosses at
a small angle is off by far more than rounding itself."""
_MOST_OPEN = 0.05
"""Where this share of the crossings is open, holding the others to their bounds shows nothing."""


@dataclass(frozen=True)
class Crossed:
    """Crossings of some segments, in order, as columns on the host.

    `bit` is layer and unit, int64 (n, 2); `open` are the ranges of t that rounding left open:
    segment, low, high.
    """

    segment: Tensor
    t: Tensor
    t_error: Tensor
    bit: Tensor
    direction: Tensor
    open: tuple[Tensor, Tensor, Tensor]

    @staticmethod
    def of(found: Crossings, chosen: Sequence[int] | None = None) -> Crossed:
        """Take the crossings of some segments, which are numbered from 0 on, or of all."""
        numbers = torch.full((len(found),), -1)
        wanted = torch.tensor(range(len(found)) if chosen is None else chosen)
        numbers[wanted] = torch.arange(len(wanted))
        segment = torch.repeat_interleave(numbers, found.count().cpu())
        t, t_error, direction = (part.cpu() for part in (found.t, found.t_error, found.direction))
        bit = torch.stack([found.layer, found.unit], 1).cpu()
        of_range, low, high = (part.cpu() for part in found.ambiguous_ranges)
        of_range = numbers[of_range]
        kept = of_range >= 0
        ranges = of_range[kept], low[kept], high[kept]
        return Crossed(segment, t, t_error, bit, direction, ranges)._where(segment >= 0)

    @staticmethod
    def of_plain(events: Sequence[Events]) -> Crossed:
        """Take what `reference.exact_crossings` found on segments: without bounds or directions."""
        t, layer, unit = (torch.cat(column).cpu() for column in zip(*events, strict=True))
        counts = torch.tensor([len(one) for one, _, _ in events])
        segment = torch.repeat_interleave(torch.arange(len(events)), counts)
        none = t.double()[:0]
        bit, unknown = torch.stack([layer, unit], 1), torch.zeros_like(t)
        return Crossed(segment, t.double(), unknown, bit, unknown, (segment[:0], none, none))

    def first_part(self, share: float) -> Crossed:
        """Take the first part of each segment, where t then goes from 0 to 1; nothing is open."""
        none = self.t[:0]
        part = self._where(self.t < share)
        return replace(part, t=part.t / share, open=(self.segment[:0], none, none))

    def outside(self, ranges: tuple[Tensor, Tensor, Tensor]) -> Crossed:
        """Leave out what lies in ranges of t."""
        segment, low, high = ranges
        if len(segment) == 0:
            return self
        # Segments lie side by side on one axis: they take a length of 1 each, 3 apart.
        order = torch.argsort(3 * segment + low)
        begin = (3 * segment + low.clamp(0, 1) - _NEAR)[order]
        reach = torch.cummax((3 * segment + high.clamp(0, 1) + _NEAR)[order], 0).values
        place = 3 * self.segment + self.t
        before = torch.searchsorted(begin, place, right=True) - 1
        return self._where((before < 0) | (place > reach[before.clamp(min=0)]))

    def by_bit(self) -> Crossed:
        """Order by segment, layer, unit and t."""
        order = torch.argsort(self.t, stable=True)
        for key in (self.bit[:, 1], self.bit[:, 0], self.segment):
            order = order[torch.argsort(key[order], stable=True)]
        return self._where(order)

    def of_segments(self) -> list[Tensor]:
        """Return the bits of each segment that has any, in order of t."""
        numbers, counts = torch.unique_consecutive(self.segment, return_counts=True)
        bits = torch.cat([self.segment[:, None], self.bit], 1)
        return list(bits.split(counts.tolist())) if len(numbers) else []

    def _where(self, chosen: Tensor) -> Crossed:
        columns = (self.segment, self.t, self.t_error, self.bit, self.direction)
        segment, t, t_error, bit, direction = (column[chosen] for column in columns)
        return Crossed(segment, t, t_error, bit, direction, self.open)


def need_same(ours: Crossed, theirs: Crossed) -> str:
    """Hold exact engines to the same crossings in the same order, t within the sum of both bounds.

    What lies where one of them says that rounding left something open is left out, and counted.
    """
    segment, low, high = (torch.cat(pair) for pair in zip(ours.open, theirs.open, strict=True))
    a, b = (part.outside((segment, low, high)) for part in (ours, theirs))
    left_out = len(ours.t) - len(a.t)
    if left_out > _MOST_OPEN * len(ours.t):
        raise DisagreementError(f"{left_out:,} of {len(ours.t):,} crossings are open")
    _need_equal_bits(a, b)
    if not torch.equal(a.direction, b.direction):
        raise DisagreementError("other directions")
    _need_near(a, b, a.t_error + b.t_error)
    return f"but for {left_out:,} of {len(ours.t):,} in open ranges" if left_out else ""


def need_alike(ours: Crossed, theirs: Crossed) -> str:
    """Hold engines to the same crossings, t within 1e-6, and say where the order is another."""
    a, b = ours.by_bit(), theirs.by_bit()
    _need_equal_bits(a, b)
    _need_near(a, b, torch.full_like(a.t, _NEAR))
    return difference(ours, theirs)


def difference(ours: Crossed, theirs: Crossed) -> str:
    """Say on how many segments there are other crossings, or another order."""
    a, b = ours.of_segments(), theirs.of_segments()
    if len(a) != len(b):
        return f"crossings on {len(b):,} segments instead of {len(a):,}"
    wrong = sum(not torch.equal(one, other) for one, other in zip(a, b, strict=True))
    return f"other crossings or order on {wrong:,} of {len(a):,} segments" if wrong else ""


def _need_equal_bits(a: Crossed, b: Crossed) -> None:
    if len(a.t) != len(b.t):
        raise DisagreementError(f"{len(a.t):,} and {len(b.t):,} crossings")
    if not (torch.equal(a.segment, b.segment) and torch.equal(a.bit, b.bit)):
        raise DisagreementError("other crossings, or another order")


def _need_near(a: Crossed, b: Crossed, bounds: Tensor) -> None:
    off = (a.t - b.t).abs()
    if not bool((off <= bounds).all()):
        raise DisagreementError(f"t differs by up to {float(off.max()):.1e}, beyond its bounds")
