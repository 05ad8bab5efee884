"""Spline codes in one ``.npz``: words, and the layers' names and bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..arrays import to_host
from ..codes import Codes, Layer
from ..files import replaced_atomically
from ..store import CodeStore
from .data import read_npz

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
        found = read_npz(path)
        words, names, bits = (found[member] for member in _MEMBERS)
    except MemoryError:
        raise
    except Exception as error:  # zip, zlib or numpy: whatever a broken file brings about
        raise ValueError(
            f"codes: {path} holds no {', '.join(_MEMBERS)}; wanted a file from save_codes or "
            "'splinecode codes -o'"
        ) from error
    if names.ndim != 1 or names.shape != bits.shape or bits.dtype.kind not in "iu":
        raise ValueError(
            f"codes: {path} has layers {names.shape} and bits {bits.dtype} {bits.shape}; wanted a "
            "name and a whole number for each layer"
        )
    layers = [Layer(str(name), int(count)) for name, count in zip(names, bits, strict=True)]
    return Codes(words, layers)
