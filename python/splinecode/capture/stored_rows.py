"""The rows that a store has already, as the inputs that they came from pass again."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..store import CodeStore
from ..store.rows import RowTable


class StoredRows:
    """The rows that a store has, gone through in the order of the inputs, a shard at a time."""

    def __init__(self, store: CodeStore, one_an_input: bool) -> None:
        self._store = store
        self._one_an_input = one_an_input
        self._next = 0
        self._ahead = store.rows(0, 0)
        self._last = int(store.rows(len(store) - 1)["input"][0]) if len(store) else -1

    def of_inputs(self, first: int, marks: np.ndarray[Any, Any]) -> RowTable:
        """Return the rows of the next inputs, number `first` and on, of these fingerprints.

        Raises ValueError where an input is another one than was stored.
        """
        rows = self._before(first + len(marks))
        inputs = rows["input"] - first
        others = (inputs < 0) | (rows["fingerprint"] != marks[np.maximum(inputs, 0)])
        if others.any():
            raise ValueError(
                f"input {int(rows['input'][others][0])} is another one than the codes in "
                f"{self._store.path} were made from; give the same inputs in the same order, or "
                "another folder as store="
            )
        return rows

    def _before(self, stop: int) -> RowTable:
        taken = [self._ahead[:0]]
        while True:
            if not len(self._ahead):
                end = min(self._next + self._store.shard_rows, len(self._store))
                self._ahead, self._next = self._store.rows(self._next, end), end
            count = int(np.searchsorted(self._ahead["input"], stop))
            taken.append(self._ahead[:count])
            self._ahead = self._ahead[count:]
            if len(self._ahead) or self._next == len(self._store):
                return np.concatenate(taken)

    def has_all_before(self, stop: int) -> bool:
        """Tell whether all rows of inputs [0, stop) are known to be stored."""
        return self._last >= (stop - 1 if self._one_an_input else stop)

    def need_end_at(self, inputs: int) -> None:
        """Raise ValueError unless there are as many inputs as there are rows of."""
        if self._last >= inputs:
            raise ValueError(
                f"inputs ends after {inputs}, but {self._store.path} has codes of {self._last + 1}"
            )
