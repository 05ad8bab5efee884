"""What the output does along segments: exact integrals of a function that is linear in pieces.

The output is known at the knots, so it is linear between them, and every integral is a sum of
closed forms. Arrays are numpy; a segment's rows are ``offsets[s]:offsets[s + 1]``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .norms import Vector

Integers = np.ndarray[Any, np.dtype[np.int64]]
Matrix = np.ndarray[Any, np.dtype[np.float64]]


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


def pieces(offsets: Integers, knots: Vector, values: Matrix) -> Pieces:
    """Return the pieces of knots (k,) and values (k, outputs)."""
    left = piece_starts(offsets)
    length = knots[left + 1] - knots[left]
    slope = (values[left + 1] - values[left]) / length[:, None]
    segment = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets) - 1)
    return Pieces(segment, np.stack([knots[left], knots[left + 1]], 1), values[left], slope)


def piece_starts(offsets: Integers) -> Integers:
    """Return the rows of the knots that begin a piece: all but the last of each segment."""
    starts = np.ones(int(offsets[-1]), bool)
    starts[offsets[1:] - 1] = False
    return np.flatnonzero(starts)


def deviation(offsets: Integers, knots: Vector, values: Matrix) -> Matrix:
    """Integrate |f - chord| over t in [0, 1], for each segment and output.

    The chord joins the outputs at the two ends: 0 for a linear function (Gamba, Chmielewski-Anders,
    Sullivan, Azizpour, Bjorkman, "Are All Linear Regions Created Equal?", AISTATS 2022). Over arc
    length it is this times the length of the segment. On a piece of length h from u to v the
    integral of the absolute value is h (|u| + |v|) / 2 where u v >= 0, else less
    h |u v| / (|u| + |v|).
    """
    first, last = values[offsets[:-1]], values[offsets[1:] - 1]
    gaps = np.repeat(last - first, np.diff(offsets), axis=0)
    gaps *= -knots[:, None]
    gaps -= np.repeat(first, np.diff(offsets), axis=0)
    gaps += values
    left = piece_starts(offsets)
    means = _mean_abs(gaps[:-1], gaps[1:])[left]
    means *= (knots[left + 1] - knots[left])[:, None]
    return _sums(means, offsets)


def _mean_abs(low: Matrix, high: Matrix) -> Matrix:
    """Return the means of abs of linear functions on unit intervals, from their end values.

    (a + b) / 2 for a = abs(low), b = abs(high) of one sign; else two triangles: less ab / (a + b).
    """
    a, b = np.abs(low), np.abs(high)
    total = a + b
    mean = total / 2
    apart = (low < 0) != (high < 0)
    apart &= (a > 0) & (b > 0)
    # Divide first: a product may underflow or overflow where the mean does neither.
    mean[apart] -= a[apart] / total[apart] * b[apart]
    return mean


def variation(offsets: Integers, values: Matrix) -> Matrix:
    """Return the total variation of each output on each segment: the sum of its rises and falls."""
    steps = np.diff(values, axis=0)
    return _sums(np.abs(steps, out=steps)[piece_starts(offsets)], offsets)


def _sums(per_piece: Matrix, offsets: Integers) -> Matrix:
    """Add up the pieces of each segment."""
    if len(offsets) == 1:
        return np.zeros((0, per_piece.shape[1]))
    return np.add.reduceat(per_piece, offsets[:-1] - np.arange(len(offsets) - 1), axis=0)


def argmax_changes(offsets: Integers, knots: Vector, values: Matrix) -> ArgmaxChanges:
    """Return the decision boundaries: where the largest output changes.

    The largest of linear functions is convex: where one is largest at both ends of a piece, it is
    all along. Only pieces with two classes are searched, and the knots between pieces. Of outputs
    that tie along a piece the lowest counts.
    """
    left = piece_starts(offsets)
    segment = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets) - 1)
    if values.shape[1] == 0:
        left, segment = left[:0], segment[:0]
    start, end = values[left], values[left + 1]
    first, last = _largest(start, end), _largest(end, start)
    inside = np.flatnonzero(first != last)
    at = left[inside]
    piece, share, before, after = _changes_inside(
        start[inside], end[inside], first[inside], last[inside]
    )
    low, high = knots[at[piece]], knots[at[piece] + 1]
    joint = np.flatnonzero((segment[1:] == segment[:-1]) & (last[:-1] != first[1:]))
    found = ArgmaxChanges(
        np.concatenate([segment[inside[piece]], segment[joint]]),
        np.concatenate([low + share * (high - low), knots[left[joint] + 1]]),
        np.concatenate([before, last[joint]]),
        np.concatenate([after, first[joint + 1]]),
    )
    # Changes inside of a piece come in their order, before that at its end.
    place = np.concatenate([inside[piece], joint])
    return _merged(ArgmaxChanges(*(column[np.argsort(place, kind="stable")] for column in found)))


def _largest(near: Matrix, far: Matrix) -> Any:
    """Return the output largest near an end of each piece: of ties there, the largest far away."""
    if not near.size:
        return np.zeros(0, np.int64)
    ties = near == near.max(axis=1, keepdims=True)
    return np.where(ties, far, -np.inf).argmax(axis=1)


def _changes_inside(start: Matrix, end: Matrix, first: Any, last: Any) -> tuple[Any, Any, Any, Any]:
    """Walk the upper envelopes of pieces from their first class to their last, all together.

    Returns piece, share of the way, class before, class after; of each piece in order.
    """
    active, now = np.arange(len(first)), first
    reached = np.zeros(len(first))
    found = [(active[:0], reached[:0], first[:0], first[:0])]
    goal = np.take_along_axis(end, last[:, None], 1)
    allowed = end < goal
    np.put_along_axis(allowed, last[:, None], True, 1)
    while len(active):
        lag = np.take_along_axis(start[active], now[:, None], 1) - start[active]
        lead = end[active] - np.take_along_axis(end[active], now[:, None], 1)
        rises = allowed[active] & (lead > 0)
        share = np.full_like(lead, np.inf)
        lag = np.maximum(lag, 0.0)
        np.divide(lag, lag + lead, out=share, where=rises)
        soonest = np.maximum(share.min(axis=1), reached)
        meets = share <= soonest[:, None]
        after = np.where(meets, end[active], -np.inf).argmax(axis=1)
        found.append((active, soonest, now, after))
        more = after != last[active]
        active, now, reached = active[more], after[more], soonest[more]
    return tuple(map(np.concatenate, zip(*found, strict=True)))  # type: ignore[return-value]


def _merged(found: ArgmaxChanges) -> ArgmaxChanges:
    """Make one change of those at one point."""
    segment, t, before, after = found
    apart = (segment[1:] != segment[:-1]) | (t[1:] != t[:-1])
    some = np.ones(min(len(t), 1), bool)
    first, last = np.concatenate([some, apart]), np.concatenate([apart, some])
    one = ArgmaxChanges(segment[first], t[first], before[first], after[last])
    kept = one.before != one.after
    return ArgmaxChanges(*(column[kept] for column in one))
