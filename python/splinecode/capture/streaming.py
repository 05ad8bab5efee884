"""Codes that go to a store on disk as they come, and are taken up again after a kill."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from torch.utils.data import DataLoader, RandomSampler

from ..codes import Codes
from ..store import CodeStore, CodeWriter
from ..store.metadata import METADATA_FILE
from ..store.rows import RowTable
from .batches import Batch
from .identity import fingerprints, source_of
from .running import Run


class Part(NamedTuple):
    """What a batch adds to a store, as `CodeWriter.append` takes it."""

    codes: Codes
    rows: RowTable
    fingerprints: np.ndarray[Any, Any]


def stream(
    run: Run,
    batches: Iterator[Batch],
    path: str | os.PathLike[str],
    shard_bytes: int,
    advance: Callable[[int], object],
) -> CodeStore:
    """Write the codes of batches to a store, after those that it has of them already.

    Raises what `spline_codes` says of its store.
    """
    source = source_of(run)
    if (Path(path) / METADATA_FILE).exists():
        store = CodeStore(path)
        _need_same(store, source | {"threshold": run.threshold})
        with store.writer() as writer, run.running() as codes_of:
            stored = StoredRows(writer.store, run.positions.one_an_input)
            _append(writer, _parts(codes_of, batches, stored, advance), run)
        return CodeStore(path)
    with run.running() as codes_of:
        parts = _parts(codes_of, batches, None, advance)
        first = next(parts, None)
        if first is None:
            raise ValueError("inputs holds no batches; wanted at least one")
        store = CodeStore.create(
            path,
            first.codes.layers,
            dtypes=run.dtypes,
            threshold=run.threshold,
            source=source,
            shard_bytes=shard_bytes,
        )
        with store.writer() as writer:
            _append(writer, itertools.chain([first], parts), run)
    return CodeStore(path)


def need_fixed_order(inputs: Any) -> None:
    """Raise ValueError for a loader that shuffles: what is stored of it could not be told."""
    if isinstance(inputs, DataLoader) and isinstance(inputs.sampler, RandomSampler):
        raise ValueError(
            "inputs is a DataLoader that shuffles; with store= wanted the same order each time: "
            "shuffle=False"
        )


def _need_same(store: CodeStore, wanted: dict[str, Any]) -> None:
    """Raise ValueError, which names what differs, unless a store was made in the same way."""
    there = {**store.source, "threshold": store.threshold}
    for name, value in wanted.items():
        if there.get(name) != value:
            raise ValueError(
                f"the codes in {store.path} were made with {name} {there.get(name)!r}, this call "
                f"has {value!r}; give another folder as store=, or continue as it was begun"
            )


def _append(writer: CodeWriter, parts: Iterable[Part], run: Run) -> None:
    for part in parts:
        if run.dtypes != writer.store.dtypes:
            raise ValueError(
                f"layers are of {run.dtypes}, in the store of {writer.store.dtypes}; signs near 0 "
                "depend on it: give another folder as store="
            )
        writer.append(*part)


def _parts(
    codes_of: Callable[[Batch, int], tuple[Codes, RowTable]],
    batches: Iterator[Batch],
    stored: StoredRows | None,
    advance: Callable[[int], object],
) -> Iterator[Part]:
    """Yield the codes of the inputs of which not all rows are stored."""
    first = 0
    for batch in batches:
        marks = fingerprints(batch)
        known = stored.of_inputs(first, marks) if stored is not None else None
        if stored is None or not stored.has_all_before(first + batch.size):
            codes, rows = codes_of(batch, first)
            done = _same_rows(known, rows)
            new = slice(done, None)
            yield Part(codes[new], rows[new], marks[rows["input"] - first][new])
        first += batch.size
        advance(batch.size)
    if stored is not None:
        stored.need_end_at(first)


def _same_rows(known: RowTable | None, rows: RowTable) -> int:
    """Return how many of a batch's rows are stored, which are its first."""
    if known is None:
        return 0
    for name in ("input", "position"):
        if len(known) > len(rows) or (known[name] != rows[name][: len(known)]).any():
            raise ValueError(
                f"the store has other rows of inputs {rows['input'][:1]} and on than this call "
                "gives; wanted the same inputs and padding as when it was begun"
            )
    return len(known)


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
