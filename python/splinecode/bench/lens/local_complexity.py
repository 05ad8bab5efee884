"""Local complexity of a small convolutional net."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from ... import reference
from ...lens.neighbourhoods.complexity import LocalComplexity, frame, local_complexity
from ..case import Baseline, Case, DisagreementError, Floor, Rate
from ..peak import in_words, peak_of

_RADIUS, _DIRECTIONS, _POINTS = 0.005, 20, 240
_PUBLISHED_BATCH = 256
"""Inputs per forward pass in the authors' code, whose hooks keep every layer's activations."""


def cases(quick: bool) -> list[partial[Case]]:
    """Return what builds each case: the net as it is, and with its channels last."""
    inputs = 12 if quick else 1_024
    return [partial(_case, inputs, layout) for layout in ("contiguous", "channels last")]


def _net() -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(32 * 7 * 7, 64), nn.ReLU(), nn.Linear(64, 10)),
        ).eval()


def _case(inputs: int, layout: str) -> Case:
    net = _net()
    if layout == "channels last":
        net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = torch.rand(inputs, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    relus = [part for part in net if isinstance(part, nn.ReLU)]
    directions = frame(_DIRECTIONS, 28 * 28, 0)

    def ours() -> LocalComplexity:
        return local_complexity(net, x, radius=_RADIUS, batch_size=_POINTS)

    def theirs(batch: int) -> Callable[[], Tensor]:
        return lambda: reference.local_complexity(net, x, directions, _RADIUS, relus, batch)

    memory = peak_of(ours)
    few = _POINTS // (2 * _DIRECTIONS)
    passes = 2 * _DIRECTIONS * inputs
    return Case(
        group="lens",
        title=f"local complexity of {inputs:,} inputs x {2 * _DIRECTIONS} vertices, small CNN, "
        f"{layout}{in_words(memory)}",
        sizes={"inputs": inputs, "vertices": 2 * _DIRECTIONS, "layout": layout, **memory},
        ours=ours,
        baselines=(
            _baseline(f"torch, hooks, {_PUBLISHED_BATCH} inputs a pass", theirs(_PUBLISHED_BATCH)),
            _baseline(f"torch, hooks, {few} inputs a pass, as ours", theirs(few)),
        ),
        rate=Rate(passes / 1e3, "k points/s"),
        floor=Floor("the forward passes alone", partial(_passes, net, x, directions, few)),
    )


def _baseline(label: str, call: Callable[[], Tensor]) -> Baseline:
    return Baseline(label, call, partial(_compare, in_words(peak_of(call))))


def _compare(peak: str, ours: LocalComplexity, theirs: Tensor) -> str:
    """A pass of another size may sum in another order: a unit in 10,000 may fall otherwise."""
    off = int((torch.from_numpy(ours.counts[0]) - theirs).abs().sum())
    total = int(theirs.sum())
    if off > 1e-4 * total:
        raise DisagreementError(f"{off:,} of {total:,} units that flip differ")
    return f"{total:,} units flip" + (f", {off} by rounding" if off else "") + peak


@torch.no_grad()
def _passes(net: nn.Module, x: Tensor, directions: Tensor, batch: int) -> None:
    steps = torch.cat([directions, -directions]).to(x.dtype) * _RADIUS
    for some in x.split(batch):
        net((some.flatten(1)[:, None] + steps).reshape(-1, *x.shape[1:]))
