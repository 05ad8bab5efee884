"""Sweeps of many segments: as many at a time, and as much of each, as memory allows."""

from __future__ import annotations

import torch
from torch import Tensor

from .errors import OverBudgetError
from .layout import Layout
from .nodes import swept
from .state import Budget
from .window import Windows, windows_of

_DEEPEST = 40
"""Windows of t shorter than 2^-deepest of a segment are refused."""


class Tracks:
    """Windows of t of some segments that are swept together."""

    def __init__(self, segment: Tensor, ends: Tensor) -> None:
        self.segment = segment  # int64 (tracks,)
        self.ends = ends  # float64 (tracks, 2)

    def __len__(self) -> int:
        return len(self.segment)


def sweep_tracks(
    layout: Layout, a: Tensor, b: Tensor, max_memory: int
) -> list[tuple[Tracks, Windows]]:
    """Sweep the segments a to b, float64 (segments, units) on the device.

    Where values need more than `max_memory` bytes, or than the device has, segments are swept in
    smaller groups, and a segment in windows of t. The results are in the order of segment and t.
    """
    n = len(a)
    whole = torch.tensor([[0.0, 1.0]], dtype=torch.float64, device=a.device)
    segment = torch.arange(n, device=a.device)
    todo = [(Tracks(segment, whole.expand(n, 2).contiguous()), 0)]
    done = []
    at_once, needed_depth = _guess(layout, n, max_memory), 0
    while todo:
        tracks, depth = todo.pop()
        if len(tracks) > at_once:
            todo += [(part, depth) for part in reversed(_groups(tracks, at_once))]
            continue
        found = _swept(layout, a, b, tracks, max_memory) if depth >= needed_depth else None
        if found is not None:
            done.append((tracks, found))
            needed_depth = depth - 1  # what follows may need less
        elif len(tracks) > 1:
            at_once = -(-len(tracks) // 2)
            todo.append((tracks, depth))
        elif depth < _DEEPEST:
            needed_depth = max(needed_depth, depth + 1)  # wider windows are not tried
            todo += [(half, depth + 1) for half in reversed(_halves(tracks))]
        else:
            raise MemoryError(
                f"a part of 2^-{_DEEPEST} of a segment needs more than max_memory, "
                f"{max_memory} bytes, or than is free on {a.device}; give it more"
            )
    return done


def _guess(layout: Layout, segments: int, max_memory: int) -> int:
    """Return how many segments to sweep at once: as many as fit if they are like those before."""
    return max(1, min(segments, int(max_memory / max(layout.track_bytes, 1))))


def _swept(layout: Layout, a: Tensor, b: Tensor, tracks: Tracks, max_memory: int) -> Windows | None:
    """Sweep tracks; None where memory is not enough."""
    budget = Budget(max_memory)
    try:
        state = swept(layout, a[tracks.segment], b[tracks.segment], tracks.ends, budget)
        found = windows_of(state)
    except OverBudgetError:
        return None
    except (torch.cuda.OutOfMemoryError, MemoryError):  # torch's, or of a kernel's workspace
        pass  # the error holds the tensors until here
    else:
        layout.track_bytes = budget.most_used / len(tracks)
        return found
    torch.cuda.empty_cache()
    return None


def _groups(tracks: Tracks, size: int) -> list[Tracks]:
    starts = range(0, len(tracks), size)
    return [Tracks(tracks.segment[i : i + size], tracks.ends[i : i + size]) for i in starts]


def _halves(tracks: Tracks) -> list[Tracks]:
    begin, end = tracks.ends[:, :1], tracks.ends[:, 1:]
    middle = (begin + end) / 2
    return [Tracks(tracks.segment, torch.cat(pair, 1)) for pair in ((begin, middle), (middle, end))]
