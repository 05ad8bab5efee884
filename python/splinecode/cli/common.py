"""What commands share: models and data as arguments, and where results go."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array, to_host
from ..codes import Codes
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


def add_sampling(parser: argparse.ArgumentParser) -> None:
    """Declare --seed and --progress."""
    parser.add_argument(
        "--seed", type=int, default=0, help="of all that is random (default: %(default)s)"
    )
    parser.add_argument("--progress", action="store_true", help="show progress bars (needs tqdm)")


def html_file(text: str) -> Path:
    """Return where a report is to be written."""
    return _place(text, ".html")


def _npz(text: str) -> Path | None:
    return None if text == "-" else _place(text, ".npz")


def _place(text: str, suffix: str = "") -> Path:
    """Return where a file is to be written, if its folder is there: say so before the work."""
    path = Path(text)
    if not text.endswith(suffix):
        raise argparse.ArgumentTypeError(f"{text!r} does not end in {suffix}")
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


def in_float64(inputs: Array) -> np.ndarray[Any, Any]:
    """Return inputs of any dtype as numpy takes them, which has no bfloat16."""
    wide = to_host(inputs.double() if hasattr(inputs, "double") else inputs)
    return np.asarray(wide, dtype=np.float64)


def batches_for(
    model: nn.Module, inputs: Array, size: int, advance: Callable[[int], object]
) -> Iterator[Tensor]:
    """Yield inputs in batches that a model takes: no more than one is copied at a time.

    `advance` is told how many inputs are done with, after each.
    """
    for start in range(0, len(inputs), size):
        batch = in_dtype_of(model, inputs[start : start + size])
        yield batch
        advance(len(batch))


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


def arrays_of(value: Any, name: str = "") -> dict[str, Any]:
    """Return all that a result holds as arrays: a field of a field is "field.field".

    Codes are words, names of layers and bits. What is None, and the network itself, is left out.
    """
    from ..network import Network  # noqa: PLC0415 - help must not wait for torch

    if value is None or isinstance(value, Network):
        return {}
    parts: Mapping[str, Any]
    if isinstance(value, Codes):
        parts = {
            "words": value.words,
            "layers": [layer.name for layer in value.layers],
            "bits": [layer.bits for layer in value.layers],
        }
    elif is_dataclass(value):
        parts = {field.name: getattr(value, field.name) for field in fields(value)}
    elif hasattr(value, "_asdict"):
        parts = value._asdict()
    elif isinstance(value, Mapping):
        parts = value
    else:
        return {name: value}
    inner = f"{name}." if name else ""
    return {
        key: array
        for part, held in parts.items()
        for key, array in arrays_of(held, f"{inner}{part}").items()
    }


def _plain(value: Any) -> np.ndarray[Any, Any]:
    array = to_host(value) if hasattr(value, "dtype") else np.asarray(value)
    if array.dtype.kind == "O":
        raise TypeError(f"an array of {type(value).__name__} cannot be written without pickle")
    return array
