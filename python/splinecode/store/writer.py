"""`CodeWriter`: appends codes to a store, a shard at a time."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from ..arrays import to_host
from ..codes import Codes
from ..memory import need_room
from .code_store import CodeStore
from .locking import locked
from .metadata import Metadata, read_metadata, write_metadata
from .rows import ROW, SOURCED_ROW, RowTable, row_table, sourced
from .shards import map_file, remove_leftovers, write_shard


class CodeWriter:
    """Appends codes to a store while a ``with`` block lasts; no other writer can meanwhile.

    A full shard is on the disk, and seen by readers, when the `append` that filled it returns; the
    rest when the block ends without an error. What a killed process had not yet committed is not
    in the store.

    Raises
    ------
    BlockingIOError : on entering, another writer is at work.
    MemoryError : on entering, a shard of the store is more than fits.

    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._stack = ExitStack()
        self._is_open = False

    def __enter__(self) -> CodeWriter:
        with ExitStack() as stack:
            stack.enter_context(locked(self._path))
            self.store = CodeStore(self._path)
            self._begin(read_metadata(self._path))
            self._stack = stack.pop_all()
        self._is_open = True
        return self

    def _begin(self, metadata: Metadata) -> None:
        remove_leftovers(self._path, metadata)
        self._metadata = metadata
        bytes_of_row = 8 * metadata.width + SOURCED_ROW.itemsize
        need_room((metadata.shard_rows,), bytes_of_row, f"a shard of {self._path}")
        self._words = np.empty((metadata.shard_rows, metadata.width), "<u8")
        self._rows = np.empty(metadata.shard_rows, SOURCED_ROW)
        self._buffered = self._stored = 0
        short = metadata.rows % metadata.shard_rows
        if short:  # a last shard that is not full is taken up again, and replaced by a longer one
            number = len(metadata.shards) - 1
            self._words[:short] = map_file(self._path, metadata, "words", number)
            self._rows[:short] = map_file(self._path, metadata, "rows", number)
            self._buffered = self._stored = short

    def append(self, codes: Codes, rows: RowTable | None = None, fingerprints: Any = 0) -> None:
        """Append codes, copied to the host, and where they came from.

        Parameters
        ----------
        codes : Codes of the store's layers, of any library and device
        rows : (n,) of `ROW`, optional
            By default every code is an input of its own, numbered by its row in the store.
        fingerprints : uint64 (n,), optional
            A hash of each code's input.

        Raises
        ------
        ValueError : other layers, or another number of rows than codes; outside of the ``with``
            block.
        OSError : what the disk says. What was committed before stays.

        """
        if not self._is_open:
            raise ValueError(
                f"the writer of {self._path} is not open; append within its with block, in which "
                "it holds the store's lock"
            )
        if codes.layers != self._metadata.layers:
            raise ValueError(
                f"codes has layers {codes.layers} and the store {self._metadata.layers}; wanted "
                "the same"
            )
        if rows is None:
            first = len(self)
            rows = row_table(np.arange(first, first + len(codes)))
        if rows.shape != (len(codes),) or not set(ROW.names or ()) <= set(rows.dtype.names or ()):
            raise ValueError(
                f"rows is {rows.dtype} {rows.shape}; wanted {ROW} ({len(codes)},), one a code"
            )
        words, table = to_host(codes.words), sourced(rows, fingerprints)
        start = 0
        while start < len(words):
            taken = min(len(words) - start, len(self._rows) - self._buffered)
            place = slice(self._buffered, self._buffered + taken)
            self._words[place] = words[start : start + taken]
            self._rows[place] = table[start : start + taken]
            self._buffered, start = place.stop, start + taken
            if self._buffered == len(self._rows):
                self._commit()

    def __len__(self) -> int:
        """Rows committed and waiting."""
        return self._metadata.rows - self._stored + self._buffered

    def _commit(self) -> None:
        """Write the buffered rows as last shard, in place of the short one that they begin with."""
        before = self._metadata
        if self._stored:
            before = before.with_shards(before.shards[:-1])
        used = slice(0, self._buffered)
        longer = write_shard(self._path, before, self._words[used], self._rows[used])
        write_metadata(self._path, longer)
        if self._stored:
            for kind in ("words", "rows"):
                number = len(self._metadata.shards) - 1
                os.unlink(self._path / self._metadata.file_name(kind, number))
        self._metadata = longer
        self._buffered = self._stored = 0

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_open = False
        with self._stack:
            if error is None and self._buffered > self._stored:
                self._commit()
