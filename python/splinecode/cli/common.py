"""What commands share: models and data as arguments, and where results go."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array, to_host
from ..files import replaced_atomically
from ..saved import Data, load_data

if TYPE_CHECKING:
    from torch import Tensor, nn


def add_model(parser: argparse.ArgumentParser) -> None:
    """Declare MODEL."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="model.pt2 from torch.export, package.module:function or path/file.py:function; "
        "its code is run",
    )


def add_data(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """Declare DATA and the name of the array in it."""
    parser.add_argument(
        "data",
        metavar="DATA",
        nargs="?" if optional else None,
        help="inputs (n, ...): .npy, .npz (one array, or x and y), .pt (a tensor, tuple or dict)",
    )
    parser.add_argument("--key", metavar="NAME", help="name of the inputs in DATA")


def add_output(parser: argparse.ArgumentParser, holds: str) -> None:
    """Declare -o."""
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE.npz",
        type=_npz,
        help=f"write {holds}; without it, or with -, the table alone",
    )


def add_figure(parser: argparse.ArgumentParser, shows: str) -> None:
    """Declare --png and --svg."""
    for kind in ("png", "svg"):
        parser.add_argument(
            f"--{kind}", metavar="FILE", type=_place, help=f"draw {shows} (needs matplotlib)"
        )


def positive(text: str) -> int:
    """Return a whole number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return number


def _npz(text: str) -> Path | None:
    if text == "-":
        return None
    if not text.endswith(".npz"):
        raise argparse.ArgumentTypeError(f"{text!r} does not end in .npz")
    return _place(text)


def _place(text: str) -> Path:
    """Return where a file is to be written, if its folder is there: say so before the work."""
    path = Path(text)
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {path.parent}")
    return path


# ---------------------------------------------------------------- in


def data_for(model: nn.Module, path: str, key: str | None = None) -> Data:
    """Load data; floating inputs in the dtype of the model's weights, on their device."""
    data = load_data(path, key)
    return Data(in_dtype_of(model, data.inputs), data.labels)


def in_dtype_of(model: nn.Module, inputs: Array) -> Tensor:
    """Return inputs as a tensor that a model takes."""
    import torch  # noqa: PLC0415 - help must not wait for it

    x = torch.as_tensor(inputs)
    weights = [weight for weight in model.parameters() if weight.is_floating_point()]
    if not weights:
        return x
    return x.to(weights[0].device, weights[0].dtype if x.is_floating_point() else x.dtype)


def batches_for(model: nn.Module, inputs: Array, size: int) -> Iterator[Tensor]:
    """Yield inputs in batches that a model takes: no more than one is copied at a time."""
    for start in range(0, len(inputs), size):
        yield in_dtype_of(model, inputs[start : start + size])


# ---------------------------------------------------------------- out


def write_arrays(path: Path | None, **arrays: Any) -> None:
    """Write arrays to an .npz, if one is wanted; it is never half written."""
    if path is None:
        return
    plain: Any = {name: _plain(value) for name, value in arrays.items()}
    with replaced_atomically(path) as file:
        np.savez(file, **plain)


def write_figure(options: argparse.Namespace, figure: Any) -> None:
    """Write a figure to --png and --svg, where these are given."""
    for kind in ("png", "svg"):
        path = getattr(options, kind)
        if path is not None:
            with replaced_atomically(path) as file:
                figure.savefig(file, format=kind)


def _plain(value: Any) -> np.ndarray[Any, Any]:
    array = to_host(value) if hasattr(value, "dtype") else np.asarray(value)
    if array.dtype.kind == "O":
        raise TypeError(f"an array of {type(value).__name__} cannot be written without pickle")
    return array
