"""The counts of pairs, whatever holds them: a module, a network or codes."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ...arrays import Array
from ...capture import spline_codes
from ...codes import Codes, Layer
from ...network import Network
from ..subjects import network_of
from .pair_counts import PairCounts, endpoint_counts, exact_counts
from .pairs import Indices

INPUTS = "inputs"
"""The `distance_of` that is no name of a layer."""


class Measured(NamedTuple):
    """Counts of pairs by layer, the points whose distances they belong to, what was run."""

    layers: tuple[Layer, ...]
    counts: PairCounts
    points: Array
    work: dict[str, int]


def measured(
    subject: nn.Module | Network | Codes,
    x: Tensor,
    pairs: Indices,
    *,
    exact: bool,
    layers: str | Sequence[str] | None,
    distance_of: str,
    batch_size: int,
    progress: bool,
) -> Measured:
    """Count the boundaries between rows of x; the arguments are those of `boundary_density`."""
    if isinstance(subject, Codes):
        return _of_codes(subject, x, pairs, exact, layers, distance_of)
    if exact or isinstance(subject, Network):
        network = network_of(subject, x)
        if distance_of != INPUTS:
            x = in_batches(lambda part: network.values_at(part, distance_of), x, batch_size)
            network = network.restrict(start=distance_of)
        return _of_network(network, x, pairs, exact, layers, batch_size, progress)
    if not isinstance(subject, nn.Module):
        raise TypeError(
            f"subject is a {type(subject).__name__}; wanted a torch.nn.Module, a Network or Codes"
        )
    codes = spline_codes(subject, x, layers, batch_size=batch_size, progress=progress)
    work = {"forward passes": len(x)}
    points = x
    if distance_of != INPUTS:
        points = outputs_of(subject, x, distance_of, batch_size)
        work["forward passes"] += len(x)
    return Measured(codes.layers, endpoint_counts(codes, pairs), points, work)


def _of_codes(
    codes: Codes,
    x: Tensor,
    pairs: Indices,
    exact: bool,
    layers: str | Sequence[str] | None,
    distance_of: str,
) -> Measured:
    if exact:
        raise ValueError("exact needs the network: subject is Codes, which know their ends alone")
    if distance_of != INPUTS:
        raise ValueError(
            f"distance_of is {distance_of!r} but subject is Codes: pass what distances are to be "
            "taken of as inputs"
        )
    if layers is not None:
        codes = codes.select(*(codes.layers[i].name for i in chosen_layers(codes.layers, layers)))
    return Measured(codes.layers, endpoint_counts(codes, pairs), x, {})


def _of_network(
    network: Network,
    x: Tensor,
    pairs: Indices,
    exact: bool,
    layers: str | Sequence[str] | None,
    batch_size: int,
    progress: bool,
) -> Measured:
    chosen = chosen_layers(network.layers, layers)
    kept = tuple(network.layers[i] for i in chosen)
    if exact:
        found = exact_counts(network, x, pairs, batch_size, progress)
        work = {"crossings": found.crossings, "ambiguous segments": found.ambiguous}
        return Measured(kept, found.of_layers(chosen), x, {"segments": len(pairs), **work})
    parts = [network.codes(part) for part in x.split(batch_size)]
    counts = endpoint_counts(Codes.concatenate(parts), pairs)
    return Measured(kept, counts.of_layers(chosen), x, {"forward passes": len(x)})


def chosen_layers(layers: Sequence[Layer], patterns: str | Sequence[str] | None) -> list[int]:
    """Return the numbers of the layers whose names match a glob; all for None.

    Raises ValueError for a glob that matches none, and where there are none.
    """
    names = [layer.name for layer in layers]
    if not names:
        raise ValueError("subject has no layers; wanted at least one with boundaries")
    if patterns is None:
        return list(range(len(names)))
    globs = [patterns] if isinstance(patterns, str) else list(patterns)
    for glob in globs:
        if not any(fnmatchcase(name, glob) for name in names):
            raise ValueError(f"layers: no layer matches {glob!r}; there are {names}")
    return [i for i, name in enumerate(names) if any(fnmatchcase(name, glob) for glob in globs)]


def in_batches(call: Any, x: Tensor, batch_size: int) -> Tensor:
    """Call with so many rows of x at a time."""
    return torch.cat([call(part) for part in x.split(batch_size)])


def outputs_of(model: nn.Module, x: Tensor, name: str, batch_size: int) -> Tensor:
    """Return what a submodule puts out, the last time it runs, for each input: (n, ...).

    Raises ValueError for the name of no module, or of one that does not run or gives no tensor.
    """
    parts = dict(model.named_modules())
    if name not in parts:
        raise ValueError(f"distance_of is {name!r}, which is no module; there are {list(parts)}")
    seen: list[Any] = []
    handle = parts[name].register_forward_hook(lambda part, given, output: seen.append(output))

    def run(part: Tensor) -> Tensor:
        seen.clear()
        model(part)
        if not seen or not isinstance(seen[-1], Tensor):
            found = f"gives a {type(seen[-1]).__name__}" if seen else "does not run"
            raise ValueError(f"distance_of: {name!r} {found}; wanted a module that gives a tensor")
        return seen[-1]

    try:
        with torch.no_grad():
            return in_batches(run, x, batch_size)
    finally:
        handle.remove()
