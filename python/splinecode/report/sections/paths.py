"""Codes along paths between inputs: transitions, folding, plateaus."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ... import plots
from ...lens import PathAnalysis, Plateaus, curves, path_analysis, plateaus
from ...lens.statistics.effects import mean
from ...tables import percent
from ..section import Claim, Section, Subject
from .pairs import pairs_apart

Numbers = np.ndarray[Any, Any]


def _points(subject: Subject, paths: int, n: int) -> torch.Tensor:
    """Return points on straight lines between inputs, (paths, n, *input_shape)."""
    pairs = torch.from_numpy(pairs_apart(subject, paths))
    a, b = (subject.inputs[pairs[:, end]] for end in (0, 1))
    found: torch.Tensor = curves.linear(a, b, n)
    return found


def _paths(subject: Subject) -> PathAnalysis:
    points = _points(subject, subject.size(40, 8), subject.size(65, 17))
    network = subject.network_or_none()
    found: PathAnalysis = path_analysis(subject.model if network is None else network, points)
    return found


def _seen(result: PathAnalysis) -> Claim | None:
    if result.exact is None:
        return None
    ends, sampled, exact = (
        int(counts.sum()) for counts in (result.endpoint, result.transitions, result.exact)
    )
    if exact == 0:
        return None
    steps = result.transitions.shape[1]
    return Claim(
        "Sampled points miss boundaries: a unit that flips and flips back between two of them is "
        "never seen, so that endpoint, sampled and exact counts can only rise.",
        sampled < exact,
        f"The ends show {percent(ends / exact)} of all crossings, {steps + 1} points "
        f"{percent(sampled / exact)}.",
    )


PATHS = Section(
    name="paths",
    title="Codes along straight paths",
    question="How does the code change from step to step between two inputs?",
    reading=(
        "Above: units that flip, per unit of length, at one of the paths. Below: how far its code "
        "is from that at the start, layer by layer. Where a curve falls, units flip back: "
        "space folding is 0 if none does."
    ),
    run=_paths,
    figure=plots.paths,
    claim=_seen,
)


def _plateaus(subject: Subject) -> Plateaus:
    points = _points(subject, subject.size(24, 6), subject.size(65, 17))
    found: Plateaus = plateaus(subject.model, points, probes=16, seed=subject.seed)
    return found


def _stay(result: Plateaus) -> Claim | None:
    on, flips = result.on_plateau(), result.transitions.sum(axis=2)
    inside, outside = (_rates(flips, result.step_length, part) for part in (on, ~on))
    both = np.isfinite(inside) & np.isfinite(outside)
    if both.sum() < 2:
        return None
    gap = mean(inside[both] - outside[both])
    near_zero = abs(gap.value) <= gap.half_width
    return Claim(
        "Models are said to have activation plateaus (arXiv:2409.17113), stretches where the "
        "output stays put; few boundaries should be crossed on them.",
        None if near_zero else gap.value < 0,
        f"{int(both.sum()):,} of {len(on):,} paths have a plateau. On it {gap} more units flip per "
        "unit of length than on the rest of the path (mean with its 95 % interval).",
    )


def _rates(flips: Numbers, lengths: Numbers, part: Numbers) -> Numbers:
    """Return flips per unit of length on a part of each path's steps; NaN without any."""
    with np.errstate(invalid="ignore", divide="ignore"):
        rates: Numbers = (flips * part).sum(axis=1) / (lengths * part).sum(axis=1)
    return rates


PLATEAUS = Section(
    name="plateaus",
    title="Plateaus",
    question="Are there stretches between two inputs where the output hardly changes?",
    reading=(
        "One path: how far the output has come from that at the start, how fast it changes, and "
        "the units that flip. A plateau is a flat stretch of the first curve."
    ),
    run=_plateaus,
    figure=plots.plateaus,
    claim=_stay,
)
