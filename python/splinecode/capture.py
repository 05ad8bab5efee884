"""Spline codes of a torch module's inputs, by forward hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .arithmetic import concatenate
from .arrays import Array, library_of, to_host
from .capture_exported import recording_exported
from .codes import Codes, Layer, pack
from .exported import exported_program
from .progress import progress_bar

ACTIVATIONS = (
    nn.ReLU,
    nn.LeakyReLU,
    nn.PReLU,
    nn.RReLU,
    nn.ELU,
    nn.CELU,
    nn.SELU,
    nn.GELU,
    nn.SiLU,
    nn.Mish,
    nn.Softplus,
)
"""Modules whose input is a pre-activation. For the smooth ones the code is a sign code."""

NOT_CAPTURED = (
    nn.ReLU6,
    nn.Hardtanh,
    nn.Hardsigmoid,
    nn.Hardswish,
    nn.Threshold,
    nn.Softshrink,
    nn.Hardshrink,
)
"""Piecewise activations with other thresholds than one at zero."""


def spline_codes(
    model: nn.Module | torch.export.ExportedProgram,
    inputs: Array | Iterable[Any],
    layers: str | Sequence[str] | None = None,
    *,
    batch_size: int = 256,
    threshold: float = 0.0,
    progress: bool = False,
) -> Codes:
    """Pack the spline codes of a model's inputs, layer by layer.

    Parameters
    ----------
    model : torch.nn.Module in evaluation mode, or what torch.export made of one
    inputs : array (n, ...) or iterable of batches
        An array is cut into batches; an iterable (such as a DataLoader) gives batches, or tuples
        or lists whose first item is the batch.
    layers : glob or globs over module names, optional
        By default every activation module of the ReLU family, GELU and SiLU (max pools, which are
        layers of `Network.codes` too, have no pre-activation). A named activation
        module contributes its input; any other named module (such as a Linear before a functional
        relu) its output. A module that runs several times in a forward pass gives a layer each
        time: ``relu``, ``relu#2``, ... An exported program has calls of activations instead,
        functional ones too: `recording_exported` says how they are named.
    batch_size : int
        Inputs per forward pass, for an array.
    threshold : float
        bit = z > threshold.
    progress : bool
        Show a progress bar (needs tqdm).

    Returns
    -------
    codes : Codes, torch words on the model's device (numpy words for a numpy array)
        Layers in the order of execution; a layer's units are flat in C order.

    Raises
    ------
    TypeError : model is no module, or inputs neither an array nor iterable.
    ValueError : training mode, no matching layer, no inputs, NaN, or inputs on another device.

    Notes
    -----
    Each batch is packed as its layers run: float activations of one batch at a time are in memory,
    and codes take 1 bit a unit.

    """
    program = exported_program(model)
    if program is not None:
        program.need_evaluation()
        model = program
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is a {type(model).__name__}; wanted a torch.nn.Module")
    if program is None:
        _need_eval_mode(model)
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; wanted at least 1")
    recorder, parts = _Recorder(threshold), []
    running: AbstractContextManager[Callable[..., Any]]
    if program is not None:
        running = nullcontext(recording_exported(program, layers, recorder.record))
    else:
        running = _recording(model, _chosen_modules(model, layers), recorder)

    batches, total = _batches(inputs, batch_size)
    with (
        progress_bar(total, "inputs", progress) as advance,
        torch.no_grad(),
        running as run,
    ):
        for batch in batches:
            _need_same_device(model, batch)
            run(batch)
            parts.append(recorder.take(len(batch)))
            advance(len(batch))
    if not parts:
        raise ValueError("inputs holds no batches; wanted at least one")
    codes = Codes.concatenate(parts)
    if not isinstance(inputs, np.ndarray):
        return codes
    return Codes._trusted(to_host(codes.words), codes.layers)


def _need_eval_mode(model: nn.Module) -> None:
    for name, part in model.named_modules():
        if part.training:
            raise ValueError(
                f"model is in training mode (at {name or 'its root'}); call model.eval() first"
            )


def _chosen_modules(model: nn.Module, layers: str | Sequence[str] | None) -> dict[str, nn.Module]:
    named = {name: part for name, part in model.named_modules() if name or part is model}
    if layers is None:
        found: dict[str, nn.Module] = {
            name: part for name, part in named.items() if isinstance(part, ACTIVATIONS)
        }
        for name, part in named.items():
            if isinstance(part, NOT_CAPTURED):
                raise ValueError(
                    f"{type(part).__name__} at {name!r} has no code of one bit a unit; "
                    "name the layers to capture with layers="
                )
        if not found:
            raise ValueError(
                "model has no activation module (functional activations cannot be "
                "found): name the modules before them with layers="
            )
        return found
    chosen: dict[str, nn.Module] = {}
    for pattern in [layers] if isinstance(layers, str) else layers:
        matching = {name: part for name, part in named.items() if fnmatchcase(name, pattern)}
        if not matching:
            raise ValueError(f"layers: no module matches {pattern!r}; there are {list(named)}")
        chosen.update(matching)
    return chosen


def _batches(inputs: Array | Iterable[Any], batch_size: int) -> tuple[Iterator[Tensor], int | None]:
    """Return batches as tensors, and how many inputs there are if that is known."""
    if hasattr(inputs, "shape") and hasattr(inputs, "dtype"):
        library_of(inputs, "inputs")
        tensor = torch.as_tensor(inputs)
        if tensor.ndim == 0 or len(tensor) == 0:
            raise ValueError(f"inputs has shape {tuple(tensor.shape)}; wanted at least one input")
        return iter(tensor.split(batch_size)), len(tensor)
    if not isinstance(inputs, Iterable):
        raise TypeError(
            f"inputs is a {type(inputs).__name__}; wanted an array or an iterable of batches"
        )
    return (_first(item) for item in inputs), None


def _first(item: Any) -> Tensor:
    batch = item[0] if isinstance(item, (tuple, list)) else item
    if not hasattr(batch, "shape"):
        raise TypeError(
            f"a batch of inputs is a {type(batch).__name__}; wanted a tensor, or a "
            "tuple or list that starts with one"
        )
    return torch.as_tensor(batch)


def _need_same_device(model: nn.Module, batch: Tensor) -> None:
    parameter = next(model.parameters(), None)
    if parameter is not None and parameter.device != batch.device:
        raise ValueError(
            f"inputs are on {batch.device} and the model on {parameter.device}; move "
            "one of them with .to(...)"
        )


class _Recorder:
    """Packs pre-activations as they pass, and hands out a batch's codes."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._words: dict[str, Tensor] = {}
        self._bits: dict[str, int] = {}
        self._layers: tuple[Layer, ...] | None = None

    def record(self, name: str, z: Any) -> None:
        if not isinstance(z, Tensor):
            raise ValueError(
                f"{name!r} passes a {type(z).__name__}, not a tensor; name another "
                "module with layers="
            )
        runs = sum(key == name or key.startswith(f"{name}#") for key in self._words)
        key = name if runs == 0 else f"{name}#{runs + 1}"
        flat = z.detach().flatten(1)
        self._words[key] = pack(flat, self._threshold)
        self._bits[key] = int(flat.shape[1])

    def take(self, inputs: int) -> Codes:
        """Return the codes of the batch that just ran, and forget them."""
        layers = tuple(Layer(name, bits) for name, bits in self._bits.items())
        if not layers:
            raise ValueError("none of the chosen layers ran in a forward pass; check layers=")
        for name, words in self._words.items():
            if len(words) != inputs:
                raise ValueError(
                    f"{name!r} passes {len(words)} rows for {inputs} inputs; its "
                    "first axis must be the batch"
                )
        if self._layers not in (None, layers):
            raise ValueError(
                f"a batch ran layers {layers}, another {self._layers}; wanted the "
                "same layers and shapes in all"
            )
        self._layers = layers
        codes = Codes._trusted(concatenate(list(self._words.values()), axis=1), layers)
        self._words, self._bits = {}, {}
        return codes


@contextmanager
def _recording(
    model: nn.Module, modules: dict[str, nn.Module], recorder: _Recorder
) -> Iterator[Callable[..., Any]]:
    """Hook the modules for the length of a block, in which the model is to be run."""

    def before(name: str) -> Any:
        return lambda part, arguments: recorder.record(name, arguments[0])

    def after(name: str) -> Any:
        return lambda part, arguments, output: recorder.record(name, output)

    handles = [
        part.register_forward_pre_hook(before(name))
        if isinstance(part, ACTIVATIONS)
        else part.register_forward_hook(after(name))
        for name, part in modules.items()
    ]
    try:
        yield model
    finally:
        for handle in handles:
            handle.remove()
