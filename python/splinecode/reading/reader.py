"""`read_network`."""

from __future__ import annotations

import math
import sys
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ..exported import Program, exported_program
from ..network import Network, Node
from ..steps import Kink
from .cells import ROWS
from .errors import UnsupportedNetworkError
from .example import Example
from .graph import Graph
from .places import Places
from .running import Ending
from .simplify import simplified
from .tracing import Tracing

_CHECKED_ROWS = 8


def read_network(
    module: nn.Module | torch.export.ExportedProgram,
    example_input: Any,
    inputs: str | int | None = None,
    stop: str | None = None,
    output: str | int | None = None,
) -> Network:
    """Read a piecewise-linear torch module into a `Network`.

    The module is run once on traced inputs, and every operator that torch executes is read: any
    spelling (modules, functions, methods) and any Python around them will do, as long as control
    flow does not depend on values. Read are linear maps (Linear, convolutions and transposed ones,
    matmul and einsum with constants, batch norm in evaluation mode, pooling by means, sums, means,
    interpolation), whatever moves values (views, slices, concatenation, padding, flips, repeats),
    sums of branches, and kinks: ReLU and its relatives, abs, clamp, hardsigmoid, max and min over
    axes, windows or of two tensors. Layers are the kinks, named after their modules (``act``,
    ``act#2``, ... where one runs several times) or functions. Exactness refers to the network read:
    batch norms are folded in float64, which rounds.

    Parameters
    ----------
    module : torch.nn.Module in evaluation mode, or what torch.export made of one
        A module that maps each row of its input's first axis by itself. Weights are taken to
        float64, exactly. Of an ExportedProgram or its ``.module()``, layers have the names that
        they have in the module exported. One of a fixed batch size is run with batches of it:
        export one input, or a dynamic batch, to have this cheap.
    example_input : floating array (n, *input_shape), or a tuple or dict of the module's arguments
        Inputs as the module takes them. Only the shape counts, and the values for a final check
        that the network computes what the module does, and for arguments that are held fixed.
        A forward of one argument may take the tuple or dict itself.
    inputs : str or int, optional
        Which of several arguments is the network's input, by name or position. The others are held
        at their first row.
    stop : str, optional
        Name of a submodule whose output, of its last run, is the network's: what comes after need
        not be piecewise linear.
    output : str or int, optional
        Key or index of the network's output, where the module returns several tensors.

    Returns
    -------
    network : Network

    Raises
    ------
    UnsupportedNetworkError : (a ValueError) an operation that is not piecewise linear, or is not
        read: by name and place, with what is wanted instead; inputs of a batch that are mixed.
    ValueError : a module in training mode (or exported in it), a weight that is NaN or inf, an
        input that the module does not take, a name that is not there.
    TypeError : module is no torch.nn.Module.

    Notes
    -----
    Takes about as long as running the module on some inputs, and the memory of its activations as
    int64: milliseconds for a small MLP, 0.4 s for a ResNet-18 at 64 x 64.

    """
    program = exported_program(module)
    if program is not None:
        program.need_evaluation()
        module = program if stop is None else program.until(stop)
        stop = None
    if not isinstance(module, nn.Module):
        raise TypeError(f"module is a {type(module).__name__}; wanted a torch.nn.Module")
    if any(isinstance(part, torch.jit.ScriptModule) for part in module.modules()):
        raise TypeError("module is compiled to TorchScript; wanted the module that it was made of")
    if program is None:
        _need_eval_mode(module)
    _need_finite_weights(module)
    example = Example(module, example_input, inputs)
    ending = Ending(stop, output)
    rows = _fixed_rows(module, example)
    with torch.no_grad(), _uncompiled():
        batch = example.of_rows(rows or max(3, len(example.batch)))
        try:
            wanted, runs = ending.run(module, *example.arguments(batch))
        except RuntimeError as error:
            raise ValueError(
                f"module fails on a batch of {len(batch)} inputs of shape {example.shape} "
                f"({error}); wanted an example_input as the module takes it, batches along axis 0"
            ) from error
        network, epsilon = _traced(module, example, ending, runs, rows or ROWS)
        _need_same_function(network, batch, wanted, epsilon)
    return network


def _traced(
    module: nn.Module, example: Example, ending: Ending, runs: int, rows: int
) -> tuple[Network, float]:
    """Return the network, and the coarsest epsilon of the dtypes that the module computes in."""
    places = Places(module)
    graph = Graph(example.shape, places.name, places.refuse, rows)
    args, kwargs = example.arguments(graph.input(example.batch))
    tracing = Tracing(graph)
    with places.following(), tracing:
        try:
            out, _ = ending.run(module, args, kwargs, runs)
        except (RuntimeError, TypeError) as error:
            raise places.refuse(
                f"it fails where it is traced ({error}); "
                "wanted a forward of torch's operators alone"
            ) from error
    network = Network(_numbered(simplified(*graph.ended(tracing.written.seen(out)))))
    return network, max(tracing.epsilon, torch.finfo(out.dtype).eps)


def _uncompiled() -> AbstractContextManager[Any]:
    """Run what torch.compile made as it was written: tracing a compiler would take minutes."""
    if "torch._dynamo" not in sys.modules:
        return nullcontext()
    stance: AbstractContextManager[Any] = torch.compiler.set_stance("force_eager")
    return stance


def _numbered(nodes: list[Node]) -> list[Node]:
    """Give the second layer of one name "#2", and so on, as `spline_codes` does."""
    runs: Counter[str] = Counter()
    named = []
    for node in nodes:
        name = node.name
        if isinstance(node.step, Kink):
            runs[name] += 1
            name = name if runs[name] == 1 else f"{name}#{runs[name]}"
        named.append(replace(node, name=name))
    return named


def _fixed_rows(module: nn.Module, example: Example) -> int | None:
    """Return the only number of inputs that a module takes at a time, None where it takes any."""
    if not isinstance(module, Program):
        return None
    return module.fixed_rows(*example.arguments(example.batch), example.batch)


def _need_eval_mode(module: nn.Module) -> None:
    for name, part in module.named_modules():
        if part.training:
            raise ValueError(
                f"module is in training mode (at {name or 'its root'}); call module.eval() first"
            )


def _need_finite_weights(module: nn.Module) -> None:
    for name, value in module.named_parameters():
        if value.is_floating_point() and not torch.isfinite(value.detach()).all():
            raise ValueError(f"{name} holds NaN or inf; wanted finite weights")


def _need_same_function(network: Network, batch: Tensor, wanted: Tensor, epsilon: float) -> None:
    """Compare network and module on the example: a reading that went wrong must not pass."""
    theirs = wanted[:_CHECKED_ROWS].to("cpu", torch.float64)
    ours = network(batch[:_CHECKED_ROWS].to("cpu", torch.float64))
    scale = float(theirs.abs().max()) + 1e-300
    worst = float((ours - theirs).abs().max()) / scale if ours.shape == theirs.shape else math.inf
    if not worst <= math.sqrt(epsilon):
        raise UnsupportedNetworkError(
            f"the network read from the module differs from it on example_input by {worst:.1e} of "
            "the largest output; the module computes something that its operators do not show"
        )
