"""Crossings of a block as columns, in the order (segment, t, unit)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .exact import ExactRoot

Vector = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Events:
    """Crossings with enclosures [low, high] of the true t.

    `number` is -1 where t came from float64; else it names the exact root: equal roots of a
    segment have equal numbers.
    """

    segment: Vector  # int64
    unit: Vector  # int64
    t: Vector
    low: Vector
    high: Vector
    t_error: Vector
    direction: Vector  # int8
    number: Vector  # int64

    @classmethod
    def none(cls) -> Events:
        """Return no crossings."""
        dtypes = (np.int64, np.int64, *[np.float64] * 4, np.int8, np.int64)
        return cls(*(np.empty(0, dtype) for dtype in dtypes))

    @classmethod
    def proven(
        cls, segment: Vector, unit: Vector, t: Vector, low: Vector, high: Vector, direction: Vector
    ) -> Events:
        """Make events of roots that float64 enclosed."""
        error = np.nextafter(np.maximum(t - low, high - t), np.inf)
        number = np.full(len(t), -1)
        return cls(segment, unit, t, low, high, error, direction.astype(np.int8), number)

    @classmethod
    def exact(cls, roots: list[tuple[int, int, ExactRoot, int]]) -> Events:
        """Make events of (segment, unit, root, number of the root)."""
        t = np.array([root.t for _, _, root, _ in roots], np.float64)
        return cls(
            np.array([segment for segment, *_ in roots], np.int64),
            np.array([unit for _, unit, *_ in roots], np.int64),
            t,
            np.nextafter(t, 0),
            np.nextafter(t, 1),
            np.array([root.t_error for _, _, root, _ in roots], np.float64),
            np.array([root.direction for _, _, root, _ in roots], np.int8),
            np.array([number for *_, number in roots], np.int64),
        )

    def __len__(self) -> int:
        return len(self.t)

    def columns(self) -> tuple[Vector, ...]:
        """Return the arrays in order."""
        return tuple(getattr(self, name) for name in self.__dataclass_fields__)

    def take(self, chosen: Vector) -> Events:
        """Return the events at an index or where a mask is True."""
        return Events(*(column[chosen] for column in self.columns()))

    def ordered(self) -> Events:
        """Sort events of less than 2**15 segments by (segment, t, unit)."""
        order = np.argsort(self.t)
        segment = self.segment[order].astype(np.int16)  # numpy sorts these by their digits
        found = self.take(order[np.argsort(segment, kind="stable")])
        if (found.next_to_same() & (found.t[1:] == found.t[:-1])).any():
            return self.take(np.lexsort((self.unit, self.t, self.segment)))
        return found

    def next_to_same(self) -> Vector:
        """Tell of each event but the last whether the next one is of the same segment."""
        same: Vector = self.segment[1:] == self.segment[:-1]
        return same


def joined(parts: list[Events]) -> Events:
    """Put events one after the other."""
    columns = zip(*(part.columns() for part in [Events.none(), *parts]), strict=True)
    return Events(*(np.concatenate(column) for column in columns))
