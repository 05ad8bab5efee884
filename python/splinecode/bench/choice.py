"""Which cases a run takes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from .case import Case

Builders = Sequence[partial[Case]]


class NoSuchCaseError(Exception):
    """The command line asks for the number of a case that there is not."""


def choose(builders: Builders, numbers: Sequence[int] | None) -> dict[int, partial[Case]]:
    """Return the builders of these cases by number, counted from 1; all if none is named.

    Raises NoSuchCaseError.
    """
    if numbers and max(numbers) > len(builders):
        raise NoSuchCaseError(f"--case {max(numbers)}: there are {len(builders)} cases")
    return {number: builders[number - 1] for number in numbers or range(1, len(builders) + 1)}
