"""Where boundaries lie along the line from the origin through an input."""

from __future__ import annotations

import numpy as np

from ... import plots
from ...lens import LineDensity, scaling
from ...tables import percent
from ..section import Claim, Section, Subject


def _scaling(subject: Subject) -> LineDensity:
    found: LineDensity = scaling(subject.network(), subject.inputs[: subject.size(100, 20)])
    return found


def _toward_the_origin(result: LineDensity) -> Claim | None:
    low, high = result.mean_shell()
    if not np.isfinite(low):
        return None
    known = result.shell[np.isfinite(result.shell).all(axis=1)]
    inside = percent(float((known.mean(axis=1) < 1).mean()))
    return Claim(
        "Black et al. find, on scaling an activation, a dense shell of boundaries toward the "
        "origin, and few far out.",
        True if high <= 1 else False if low >= 1 else None,
        f"Half of the mean density lies between {low:.3g} and {high:.3g} times an input; for "
        f"{inside} of the inputs the middle of its own shell is nearer to the origin than it is.",
    )


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
