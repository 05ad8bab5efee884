"""Which polytopes inputs fall into, and whether clusters of them are about one thing."""

from __future__ import annotations

import numpy as np

from ... import plots
from ...capture import spline_codes
from ...lens import Monosemanticity, Regions, monosemanticity, regions
from ...tables import percent
from ..section import Claim, Section, Skipped, Subject
from .lead import lead


def _regions(subject: Subject) -> Regions:
    labels = subject.labels_or_none()
    found: Regions = regions(subject.model, subject.inputs, labels, seed=subject.seed)
    return found


def _alone(result: Regions) -> Claim:
    whole = result.cumulative[-1]
    share = whole.distinct / whole.inputs
    return Claim(
        "On image data nearly every input has a polytope to itself, so that distances between "
        "codes carry the signal, not whether they are equal.",
        share > 0.95,
        f"{whole.distinct:,} polytopes for {whole.inputs:,} inputs by the whole code "
        f"({percent(share)}; more than 95 % counts as nearly every); the fullest has "
        f"{int(whole.counts[0]):,}.",
    )


REGIONS = Section(
    name="regions",
    title="Occupied polytopes",
    question="How many polytopes do the inputs fall into, and do those in one share a label?",
    reading=(
        "Polytopes by the code of each layer alone, and of the layers up to it. Purity is of "
        "inputs that share their polytope with another: a polytope of one input is pure by "
        "construction. Compare it with chance."
    ),
    run=_regions,
    figure=plots.regions,
    claim=_alone,
)


def _monosemanticity(subject: Subject) -> Monosemanticity:
    n = min(len(subject.inputs), subject.size(1000, 300))
    if n < 20:
        raise Skipped(f"it clusters inputs, and {n} are too few; wanted at least 20")
    chosen = np.sort(np.random.default_rng(subject.seed).permutation(len(subject.inputs))[:n])
    labels = subject.labels_or_none()
    layer = spline_codes(subject.model, subject.inputs[:1]).layers[-1].name
    found: Monosemanticity = monosemanticity(
        subject.model,
        subject.inputs[chosen],
        None if labels is None else labels[chosen],
        layer=layer,
        min_cluster_size=max(5, min(15, n // 40)),
        resamples=subject.size(5, 2),
        seed=subject.seed,
    )
    return found


def _about_one_thing(result: Monosemanticity) -> Claim | None:
    codes = [grouping for grouping in result.groupings if grouping.name.startswith("codes")]
    rivals = [grouping for grouping in result.groupings if grouping.name in _RIVALS]
    if result.labels is None or not codes or not rivals:
        return None
    found = [lead(codes, rivals, result.labels, noise=noise) for noise in (True, False)]
    agree = found[0].shows == found[1].shows
    return Claim(
        "Black et al. propose that regions of polytopes are about one thing, more than directions "
        "or single neurons are.",
        found[0].shows if agree else None,
        f"Adjusted mutual information with the labels, at best: {found[0].text()} if noise counts "
        f"as a group; {found[1].text()} if it is left out. In brackets 95 % intervals, for other "
        "inputs in these groups; a verdict takes both on one side of 0.",
    )


_RIVALS = ("NMF directions", "PCA directions", "neurons")


MONOSEMANTICITY = Section(
    name="monosemanticity",
    title="Clusters, directions and neurons",
    question="Which way of grouping inputs gives groups that are about one thing?",
    reading=(
        "Groupings of the last hidden layer side by side: HDBSCAN over codes and over activations, "
        "NMF and PCA directions, single neurons. Groups that are many and small look pure: read "
        "purity beside chance, and stability beside both."
    ),
    run=_monosemanticity,
    figure=plots.monosemanticity,
    claim=_about_one_thing,
)
