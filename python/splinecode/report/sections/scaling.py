"""Where boundaries lie along the line from the origin through an input."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ... import plots
from ...lens import LineDensity, scaling
from ...tables import percent
from ..section import Claim, Section, Subject

Numbers = np.ndarray[Any, Any]

_RESAMPLES = 200
_FEWEST = 10
"""Inputs below which drawing them anew says nothing."""


def _scaling(subject: Subject) -> LineDensity:
    found: LineDensity = scaling(subject.network(), subject.inputs[: subject.size(100, 20)])
    return found


def _toward_the_origin(result: LineDensity) -> Claim | None:
    low, high = result.mean_shell()
    if not np.isfinite(low):
        return None
    known = result.shell[np.isfinite(result.shell).all(axis=1)]
    inside = percent(float((known.mean(axis=1) < 1).mean()))
    lows, highs = (_interval(ends) for ends in _resampled_shells(result).T)
    return Claim(
        "Black et al. find, on scaling an activation, a dense shell of boundaries toward the "
        "origin, and few far out.",
        True if highs[1] <= 1 else False if lows[0] >= 1 else None,
        f"Half of the mean density lies between {_bounded(low, lows)} and {_bounded(high, highs)} "
        "times an input (in brackets 95 % intervals over inputs; for a verdict all of it has to "
        f"lie on one side of 1); for {inside} of the inputs the middle of its own shell is nearer "
        "to the origin than it is.",
    )


def _resampled_shells(result: LineDensity) -> Numbers:
    """Return the ends of the mean shell with inputs drawn anew, (resamples, 2); NaN for too few."""
    n = len(result.length)
    if n < _FEWEST:
        return np.full((1, 2), np.nan)
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, n, (_RESAMPLES, n))
    return np.array([_part(result, rows).mean_shell() for rows in drawn])


def _part(result: LineDensity, rows: Numbers) -> LineDensity:
    return replace(result, counts=result.counts[rows], length=result.length[rows])


def _interval(values: Numbers) -> tuple[float, float]:
    """Return the middle 95 %; NaN if a value is."""
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def _bounded(value: float, interval: tuple[float, float]) -> str:
    if not np.isfinite(interval).all():
        return f"{value:.3g}"
    return f"{value:.3g} [{interval[0]:.3g}, {interval[1]:.3g}]"


SCALING = Section(
    name="scaling",
    title="Scaling an input",
    question="Where on the line from the origin through an input do boundaries lie?",
    reading=(
        "Above: boundaries per unit of length along multiples of an input, the input itself at 1; "
        "the shaded shell holds half of them. Below: the share of inputs that keep the class they "
        "have at 1."
    ),
    run=_scaling,
    figure=plots.line_density,
    claim=_toward_the_origin,
)
