"""Models by name: a program that torch.export saved, or a function that makes one."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

_WANTED = (
    "wanted a file.pt2 from torch.export.save, package.module:function or path/file.py:function"
)


def load_model(source: str | Path) -> nn.Module:
    """Load a model, in evaluation mode.

    Parameters
    ----------
    source : str or Path
        ``file.pt2``, a program that torch.export.save wrote; or ``package.module:function`` or
        ``path/to/file.py:function``, the function of that module or file which returns the model,
        called without arguments, or the model itself. Modules are looked for in the current folder
        too, and a file may import its neighbours. **That code is run.**

    Returns
    -------
    model : torch.nn.Module
        Of a ``.pt2``, or an ExportedProgram that a function returns, a module that runs the program
        operator by operator, without the guards that hold it to a batch size: `read_network` and
        `spline_codes` take it.

    Raises
    ------
    ValueError : a source of another form, a file that holds no exported program, a name that is
        not there, a function that fails.
    TypeError : what the source gives is no torch.nn.Module.
    FileNotFoundError : no such file.
    ImportError : torch is not installed.

    """
    nn = _torch().nn
    text = str(source)
    place, colon, name = text.rpartition(":")
    if text.endswith(".pt2"):
        return _program(Path(text))
    if not colon or not place or not name:
        suffix = Path(text).suffix
        if suffix in (".pt", ".pth", ".ckpt", ".bin", ".safetensors"):
            raise ValueError(
                f"model is {text!r}, which has weights alone or pickled code; {_WANTED} that "
                "builds the model and loads them"
            )
        raise ValueError(f"model is {text!r}; {_WANTED}")
    is_file = place.endswith(".py")
    folder = Path(place).parent.resolve() if is_file else Path.cwd()
    with _found_in(folder):
        model: Any = _file(Path(place)) if is_file else _module(place)
    for part in name.split("."):
        if not hasattr(model, part):
            raise ValueError(f"model is {text!r}, but {place} has no {name!r}; {_WANTED}")
        model = getattr(model, part)
    if not isinstance(model, nn.Module):
        if not callable(model):
            raise TypeError(
                f"{text} is a {type(model).__name__}; wanted a torch.nn.Module or a function that "
                "returns one"
            )
        with _found_in(Path.cwd()), _found_in(folder), _telling(f"model: {text} fails"):
            model = model()
    return _evaluating(model, text)


def _program(path: Path) -> nn.Module:
    if not path.is_file():
        raise FileNotFoundError(f"model: no file {path}; wanted what torch.export.save wrote")
    try:
        program = _torch().export.load(path)
    except Exception as error:  # zip, JSON or torch: whatever a broken file brings about
        raise ValueError(
            f"model: {path} is not read as an exported program ({_first_line(error)}); write it "
            "with torch.export.save"
        ) from error
    return _evaluating(program, str(path))


@contextmanager
def _found_in(folder: Path) -> Iterator[None]:
    """Look for modules in a folder first, for the length of a block."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _file(path: Path) -> ModuleType:
    if not path.is_file():
        raise FileNotFoundError(f"model: no file {path}")
    name = f"splinecode_model_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickles of the file look there
    with _telling(f"model: running {path} fails"):
        spec.loader.exec_module(module)
    return module


def _module(name: str) -> ModuleType:
    with _telling(f"model: importing {name} fails"):
        return importlib.import_module(name)


@contextmanager
def _telling(what: str) -> Iterator[None]:
    """Raise ValueError for whatever foreign code raises: what failed, and how, in a line."""
    try:
        yield
    except Exception as error:
        raise ValueError(f"{what}: {type(error).__name__}: {_first_line(error)}") from error


def _evaluating(model: Any, source: str) -> nn.Module:
    from ..exported import exported_program  # noqa: PLC0415 - it needs torch

    found: Any = exported_program(model) or model
    if not isinstance(found, _torch().nn.Module):
        raise TypeError(f"{source} returns a {type(model).__name__}; wanted a torch.nn.Module")
    module: nn.Module = found.eval()
    return module


def _torch() -> Any:
    try:
        import torch  # noqa: PLC0415 - an optional dependency, and slow to load
    except ModuleNotFoundError as error:
        raise ImportError("a model needs torch: pip install 'splinecode[torch]'") from error
    return torch


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
