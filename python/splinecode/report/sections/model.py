"""What the report is about: the model, its layers and its inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...analysis import Analysis
from ...capture import spline_codes
from ...codes import Layer
from ...tables import Table
from ..section import Section, Skipped, Subject


@dataclass(frozen=True, eq=False, repr=False)
class About(Analysis):
    """The model and the inputs of a report.

    Attributes
    ----------
    facts : pairs of a name and a value
    layers : tuple of Layer, those of the spline code
    work : counts

    """

    facts: tuple[tuple[str, str], ...]
    layers: tuple[Layer, ...]
    work: dict[str, int]

    def tables(self) -> Sequence[Table]:
        """Return the facts, and the layers with their bits."""
        rows = [(layer.name, f"{layer.bits:,}") for layer in self.layers]
        return [
            Table("model and inputs", ("fact", "value"), self.facts),
            Table("layers of the spline code", ("layer", "bits"), rows),
        ]


def _about(subject: Subject) -> About:
    x, labels = subject.inputs, subject.labels
    layers = spline_codes(subject.model, x[:2]).layers
    parameters = sum(p.numel() for p in subject.model.parameters())
    facts = [
        ("model", type(subject.model).__name__),
        ("parameters", f"{parameters:,}"),
        ("read as piecewise linear", _exactness(subject)),
        ("bits of a spline code", f"{sum(layer.bits for layer in layers):,}"),
        ("inputs", f"{len(x):,}"),
        ("shape of an input", " x ".join(map(str, x.shape[1:])) or "one number"),
    ]
    if labels is not None:
        facts.append(("classes", f"{len(np.unique(labels)):,}"))
    return About(tuple(facts), layers, {"forward passes": len(x[:2])})


def _exactness(subject: Subject) -> str:
    try:
        subject.network()
    except Skipped:
        return "no: exact analyses are left out"
    return "yes"


MODEL = Section(
    name="model",
    title="Model and inputs",
    question="A ReLU-like network cuts its input space into polytopes; on each it is affine.",
    reading=(
        "A spline code has a bit for every hidden unit, set where its pre-activation is positive: "
        "it names the polytope that an input lies in."
    ),
    run=_about,
)
