"""The files of a shard: written whole and mapped into memory."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np

from ..files import replaced_atomically
from .metadata import METADATA_FILE, Metadata, Shard, read_metadata
from .rows import SOURCED_ROW, RowTable

Words = np.ndarray[Any, Any]

WORD = np.dtype("<u8")


def write_shard(folder: Path, metadata: Metadata, words: Words, rows: RowTable) -> Metadata:
    """Write a shard after those of `metadata`, and return the metadata that names it.

    The files are on the disk when this returns; no reader looks at them before the metadata does.
    """
    values = {"words": words.astype(WORD, copy=False), "rows": rows}
    shard = Shard(len(words), *(_digest(array) for array in values.values()))
    longer = metadata.with_shards((*metadata.shards, shard))
    for kind, array in values.items():
        path = folder / longer.file_name(kind, len(metadata.shards))
        with replaced_atomically(path, durable=True) as file:
            np.lib.format.write_array(file, array, allow_pickle=False)
    return longer


def _digest(array: np.ndarray[Any, Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).view(np.uint8).data).hexdigest()


def map_file(folder: Path, metadata: Metadata, kind: str, number: int) -> np.ndarray[Any, Any]:
    """Map a shard's file, read-only: "words" (rows, width), or "rows" (rows,).

    Raises ValueError if it is not what the metadata says.
    """
    rows = metadata.shards[number].rows
    path = folder / metadata.file_name(kind, number)
    try:
        return _mapped(path, kind, rows, metadata.width)
    except FileNotFoundError:
        # A short last shard is replaced by a longer one, which begins with the same rows.
        newer = read_metadata(folder)
        if newer.rows < metadata.rows or newer.layers != metadata.layers:
            raise ValueError(f"{folder} holds another store than when it was opened") from None
        path = folder / newer.file_name(kind, number)
        return _mapped(path, kind, newer.shards[number].rows, newer.width)[:rows]


def _mapped(path: Path, kind: str, rows: int, width: int) -> np.ndarray[Any, Any]:
    shape, dtype = ((rows, width), WORD) if kind == "words" else ((rows,), SOURCED_ROW)
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except ValueError as error:
        raise ValueError(f"{path} is no whole .npy file: {error}") from None
    if array.shape != shape or array.dtype != dtype or not array.flags.c_contiguous:
        raise ValueError(
            f"{path} holds {array.dtype} {array.shape}; {METADATA_FILE} claims {dtype} {shape}"
        )
    return array


def matches(folder: Path, metadata: Metadata, number: int) -> bool:
    """Tell whether a shard's files hold the values that were written."""
    shard = metadata.shards[number]
    words, rows = (map_file(folder, metadata, kind, number) for kind in ("words", "rows"))
    return (_digest(words), _digest(rows)) == (shard.words_sha256, shard.rows_sha256)


def remove_leftovers(folder: Path, metadata: Metadata) -> None:
    """Remove the files of shards that no metadata names: of a writer that was killed, or old."""
    kinds = ("words", "rows")
    named = {metadata.file_name(kind, i) for kind in kinds for i in range(len(metadata.shards))}
    for entry in os.scandir(folder):
        is_shard = entry.name.startswith(tuple(f"{kind}-" for kind in kinds))
        is_part = entry.name.startswith(".") and entry.name.endswith(".part")
        if is_part or (is_shard and entry.name.endswith(".npy") and entry.name not in named):
            os.unlink(entry.path)
