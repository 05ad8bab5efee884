"""How far groups of inputs are made of one class, and how far chance alone would take them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...tables import percent

Ints = NDArray[np.int64]


def above_chance(value: float, chance: float) -> float:
    """Return ``(value - chance) / (1 - chance)``: 0 at chance, 1 at most; NaN if chance is 1."""
    return (value - chance) / (1 - chance) if chance < 1 else float("nan")


class Purity(NamedTuple):
    """Share of the inputs that have the most frequent label of their group.

    value : float
    chance : float
        Mean share with the labels of the same inputs shuffled: small groups look pure by chance,
        and a group of one always does.
    spread : float
        Standard deviation of that share over the shuffles.
    inputs : int
        Inputs that count. Without any, the shares are NaN.
    """

    value: float
    chance: float
    spread: float
    inputs: int

    @property
    def corrected(self) -> float:
        """`above_chance`: 0 at chance, 1 for pure groups; NaN if chance is 1.

        Chance is 1 where all inputs have one label, or every group is a single input.
        """
        return above_chance(self.value, self.chance)


class Agreement(NamedTuple):
    """Share of the pairs of two inputs in one group that have one label.

    Groups of one input have no pair, so they neither help nor harm.

    value : float, NaN without a pair
    chance : float
        The exact expectation under shuffled labels: the share among all pairs of inputs.
    pairs : int
    """

    value: float
    chance: float
    pairs: int

    @property
    def corrected(self) -> float:
        """`above_chance`; NaN if all inputs have one label."""
        return above_chance(self.value, self.chance)


def majorities(groups: Ints, classes: Ints, number: int) -> tuple[Ints, Ints]:
    """Return the inputs of each group's most frequent class, and that class, the lowest at a tie.

    Parameters
    ----------
    groups, classes : int64 (n,), from 0
    number : int
        Groups; one without inputs has 0 of class -1.

    Notes
    -----
    O(n log n), without a table of groups by classes.

    """
    cells, counts = _cells(groups, classes)
    most = np.zeros(number, np.int64)
    np.maximum.at(most, cells[:, 0], counts)
    first = np.full(number, -1)
    leading = cells[counts == most[cells[:, 0]]][::-1]
    first[leading[:, 0]] = leading[:, 1]
    return most, first


def purity(groups: Ints, classes: Ints, shuffles: int, rng: np.random.Generator) -> Purity:
    """Return the purity of a grouping of inputs; groups, classes : int64 (n,), from 0.

    O(shuffles n log n).
    """
    n = len(groups)
    if n == 0:
        return Purity(float("nan"), float("nan"), float("nan"), 0)
    number = int(groups.max()) + 1
    by_chance = [
        majorities(groups, rng.permutation(classes), number)[0].sum() / n for _ in range(shuffles)
    ]
    value = float(majorities(groups, classes, number)[0].sum() / n)
    return Purity(value, float(np.mean(by_chance)), float(np.std(by_chance)), n)


def pair_agreement(groups: Ints, classes: Ints) -> Agreement:
    """Return how often two inputs of one group share a class; int64 (n,) each, from 0. O(n log n).

    The chance level is that of all n inputs, in whatever group.
    """
    _, together = _cells(groups, classes)
    pairs, everywhere = _pairs(np.bincount(groups)), _pairs(np.bincount(classes))
    total = _pairs(np.array([len(groups)]))
    return Agreement(
        _pairs(together) / pairs if pairs else float("nan"),
        everywhere / total if total else float("nan"),
        pairs,
    )


def need_shuffles(shuffles: int) -> None:
    """Raise ValueError unless the chance level has at least one shuffle."""
    if shuffles < 1:
        raise ValueError(f"shuffles is {shuffles}; wanted at least 1, for the chance level")


def _cells(groups: Ints, classes: Ints) -> tuple[Ints, Ints]:
    """Return the (group, class) that occur, int64 (cells, 2), and how often each does."""
    width = int(classes.max()) + 1 if len(classes) else 1
    keys, counts = np.unique(groups * width + classes, return_counts=True)
    return np.stack(np.divmod(keys, width), axis=1), counts.astype(np.int64, copy=False)


def _pairs(counts: Ints) -> int:
    """Pairs within groups of these sizes; Python's numbers do not overflow."""
    return sum(int(count) * (int(count) - 1) // 2 for count in counts)


def share(value: float) -> str:
    """Write a share for a table, a dash where there is none."""
    return "-" if np.isnan(value) else percent(value)
