"""Codes that go to a store on disk as they come, and are taken up again after a kill."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from torch.utils.data import BatchSampler, DataLoader, IterableDataset, SequentialSampler

from ..codes import Codes, Layer
from ..store import CodeStore, CodeWriter
from ..store.metadata import METADATA_FILE
from ..store.rows import RowTable
from .batches import Batch
from .identity import fingerprints, source_of
from .running import Run
from .stored_rows import StoredRows


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
        store = _created(path, first.codes.layers, run, source, shard_bytes)
        with store.writer() as writer:
            if len(writer):
                raise _begun_meanwhile(path)
            _append(writer, itertools.chain([first], parts), run)
    return CodeStore(path)


def _created(
    path: str | os.PathLike[str],
    layers: tuple[Layer, ...],
    run: Run,
    source: Mapping[str, Any],
    shard_bytes: int,
) -> CodeStore:
    try:
        return CodeStore.create(
            path,
            layers,
            dtypes=run.dtypes,
            threshold=run.threshold,
            source=source,
            shard_bytes=shard_bytes,
        )
    except FileExistsError as error:
        if (Path(path) / METADATA_FILE).exists():
            raise _begun_meanwhile(path) from error
        raise


def _begun_meanwhile(path: str | os.PathLike[str]) -> BlockingIOError:
    return BlockingIOError(
        f"another writer began a store in {path} while the first batch ran here; call again when "
        "it has ended, or give another folder as store="
    )


def need_fixed_order(inputs: Any) -> None:
    """Raise ValueError for a loader that may shuffle: what is stored of it could not be told."""
    if not isinstance(inputs, DataLoader) or isinstance(inputs.dataset, IterableDataset):
        return
    # A loader that is given a batch_sampler has a sampler of its own too, which it does not use.
    order: Any = inputs.sampler if inputs.batch_sampler is None else inputs.batch_sampler
    while isinstance(order, BatchSampler):
        order = order.sampler
    if not isinstance(order, SequentialSampler):
        raise ValueError(
            f"inputs is a DataLoader in the order of a {type(order).__name__}; with store= wanted "
            "the same order each time: shuffle=False, or iter(loader) if it has it"
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
