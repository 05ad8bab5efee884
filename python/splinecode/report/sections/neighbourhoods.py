"""What is around an input: boundaries nearby, and how far the nearest is."""

from __future__ import annotations

import numpy as np

from ... import plots
from ...lens import (
    LocalComplexity,
    NearestBoundaries,
    SplineFeatures,
    local_complexity,
    nearest_boundaries,
    spline_features,
)
from ..section import Section, Skipped, Subject
from .pairs import pairs_apart

_SHARE_OF_DISTANCE = 0.05
"""The radius of a neighbourhood, as a share of the median distance between inputs."""

_WIDEST = 4096
"""Numbers in an input up to which the nearest boundary is computed: it takes that many passes."""


def _complexity(subject: Subject) -> LocalComplexity:
    pairs = pairs_apart(subject, 200)
    x = subject.inputs.flatten(1).double().numpy()
    far = float(np.median(np.linalg.norm(x[pairs[:, 0]] - x[pairs[:, 1]], axis=1)))
    if far == 0:
        raise Skipped("most inputs are the same, which leaves no scale for a radius")
    found: LocalComplexity = local_complexity(
        subject.model,
        subject.inputs,
        radius=float(f"{_SHARE_OF_DISTANCE * far:.2g}"),
        directions=min(20, x.shape[1]),
        limit=subject.size(400, 40),
        seed=subject.seed,
    )
    return found


COMPLEXITY = Section(
    name="complexity",
    title="Local complexity",
    question="How many units change sign in a small neighbourhood of an input?",
    reading=(
        "Units with a boundary between the vertices of a cross-polytope around an input, layer by "
        "layer, over inputs. Its radius is 5 % of the median distance between inputs. The paper "
        "(arXiv:2402.15555) follows this number through training: one checkpoint alone neither "
        "confirms nor contradicts it."
    ),
    run=_complexity,
    figure=plots.local_complexity,
)


def _nearest(subject: Subject) -> NearestBoundaries:
    network = subject.network()
    width = subject.inputs[0].numel()
    if width > _WIDEST:
        raise Skipped(
            f"it takes a pass of the network for each of the {width:,} numbers of an input; the "
            f"report does so up to {_WIDEST:,}"
        )
    found: NearestBoundaries = nearest_boundaries(
        network, subject.inputs, limit=subject.size(200, 30)
    )
    return found


NEAREST = Section(
    name="nearest",
    title="Nearest boundaries",
    question="How far is an input from leaving its polytope?",
    reading=(
        "Distances in input space to the nearest boundary of each layer, within the input's "
        "polytope; exact up to rounding."
    ),
    run=_nearest,
    figure=plots.nearest_boundaries,
)


def _features(subject: Subject) -> SplineFeatures:
    found: SplineFeatures = spline_features(subject.model, subject.inputs[: subject.size(400, 40)])
    return found


FEATURES = Section(
    name="features",
    title="Spline features",
    question="Which seven numbers does SplineLLM (arXiv:2312.01648) compute at each layer?",
    reading="Each feature by layer, over inputs: middle half and middle 90 %.",
    run=_features,
    figure=plots.spline_features,
)
