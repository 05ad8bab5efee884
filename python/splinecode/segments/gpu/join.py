"""Windows of segments put together: the parts of a segment meet without a seam.

Where two windows meet there is a knot only if a bit changes there. Windows are in the order of
segment and t.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ... import _core
from ...kernels import run
from ..result import Events, Ranges, Swept
from .device import arange, prefix
from .layout import Layout
from .state import Intervals
from .tracks import Tracks
from .window import Crossed, Windows

_LEAST_ERROR = 4 * 2.0**-53


def joined(layout: Layout, segments: int, parts: list[tuple[Tracks, Windows]]) -> Swept:
    """Return what was found on all segments."""
    tracks, windows = _concatenated(parts)
    if len(tracks) > segments:
        windows = _without_seams(layout, tracks, windows)
    events = windows.events
    numbers = arange(tracks.segment, segments)
    first = torch.searchsorted(tracks.segment, numbers)
    end = torch.searchsorted(tracks.segment, numbers, right=True)
    zero = windows.knot_begin[:1]
    return Swept(
        segments,
        Events(
            tracks.segment[events.track],
            events.t,
            events.error,
            events.layer,
            events.unit,
            events.direction.to(torch.int8),
        ),
        windows.first_codes[first],
        torch.cat([zero, windows.knot_begin[end]]),
        windows.knots,
        windows.values.flatten(),
        Ranges(tracks.segment[windows.ambiguous.track], *windows.ambiguous[1:]),
        Ranges(tracks.segment[windows.assumed.track], *windows.assumed[1:]),
    )


def nothing(layout: Layout) -> Swept:
    """Return what is found on no segments."""
    numbers = torch.zeros(0, dtype=torch.int64, device=layout.device)
    reals = numbers.to(torch.float64)
    return Swept(
        0,
        Events(numbers, reals, reals, numbers, numbers, numbers.to(torch.int8)),
        numbers.new_zeros((0, layout.words)),
        numbers.new_zeros(1),
        reals,
        reals,
        Ranges(numbers, reals, reals),
        Ranges(numbers, reals, reals),
    )


def _concatenated(parts: list[tuple[Tracks, Windows]]) -> tuple[Tracks, Windows]:
    """Put groups of tracks one after the other, and number the tracks through."""
    if len(parts) == 1:
        return parts[0]
    first, knots = 0, 0
    groups, begins = [], []
    for tracks, found in parts:
        groups.append(
            found._replace(
                events=found.events._replace(track=found.events.track + first),
                ambiguous=found.ambiguous._replace(track=found.ambiguous.track + first),
                assumed=found.assumed._replace(track=found.assumed.track + first),
            )
        )
        begins.append(found.knot_begin[:-1] + knots)
        first += len(tracks)
        knots += len(found.knots)
    begins.append(torch.full_like(begins[0][:1], knots))
    return (
        Tracks(
            torch.cat([tracks.segment for tracks, _ in parts]),
            torch.cat([tracks.ends for tracks, _ in parts]),
        ),
        Windows(
            Crossed(*map(torch.cat, zip(*(one.events for one in groups), strict=True))),
            torch.cat(begins),
            torch.cat([one.knots for one in groups]),
            torch.cat([one.values for one in groups]),
            torch.cat([one.first_codes for one in groups]),
            Intervals(*map(torch.cat, zip(*(one.ambiguous for one in groups), strict=True))),
            Intervals(*map(torch.cat, zip(*(one.assumed for one in groups), strict=True))),
        ),
    )


class _Flips(NamedTuple):
    """Bits that differ where a window meets the next: of the window, by layer and unit."""

    window: Tensor
    layer: Tensor
    unit: Tensor
    direction: Tensor


def _without_seams(layout: Layout, tracks: Tracks, windows: Windows) -> Windows:
    flips = _flips(layout, tracks, windows)
    t = tracks.ends[flips.window, 1]
    error = _doubts(tracks, windows, flips.window)
    events = Crossed(flips.window, t, error, flips.layer, flips.unit, flips.direction)
    both = Crossed(*map(torch.cat, zip(windows.events, events, strict=True)))
    # A window's own come before those at its end: they are at smaller t.
    both = both.of(torch.argsort(both.track, stable=True))
    ambiguous = Intervals(flips.window, t - error, t + error)
    keep = _seams(tracks, windows, flips.window)
    knots = keep.nonzero().flatten()
    return Windows(
        both,
        prefix(keep)[windows.knot_begin],
        windows.knots[knots],
        windows.values[knots],
        windows.first_codes,
        Intervals(*map(torch.cat, zip(windows.ambiguous, ambiguous, strict=True))),
        windows.assumed,
    )


def _flips(layout: Layout, tracks: Tracks, windows: Windows) -> _Flips:
    """Compare the codes of the last piece of each window and the first of the next."""
    first = windows.first_codes
    last = first.clone().view(torch.uint64)
    events = windows.events
    places = layout.first_bits[events.layer] + events.unit
    run(_core.flip_bits, last, events.track, places, last)
    goes_on = (tracks.segment[1:] == tracks.segment[:-1])[:, None]
    differ = torch.where(goes_on, last.view(torch.int64)[:-1] ^ first[1:], 0)
    window, word = differ.nonzero().T
    bits = (differ[window, word][:, None] >> torch.arange(64, device=word.device)) & 1
    which, bit = bits.nonzero().T
    window, word = window[which], word[which]
    place = 64 * word + bit
    layer = torch.searchsorted(layout.first_bits, place, right=True) - 1
    on = (first[window + 1, word] >> bit) & 1
    return _Flips(window, layer, place - layout.first_bits[layer], 2 * on - 1)


def _doubts(tracks: Tracks, windows: Windows, window: Tensor) -> Tensor:
    """Return half widths of what is known of crossings at the ends of windows.

    These are as wide as the ranges that rounding left open there, of the segment so far.
    """
    errors = torch.full_like(tracks.ends[:, 1], _LEAST_ERROR)
    track, low, high = windows.ambiguous
    for i in torch.unique(window).tolist():
        t = tracks.ends[i, 1]
        here = (tracks.segment[track] == tracks.segment[i]) & (track <= i)
        here &= (low <= t) & (t <= high)
        error = torch.maximum(t - low, high - t)[here]
        errors[i] = torch.cat([errors[i : i + 1], error]).amax()
    return errors[window]


def _seams(tracks: Tracks, windows: Windows, window: Tensor) -> Tensor:
    """Return which knots stay: those between windows where bits differ, once."""
    keep = torch.ones(len(windows.knots), dtype=torch.bool, device=windows.knots.device)
    goes_on = torch.cat([tracks.segment[1:] == tracks.segment[:-1], keep.new_zeros(1)])
    stays = ~goes_on
    stays[window] = True
    keep[windows.knot_begin[1:] - 1] = stays
    keep[windows.knot_begin[1:-1]] &= ~goes_on[:-1]
    return keep
