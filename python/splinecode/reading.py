"""Reading torch modules into a Network."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx, nn

from . import steps
from .arrays import Array, library_of
from .network import Network, Place
from .steps import Shape, Step, pair


class UnsupportedNetworkError(ValueError):
    """A module holds something that `read_network` does not read."""


def read_network(module: nn.Module, example_input: Array) -> Network:
    """Read a piecewise-linear torch module into a `Network`.

    Layers are its ReLUs, LeakyReLUs and max pools, named after their modules (``act``, ``act#2``,
    ... where one runs several times). Exactness refers to the network read: batch norms are folded
    in float64, which rounds.

    Parameters
    ----------
    module : torch.nn.Module in evaluation mode
        A chain (Sequential or a traceable forward) of Linear, Conv2d, BatchNorm, ReLU, LeakyReLU,
        MaxPool2d, AvgPool2d, Flatten, Dropout, Identity. Batch norms are folded into the affine
        map before them. Weights are copied to float64.
    example_input : array (n, *input_shape)
        A batch as the module takes it; only its shape counts, and its values for a final check
        that the network computes what the module does.

    Returns
    -------
    network : Network

    Raises
    ------
    UnsupportedNetworkError : (a ValueError) an operation that is not read, by name and place.
    ValueError : a module in training mode, a weight that is NaN or inf, an input of another shape.
    TypeError : module is no torch.nn.Module.

    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"module is a {type(module).__name__}; wanted a torch.nn.Module")
    _need_eval_mode(module)
    _need_finite_weights(module)
    batch = _example_batch(example_input)
    places: list[Place] = []
    shape: Shape = tuple(batch.shape[1:])
    for name, step in _chain(module):
        folded = _fold(places[-1].step, step) if places else None
        if folded is not None:
            places[-1] = Place(folded, places[-1].name, places[-1].input_shape)
            continue
        _need_fitting_shape(step, shape, name)
        places.append(Place(step, name, shape))
        shape = step.output_shape(shape)
    network = Network(places or [Place(steps.Flatten(), "input", shape)], tuple(batch.shape[1:]))
    _need_same_function(network, module, batch)
    return network


def _example_batch(example_input: Array) -> Tensor:
    library_of(example_input, "example_input")
    batch = torch.as_tensor(example_input)
    if batch.ndim < 2 or len(batch) == 0:
        raise ValueError(
            f"example_input has shape {tuple(batch.shape)}; wanted a batch "
            "(n, ...) of at least one input, as the module takes it"
        )
    return batch


def _need_eval_mode(module: nn.Module) -> None:
    for name, part in module.named_modules():
        if part.training:
            raise ValueError(
                f"module is in training mode (at {name or 'its root'}); call module.eval() first"
            )


def _need_finite_weights(module: nn.Module) -> None:
    for name, value in [*module.named_parameters(), *module.named_buffers()]:
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise ValueError(f"{name} holds NaN or inf; wanted finite weights")


def _chain(module: nn.Module) -> list[tuple[str, Step]]:
    """Trace the module and return its steps in order, dropping those that do nothing."""
    try:
        traced = fx.symbolic_trace(module)
    except Exception as error:  # fx raises many kinds for control flow that depends on data
        raise UnsupportedNetworkError(
            f"module cannot be traced ({error}); wanted a forward without data-dependent control "
            "flow"
        ) from error
    found: list[tuple[str, Step]] = []
    current: fx.Node | None = None
    for node in traced.graph.nodes:
        if node.op == "placeholder":
            if current is not None:
                raise UnsupportedNetworkError(
                    f"module takes a second input, {node.name!r}; wanted a module of one input"
                )
        elif list(node.all_input_nodes) != [current]:
            raise UnsupportedNetworkError(
                f"{_place_of(node)} does not continue a chain: it takes "
                f"{[str(argument) for argument in node.all_input_nodes]}; wanted each step to take "
                "the one before it (no residual or branching connections yet)"
            )
        elif node.op != "output":
            found.extend((_place_of(node), step) for step in _steps_of(node, traced))
        current = node
    return _numbered(found)


def _numbered(found: list[tuple[str, Step]]) -> list[tuple[str, Step]]:
    """Name the second run of a shared module "name#2", and so on, as `spline_codes` does."""
    runs: Counter[str] = Counter()
    out = []
    for name, step in found:
        runs[name] += 1
        out.append((name if runs[name] == 1 else f"{name}#{runs[name]}", step))
    return out


def _place_of(node: fx.Node) -> str:
    return str(node.target) if node.op == "call_module" else node.name


def _steps_of(node: fx.Node, traced: fx.GraphModule) -> list[Step]:
    """Return the step of a node, or none for one that does nothing in evaluation mode."""
    if node.op == "call_module":
        part = traced.get_submodule(str(node.target))
        reader = _MODULES.get(type(part))
        if reader is not None:
            return reader(part, _place_of(node))
        what = type(part).__name__
    else:
        name = getattr(node.target, "__name__", str(node.target))
        if name in ("relu", "relu_"):
            return [steps.ReLU()]
        if name == "flatten" and [*node.args[1:], *node.kwargs.values()] == [1]:
            return [steps.Flatten()]
        what = f"{name}()"
    raise UnsupportedNetworkError(
        f"{what} at {_place_of(node)!r} is not read; wanted Linear, Conv2d, BatchNorm, ReLU, "
        "LeakyReLU, MaxPool2d, AvgPool2d, Flatten, Dropout or Identity"
    )


def _exact(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", torch.float64).clone()


def _bias(bias: Tensor | None, units: int) -> Tensor:
    return torch.zeros(units, dtype=torch.float64, device="cpu") if bias is None else _exact(bias)


def _refuse(what: str, place: str, wanted: str) -> None:
    raise UnsupportedNetworkError(f"{what} at {place!r} is not read; wanted {wanted}")


def _read_linear(part: nn.Linear, place: str) -> list[Step]:
    return [steps.Linear(_exact(part.weight), _bias(part.bias, part.out_features))]


def _read_conv(part: nn.Conv2d, place: str) -> list[Step]:
    if part.padding_mode != "zeros":
        _refuse(f"Conv2d with padding_mode {part.padding_mode!r}", place, "zero padding")
    if isinstance(part.padding, str):
        if part.padding == "same":
            _refuse("Conv2d with padding 'same'", place, "padding given as numbers")
        padding = (0, 0)
    else:
        padding = pair(part.padding)
    return [
        steps.Conv2d(
            _exact(part.weight),
            _bias(part.bias, part.out_channels),
            pair(part.stride),
            padding,
            pair(part.dilation),
            part.groups,
        )
    ]


def _read_batch_norm(part: nn.BatchNorm1d | nn.BatchNorm2d, place: str) -> list[Step]:
    if part.running_mean is None or part.running_var is None:
        _refuse("a batch norm without running statistics", place, "track_running_stats=True")
    assert part.running_mean is not None
    assert part.running_var is not None
    scale = torch.rsqrt(_exact(part.running_var) + part.eps)
    shift = torch.zeros_like(scale)
    if part.affine:
        scale = scale * _exact(part.weight)
        shift = _exact(part.bias)
    return [steps.ChannelAffine(scale, shift - _exact(part.running_mean) * scale)]


def _read_max_pool(part: nn.MaxPool2d, place: str) -> list[Step]:
    if part.ceil_mode or part.return_indices:
        _refuse("MaxPool2d with ceil_mode or return_indices", place, "neither")
    return [
        steps.MaxPool2d(
            pair(part.kernel_size), pair(part.stride), pair(part.padding), pair(part.dilation)
        )
    ]


def _read_avg_pool(part: nn.AvgPool2d, place: str) -> list[Step]:
    if part.ceil_mode or part.divisor_override:
        _refuse("AvgPool2d with ceil_mode or divisor_override", place, "neither")
    return [
        steps.AvgPool2d(
            pair(part.kernel_size), pair(part.stride), pair(part.padding), part.count_include_pad
        )
    ]


def _read_flatten(part: nn.Flatten, place: str) -> list[Step]:
    if part.start_dim != 1 or part.end_dim != -1:
        _refuse(f"Flatten({part.start_dim}, {part.end_dim})", place, "Flatten(1, -1)")
    return [steps.Flatten()]


_MODULES: dict[type[nn.Module], Callable[[Any, str], list[Step]]] = {
    nn.Linear: _read_linear,
    nn.Conv2d: _read_conv,
    nn.BatchNorm1d: _read_batch_norm,
    nn.BatchNorm2d: _read_batch_norm,
    nn.ReLU: lambda part, place: [steps.ReLU()],
    nn.LeakyReLU: lambda part, place: [steps.ReLU(float(part.negative_slope))],
    nn.MaxPool2d: _read_max_pool,
    nn.AvgPool2d: _read_avg_pool,
    nn.Flatten: _read_flatten,
    nn.Dropout: lambda part, place: [],
    nn.Dropout2d: lambda part, place: [],
    nn.Identity: lambda part, place: [],
}


def _fold(before: Step, step: Step) -> Step | None:
    """Absorb a batch norm into the linear or convolution before it; None if that does not apply."""
    if not isinstance(step, steps.ChannelAffine):
        return None
    if isinstance(before, steps.Linear):
        return steps.Linear(
            before.weight * step.scale[:, None], before.bias * step.scale + step.shift
        )
    if isinstance(before, steps.Conv2d):
        return steps.Conv2d(
            before.weight * step.scale.view(-1, 1, 1, 1),
            before.bias * step.scale + step.shift,
            before.stride,
            before.padding,
            before.dilation,
            before.groups,
        )
    return None


def _need_fitting_shape(step: Step, shape: Shape, place: str) -> None:
    spatial = isinstance(step, (steps.Conv2d, steps.MaxPool2d, steps.AvgPool2d))
    wanted = None
    if spatial and len(shape) != 3:
        wanted = "(channels, rows, columns)"
    elif isinstance(step, steps.Conv2d) and shape[0] != step.weight.shape[1] * step.groups:
        wanted = f"{step.weight.shape[1] * step.groups} channels"
    elif isinstance(step, steps.Linear) and shape != (step.weight.shape[1],):
        wanted = f"({step.weight.shape[1]},): a Linear takes flat inputs here"
    elif isinstance(step, steps.ChannelAffine) and shape[0] != len(step.scale):
        wanted = f"{len(step.scale)} channels"
    elif spatial and min(step.output_shape(shape)) < 1:
        wanted = "an input that the window fits in"
    elif isinstance(step, steps.MaxPool2d) and bool((step.windows(shape) < 0).all(1).any()):
        wanted = "windows that hold more than padding"
    if wanted:
        raise ValueError(
            f"{type(step).__name__} at {place!r} gets inputs of shape {shape}; "
            f"wanted {wanted}. Is example_input a batch as the module takes it?"
        )


def _need_same_function(network: Network, module: nn.Module, batch: Tensor) -> None:
    """Compare network and module on the example: a reading that went wrong must not pass."""
    dtype = next((p.dtype for p in module.parameters() if p.is_floating_point()), torch.float64)
    device = next((p.device for p in module.parameters()), torch.device("cpu"))
    with torch.no_grad():
        theirs = module(batch.to(device, dtype)).to("cpu", torch.float64)
        ours = network(batch.to("cpu", dtype).to(torch.float64))
    scale = float(theirs.abs().max()) + 1e-300
    worst = float((ours - theirs).abs().max()) / scale if ours.shape == theirs.shape else math.inf
    if not worst <= math.sqrt(torch.finfo(dtype).eps):
        raise UnsupportedNetworkError(
            f"the network read from the module differs from it on example_input by {worst:.1e} of "
            "the largest output; the module computes something that its modules do not show"
        )
