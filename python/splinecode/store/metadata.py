"""The metadata file of a store: what it holds, and which shards there are.

It is JSON from anywhere: every field is checked before it is used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .._core import __version__
from ..codes import Layer
from ..files import replaced_atomically
from .fields import Fields
from .rows import SOURCED_ROW

FORMAT = "splinecode codes"
VERSION = 1
METADATA_FILE = "store.json"


@dataclass(frozen=True)
class Shard:
    """A shard: its number of rows, and SHA-256 of the values in its two files."""

    rows: int
    words_sha256: str
    rows_sha256: str


@dataclass(frozen=True)
class Metadata:
    """What a store holds. `source` says what the codes were made from, in JSON's types."""

    layers: tuple[Layer, ...]
    dtypes: tuple[str | None, ...]
    threshold: float
    shard_rows: int
    source: Mapping[str, Any]
    shards: tuple[Shard, ...] = ()
    software: str = field(default=__version__)

    @property
    def width(self) -> int:
        """Words of a code."""
        return sum(layer.words for layer in self.layers)

    @property
    def rows(self) -> int:
        """Rows of all shards."""
        return sum(shard.rows for shard in self.shards)

    def file_name(self, kind: str, number: int) -> str:
        """Return the name of a shard's file, `kind` being "words" or "rows"."""
        return f"{kind}-{number:08d}-{self.shards[number].rows}.npy"

    def with_shards(self, shards: tuple[Shard, ...]) -> Metadata:
        """Return the same with other shards."""
        return replace(self, shards=shards)


def write_metadata(folder: Path, metadata: Metadata) -> None:
    """Replace the metadata file; it is on the disk when this returns."""
    with replaced_atomically(folder / METADATA_FILE, durable=True) as file:
        file.write(_document(metadata))


def need_readable(folder: Path, metadata: Metadata) -> None:
    """Raise ValueError for what `read_metadata` would refuse, before it is written.

    TypeError for a `source` that is not of JSON's types.
    """
    _parsed(folder / METADATA_FILE, _document(metadata))


def _document(metadata: Metadata) -> bytes:
    document = {
        "format": FORMAT,
        "version": VERSION,
        "software": metadata.software,
        "layers": [
            {"name": layer.name, "bits": layer.bits, "dtype": dtype}
            for layer, dtype in zip(metadata.layers, metadata.dtypes, strict=True)
        ],
        "threshold": metadata.threshold,
        "shard_rows": metadata.shard_rows,
        "source": metadata.source,
        "shards": [vars(shard) for shard in metadata.shards],
    }
    return json.dumps(document, indent=1).encode()


def read_metadata(folder: Path) -> Metadata:
    """Read and check a metadata file.

    Raises FileNotFoundError where there is none, and ValueError, which names the field, for one of
    another format or whose claims do not fit each other or the sizes of the files.
    """
    content, before = _content(folder), None
    while True:
        metadata = _parsed(folder / METADATA_FILE, content)
        problem = _files_problem(folder, metadata)
        if problem is None:
            return metadata
        # A shard that a writer replaced meanwhile is named by the file that there is now.
        content, before = _content(folder), content
        if content == before:
            raise ValueError(problem)


def _content(folder: Path) -> bytes:
    try:
        return (folder / METADATA_FILE).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(
            f"{folder} is no store of codes: it has no {METADATA_FILE}"
        ) from None


def _parsed(path: Path, content: bytes) -> Metadata:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no JSON: {error}") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"{path} is not the metadata of a store of codes")
    if document.get("version") != VERSION:
        raise ValueError(
            f"{path} has version {document.get('version')!r}; wanted {VERSION}: it was written by "
            f"splinecode {document.get('software')!r}, this is {__version__}"
        )
    return _checked(Fields(path, "", document))


def _checked(fields: Fields) -> Metadata:
    layers, dtypes = [], []
    for layer in fields.objects("layers"):
        layers.append(Layer(layer.text("name"), layer.count("bits", 0)))
        dtypes.append(layer.optional_text("dtype"))
    names = [layer.name for layer in layers]
    if len(set(names)) != len(names):
        raise fields.error("layers", names, "every name once")
    shard_rows = fields.count("shard_rows", 1)
    shards = tuple(
        Shard(
            shard.count("rows", 1, shard_rows),
            shard.digest("words_sha256"),
            shard.digest("rows_sha256"),
        )
        for shard in fields.objects("shards")
    )
    if any(shard.rows != shard_rows for shard in shards[:-1]):
        raise fields.error("shards", "shorter ones", f"{shard_rows} rows in all but the last")
    return Metadata(
        tuple(layers),
        tuple(dtypes),
        fields.number("threshold"),
        shard_rows,
        fields.mapping("source"),
        shards,
        fields.text("software"),
    )


def _files_problem(folder: Path, metadata: Metadata) -> str | None:
    """Say which file is missing or shorter than its rows, if any is."""
    widths = {"words": 8 * metadata.width, "rows": SOURCED_ROW.itemsize}
    for number, shard in enumerate(metadata.shards):
        for kind, width in widths.items():
            path = folder / metadata.file_name(kind, number)
            try:
                size = path.stat().st_size
            except FileNotFoundError:
                return f"{path} is missing, which {METADATA_FILE} names"
            if size < shard.rows * width:
                return (
                    f"{path} has {size:,} bytes; {METADATA_FILE} claims {shard.rows:,} rows of "
                    f"{width:,} bytes: the file is truncated, or the metadata is not its own"
                )
    return None
