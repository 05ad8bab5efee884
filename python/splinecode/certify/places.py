"""Places: stretches of segments that are walked side by side, and the polytopes they are in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .dyadic import Integers, Vector
from .plan import Plan

Rows = np.ndarray[Any, np.dtype[np.intp]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]


class OverBudgetError(Exception):
    """Places whose work would exceed the budget: `rows`."""

    def __init__(self, rows: Rows) -> None:
        super().__init__(f"{len(rows)} places need more work than the budget allows")
        self.rows = rows


@dataclass
class Places:
    """Stretches low <= t <= high of segments x(t) = a + t (b - a), one a row.

    Attributes
    ----------
    a, b : float64 (rows, units)
    low, high : float64 (rows,)
    budget : multiplications that each place may take
    choices : for each layer the pieces that the polytope of each row selects: the number of a
        linear piece for each unit, or the unit that each window takes
    versions : int64 (nodes, rows), counts how often the forms of a node have changed
    spent : multiplications done, float64 (rows,)

    """

    plan: Plan
    a: Vector
    b: Vector
    low: Vector
    high: Vector
    budget: float
    choices: dict[int, Integers] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.versions = np.ones((len(self.plan.nodes), len(self.a)), np.int64)
        for i in self.plan.kinks:
            self.choices[i] = np.zeros((len(self.a), self.plan.nodes[i].units), np.int64)
        self.spent = np.zeros(len(self.a))

    def __len__(self) -> int:
        return len(self.a)

    def choose(self, node: int, rows: Rows, choice: Integers) -> None:
        """Set the pieces of a layer; what depends on those that change gets a new version."""
        changed = rows[(self.choices[node][rows] != choice).any(axis=-1)]
        self.choices[node][rows] = choice
        if len(changed):
            self.versions[np.ix_(self.plan.descendants(node), changed)] += 1

    def spend(self, node: int, rows: Rows, times: int) -> None:
        """Account for `times` evaluations of a node; OverBudgetError where they are too many."""
        wanted = self.spent[rows] + times * self.plan.multiplications[node]
        over = wanted > self.budget
        if over.any():
            raise OverBudgetError(rows[over])
        self.spent[rows] = wanted
