"""Whether groupings of one kind agree better with labels than those of another, and how surely."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...lens import Grouping
from ...lens.clusters.method import optional

_HALVES = 50
_FEWEST = 20
"""Inputs below which halves say nothing."""

Ints = NDArray[np.int64]
Scores = NDArray[np.float64]


class Lead(NamedTuple):
    """The best of some groupings beside the best of others, by adjusted mutual information.

    best, rival : (name, score) of the best on either side; a score is NaN where none is defined
    low, high : ends of the 95 % interval of the difference of these scores; NaN if undefined
    """

    best: tuple[str, float]
    rival: tuple[str, float]
    low: float
    high: float

    @property
    def shows(self) -> bool | None:
        """Whether the first side leads; None where the interval holds 0, or is undefined."""
        return True if self.low > 0 else False if self.high < 0 else None

    def text(self) -> str:
        """Write scores, difference and interval."""
        if np.isnan([self.best[1], self.rival[1]]).any():
            return "not defined"
        gap = self.best[1] - self.rival[1]
        interval = "" if np.isnan(self.low) else f" [{self.low:.2f}, {self.high:.2f}]"
        return (
            f"{self.best[1]:.2f} by {self.best[0]}, {self.rival[1]:.2f} by {self.rival[0]}, "
            f"difference {gap:.2f}{interval}"
        )


def lead(
    ours: Sequence[Grouping],
    rivals: Sequence[Grouping],
    labels: NDArray[Any],
    *,
    noise: bool,
    seed: int = 0,
) -> Lead:
    """Compare the best of `ours` with the best of `rivals`, of at least one each.

    Parameters
    ----------
    ours, rivals : groupings of the same inputs
    labels : array (n,)
    noise : bool
        Count noise as a group; else leave it out, grouping by grouping.
    seed : int
        Of the halves.

    Notes
    -----
    The interval is for other inputs of the same kind, with the groups as they are. It is the normal
    one, with the spread over random halves of the inputs: a half differs from the whole by the
    variance (2 / n - 1 / n) s^2, which is that of the whole itself. The best is chosen anew in each
    half. Adjusted mutual information is computed 51 times a
    grouping.

    """
    _, classes = np.unique(labels, return_inverse=True)
    groups = [grouping.labels for grouping in (*ours, *rivals)]
    whole = _scores(classes, groups, noise)
    best, rival = (
        _best([grouping.name for grouping in side], scores)
        for side, scores in ((ours, whole[: len(ours)]), (rivals, whole[len(ours) :]))
    )
    low = high = float("nan")
    if len(labels) >= _FEWEST:
        rng = np.random.default_rng(seed)
        gaps = np.empty(_HALVES)
        for k in range(_HALVES):
            rows = rng.permutation(len(labels))[: len(labels) // 2]
            half = _scores(classes[rows], [found[rows] for found in groups], noise)
            gaps[k] = _most(half[: len(ours)]) - _most(half[len(ours) :])
        reach = 1.96 * gaps.std(ddof=1)
        low, high = best[1] - rival[1] - reach, best[1] - rival[1] + reach
    return Lead(best, rival, low, high)


def _scores(classes: Ints, groups: Sequence[Ints], noise: bool) -> Scores:
    return np.array([_information(classes, found, noise) for found in groups])


def _information(classes: Ints, groups: Ints, noise: bool) -> float:
    inside = np.full(len(groups), fill_value=True) if noise else groups >= 0
    if len(np.unique(classes[inside])) < 2:
        return float("nan")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that so many labels may be a regression's
        score = optional("sklearn.metrics").adjusted_mutual_info_score
        return float(score(classes[inside], groups[inside]))


def _best(names: Sequence[str], scores: Scores) -> tuple[str, float]:
    i = int(np.where(np.isnan(scores), -np.inf, scores).argmax())
    return names[i], float(scores[i])


def _most(scores: Scores) -> float:
    return _best([""] * len(scores), scores)[1]
