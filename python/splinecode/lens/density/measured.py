"""What the counts of pairs come from: codes or a network, and the points distances are taken of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...capture import spline_codes
from ...capture.capturing import Model
from ...codes import Codes, Layer
from ...layer_names import matching
from ...network import Network
from ..models import module_of
from ..outputs import keeping_outputs
from ..subjects import network_of
from .pair_counts import PairCounts, endpoint_counts, exact_counts
from .pairs import Indices

INPUTS = "inputs"
"""The `distance_of` that is no name of a layer."""


@dataclass(frozen=True)
class Measured:
    """Inputs that were run: their points, a row each, and what tells boundaries between them.

    points : Tensor (inputs, ...), whose distances count
    source : Codes of the inputs, or for exact counts the network that begins at the points
    chosen : numbers of the source's layers
    work : mapping
    """

    points: Tensor
    source: Codes | Network
    chosen: list[int]
    work: dict[str, int]

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The chosen layers."""
        return tuple(self.source.layers[i] for i in self.chosen)

    def counts(
        self, pairs: Indices, batch_size: int, progress: bool
    ) -> tuple[PairCounts, dict[str, int]]:
        """Count the boundaries between rows of the points, and what was done for it."""
        if isinstance(self.source, Codes):
            return endpoint_counts(self.source, pairs).of_layers(self.chosen), self.work
        found = exact_counts(self.source, self.points, pairs, batch_size, progress)
        swept = {"segments": len(pairs), "crossings": found.crossings}
        ambiguous = {"ambiguous segments": found.ambiguous}
        return found.of_layers(self.chosen), self.work | swept | ambiguous


def measured(
    subject: Model | Network | Codes,
    x: Tensor,
    *,
    exact: bool,
    layers: str | Sequence[str] | None,
    distance_of: str,
    batch_size: int,
    progress: bool,
) -> Measured:
    """Run inputs; the arguments are those of `boundary_density`."""
    if isinstance(subject, Codes):
        _need_ends_alone(exact, distance_of)
        return Measured(x, subject, chosen_layers(subject.layers, layers), {})
    if exact or isinstance(subject, Network):
        return _of_network(network_of(subject, x), x, exact, layers, distance_of, batch_size)
    model = module_of(subject, "subject", "a torch.nn.Module, a Network or Codes")
    return _of_module(model, x, layers, distance_of, batch_size, progress)


def _need_ends_alone(exact: bool, distance_of: str) -> None:
    """Raise ValueError for what Codes cannot tell."""
    if exact:
        raise ValueError("exact needs the network: subject is Codes, which know their ends alone")
    if distance_of != INPUTS:
        raise ValueError(
            f"distance_of is {distance_of!r} but subject is Codes: pass what distances are to be "
            "taken of as inputs"
        )


def _of_network(
    network: Network,
    x: Tensor,
    exact: bool,
    layers: str | Sequence[str] | None,
    distance_of: str,
    batch_size: int,
) -> Measured:
    if distance_of != INPUTS:
        x = in_batches(lambda part: network.values_at(part, distance_of), x, batch_size)
        network = network.restrict(start=distance_of)
    chosen = chosen_layers(network.layers, layers)
    if exact:
        return Measured(x, network, chosen, {})
    codes = Codes.concatenate([network.codes(part) for part in x.split(batch_size)])
    return Measured(x, codes, chosen, {"forward passes": len(x)})


def in_batches(call: Callable[[Tensor], Tensor], x: Tensor, batch_size: int) -> Tensor:
    """Call with so many rows of x at a time."""
    return torch.cat([call(part) for part in x.split(batch_size)])


def _of_module(
    model: nn.Module,
    x: Tensor,
    layers: str | Sequence[str] | None,
    distance_of: str,
    batch_size: int,
    progress: bool,
) -> Measured:
    def captured() -> Codes:
        return spline_codes(model, x, layers, batch_size=batch_size, progress=progress)

    points = x
    if distance_of == INPUTS:
        codes = captured()
    else:
        parts = dict(model.named_modules())
        if distance_of not in parts:
            raise ValueError(
                f"distance_of is {distance_of!r}, which is no module; there are {list(parts)}"
            )
        with keeping_outputs(parts[distance_of]) as kept:
            codes = captured()
        points = _last_runs(kept, len(x), -(-len(x) // batch_size), distance_of)
    every = list(range(len(codes.layers)))
    return Measured(points, codes, every, {"forward passes": len(x)})


def _last_runs(kept: list[Tensor], inputs: int, passes: int, name: str) -> Tensor:
    """Return what a module gave the last time it ran in each forward pass: (inputs, units)."""
    runs, left_over = divmod(len(kept), passes)
    last = kept[runs - 1 :: runs] if runs else []
    rows = sum(map(len, last))
    if left_over or rows != inputs:
        raise ValueError(
            f"distance_of: {name!r} gave {len(kept)} tensors in {passes} forward passes, {rows} "
            f"rows for {inputs} inputs; wanted a module that gives a row an input each time"
        )
    return torch.cat(last)


def chosen_layers(layers: Sequence[Layer], patterns: str | Sequence[str] | None) -> list[int]:
    """Return the numbers of the layers that a glob means, as in `Codes.select`; all for None.

    Raises ValueError for a glob that matches none, and where there are none.
    """
    names = [layer.name for layer in layers]
    if not names:
        raise ValueError("subject has no layers; wanted at least one with boundaries")
    if patterns is None:
        return list(range(len(names)))
    places, idle = matching(names, [patterns] if isinstance(patterns, str) else list(patterns))
    if idle:
        raise ValueError(f"layers: no layer matches {idle[0]!r}; there are {names}")
    return places
