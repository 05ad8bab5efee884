"""Distances to boundaries, layer by layer, against gradients of every unit."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from splinecode import nearest_boundary, read_network
from splinecode.lens import nearest_boundaries


def net(seed: int = 0) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = (nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))
        return nn.Sequential(*layers).double().eval()


def points(n: int = 5, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, 4)))


def slow_distances(model: nn.Sequential, x: torch.Tensor, norm: float) -> list[float]:
    """abs(z_j) over the dual norm of its gradient, unit by unit; the least of each layer."""
    dual = {1: math.inf, 2: 2, math.inf: 1}[norm]
    least = []
    for part in (model[:1], model[:3]):
        distances = []
        for j in range(len(part(x))):
            leaf = x.clone().requires_grad_()
            z = part(leaf)[j]
            (gradient,) = torch.autograd.grad(z, leaf)
            size = float(gradient.norm(dual))
            distances.append(abs(float(z.detach())) / size if size > 0 else math.inf)
        least.append(min(distances))
    return least


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.sampled_from([1, 2, math.inf]))
def test_distances_are_those_of_gradients(seed: int, norm: float) -> None:
    model, x = net(seed % 5), points(3, seed)
    found = nearest_boundaries(model, x, norm=norm)
    assert np.allclose(found.distance, [slow_distances(model, one, norm) for one in x])
    whole = nearest_boundary(read_network(model, x[:1]), x, norm=norm)
    assert np.allclose(found.least, whole.distance)
    assert np.array_equal(found.layer, whole.layer)
    assert np.array_equal(found.unit[np.arange(3), found.layer], whole.unit)


def test_loaders_networks_limits_and_tables() -> None:
    model, x = net(), points(40)
    whole = nearest_boundaries(model, x)
    network = read_network(model, x[:1])
    for inputs in (list(x.split(7)), x.numpy()):
        assert np.allclose(
            nearest_boundaries(network, inputs, limit=20).distance, whole.distance[:20]
        )
    text = str(whole)
    assert "nearest of all" in text
    assert "computed: 40 inputs, 440 boundaries" in text


@torch.no_grad()
def test_layers_without_boundaries() -> None:
    model = net()
    model[0].weight.zero_()
    model[0].bias.fill_(1)
    found = nearest_boundaries(model, points())
    assert np.isinf(found.least).all()
    assert (found.layer == -1).all()
    assert (found.unit == -1).all()
    assert "0.0 %" in str(found)


def test_errors() -> None:
    with pytest.raises(ValueError, match="norm is 3"):
        nearest_boundaries(net(), points(), norm=3)
    with pytest.raises(ValueError, match="no layer of kinks"):
        nearest_boundaries(nn.Linear(4, 2).double().eval(), points())
    with pytest.raises(ValueError, match="GELU"):
        nearest_boundaries(nn.Sequential(nn.Linear(4, 2), nn.GELU()).double().eval(), points())
