"""Spline codes in one ``.npz``: words, and the layers' names and bits."""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from ..arrays import to_host
from ..codes import Codes, Layer
from ..files import replaced_atomically
from ..store import CodeStore

_MEMBERS = ("words", "layers", "bits")


def save_codes(path: str | Path, codes: Codes) -> None:
    """Write codes to a file, which is never half written.

    It holds ``words``, uint64 (n, words), ``layers``, their names, and ``bits``, int64 (layers,):
    numpy.load reads it without this package.

    Raises OSError where the file cannot be written.
    """
    with replaced_atomically(path) as file:
        np.savez(
            file,
            words=to_host(codes.words),
            layers=np.array([layer.name for layer in codes.layers]),
            bits=np.array([layer.bits for layer in codes.layers], dtype=np.int64),
        )


def load_codes(path: str | Path) -> Codes:
    """Read codes that `save_codes` wrote, or those of a store, which is a folder.

    Raises
    ------
    ValueError : no such file of codes, a broken store, or bits set past the end of a layer.
    FileNotFoundError : no file.

    """
    path = Path(path)
    if path.is_dir():
        return CodeStore(path).codes()
    if not path.is_file():
        raise FileNotFoundError(f"codes: no file {path}")
    try:
        with np.load(path, allow_pickle=False) as file:
            words, names, bits = (file[member] for member in _MEMBERS)
    except (KeyError, OSError, ValueError, TypeError, AttributeError, BadZipFile) as error:
        raise ValueError(
            f"codes: {path} holds no {', '.join(_MEMBERS)}; wanted a file from save_codes or "
            "'splinecode codes -o'"
        ) from error
    if len(names) != len(bits):
        raise ValueError(
            f"codes: {path} has {len(names)} names of layers and {len(bits)} numbers of bits"
        )
    layers = [Layer(str(name), int(count)) for name, count in zip(names, bits, strict=True)]
    return Codes(words, layers)
