"""Exact crossings of the polylines through points of paths."""

from __future__ import annotations

from dataclasses import dataclass
from glob import escape
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...arrays import Array, to_host
from ...codes import Codes
from ...network import Network
from ...progress import progress_bar
from ...segments import PathCrossings, polyline_crossings

Counts = NDArray[np.int64]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class ExactPaths:
    """Crossings along paths: see the attributes of `PathAnalysis`.

    codes : numpy's, a row a point, of the chosen layers
    """

    codes: Codes
    counts: Counts
    first: Numbers
    layer: Counts
    unit: Counts
    ambiguous: NDArray[np.bool_]


def exact_paths(
    network: Network,
    points: Array,
    lengths: Numbers,
    chosen: list[int],
    max_memory: int | None,
    progress: bool,
) -> ExactPaths:
    """Cross paths (paths, n, *input_shape), of steps of these lengths (paths, n - 1).

    `chosen` are the network's layers to count, by number, rising. Raises what `crossings` raises.
    """
    paths, steps = lengths.shape
    counts = np.zeros((paths, steps, len(chosen)), np.int64)
    first, ambiguous = np.full(paths, np.inf), np.zeros((paths, steps), bool)
    layer, unit = np.full(paths, -1), np.full(paths, -1)
    words = []
    with progress_bar(paths, "paths", progress) as advance:
        for p in range(paths):
            crossings = polyline_crossings(network, points[p], max_memory=max_memory)
            events = _Events.of(crossings, lengths[p], chosen)
            np.add.at(counts[p], (events.step, events.layer), 1)
            ambiguous[p] = to_host(crossings.segments.ambiguous)
            if len(events.arc):
                k = np.lexsort((events.unit, events.layer, events.arc))[0]
                first[p], layer[p], unit[p] = events.arc[k], events.layer[k], events.unit[k]
            last, beside = map(to_host, crossings.segments.end_words())
            words.append(np.concatenate([beside, last[-1:]]))
            advance(1)
    codes = Codes(np.concatenate(words), network.layers)
    names = [escape(network.layers[i].name) for i in chosen]
    return ExactPaths(codes.select(*names), counts, first, layer, unit, ambiguous)


class _Events(NamedTuple):
    """Crossings of the chosen layers on one path, numbered among these: arrays (n,)."""

    arc: Numbers
    step: Counts
    layer: Counts
    unit: Counts

    @classmethod
    def of(cls, crossings: PathCrossings, lengths: Numbers, chosen: list[int]) -> _Events:
        """Put those at vertices, which end a step, beside those within steps."""
        segments = crossings.segments
        vertex, at_layer, at_unit, _ = map(to_host, crossings.at_vertices)
        place = np.concatenate([np.zeros(1), lengths.cumsum()])
        arc = np.concatenate([to_host(crossings.arc_length), place[vertex]])
        steps = np.repeat(np.arange(len(lengths)), to_host(segments.count()))
        layer = np.concatenate([to_host(segments.layer), at_layer])
        unit = np.concatenate([to_host(segments.unit), at_unit])
        kept = np.isin(layer, chosen)
        return cls(
            arc[kept],
            np.concatenate([steps, vertex - 1])[kept],
            np.searchsorted(chosen, layer[kept]),
            unit[kept],
        )
