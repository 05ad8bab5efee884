"""What every analysis of the lens returns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from .tables import Table


class Analysis(ABC):
    """Numbers as arrays, an honest count of what was computed, and tables for people.

    Its figure is drawn by the function of `splinecode.plots` that its docstring names.

    Attributes
    ----------
    work : mapping of a name to a whole number
        What was computed, and what was left out: "pairs", "crossings", "pairs at distance 0".

    """

    work: Mapping[str, int]

    @abstractmethod
    def tables(self) -> Sequence[Table]:
        """Return what was found as tables."""

    def __str__(self) -> str:
        counted = ", ".join(f"{number:,} {name}" for name, number in self.work.items())
        return "\n\n".join([*map(str, self.tables()), f"computed: {counted}"])

    def __repr__(self) -> str:
        counted = ", ".join(f"{name}: {number:,}" for name, number in self.work.items())
        return f"{type(self).__name__}({counted})"
