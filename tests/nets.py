"""Small networks and the comparison of crossings with the oracle, shared by tests."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import torch
from torch import nn

import oracle
from splinecode import Crossings, Network, crossings, read_network


def mlp(*widths: int, bias: bool = True) -> nn.Sequential:
    layers: list[nn.Module] = []
    for i in range(len(widths) - 1):
        layers.append(nn.Linear(widths[i], widths[i + 1], bias=bias))
        if i < len(widths) - 2:
            layers.append(nn.ReLU())
    return nn.Sequential(*layers).double().eval()


def cnn() -> nn.Sequential:
    """A chain of convolutions, pools and linear layers on 1 x 6 x 6 inputs."""
    net = (
        nn.Sequential(
            nn.Conv2d(1, 3, 3, padding=1),
            nn.BatchNorm2d(3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(3, 2, 2, dilation=1),
            nn.AvgPool2d(2, stride=1),
            nn.LeakyReLU(0.25),
            nn.Dropout(),
            nn.Flatten(),
            nn.Linear(2, 4),
            nn.ReLU(),
            nn.Linear(4, 2),
        )
        .double()
        .eval()
    )
    norm = net[1]
    with torch.no_grad():
        norm.running_mean.uniform_(-0.5, 0.5)
        norm.running_var.uniform_(0.5, 2.0)
        norm.weight.uniform_(-1.5, 1.5)
        norm.bias.uniform_(-0.5, 0.5)
    return net


def read(module: nn.Module, *shape: int) -> Network:
    return read_network(module, torch.zeros(1, *shape, dtype=torch.float64))


def oracle_of(network: Network, a: torch.Tensor, b: torch.Tensor) -> oracle.OracleResult:
    ends = oracle.exactly(torch.stack([a, b]).flatten(1))
    return oracle.crossings(oracle.nodes_of(network), *ends)


def events_of(found: Crossings) -> list[tuple[int, int, int]]:
    return list(
        zip(found.layer.tolist(), found.unit.tolist(), found.direction.tolist(), strict=True)
    )


def need_equal(found: Crossings, wanted: oracle.OracleResult, largest_error: float = 1e-9) -> None:
    """Same events in the same order, t within the stated bounds, same codes and outputs."""
    assert events_of(found) == [(e.layer, e.unit, e.direction) for e in wanted.events]
    for t, error, event in zip(
        found.t.tolist(), found.t_error.tolist(), wanted.events, strict=True
    ):
        assert 0 < t < 1
        assert abs(Fraction(t) - event.t) <= Fraction(error)
        assert error < largest_error
    assert len(found.knots) >= len(wanted.knots)
    if len(found.knots) == len(wanted.knots):
        flat = [[bit for layer in piece for bit in layer] for piece in wanted.codes]
        np.testing.assert_array_equal(
            found.codes().bits(), np.array(flat, dtype=bool).reshape(len(flat), -1)
        )
        values = np.array([[float(v) for v in row] for row in wanted.values])
        np.testing.assert_allclose(
            np.asarray(found.values).reshape(values.shape), values, atol=1e-9, rtol=1e-9
        )


def agree(module: nn.Module, shape: tuple[int, ...], a: torch.Tensor, b: torch.Tensor) -> Crossings:
    """Compare crossings of one segment with the oracle's, and return them."""
    network = read(module, *shape)
    found = crossings(network, a, b)
    need_equal(found, oracle_of(network, a, b))
    return found
