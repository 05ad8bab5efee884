"""Every boundary on the way from one input to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ... import plots
from ...arrays import to_host
from ...codes import Codes
from ...hamming import hamming
from ...lens.analysis import Analysis
from ...lens.pairs import same_and_different_pairs
from ...segments import Crossings, crossings
from ...tables import Table, percent
from ..path_data import path_data
from ..section import Section, Skipped, Subject, Viewer

_MOST_SHOWN = 6
_MOST_CROSSINGS = 60_000
"""Segments, and crossings on them, that the viewer holds; but at least one segment."""


@dataclass(frozen=True, repr=False)
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
    if len(x) < 2:
        raise Skipped("it needs two inputs")
    pairs = _pairs(subject, subject.size(40, 10))
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


def _pairs(subject: Subject, n: int) -> NDArray[np.int64]:
    """Draw pairs of inputs, of different classes where labels are known."""
    labels = np.arange(len(subject.inputs)) if subject.labels is None else subject.labels
    sizes = np.unique(labels, return_counts=True)[1]
    apart = (len(labels) ** 2 - int((sizes**2).sum())) // 2
    if apart == 0:
        labels, apart = np.arange(len(labels)), len(labels) * (len(labels) - 1) // 2
    return _different_pairs(labels, min(n, apart), subject.seed)


def _different_pairs(labels: Any, n: int, seed: int) -> NDArray[np.int64]:
    found: Any = same_and_different_pairs(labels, n, seed).different
    return np.asarray(found, np.int64)


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
