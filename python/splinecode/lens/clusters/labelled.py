"""How well groups agree with labels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..coded import classes_of
from ..occupancy.purity import Purity, majorities, purity
from .method import Groups, Ints, Values, optional


class LabelAgreement(NamedTuple):
    """Groups beside labels.

    purity : Purity
        Of the inputs in a group, weighted by its size; its chance level is of shuffled labels.
    purities : float64 (groups,)
        Share of each group's most frequent label.
    majority : labels (groups,)
        That label; the lowest at a tie.
    nmi, ami : float
        Normalised and adjusted mutual information of the inputs in a group. Adjusted: 0 at chance,
        however many groups there are. NaN where all have one label, or no input is in a group.
    ami_all : float
        Adjusted mutual information of all inputs, noise being a group too: leaving out what is
        hard does not help here.
    """

    purity: Purity
    purities: Values
    majority: NDArray[Any]
    nmi: float
    ami: float
    ami_all: float


def label_agreement(
    groups: Groups, labels: NDArray[Any], shuffles: int, rng: np.random.Generator
) -> LabelAgreement:
    """Compare groups of inputs with their labels, (n,) each."""
    metrics = optional("sklearn.metrics")
    classes, numbers = classes_of(labels)
    inside = groups.labels >= 0
    members, member_classes = groups.labels[inside], numbers[inside]
    most, which = majorities(members, member_classes, len(groups.names))
    return LabelAgreement(
        purity(members, member_classes, shuffles, rng),
        most / np.bincount(members, minlength=len(groups.names)),
        classes[which],
        _information(metrics.normalized_mutual_info_score, member_classes, members),
        _information(metrics.adjusted_mutual_info_score, member_classes, members),
        _information(metrics.adjusted_mutual_info_score, numbers, groups.labels),
    )


def _information(score: Any, classes: Ints, groups: Ints) -> float:
    if len(np.unique(classes)) < 2:
        return float("nan")
    return float(score(classes, groups))
