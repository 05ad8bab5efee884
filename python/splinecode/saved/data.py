"""Arrays of inputs, and their labels, from files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array

_INPUTS = ("x", "X", "inputs", "data", "images", "input_ids")
_LABELS = ("y", "Y", "labels", "label", "targets", "target")


class Data(NamedTuple):
    """Inputs (n, ...), and their labels (n,) where a file has any."""

    inputs: Array
    labels: Array | None


def load_data(path: str | Path, key: str | None = None) -> Data:
    """Load inputs, and labels if they are beside them.

    Parameters
    ----------
    path : ``.npy``, an array, mapped and not read before it is used; ``.npz``, one array, or inputs
        named ``x``, ``X``, ``inputs``, ``data`` or ``images`` and labels named ``y``, ``labels`` or
        ``targets``; ``.pt``, a tensor, an (inputs, labels) tuple, or a dict named as an ``.npz``
    key : str, optional
        Name of the inputs in an ``.npz`` or a dict.

    Returns
    -------
    data : Data, of numpy arrays, or torch tensors from a ``.pt``

    Raises
    ------
    ValueError : another kind of file, one that is not read or holds pickled objects, no array that
        is taken to be the inputs, or labels that are not one an input.
    FileNotFoundError : no such file.
    ImportError : a ``.pt`` without torch installed.

    """
    path = Path(path)
    if path.suffix not in _READERS:
        raise ValueError(
            f"data: {path} is no {', '.join(_READERS)} file; save an array with numpy.save, or a "
            "tensor with torch.save"
        )
    if not path.is_file():
        raise FileNotFoundError(f"data: no file {path}")
    try:
        found = _READERS[path.suffix](path)
    except (OSError, ValueError, EOFError, RuntimeError) as error:
        why = str(error).strip().partition("\n")[0]
        raise ValueError(
            f"data: {path} is not read ({why}); wanted plain arrays, nothing pickled"
        ) from error
    data = _chosen(found, key, path)
    shape = tuple(data.inputs.shape)
    if len(shape) < 1 or shape[0] == 0:
        raise ValueError(f"data: {path} has shape {shape}; wanted (n, ...), at least one input")
    if data.labels is not None and tuple(data.labels.shape) != shape[:1]:
        raise ValueError(
            f"data: {path} has labels of shape {tuple(data.labels.shape)} for {shape[0]} inputs; "
            "wanted one an input"
        )
    return data


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
    inputs, *labels = (_array(value, path) for value in found)
    return Data(inputs, labels[0] if labels else None)


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
    return Data(_array(found[inputs[0]], path), _array(found[labels[0]], path) if labels else None)


def _array(value: Any, path: Path) -> Array:
    if not hasattr(value, "shape") or not hasattr(value, "dtype"):
        raise ValueError(f"data: {path} holds a {type(value).__name__}; wanted an array or tensor")
    if isinstance(value, np.ndarray) and value.dtype.kind not in "fiub":
        raise ValueError(f"data: {path} has dtype {value.dtype}; wanted real numbers")
    return value


def _read_npy(path: Path) -> Any:
    return np.load(path, mmap_mode="c", allow_pickle=False)  # writes, of which none come, stay here


def _read_npz(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as file:
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
    ".npz": _read_npz,
    ".pt": _read_pt,
}
