"""Every boundary on the way from one input to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ... import plots
from ...analysis import Analysis
from ...arrays import to_host
from ...codes import Codes
from ...hamming import hamming
from ...segments import Crossings, crossings
from ...tables import Table, percent
from ..path_data import path_data
from ..section import Section, Subject, Viewer
from .pairs import pairs_apart

_MOST_SHOWN = 6
_MOST_CROSSINGS = 60_000
"""Segments, and crossings on them, that the viewer holds; but at least one segment."""


@dataclass(frozen=True, eq=False, repr=False)
class Segments(Analysis):
    """Exact crossings of segments between inputs, beside what their ends show.

    Attributes
    ----------
    found, shown : Crossings of all segments, and of those in the viewer, in numpy
    names, lengths : of the segments in the viewer
    endpoint, exact : int64 (segments, layers)
    work : counts

    """

    found: Crossings
    shown: Crossings
    names: tuple[str, ...]
    lengths: tuple[float, ...]
    endpoint: NDArray[np.int64]
    exact: NDArray[np.int64]
    work: dict[str, int]

    def tables(self) -> Sequence[Table]:
        """Return the mean counts by layer, and the share that the ends do not show."""
        names = [*(layer.name for layer in self.found.layers), "all layers"]
        rows = []
        for name, ends, all_ in zip(names, *map(_means, (self.endpoint, self.exact)), strict=True):
            missed = percent(1 - ends / all_) if all_ else "-"
            rows.append((name, f"{ends:,.1f}", f"{all_:,.1f}", missed))
        header = ("layer", "endpoint Hamming", "exact crossings", "missed by the ends")
        return [Table("mean of a segment", header, rows)]


def _means(counts: NDArray[np.int64]) -> list[float]:
    """Return the mean of each layer, and of all together."""
    each: list[float] = counts.mean(axis=0).tolist()
    return [*each, sum(each)]


def _walk(subject: Subject) -> Segments:
    network, x = subject.network(), subject.inputs
    pairs = pairs_apart(subject, subject.size(40, 10))
    a, b = (x[torch.from_numpy(pairs[:, end])].double().numpy() for end in (0, 1))
    found = crossings(network, a, b, progress=subject.progress)
    totals = np.cumsum(found.count())
    kept = max(1, min(_MOST_SHOWN, int(np.searchsorted(totals, _MOST_CROSSINGS, side="right"))))
    last, first = (Codes(words, found.layers) for words in found.end_words())
    exact = np.asarray(found.count(per_layer=True), np.int64)
    return Segments(
        found,
        crossings(network, a[:kept], b[:kept]),
        tuple(_name(subject, pair) for pair in pairs[:kept]),
        tuple(np.linalg.norm((b - a).reshape(len(a), -1), axis=1)[:kept].tolist()),
        np.asarray(to_host(hamming(first, last, per_layer=True)), np.int64),
        exact,
        {
            "segments": len(pairs),
            "crossings": int(exact.sum()),
            "segments marked ambiguous": int(np.asarray(found.ambiguous).sum()),
            "segments in the viewer": kept,
        },
    )


def _name(subject: Subject, pair: NDArray[np.int64]) -> str:
    i, j = pair.tolist()
    if subject.labels is None:
        return f"input {i} to {j}"
    return f"input {i} (class {subject.labels[i]}) to {j} (class {subject.labels[j]})"


def _figure(result: Segments) -> Any:
    counts = {"endpoint": result.endpoint, "exact": result.exact}
    return plots.counts_by_method(counts, [layer.name for layer in result.found.layers])


SEGMENTS = Section(
    name="segments",
    title="Every boundary between two inputs",
    question="Where does a straight line from one input to another go from polytope to polytope?",
    reading=(
        "Left, a dot a segment: the crossings that its two ends do not show. Right: their share of "
        "all crossings, layer by layer. A unit that crosses and crosses back is missed; on a "
        "straight line that cannot happen in the first layer of ReLUs, and happens where earlier "
        "layers bend the line."
    ),
    run=_walk,
    figure=_figure,
    viewer=Viewer("path", lambda result: path_data(result.shown, result.names, result.lengths)),
)
