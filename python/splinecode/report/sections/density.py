"""Boundary density of same-class and different-class pairs: the paper's semantic boundaries."""

from __future__ import annotations

from functools import partial

from ... import plots
from ...lens import BoundaryDensity, boundary_density
from ...lens.density.boundaries import MATCHED
from ..section import Claim, Section, Skipped, Subject
from .pairs import pairs_of_kinds


def _density(subject: Subject) -> BoundaryDensity:
    labels = subject.known_labels()
    n = min(subject.size(400, 60), *pairs_of_kinds(labels))
    if n < 2:
        raise Skipped("it needs two pairs of inputs of one class, and two of different classes")
    network = subject.network_or_none()
    measure = partial(
        boundary_density,
        subject.model if network is None else network,
        subject.inputs,
        labels=labels,
        n=n,
        exact=network is not None,
        seed=subject.seed,
    )
    try:
        return measure(matched=True)
    except ValueError:  # classes that lie too far apart to match; anything else is raised again
        return measure()


def _claim(result: BoundaryDensity) -> Claim:
    assert result.comparison is not None
    found = result.comparison["endpoint"]
    low, high = found.difference.low, found.difference.high
    denser, sparser = int((low[:-1] > 0).sum()), int((high[:-1] < 0).sum())
    layers = len(result.layers)
    exact = result.comparison.get("exact")
    here = (
        f"Over all layers the density between classes is {found.ratio.text(-1)} times that within "
        f"a class ({100 * result.confidence:g} % interval in brackets{_how_far(result)})"
    )
    if exact is not None:
        here += f", and {exact.ratio.text(-1)} times by exact crossings"
    return Claim(
        "Black et al. (arXiv:2211.12312) expect boundaries of polytopes to be semantic boundaries: "
        "denser between inputs of different classes than between those of one.",
        True if low[-1] > 0 else False if high[-1] < 0 else None,
        f"{here}. By layer it is higher in {denser}, lower in {sparser} and open in "
        f"{layers - denser - sparser} of {layers}.",
    )


def _how_far(result: BoundaryDensity) -> str:
    return ", at matched distances" if MATCHED in result.work else ", classes lie further apart"


DENSITY = Section(
    name="density",
    title="Boundary density within and between classes",
    question="Are more boundaries crossed, per unit of distance, on the way to another class?",
    reading=(
        "Left: boundaries between two inputs divided by their distance, layer by layer. Right: the "
        "ratio of pairs of different classes to pairs of one; above 1 boundaries are denser "
        "between classes. Classes lie further apart than members of one, so pairs are matched in "
        "their distance where that can be done."
    ),
    run=_density,
    figure=plots.boundary_density,
    claim=_claim,
)
