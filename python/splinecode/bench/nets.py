"""The networks and segments that the cases on segments share."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from ..network import Network
from ..reading import read_network
from . import resnet


@dataclass(frozen=True)
class Read:
    """A network as read, and segments a to b, float64."""

    name: str
    network: Network
    a: Tensor
    b: Tensor


@dataclass(frozen=True)
class Net(Read):
    """A ReLU net of default initialisation in both dtypes.

    The float64 weights and ends are the float32 ones: every contender gets the same numbers.
    """

    double: nn.Sequential
    single: nn.Sequential


def make_net(widths: Sequence[int], segments: int) -> Net:
    """Build a net (input, hidden ..., output) and standard normal segments, float64."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        modules: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            modules += [nn.Linear(inputs, outputs), nn.ReLU()]
        a, b = torch.randn(2, segments, widths[0]).double()
    single = nn.Sequential(*modules[:-1]).eval()
    double = copy.deepcopy(single).double()
    return Net(_name(widths), read_network(double, a[:1]), a, b, double, single)


def make_cnn(
    channels: Sequence[int], size: int, pool: nn.Module, segments: int, share: float
) -> Net:
    """Build a net of three 3 x 3 convolutions with a pool after the second, and a linear layer.

    Segments go from standard normal images on a `share` of the way to others.
    """
    one, two, three = channels
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        single = nn.Sequential(
            nn.Conv2d(1, one, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(one, two, 3, padding=1),
            nn.ReLU(),
            pool,
            nn.Conv2d(two, three, 3, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(three * (size // 2) ** 2, 10),
        ).eval()
        a, b = torch.randn(2, segments, 1, size, size).double()
    double = copy.deepcopy(single).double()
    name = f"CNN {size}x{size}, {one}-{two}-{three} channels, {type(pool).__name__}"
    return Net(name, read_network(double, a[:1]), a, a + share * (b - a), double, single)


def make_resnet(sizes: resnet.Sizes) -> Read:
    """Read a ResNet, and draw one segment between two standard normal images."""
    model = resnet.resnet(sizes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        a, b = torch.randn(2, 1, 3, sizes.image, sizes.image).double()
    return Read(str(sizes), read_network(model, a), a, b)


def _name(widths: Sequence[int]) -> str:
    """Write 784-256-256-10 as 784-256x2-10."""
    hidden = widths[1:-1]
    return f"{widths[0]}-{hidden[0]}x{len(hidden)}-{widths[-1]}"
