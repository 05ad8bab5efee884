"""Exact crossings of the polylines through points of paths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array, to_host
from ..network import Network
from ..progress import progress_bar
from ..segments import PathCrossings, polyline_crossings

Counts = NDArray[np.int64]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class ExactPaths:
    """Crossings along paths: see the attributes of `PathAnalysis`."""

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
    found = ExactPaths(
        np.zeros((paths, steps, len(chosen)), np.int64),
        np.full(paths, np.inf),
        np.full(paths, -1),
        np.full(paths, -1),
        np.zeros((paths, steps), bool),
    )
    with progress_bar(paths, "paths", progress) as advance:
        for p in range(paths):
            crossings = polyline_crossings(network, points[p], max_memory=max_memory)
            _fill(found, p, crossings, lengths[p], chosen, advance)
    return found


def _fill(
    found: ExactPaths,
    path: int,
    crossings: PathCrossings,
    lengths: Numbers,
    chosen: list[int],
    advance: Callable[[int], object],
) -> None:
    """Write one path's crossings; those at a vertex count with the step that begins there."""
    segments = crossings.segments
    vertex, at_layer, at_unit, _ = map(to_host, crossings.at_vertices)
    counts = to_host(segments.count(per_layer=True)).copy()
    np.add.at(counts, (vertex, at_layer), 1)
    found.counts[path] = counts[:, chosen]
    found.ambiguous[path] = to_host(segments.ambiguous)
    place = np.concatenate([np.zeros(1), lengths.cumsum()])
    arcs = np.concatenate([to_host(crossings.arc_length), place[vertex]])
    layers = np.concatenate([to_host(segments.layer), at_layer])
    units = np.concatenate([to_host(segments.unit), at_unit])
    kept = np.flatnonzero(np.isin(layers, chosen))
    if len(kept):
        first = kept[np.lexsort((units[kept], layers[kept], arcs[kept]))[0]]
        found.first[path] = arcs[first]
        found.layer[path] = chosen.index(int(layers[first]))
        found.unit[path] = units[first]
    advance(1)
