"""Random small networks of all steps, and segments through them, from a seed."""

from __future__ import annotations

import math
import random

import torch
from torch import Tensor

from splinecode import steps
from splinecode.network import Network, Node
from splinecode.steps import Shape


class Builder:
    """Grows a network step by step, with integer weights (ties) or normal ones."""

    def __init__(self, seed: int, integer: bool, input_shape: Shape) -> None:
        self.random = random.Random(seed)
        self.torch = torch.Generator().manual_seed(seed)
        self.integer = integer
        self.nodes = [Node(steps.Input(), (), "input", input_shape)]

    def numbers(self, *shape: int) -> Tensor:
        if self.integer:
            return torch.randint(-2, 3, shape, generator=self.torch).double()
        return torch.randn(*shape, generator=self.torch, dtype=torch.float64)

    def add(self, step: steps.Step, shape: Shape, *inputs: int) -> int:
        taken = inputs or (len(self.nodes) - 1,)
        self.nodes.append(Node(step, taken, f"{type(step).__name__}{len(self.nodes)}", shape))
        return len(self.nodes) - 1

    @property
    def shape(self) -> Shape:
        return self.nodes[-1].shape

    @property
    def units(self) -> int:
        return math.prod(self.shape)

    def linear(self) -> None:
        out = self.random.randint(1, 5)
        run = self.shape[-1]
        step = steps.Linear(self.numbers(out, run), self.numbers(out))
        self.add(step, (*self.shape[:-1], out))

    def conv(self) -> None:
        if len(self.shape) < 2:
            self.add(steps.Gather(torch.arange(self.units)), (1, self.units))
        channels, *spatial = self.shape
        groups = channels if self.random.random() < 0.3 else 1
        out = groups * self.random.randint(1, 2)
        kernel = [self.random.randint(1, min(3, extent)) for extent in spatial]
        padding = tuple(self.random.randint(0, (k - 1) // 2 + 1) for k in kernel)
        stride = tuple(self.random.randint(1, 2) for _ in kernel)
        step = steps.Conv(
            self.numbers(out, channels // groups, *kernel),
            self.numbers(out),
            stride,
            padding,
            (1,) * len(kernel),
            groups,
            self.shape,
        )
        self.add(step, step.output_shape)

    def kink(self) -> None:
        units, shape = self.units, self.shape
        slope = 0.25 if self.random.random() < 0.5 else 0.0
        choices = [
            steps.relu(units),
            steps.relu(units, slope),
            steps.clamp(units, -1.0, 2.0),
            steps.relu(units, -1.0),
            steps.relu(units, self.numbers(units).abs() / 4),
        ]
        self.add(self.random.choice(choices), shape)

    def maxima(self) -> None:
        units = self.units
        windows = self.random.randint(1, units)
        size = self.random.randint(1, 3)
        index = torch.randint(-1, units, (windows, size), generator=self.torch)
        index[:, 0] = index[:, 0].clamp(min=0)
        self.add(steps.MaxWindows(index), (windows,))

    def residual(self) -> None:
        before = len(self.nodes) - 1
        shape = self.shape
        self.kink()
        self.add(steps.Scale(self.numbers(self.units), self.numbers(self.units)), shape)
        inputs = (before, len(self.nodes) - 1)
        self.add(steps.Sum(), shape, *inputs)

    def concat(self) -> None:
        before, units = len(self.nodes) - 1, self.units
        self.kink()
        self.add(steps.Concat(), (2 * units,), before, len(self.nodes) - 1)

    def gather(self) -> None:
        units = self.units
        out = self.random.randint(1, units + 1)
        self.add(steps.Gather(torch.randint(-1, units, (out,), generator=self.torch)), (out,))

    def sparse(self) -> None:
        rows = self.random.randint(1, 4)
        counts = torch.randint(0, 3, (rows,), generator=self.torch)
        entries = int(counts.sum())
        step = steps.Sparse(
            torch.cat([torch.zeros(1, dtype=torch.int64), counts.cumsum(0)]),
            torch.randint(0, self.units, (entries,), generator=self.torch),
            self.numbers(entries),
            self.numbers(rows),
        )
        self.add(step, (rows,))


def random_network(seed: int, *, integer: bool, length: int = 7, most_units: int = 40) -> Network:
    """Build a network of some steps, two of which are kinks at least."""
    rng = random.Random(seed)
    shape = rng.choice([(2,), (3,), (1, 4), (2, 3), (1, 3, 3), (2, 2, 3)])
    builder = Builder(seed, integer, shape)
    builder.linear() if len(shape) == 1 else builder.conv()
    grow = [
        builder.linear,
        builder.conv,
        builder.kink,
        builder.kink,
        builder.kink,
        builder.maxima,
        builder.residual,
        builder.concat,
        builder.gather,
        builder.sparse,
    ]
    for _ in range(length):
        if builder.units <= most_units:
            rng.choice(grow)()
    builder.kink()
    builder.linear()
    return Network(builder.nodes)


def random_segment(network: Network, seed: int, *, integer: bool) -> tuple[Tensor, Tensor]:
    """Draw two inputs of the network."""
    generator = torch.Generator().manual_seed(seed)
    if integer:
        ends = torch.randint(-4, 5, (2, *network.input_shape), generator=generator).double()
    else:
        ends = torch.randn(2, *network.input_shape, generator=generator, dtype=torch.float64)
    return ends[0], ends[1]
