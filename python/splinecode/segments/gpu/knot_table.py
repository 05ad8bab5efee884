"""All knots of each track, over all cells."""

from __future__ import annotations

import torch
from torch import Tensor

from ...kernels import cuda, workspace
from .device import Kernels, arange, changes, repeated, sorted_by


class KnotTable:
    """Knots by (track, t): what each is known to, and how far those before it reach."""

    def __init__(self, ends: Tensor, kernels: Kernels) -> None:
        """Begin with the two ends (tracks, 2) of each track."""
        self._kernels = kernels
        self._tracks = len(ends)
        track = repeated(arange(ends, len(ends)), 2)
        zeros = torch.zeros(ends.numel(), dtype=torch.float64, device=ends.device)
        self._enter(track, ends.flatten(), zeros, zeros)

    @property
    def words(self) -> int:
        """Words of the sets of knots of one cell on all tracks."""
        return len(self._t) // 64 + self._tracks

    def _enter(self, track: Tensor, t: Tensor, snap: Tensor, error: Tensor) -> None:
        self._track, self._t, self._snap, self._error = track, t, snap, error
        begin = torch.searchsorted(track, arange(track, self._tracks + 1))
        self.arrays = (begin, t, snap, error, running_max(self._kernels, track, t + snap))

    def merge(self, track: Tensor, t: Tensor, snap: Tensor, error: Tensor) -> None:
        """Add knots; of those at one t, older ones come first."""
        old = (self._track, self._t, self._snap, self._error)
        pairs = zip(old, (track, t, snap, error), strict=True)
        columns = [torch.cat(pair) for pair in pairs]
        order = sorted_by(columns[0], columns[1])
        self._enter(*(column[order] for column in columns))


def running_max(kernels: Kernels, keys: Tensor, values: Tensor) -> Tensor:
    """Return the largest value up to each entry, of the entries of its key; keys rise."""
    out = torch.empty_like(values)
    room = workspace(values, cuda().running_max_workspace_bytes(len(values)))
    kernels.running_max(keys, values, out, room)
    return out


def overlap_groups(
    kernels: Kernels, track: Tensor, low: Tensor, high: Tensor
) -> tuple[Tensor, Tensor]:
    """Return where groups of overlapping intervals begin, and how far those up to each reach.

    Intervals are in the order of (track, low); a group's are of one track.
    """
    reach = running_max(kernels, track, high)
    starts = changes(track)
    starts[1:] |= low[1:] > reach[:-1]
    return starts, reach
