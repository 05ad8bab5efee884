"""What the output does along segments: exact integrals of a function that is linear in pieces.

The output is known at the knots, so it is linear between them, and every integral is a sum of
closed forms. Tensors lie on one device and results beside them; a segment's rows are
``offsets[s]:offsets[s + 1]``, at least two. Every sum has one order, the same on every device.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

_ROWS_AT_ONCE = 64
"""Rows that one thread of a GPU adds up one after the other."""


class Pieces(NamedTuple):
    """The linear pieces of segments, one after the other.

    segment : int64 (pieces,)
    t : float64 (pieces, 2), from where to where
    value : float64 (pieces, *output_shape), the output at the left end
    slope : float64 (pieces, *output_shape), d output / dt: the difference of the values at the ends
        over the length, so it is off by the rounding of the values over the length
    """

    segment: Any
    t: Any
    value: Any
    slope: Any


class ArgmaxChanges(NamedTuple):
    """Where the largest output changes: (changes,) each, in the order of segment and t.

    segment : int64; t : float64; before, after : int64, the largest output on either side
    """

    segment: Any
    t: Any
    before: Any
    after: Any


def pieces(offsets: Tensor, knots: Tensor, values: Tensor) -> Pieces:
    """Return the pieces of knots (k,) and values (k, outputs)."""
    segment = _piece_segments(offsets, len(knots))
    left = _left_knots(segment)
    start, end = knots[left], knots[left + 1]
    value = values.index_select(0, left)
    slope = values.index_select(0, left + 1).sub_(value).div_((end - start)[:, None])
    return Pieces(segment, torch.stack([start, end], 1), value, slope)


def segment_of(offsets: Tensor, rows: int) -> Tensor:
    """Return the segment of each row: int64 (rows,)."""
    segments = torch.arange(len(offsets) - 1, device=offsets.device)
    return segments.repeat_interleave(offsets.diff(), output_size=rows)


def _piece_segments(offsets: Tensor, knots: int) -> Tensor:
    """Return the segment of each piece; a segment has one less of them than knots."""
    segments = torch.arange(len(offsets), device=offsets.device)
    return segment_of(offsets - segments, knots - (len(offsets) - 1))


def _left_knots(segment: Tensor) -> Tensor:
    """Return the rows of the knots that begin a piece: all but the last of each segment."""
    return segment + torch.arange(len(segment), device=segment.device)


def deviation(offsets: Tensor, knots: Tensor, values: Tensor) -> Tensor:
    """Integrate |f - chord| over t in [0, 1], for each segment and output.

    The chord joins the outputs at the two ends: 0 for a linear function (Gamba, Chmielewski-Anders,
    Sullivan, Azizpour, Bjorkman, "Are All Linear Regions Created Equal?", AISTATS 2022). Over arc
    length it is this times the length of the segment. On a piece of length h from u to v the
    integral of the absolute value is h (|u| + |v|) / 2 where u v >= 0, else less
    h |u v| / (|u| + |v|).
    """
    first, last = values[offsets[:-1]], values[offsets[1:] - 1]
    segment = segment_of(offsets, len(knots))
    gaps = (last - first).index_select(0, segment).mul_(-knots[:, None])
    gaps.sub_(first.index_select(0, segment)).add_(values)
    return _sums(_mean_abs(gaps).mul_(knots.diff()[:, None]), offsets)


def _mean_abs(ends: Tensor) -> Tensor:
    """Return the means of abs of linear functions on unit intervals, from one row to the next.

    (a + b) / 2 for ends of abs a and b and of one sign; else two triangles: less ab / (a + b).
    """
    negative, size = ends < 0, ends.abs()
    a, b = size[:-1], size[1:]
    total = a + b
    apart = (negative[:-1] != negative[1:]) & (a > 0) & (b > 0)
    # Divide first: a product may underflow or overflow where the mean does neither.
    both = (a / total).mul_(b).masked_fill_(~apart, 0.0)
    return total.div_(2).sub_(both)


def variation(offsets: Tensor, values: Tensor) -> Tensor:
    """Return the total variation of each output on each segment: the sum of its rises and falls."""
    return _sums((values[1:] - values[:-1]).abs_(), offsets)


def _sums(steps: Tensor, offsets: Tensor) -> Tensor:
    """Add up the steps of each segment, in place: from each row to the next.

    Runs of a few rows first, then the sums of the runs: rounding grows with the logarithm.
    """
    segments = len(offsets) - 1
    if segments == 0:
        return steps
    steps.index_fill_(0, offsets[1:-1] - 1, 0.0)
    begin = torch.cat([offsets[:-1], offsets[-1:] - 1])
    while len(steps) > 2 * segments:
        steps, begin = _run_sums(steps, begin)
    return _segment_sums(steps, begin)


def _run_sums(rows: Tensor, begin: Tensor) -> tuple[Tensor, Tensor]:
    """Add up runs of rows; also return where the sums of each segment begin.

    A segment gets as many sums as it can need at most, from the rows before it and in it alone, so
    that nobody waits for their number: a last one may be of no rows.
    """
    segments = torch.arange(len(begin), device=begin.device)
    first = begin // _ROWS_AT_ONCE + segments
    runs = len(rows) // _ROWS_AT_ONCE + len(begin) - 1
    segment = segment_of(first, runs)
    run = torch.arange(runs, device=begin.device) - first[segment]
    start = torch.minimum(begin[segment] + run * _ROWS_AT_ONCE, begin[segment + 1])
    return _segment_sums(rows, torch.cat([start, begin[-1:]])), first


def _segment_sums(rows: Tensor, begin: Tensor) -> Tensor:
    # Rows of two axes: for one alone a GPU adds up in another order.
    return torch.segment_reduce(rows, "sum", offsets=begin, unsafe=True)


def argmax_changes(offsets: Tensor, knots: Tensor, values: Tensor) -> ArgmaxChanges:
    """Return the decision boundaries: where the largest output changes.

    The largest of linear functions is convex: where one is largest at both ends of a piece, it is
    all along. Only pieces with two classes are searched, and the knots between pieces. Of outputs
    that tie along a piece the lowest counts. Reads numbers of changes from a device.
    """
    segment = _piece_segments(offsets, len(knots))
    left = _left_knots(segment)
    if values.shape[1] == 0:
        left, segment = left[:0], segment[:0]
    first, last = _largest(values[:-1], values[1:])[left], _largest(values[1:], values[:-1])[left]
    inside = _places(first != last)
    at = left[inside]
    piece, share, before, after = _changes_inside(
        values[at], values[at + 1], first[inside], last[inside]
    )
    low, high = knots[at[piece]], knots[at[piece] + 1]
    joint = _places((segment[1:] == segment[:-1]) & (last[:-1] != first[1:]))
    found = ArgmaxChanges(
        torch.cat([segment[inside[piece]], segment[joint]]),
        torch.cat([low + share * (high - low), knots[left[joint] + 1]]),
        torch.cat([before, last[joint]]),
        torch.cat([after, first[joint + 1]]),
    )
    # Changes inside of a piece come in their order, before that at its end.
    order = torch.cat([inside[piece], joint]).argsort(stable=True)
    return _merged(ArgmaxChanges(*(column[order] for column in found)))


def _places(chosen: Tensor) -> Tensor:
    """Return where a bool tensor (n,) is True; reads their number."""
    return chosen.nonzero()[:, 0]


def _largest(near: Tensor, far: Tensor) -> Tensor:
    """Return the output largest near an end of each piece: of ties there, the largest far away."""
    if near.numel() == 0:
        return torch.zeros(0, dtype=torch.int64, device=near.device)
    ties = near == near.amax(1, keepdim=True)
    return torch.where(ties, far, -math.inf).argmax(1)


def _changes_inside(
    start: Tensor, end: Tensor, first: Tensor, last: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Walk the upper envelopes of pieces from their first class to their last, all together.

    Returns piece, share of the way, class before, class after; of each piece in order.
    """
    active, now = torch.arange(len(first), device=first.device), first
    reached = start.new_zeros(len(first))
    found = [(active[:0], reached[:0], first[:0], first[:0])]
    goal = end.gather(1, last[:, None])
    allowed = (end < goal).scatter(1, last[:, None], True)
    while len(active):
        lag = (start[active].gather(1, now[:, None]) - start[active]).clamp_(min=0.0)
        lead = end[active] - end[active].gather(1, now[:, None])
        rises = allowed[active] & (lead > 0)
        share = torch.where(rises, lag / (lag + lead), math.inf)
        soonest = torch.maximum(share.amin(1), reached)
        meets = share <= soonest[:, None]
        after = torch.where(meets, end[active], -math.inf).argmax(1)
        found.append((active, soonest, now, after))
        more = _places(after != last[active])
        active, now, reached = active[more], after[more], soonest[more]
    piece, share, before, after = map(torch.cat, zip(*found, strict=True))
    return piece, share, before, after


def _merged(found: ArgmaxChanges) -> ArgmaxChanges:
    """Make one change of those at one point."""
    segment, t, before, after = found
    apart = (segment[1:] != segment[:-1]) | (t[1:] != t[:-1])
    some = torch.ones_like(t[:1], dtype=torch.bool)
    first = _places(torch.cat([some, apart]))
    last = _places(torch.cat([apart, some]))
    one = ArgmaxChanges(segment[first], t[first], before[first], after[last])
    kept = _places(one.before != one.after)
    return ArgmaxChanges(*(column[kept] for column in one))
