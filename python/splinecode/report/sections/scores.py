"""Scores: what units do, how differently inputs are coded, and whether codes tell strangers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ... import plots
from ...lens import Naswot, Ood, UnitStatistics, naswot, ood, unit_statistics
from ...tables import percent
from ..section import Claim, Section, Skipped, Subject

Scores = np.ndarray[Any, Any]

_TELLING, _BLIND = 0.75, 0.55
"""An AUROC that counts as telling strangers, and one that does not."""
_FEWEST = 5


def _units(subject: Subject) -> UnitStatistics:
    found: UnitStatistics = unit_statistics(subject.model, subject.inputs)
    return found


UNITS = Section(
    name="units",
    title="Units",
    question="How often is each unit active, which never or always are, and which go together?",
    reading=(
        "Firing rates over the inputs, layer by layer. A dead unit is active for none of these "
        "inputs, an always-on one for all: neither has a boundary between them."
    ),
    run=_units,
    figure=plots.unit_statistics,
)


def _naswot(subject: Subject) -> Naswot:
    found: Naswot = naswot(subject.model, subject.inputs[: subject.size(128, 64)])
    return found


NASWOT = Section(
    name="naswot",
    title="Agreement kernel",
    question="How differently does the network code a batch of inputs?",
    reading=(
        "The number of units in which two inputs agree (NASWOT, arXiv:2006.04647). The "
        "log-determinant ranks untrained networks over one batch; alone it has no scale."
    ),
    run=_naswot,
    figure=plots.naswot,
)


def _ood(subject: Subject) -> Ood:
    x = subject.inputs
    if len(x) < 8:
        raise Skipped(f"it halves the inputs three times, and {len(x)} are too few; wanted 8")
    random = torch.Generator().manual_seed(subject.seed)
    order = torch.randperm(len(x), generator=random)
    bank, inside = x[order[: len(x) // 2]], x[order[len(x) // 2 :]]
    found: Ood = ood(bank, inside, _mixed(inside, random), model=subject.model, seed=subject.seed)
    return found


def _mixed(x: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """Shuffle each number of an input among all inputs: what belongs together no longer does."""
    flat = x.flatten(1)
    order = torch.rand(flat.shape, generator=random).argsort(dim=0)
    return flat.gather(0, order).reshape(x.shape)


def _tells(result: Ood) -> Claim:
    width = reach(result.inside, result.outside)
    low, high = result.auroc - width, result.auroc + width
    shows = None
    if result.auroc >= _TELLING and low > _BLIND:
        shows = True
    elif result.auroc <= _BLIND and high < _TELLING:
        shows = False
    interval = "" if np.isnan(width) else f" [{max(low, 0):.3f}, {min(high, 1):.3f}]"
    return Claim(
        "Monitors of activation patterns tell inputs of another distribution by the distance of "
        "their code to known ones.",
        shows,
        f"AUROC {result.auroc:.3f}{interval} (0.5 is chance; from {_TELLING} on counts as telling "
        f"if the 95 % interval stays above {_BLIND}, up to {_BLIND} as not if it stays below "
        f"{_TELLING}); {percent(result.fpr_95)} of the strangers pass where 95 % of the known do.",
    )


def reach(inside: Scores, outside: Scores) -> float:
    """Return the half-width of an AUROC's 95 % interval; NaN below `_FEWEST` scores of a kind.

    By the variance of each score's placement among those of the other kind (DeLong, DeLong and
    Clarke-Pearson, Biometrics 1988; [memory]), O(n m).
    """
    if min(len(inside), len(outside)) < _FEWEST:
        return float("nan")
    told = (outside[:, None] > inside) + 0.5 * (outside[:, None] == inside)
    variances = (told.mean(axis=other).var(ddof=1) / told.shape[1 - other] for other in (0, 1))
    return float(1.96 * np.sqrt(sum(variances)))


OOD = Section(
    name="ood",
    title="Strangers by their codes",
    question="Does the distance to known codes tell inputs of another distribution?",
    reading=(
        "Half of the inputs are the bank. The strangers are made from the rest: each number of an "
        "input is shuffled among them, so that its distribution stays and what belongs together "
        "no longer does. Score: the least Hamming distance to the bank."
    ),
    run=_ood,
    figure=plots.ood,
    claim=_tells,
)
