"""Small networks and segments that rounding decides wrongly: ties, near ties, twins, dead units."""

from __future__ import annotations

import random

import torch
from torch import Tensor

import graphs
from splinecode import steps
from splinecode.network import Network, Node

KINDS = (
    *("random", "integer", "twins", "origin", "nudged", "sums", "vertex"),
    *("dead", "parallel", "still", "meeting"),
)


def case(seed: int, kind: str = "") -> tuple[str, Network, Tensor, Tensor]:
    """Return a kind, by the seed where none is asked for, a network and the ends of a segment."""
    kind = kind or KINDS[seed % len(KINDS)]
    if kind in ("random", "integer"):
        integer = kind == "integer"
        network = graphs.random_network(seed, integer=integer, length=5, most_units=24)
        return kind, network, *graphs.random_segment(network, seed, integer=integer)
    return kind, *_CASES[kind](random.Random(seed), torch.Generator().manual_seed(seed))


def mlp(weights: list[Tensor], biases: list[Tensor]) -> Network:
    nodes = [Node(steps.Input(), (), "input", (weights[0].shape[1],))]
    for i, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        shape = (len(weight),)
        nodes.append(Node(steps.Linear(weight, bias), (len(nodes) - 1,), f"{i}", shape))
        if i < len(weights) - 1:
            nodes.append(Node(steps.relu(len(weight)), (len(nodes) - 1,), f"relu{i}", shape))
    return Network(nodes)


def _normal(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def _layers(
    rng: random.Random, generator: torch.Generator, bias: bool
) -> tuple[list[Tensor], list[Tensor]]:
    widths = [rng.randint(1, 3), *(rng.randint(2, 6) for _ in range(rng.randint(1, 3))), 1]
    pairs = list(zip(widths[1:], widths[:-1], strict=True))
    weights = [_normal(generator, *pair) for pair in pairs]
    biases = [_normal(generator, n) * (1.0 if bias else 0.0) for n, _ in pairs]
    return weights, biases


def _twins(rng: random.Random, generator: torch.Generator) -> tuple[Network, Tensor, Tensor]:
    """Every hidden unit twice."""
    weights, biases = _layers(rng, generator, bias=True)
    for i in range(len(weights) - 1):
        weights[i], biases[i] = weights[i].repeat(2, 1), biases[i].repeat(2)
        weights[i + 1] = weights[i + 1].repeat(1, 2)
    a, b = _normal(generator, 2, weights[0].shape[1])
    return mlp(weights, biases), a, b


def _origin(rng: random.Random, generator: torch.Generator) -> tuple[Network, Tensor, Tensor]:
    """No biases, through the origin or past it at a distance of rounding."""
    weights, biases = _layers(rng, generator, bias=False)
    a = _normal(generator, weights[0].shape[1])
    b = -a * rng.choice([0.5, 1.0, 3.0])
    if rng.random() < 0.5:
        b = b + _normal(generator, len(b)) * 10.0 ** rng.randint(-18, -10)
    return mlp(weights, biases), a, b


def _nudged(rng: random.Random, generator: torch.Generator) -> tuple[Network, Tensor, Tensor]:
    """Small integers, some of them off by some units in the last place."""
    weights, biases = _layers(rng, generator, bias=True)
    numbers = [*weights, *biases]
    for values in numbers:
        values.copy_(torch.randint(-2, 3, values.shape, generator=generator))
        nudge = torch.randint(-2, 3, values.shape, generator=generator)
        values.mul_(1 + nudge * 2.0**-52 * (rng.random() < 0.5))
    ends = torch.randint(-4, 5, (2, weights[0].shape[1]), generator=generator).double()
    return mlp(weights, biases), ends[0], ends[1]


def _sums(rng: random.Random, generator: torch.Generator) -> tuple[Network, Tensor, Tensor]:
    """Second layers that add up to zero but for rounding."""
    n = rng.randint(1, 3)
    first = _normal(generator, n, 2)
    parts = torch.tensor([[1.1, -0.4, -0.7], [0.1, 0.2, -0.3], [0.3, 0.6, -0.9]])
    second = torch.cat([parts[i % 3].double() * _normal(generator, 1) for i in range(n)])
    weights = [first.repeat_interleave(3, 0), second[None], _normal(generator, 1, 1)]
    biases = [
        _normal(generator, n).repeat_interleave(3),
        torch.zeros(1).double(),
        torch.ones(1).double(),
    ]
    a, b = _normal(generator, 2, 2)
    return mlp(weights, biases), a, b


def _vertex(rng: random.Random, generator: torch.Generator) -> tuple[Network, Tensor, Tensor]:
    """A segment from, to or through a point where first-layer boundaries meet."""
    weights, biases = _layers(rng, generator, bias=True)
    point = torch.randint(-8, 9, (weights[0].shape[1],), generator=generator).double() / 4
    weights[0] = torch.round(weights[0] * 8) / 8
    biases[0] = -(weights[0] @ point)
    other = _normal(generator, len(point))
    ends = rng.choice([(point, other), (other, point), (other, 2 * point - other)])
    return mlp(weights, biases), *ends


def _dead(rng: random.Random, generator: torch.Generator) -> tuple[Network, Tensor, Tensor]:
    """A layer that is inactive everywhere or at a distance of rounding from it."""
    weights, biases = _layers(rng, generator, bias=rng.random() < 0.5)
    layer = rng.randrange(len(weights) - 1)
    biases[layer].fill_(-100.0)
    a, b = _normal(generator, 2, weights[0].shape[1])
    if layer == 0:
        biases[0] = -torch.maximum(weights[0] @ a, weights[0] @ b)
    return mlp(weights, biases), a, b


def _parallel(rng: random.Random, generator: torch.Generator) -> tuple[Network, Tensor, Tensor]:
    """Boundaries that are parallel and some units in the last place apart, in any layer."""
    weights, biases = _layers(rng, generator, bias=True)
    layer = rng.randrange(len(weights) - 1)
    n = len(weights[layer])
    weights[layer] = weights[layer][:1].repeat(n, 1)
    nudge = torch.randint(-2, 3, (n,), generator=generator) * 2.0 ** rng.randint(-53, -45)
    biases[layer] = biases[layer][:1] * (1 + nudge)
    a, b = _normal(generator, 2, weights[0].shape[1])
    return mlp(weights, biases), a, b


def _still(rng: random.Random, generator: torch.Generator) -> tuple[Network, Tensor, Tensor]:
    """A segment of no length or hardly any, on a boundary or at a distance of rounding from it."""
    network, a, b = _vertex(rng, generator)
    point = rng.choice([a, b])
    moved = point + _normal(generator, len(point)) * 10.0 ** rng.randint(-20, -12)
    return network, *rng.choice([(point, point), (point, moved), (moved, point), (moved, moved)])


def _meeting(rng: random.Random, generator: torch.Generator) -> tuple[Network, Tensor, Tensor]:
    """Windows of lines that meet in one point, or nearly."""
    n = rng.randint(3, 6)
    slope = _normal(generator, n) if rng.random() < 0.5 else _normal(generator, n).round()
    t, height = rng.choice([0.5, 1 / 3, rng.random()]), rng.choice([0.0, 1.0, rng.random()])
    near = 10.0 ** rng.uniform(-18, -9) * _normal(generator, n)
    bias = height - slope * t + near * (torch.rand(n, generator=generator) < 0.7)
    step = steps.Linear(slope[:, None], bias)
    nodes = [Node(steps.Input(), (), "input", (1,)), Node(step, (0,), "lines", (n,))]
    if rng.random() < 0.4:
        nodes.append(Node(steps.relu(n, rng.choice([0.0, 0.25])), (1,), "relu", (n,)))
    index = torch.stack([torch.randperm(n, generator=generator)[:3] for _ in range(2)])
    nodes.append(Node(steps.MaxWindows(index), (len(nodes) - 1,), "max", (2,)))
    a, b = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    return Network(nodes), a, b


_CASES = {
    "twins": _twins,
    "origin": _origin,
    "nudged": _nudged,
    "sums": _sums,
    "vertex": _vertex,
    "dead": _dead,
    "parallel": _parallel,
    "still": _still,
    "meeting": _meeting,
}
