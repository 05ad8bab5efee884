"""What groups inputs: clusters of codes or activations, directions, neurons."""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Values = NDArray[np.float64]


class Groups(NamedTuple):
    """Inputs in groups.

    labels : int64 (rows,), from 0; -1 for noise or for what no direction explains
    names : one for each group
    persistence : float64 (groups,), HDBSCAN's own measure of a cluster; NaN for directions
    strength : float64 (rows,), how much an input's direction explains; None for clusters
    """

    labels: Ints
    names: tuple[str, ...]
    persistence: Values
    strength: Values | None = None


class Method(ABC):
    """A way to group inputs.

    Attributes
    ----------
    name : str
    fixed : bool
        Whether the group of an input depends on no other input: nothing to be stable about.

    """

    name: str
    fixed = False

    @abstractmethod
    def group(self, rows: Ints) -> Groups:
        """Group the inputs of these rows, at least one."""

    @abstractmethod
    def ranked(self, groups: Groups, group: int) -> Ints:
        """Return the members of a group of all inputs, the best example first."""


def by_medoid(members: Ints, totals: NDArray[Any], distances: Any) -> Ints:
    """Order members by the distance to their medoid, the member of least total; ties by index.

    ``distances(i)`` gives the distances of all members to the i-th.
    """
    medoid = int(np.argmin(totals))
    to_medoid = np.asarray(distances(medoid)).copy()
    to_medoid[medoid] = -1  # before its copies
    return members[np.argsort(to_medoid, kind="stable")]


def optional(module: str) -> Any:
    """Import a module of scikit-learn or hdbscan, or say what to install."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(
            f"monosemanticity needs {module.split('.', maxsplit=1)[0]}: "
            "pip install 'splinecode[lens]'"
        ) from error
