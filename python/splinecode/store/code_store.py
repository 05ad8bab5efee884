"""`CodeStore`: codes on disk, read through memory maps."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..codes import Codes, Layer
from ..memory import need_room
from .locking import LOCK_FILE, locked
from .metadata import METADATA_FILE, Metadata, need_readable, read_metadata, write_metadata
from .padding import codes_of_words
from .rows import SOURCED_ROW, RowTable
from .shards import map_file, matches

if TYPE_CHECKING:
    from .writer import CodeWriter

SHARD_BYTES = 64 << 20


class CodeStore:
    """Spline codes in a folder, which outlive memory and processes.

    Parameters
    ----------
    path : folder of a store

    Attributes
    ----------
    path : pathlib.Path
    layers : tuple of Layer, in the order of the words
    dtypes : mapping of layer name to the dtype that was packed, such as "bfloat16", or None
    threshold : float; bit = z > threshold
    source : mapping; what the codes were made from: model, hash, layers, positions
    software : str; the version of splinecode that made the store

    Raises
    ------
    FileNotFoundError : no store there.
    ValueError : metadata that is broken, of another format, or claims more than the files hold.

    Notes
    -----
    A store object is what was there when it was opened: rows that a writer adds later are seen by
    opening it again. Opening looks at every shard's size and reads none.

    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._metadata = read_metadata(self.path)

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        layers: Sequence[Layer],
        *,
        dtypes: Mapping[str, str] | None = None,
        threshold: float = 0.0,
        source: Mapping[str, Any] | None = None,
        shard_bytes: int = SHARD_BYTES,
    ) -> CodeStore:
        """Make an empty store in a new or empty folder.

        `shard_bytes` is the size of a shard, which a writer keeps in memory; at least one code. For
        10^5 shards and more make them larger: the metadata file names each. `source` is of JSON's
        types.

        Raises FileExistsError if the folder holds a store or anything else, ValueError or TypeError
        for what could not be read again, and BlockingIOError while another makes a store there.
        """
        path, layers = Path(path), tuple(layers)
        if shard_bytes < 1:
            raise ValueError(f"shard_bytes is {shard_bytes}; wanted at least 1")
        if not any(layer.bits for layer in layers):
            raise ValueError(f"layers are {layers}; wanted at least one of one bit or more")
        width = sum(layer.words for layer in layers)
        kinds = tuple((dtypes or {}).get(layer.name) for layer in layers)
        rows = max(1, shard_bytes // (8 * width))
        metadata = Metadata(layers, kinds, float(threshold), rows, dict(source or {}))
        need_readable(path, metadata)
        path.mkdir(parents=True, exist_ok=True)
        _need_new(path)
        with locked(path):
            _need_new(path)
            write_metadata(path, metadata)
        return cls(path)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, in the order of the words."""
        return self._metadata.layers

    @property
    def dtypes(self) -> dict[str, str | None]:
        """What was packed, by layer: signs near the threshold depend on it."""
        names = (layer.name for layer in self.layers)
        return dict(zip(names, self._metadata.dtypes, strict=True))

    @property
    def threshold(self) -> float:
        """The threshold that the bits stand for: z > threshold."""
        return self._metadata.threshold

    @property
    def source(self) -> Mapping[str, Any]:
        """What the codes were made from."""
        return self._metadata.source

    @property
    def software(self) -> str:
        """The version of splinecode that made the store."""
        return self._metadata.software

    @property
    def n_bits(self) -> int:
        """Units of all layers."""
        return sum(layer.bits for layer in self.layers)

    @property
    def shard_rows(self) -> int:
        """Rows of every shard but the last."""
        return self._metadata.shard_rows

    def __len__(self) -> int:
        return self._metadata.rows

    def shards(self) -> Iterator[Codes]:
        """Yield the codes of each shard, numpy words that are mapped.

        Raises ValueError where a bit is set past the end of a layer, for which each is read.
        """
        for number in range(len(self._metadata.shards)):
            yield self._clean(self._file("words", number))

    def codes(self, first: int = 0, last: int | None = None) -> Codes:
        """Return the codes of rows [first, last), by default all, with numpy words.

        Those of one shard are mapped; of several they are copied into memory, which is asked for
        first. `shards` is for stores that do not fit.

        Raises IndexError for rows that are not there, MemoryError for more than fit, ValueError
        where a bit is set past the end of a layer.
        """
        words = self._range("words", first, last, np.dtype("<u8"), (self._metadata.width,))
        return self._clean(words)

    def _clean(self, words: np.ndarray[Any, Any]) -> Codes:
        """Return words from the disk as codes, if their pad bits are zero."""
        try:
            return codes_of_words(words, self.layers)
        except ValueError as error:
            raise ValueError(f"{self.path} is not what was written: {error}") from None

    def rows(self, first: int = 0, last: int | None = None) -> RowTable:
        """Return where the codes of rows [first, last) came from: (n,) of `SOURCED_ROW`.

        Fields are `input`, `position` (-1 where a code stands for all of an input), `fingerprint`.
        Mapped or copied as `codes` does.
        """
        return self._range("rows", first, last, SOURCED_ROW, ())

    def _range(
        self, kind: str, first: int, last: int | None, dtype: Any, item: tuple[int, ...]
    ) -> np.ndarray[Any, Any]:
        last = len(self) if last is None else last
        if not 0 <= first <= last <= len(self):
            raise IndexError(f"rows [{first}, {last}) of a store of {len(self):,}")
        if first == last:
            return np.empty((0, *item), dtype)
        numbers = range(first // self.shard_rows, (last - 1) // self.shard_rows + 1)
        if len(numbers) > 1:
            need_room((last - first, *item), dtype.itemsize, f"{kind} of {last - first:,} codes")
        parts = []
        for number in numbers:
            start = number * self.shard_rows
            parts.append(self._file(kind, number)[max(first - start, 0) : last - start])
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _file(self, kind: str, number: int) -> np.ndarray[Any, Any]:
        return map_file(self.path, self._metadata, kind, number)

    def writer(self) -> CodeWriter:
        """Return a context manager that appends codes; see `CodeWriter`."""
        from .writer import CodeWriter  # noqa: PLC0415 - each needs the other

        return CodeWriter(self.path)

    def verify(self) -> None:
        """Read everything and raise ValueError, which names the shard, if a value has changed."""
        for number in range(len(self._metadata.shards)):
            if not matches(self.path, self._metadata, number):
                raise ValueError(
                    f"shard {number} of {self.path} is not what was written: "
                    f"{self._metadata.file_name('words', number)} or its rows; copy it from a "
                    "backup, or make the store anew"
                )

    def __repr__(self) -> str:
        return (
            f"CodeStore({str(self.path)!r}: {len(self):,} codes of {self.n_bits:,} bits, "
            f"{len(self.layers)} layers, {len(self._metadata.shards)} shards)"
        )


def _need_new(path: Path) -> None:
    """Raise FileExistsError for a folder with anything that a killed call may not have left."""
    names = (entry.name for entry in os.scandir(path))
    foreign = [name for name in names if name != LOCK_FILE and not name.endswith(".part")]
    if METADATA_FILE in foreign:
        raise FileExistsError(f"{path} holds a store; open it with CodeStore({str(path)!r})")
    if foreign:
        raise FileExistsError(f"{path} holds {foreign[0]!r}; wanted a new or empty folder")
