"""The exact crossings of many straight lines, counted in bins, and the outputs along them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from ...arrays import to_host
from ...memory import need_room
from ...network import Network
from ...progress import progress_bar
from ...segments import Crossings, crossings
from ..density.pair_counts import Counts
from ..density.pairs import Indices
from ..statistics.effects import Values
from .line_density import ClassChanges, LineDensity


class Lines(NamedTuple):
    """Points origin + s * step for s from low to high: float64 (n, *input_shape) each.

    itself : the s at which a point is the input itself
    """

    origin: Tensor
    step: Tensor
    low: float
    high: float
    itself: float

    def ends(self, some: slice) -> tuple[Tensor, Tensor]:
        """Return the first and the last points of some lines."""
        origin, step = self.origin[some], self.step[some]
        return origin + self.low * step, origin + self.high * step

    def at(self, t: Any) -> Any:
        """Return s at a share t of the way."""
        return self.low + t * (self.high - self.low)


class _Batch(NamedTuple):
    """What a batch of lines gives; see `LineDensity`."""

    counts: Counts
    shell: Values
    outputs: Values | None
    classes: Indices | None
    predicted: Indices | None
    changes: ClassChanges | None
    ambiguous: int


def scanned(
    network: Network,
    lines: Lines,
    parameter: str,
    bins: int,
    *,
    outputs: bool,
    batch_size: int,
    progress: bool,
) -> LineDensity:
    """Sweep the lines, a batch at a time; the arguments are those of `scaling`."""
    n, layers = len(lines.origin), network.layers
    kept = math.prod(network.output_shape) if outputs else 0
    need_room((n, bins + 1, kept + len(layers)), 8, f"counts and outputs along {n} lines")
    parts = []
    with progress_bar(n, "lines", progress) as advance:
        for begin in range(0, n, batch_size):
            a, b = lines.ends(slice(begin, begin + batch_size))
            part = _batch(crossings(network, a, b), lines, bins, begin)
            parts.append(part if outputs else part._replace(outputs=None))
            advance(len(a))
    counts = np.concatenate([part.counts for part in parts])
    changes = _joined([part.changes for part in parts])
    work = {"lines": n, "crossings": int(counts.sum())}
    if changes is not None:
        work["class changes"] = len(changes.input)
    work["ambiguous lines"] = sum(part.ambiguous for part in parts)
    return LineDensity(
        parameter=parameter,
        layers=tuple(layer.name for layer in layers),
        bits=np.array([layer.bits for layer in layers], np.int64),
        edges=lines.at(np.linspace(0, 1, bins + 1)),
        counts=counts,
        length=to_host(lines.step.flatten(1).norm(dim=1)),
        shell=np.concatenate([part.shell for part in parts]),
        outputs=_rows([part.outputs for part in parts]),
        classes=_rows([part.classes for part in parts]),
        predicted=_rows([part.predicted for part in parts]),
        changes=changes,
        work=work,
    )


def _rows(parts: list[Any]) -> Any:
    return None if parts[0] is None else np.concatenate(parts)


def _joined(parts: list[ClassChanges | None]) -> ClassChanges | None:
    known = [part for part in parts if part is not None]
    return ClassChanges(*map(np.concatenate, zip(*known, strict=True))) if known else None


def _batch(found: Crossings, lines: Lines, bins: int, first: int) -> _Batch:
    """Sum up the crossings of lines first, first + 1, ..."""
    t, offsets = to_host(found.t), to_host(found.offsets)
    counts, shell = _counts(found, t, offsets, bins), lines.at(shortest_halves(t, offsets))
    itself = (lines.itself - lines.low) / (lines.high - lines.low)
    at = np.append(np.linspace(0, 1, bins + 1), itself)
    outputs = _outputs_at(found, at)
    ambiguous = int(found.ambiguous.sum())
    if outputs.ndim != 3 or outputs.shape[2] < 2:
        return _Batch(counts, shell, outputs[:, :-1], None, None, None, ambiguous)
    classes = outputs.argmax(axis=2)
    segment, change, before, after = map(to_host, found.argmax_changes())
    changes = ClassChanges(segment + first, lines.at(change), before, after)
    predicted = classes[:, -1] if 0 <= itself <= 1 else None
    return _Batch(counts, shell, outputs[:, :-1], classes[:, :-1], predicted, changes, ambiguous)


def _counts(found: Crossings, t: Values, offsets: Indices, bins: int) -> Counts:
    """Count crossings by line, bin and layer; one on an edge belongs to the bin above it."""
    lines, layers = len(found), len(found.layers)
    line = np.repeat(np.arange(lines), np.diff(offsets))
    place = np.minimum((t * bins).astype(np.int64), bins - 1)
    flat = (line * bins + place) * layers + to_host(found.layer)
    counts = np.bincount(flat, minlength=lines * bins * layers)
    return counts.reshape(lines, bins, layers)


def shortest_halves(t: Values, offsets: Indices) -> Values:
    """Return the shortest interval that holds half of the t of each segment: (segments, 2).

    The lowest of several; NaN where there is no t. They rise in each segment.
    """
    halves = np.full((len(offsets) - 1, 2), np.nan)
    for half, begin, end in zip(halves, offsets[:-1], offsets[1:], strict=True):
        some, reach = t[begin:end], (end - begin + 1) // 2 - 1
        if len(some):
            first = int(np.argmin(some[reach:] - some[: len(some) - reach]))
            half[:] = some[first], some[first + reach]
    return halves


def _outputs_at(found: Crossings, at: Values) -> Values:
    """Return the outputs at t, the same on every segment: (segments, len(at), *output_shape).

    Linear between the knots, and on beyond the ends.
    """
    knots, offsets, values = map(to_host, (found.knots, found.knot_offsets, found.values))
    segment = np.arange(len(found))
    # Knots lie in [0, 1]: of segment s they are in [2 s, 2 s + 1], so that one search finds all.
    placed = knots + 2 * np.repeat(segment, np.diff(offsets))
    wanted = 2 * segment[:, None] + np.clip(at, 0, 1)
    left = np.searchsorted(placed, wanted, side="right") - 1
    left = np.minimum(left, offsets[1:, None] - 2)
    share = (at - knots[left]) / (knots[left + 1] - knots[left])
    share = share.reshape(*share.shape, *(1 for _ in values.shape[1:]))
    start = values[left]
    return np.asarray(start + share * (values[left + 1] - start))
