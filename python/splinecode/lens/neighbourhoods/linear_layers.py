"""Linear maps whose outputs are pre-activations: which they are, and the norms of their rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn

from ...blocks.parts import read_linear
from ...capture import ACTIVATIONS
from ...decoders import decoder_linears
from ...exported import Part, Program
from ...exported.activations import activations
from ...reading import UnsupportedNetworkError

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_CONVOLUTION_KINDS = tuple(kind.__name__ for kind in _CONVOLUTIONS)
_STORED_TRANSPOSED = "Conv1D"  # of transformers


def chosen_linears(
    model: nn.Module, layers: str | Sequence[str] | None, run: Callable[[], object]
) -> dict[str, nn.Module]:
    """Return the linear maps to look at, by name.

    Parameters
    ----------
    model : torch.nn.Module, or a Program
    layers : glob or globs over module names, optional
        None: the first linear map of every decoder block's MLP (the gate of a gated one), or else
        every linear map and convolution whose output is what an activation module takes.
    run : runs the model once on some inputs

    Raises
    ------
    ValueError : nothing matches, or nothing is found by itself; what to do.

    """
    named = {name: part for name, part in model.named_modules() if name or part is model}
    if layers is not None:
        chosen: dict[str, nn.Module] = {}
        for pattern in [layers] if isinstance(layers, str) else layers:
            matching = {name: part for name, part in named.items() if fnmatchcase(name, pattern)}
            if not matching:
                raise ValueError(f"layers: no module matches {pattern!r}; there are {list(named)}")
            chosen |= matching
        return chosen
    decoders = decoder_linears(model)
    if decoders:
        found = {name: named[name] for name in decoders}
    elif isinstance(model, Program):
        found = _before_exported_kinks(model)
    else:
        found = _before_kinks(named, run)
    if not found:
        raise ValueError(
            "model has no decoder block of a known shape, and no linear map or convolution whose "
            "output an activation module takes: name the linear maps with layers="
        )
    return found


def _before_kinks(named: dict[str, nn.Module], run: Callable[[], object]) -> dict[str, nn.Module]:
    """Run once, and see which outputs of linear maps activation modules are given."""
    made: dict[int, tuple[str, Any]] = {}
    found: dict[str, nn.Module] = {}

    def after(name: str) -> Any:
        # The output is kept, so that no other tensor gets its id.
        return lambda part, arguments, output: made.__setitem__(id(output), (name, output))

    def before(part: nn.Module, arguments: Any, named_arguments: dict[str, Any]) -> None:
        given = [*arguments, *named_arguments.values()]
        if given and id(given[0]) in made:
            name = made[id(given[0])][0]
            found[name] = named[name]

    handles = []
    for name, part in named.items():
        if isinstance(part, (nn.Linear, *_CONVOLUTIONS)):
            handles.append(part.register_forward_hook(after(name)))
        elif isinstance(part, ACTIVATIONS):
            handles.append(part.register_forward_pre_hook(before, with_kwargs=True))
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    return found


def _before_exported_kinks(program: Program) -> dict[str, nn.Module]:
    """Return the linear maps whose outputs are what the program's activations take."""
    found: dict[str, nn.Module] = {}
    for _, operand in activations(program, all_of_one_bit=False).values():
        calls = program.calls(operand)
        if calls and calls[-1].is_leaf and calls[-1].kind in ("Linear", *_CONVOLUTION_KINDS):
            found[calls[-1].path] = program.get_submodule(calls[-1].path)
    return found


def row_norms(module: nn.Module, name: str) -> Tensor:
    """Return ||w_j||_2 of each unit of a linear map or convolution, float64 (units,), on the CPU.

    Raises UnsupportedNetworkError (a ValueError), which says what to do, for any other module.
    """
    if isinstance(module, Part):
        rows = _exported_rows(module, name)
    elif isinstance(module, _CONVOLUTIONS):
        rows = module.weight.detach().cpu().flatten(1)
    else:
        rows = torch.from_numpy(read_linear(module, name)[0])
    norms: Tensor = torch.linalg.vector_norm(rows.double(), dim=1)
    return norms


def _exported_rows(part: Part, name: str) -> Tensor:
    """Return the weights of each unit (units, width) of a linear map that was exported."""
    weight = getattr(part, "weight", None)
    kinds = ("Linear", _STORED_TRANSPOSED, *_CONVOLUTION_KINDS)
    if part.kind not in kinds or not isinstance(weight, Tensor):
        raise UnsupportedNetworkError(
            f"{part.kind or 'what'} at {name!r} is no linear map of its own `weight`; wanted one "
            f"exported from {', '.join(kinds)}"
        )
    rows = weight.detach().cpu()
    return rows.T if part.kind == _STORED_TRANSPOSED else rows.flatten(1)


def units_last(module: nn.Module, z: Tensor) -> Tensor:
    """Return pre-activations as (inputs, positions, units)."""
    kind = module.kind if isinstance(module, Part) else ""
    if isinstance(module, _CONVOLUTIONS) or kind in _CONVOLUTION_KINDS:
        z = z.movedim(1, -1)
    return z.reshape(len(z), -1, z.shape[-1])
