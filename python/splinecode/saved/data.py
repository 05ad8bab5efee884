"""Arrays of inputs, and their labels, from files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, NamedTuple
from zipfile import is_zipfile

import numpy as np

from ..arrays import Array

_INPUTS = ("x", "X", "inputs", "data", "images", "input_ids")
_LABELS = ("y", "Y", "labels", "label", "targets", "target")


_NUMBERS, _TEXT = "fiub", "US"


class Data(NamedTuple):
    """Inputs (n, ...), and their labels (n,) where a file has any."""

    inputs: Array
    labels: Array | None


def load_data(path: str | Path, key: str | None = None) -> Data:
    """Load inputs, and labels if they are beside them.

    Parameters
    ----------
    path : ``.npy``, an array, mapped and not read before it is used (unless its bytes are of the
        other order: these are turned round at once); ``.npz``, one array, or inputs
        named ``x``, ``X``, ``inputs``, ``data`` or ``images`` and labels named ``y``, ``labels`` or
        ``targets``; ``.pt``, a tensor, an (inputs, labels) tuple, or a dict named as an ``.npz``.
        Labels are numbers or text.
    key : str, optional
        Name of the inputs in an ``.npz`` or a dict.

    Returns
    -------
    data : Data, of numpy arrays, or torch tensors from a ``.pt``, detached

    Raises
    ------
    ValueError : another kind of file, one that is not read or holds pickled objects, no array that
        is taken to be the inputs, or labels that are not one an input.
    FileNotFoundError : no such file.
    ImportError : a ``.pt`` without torch installed.

    """
    path = Path(path)
    data = _chosen(_read(path, "data"), key, path)
    shape = tuple(data.inputs.shape)
    if len(shape) < 1 or shape[0] == 0:
        raise ValueError(f"data: {path} has shape {shape}; wanted (n, ...), at least one input")
    if data.labels is not None and tuple(data.labels.shape) != shape[:1]:
        raise ValueError(
            f"data: {path} has labels of shape {tuple(data.labels.shape)} for {shape[0]} inputs; "
            "wanted one an input"
        )
    return data


def load_labels(path: str | Path) -> Array:
    """Load labels from a file of their own, or from one that has them beside inputs.

    Parameters
    ----------
    path : as `load_data` takes it: one array, or labels by one of the names that it knows

    Returns
    -------
    labels : array of numbers or text, or tensor

    Raises
    ------
    ValueError, FileNotFoundError, ImportError : as `load_data`.

    """
    path = Path(path)
    found = _read(path, "labels")
    if isinstance(found, Mapping):
        names = [name for name in found if name in _LABELS] or list(found)
        if len(names) != 1:
            raise ValueError(f"labels: {path} holds {names}; wanted one array of labels")
        found = found[names[0]]
    return _array(found, path, _NUMBERS + _TEXT)


def _read(path: Path, what: str) -> Any:
    """Return what a file holds, or raise an error that begins with `what`."""
    if path.suffix not in _READERS:
        raise ValueError(
            f"{what}: {path} is no {', '.join(_READERS)} file; save an array with numpy.save, or a "
            "tensor with torch.save"
        )
    if not path.is_file():
        raise FileNotFoundError(f"{what}: no file {path}")
    try:
        return _READERS[path.suffix](path)
    except (ImportError, MemoryError):
        raise
    except Exception as error:  # zip, zlib, pickle, torch: whatever a broken file brings about
        why = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ValueError(
            f"{what}: {path} is not read ({why}); wanted plain arrays, nothing pickled"
        ) from error


def _chosen(found: Any, key: str | None, path: Path) -> Data:
    """Return what in a file is inputs, and what labels."""
    if isinstance(found, Mapping):
        return _named({str(name): value for name, value in found.items()}, key, path)
    if key is not None:
        raise ValueError(f"key is {key!r}, but {path} holds no named arrays")
    if not isinstance(found, (tuple, list)):
        return Data(_array(found, path), None)
    if not 1 <= len(found) <= 2:
        raise ValueError(f"data: {path} holds {len(found)} values; wanted (inputs, labels)")
    labels = _array(found[1], path, _NUMBERS + _TEXT) if len(found) > 1 else None
    return Data(_array(found[0], path), labels)


def _named(found: dict[str, Any], key: str | None, path: Path) -> Data:
    names = list(found)
    if key is not None and key not in found:
        raise ValueError(f"key is {key!r}; {path} holds {names}")
    labels = [name for name in names if name in _LABELS and name != key]
    others = [name for name in names if name not in labels]
    inputs = [key] if key is not None else [name for name in others if name in _INPUTS] or others
    if len(inputs) != 1 or len(labels) > 1:
        raise ValueError(
            f"data: {path} holds {names}; say with key= which of them is the inputs"
            if len(inputs) != 1
            else f"data: {path} holds {labels}; wanted one array of labels"
        )
    marks = _array(found[labels[0]], path, _NUMBERS + _TEXT) if labels else None
    return Data(_array(found[inputs[0]], path), marks)


def _array(value: Any, path: Path, kinds: str = _NUMBERS) -> Array:
    """Return an array as it is, a tensor without its gradient; `kinds` are those of numpy."""
    if not hasattr(value, "shape") or not hasattr(value, "dtype"):
        raise ValueError(f"data: {path} holds a {type(value).__name__}; wanted an array or tensor")
    if not isinstance(value, np.ndarray):
        return value.detach() if hasattr(value, "detach") else value
    if value.dtype.kind not in kinds:
        wanted = "numbers or text" if _TEXT in kinds else "real numbers"
        raise ValueError(f"data: {path} has dtype {value.dtype}; wanted {wanted}")
    # torch takes no bytes in the other order
    return value if value.dtype.isnative else value.astype(value.dtype.newbyteorder("="))


def _read_npy(path: Path) -> Any:
    # Writes, of which none come, would stay here. A file of several arrays is refused.
    return np.lib.format.open_memmap(path, mode="c")


def read_npz(path: Path) -> dict[str, Any]:
    """Return the arrays of an ``.npz``, none of them pickled; a broken one raises anything."""
    if not is_zipfile(path):
        raise ValueError("it is not what numpy.savez writes")
    # numpy leaves a file open that it finds broken.
    with open(path, "rb") as content, np.load(content, allow_pickle=False) as file:
        return dict(file)


def _read_pt(path: Path) -> Any:
    try:
        import torch  # noqa: PLC0415 - an optional dependency
    except ModuleNotFoundError as error:
        raise ImportError(f"{path} needs torch: pip install 'splinecode[torch]'") from error
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except UnpicklingError as error:
        raise ValueError("it holds objects of Python") from error


_READERS: dict[str, Callable[[Path], Any]] = {
    ".npy": _read_npy,
    ".npz": read_npz,
    ".pt": _read_pt,
}
