"""Names of layers: a module that runs several times gives ``relu``, ``relu#2``, ``relu#3``, ..."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase


def base_of(name: str) -> str:
    """Return the name that all runs of a layer share."""
    return name.partition("#")[0]


def matches(name: str, glob: str) -> bool:
    """Tell whether a glob means a layer: by its whole name, or by the one all its runs share."""
    return fnmatchcase(name, glob) or fnmatchcase(base_of(name), glob)


def may_match(name: str, glob: str) -> bool:
    """Tell whether a glob means a module, or may mean one of its runs."""
    return fnmatchcase(name, glob) or fnmatchcase(name, base_of(glob))


def matching(names: Sequence[str], globs: Sequence[str]) -> tuple[list[int], list[str]]:
    """Return the places of the names that a glob means, in their order, and idle globs."""
    places = [i for i, name in enumerate(names) if any(matches(name, glob) for glob in globs)]
    idle = [glob for glob in globs if not any(matches(name, glob) for name in names)]
    return places, idle
