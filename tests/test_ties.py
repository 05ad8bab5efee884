"""Ties of exact segments: resolved as in exact arithmetic where integers or structure make them."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import nets
from splinecode import crossings


def randn(*shape):
    return torch.randn(*shape, dtype=torch.float64)


@st.composite
def integer_nets(draw):
    """Small integer weights: ties, dead units, duplicates and zero rows all happen."""
    widths = [
        draw(st.integers(1, 3)),
        *draw(st.lists(st.integers(1, 6), min_size=1, max_size=3)),
        2,
    ]
    net = nets.mlp(*widths)
    small = st.integers(-2, 2)
    with torch.no_grad():
        for parameter in net.parameters():
            n = parameter.numel()
            values = draw(st.lists(small, min_size=n, max_size=n))
            parameter.copy_(torch.tensor(values, dtype=torch.float64).view_as(parameter))
    ends = [
        torch.tensor(
            draw(st.lists(st.integers(-4, 4), min_size=widths[0], max_size=widths[0])),
            dtype=torch.float64,
        )
        for _ in range(2)
    ]
    return net, widths[0], *ends


@given(integer_nets())
def test_integer_nets_with_ties(case):
    net, inputs, a, b = case
    nets.agree(net, (inputs,), a, b)


@given(integer_nets())
def test_reversed_segments_mirror(case):
    net, inputs, a, b = case
    network = nets.read(net, inputs)
    there, back = crossings(network, a, b), crossings(network, b, a)
    mirrored = sorted(
        zip(
            (1 - back.t).numpy().round(9),
            back.layer.tolist(),
            back.unit.tolist(),
            (-back.direction).tolist(),
            strict=True,
        )
    )
    assert mirrored == sorted(
        zip(
            there.t.numpy().round(9),
            there.layer.tolist(),
            there.unit.tolist(),
            there.direction.tolist(),
            strict=True,
        )
    )


@given(st.integers(0, 10_000))
def test_integer_images_with_pooling_ties(seed):
    torch.manual_seed(seed)
    net = (
        nn.Sequential(
            nn.Conv2d(1, 2, 2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3), nn.ReLU()
        )
        .double()
        .eval()
    )
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randint(-2, 3, parameter.shape))
    a, b = torch.randint(-1, 2, (2, 1, 5, 5)).double()
    nets.agree(net, (1, 5, 5), a, b)


def test_through_the_origin_of_a_bias_free_net():
    torch.manual_seed(0)
    net = nets.mlp(2, 16, 16, 16, 1, bias=False)
    a = torch.tensor([1.0, 2.0], dtype=torch.float64)
    found = nets.agree(net, (2,), a, -2 * a)  # the origin is at t = 1/3
    assert len(found.t.unique()) == 1
    assert found.ambiguous.all()


def test_duplicated_units_cross_together():
    torch.manual_seed(1)
    net = nets.mlp(2, 12, 12, 1)
    with torch.no_grad():
        for layer in (net[0], net[2]):
            layer.weight[6:], layer.bias[6:] = layer.weight[:6], layer.bias[:6]
    found = nets.agree(net, (2,), 3 * randn(2), 3 * randn(2))
    assert found.count().item() > 0
    first = found.layer == 0
    assert sorted(found.t[first & (found.unit < 6)].tolist()) == sorted(
        found.t[first & (found.unit >= 6)].tolist()
    )


def test_two_parallel_boundaries_close_together():
    net = nets.mlp(2, 2, 1)
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[1.0, 0.0], [1.0, 0.0]]))
        net[0].bias.copy_(torch.tensor([-0.3, -0.3 - 1e-9], dtype=torch.float64))
    a, b = torch.tensor([[0.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    found = nets.agree(net, (2,), a, b)
    assert found.count().item() == 2
    assert not found.ambiguous.any()
    assert found.t[0] < found.t[1]


def test_units_zero_along_the_segment_and_dead_layers():
    net = nets.mlp(2, 3, 3, 1)
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]]))
        net[0].bias.copy_(torch.tensor([0.0, -0.5, 0.0]))
        net[2].weight.zero_()
        net[2].bias.copy_(torch.tensor([-1.0, 1.0, 0.0]))
    a, b = torch.tensor([[0.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    found = nets.agree(net, (2,), a, b)
    assert nets.events_of(found) == [(0, 1, 1)]


def test_ends_on_a_boundary_are_no_crossings():
    net = nets.mlp(1, 2, 1)
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[1.0], [-1.0]]))
        net[0].bias.copy_(torch.tensor([0.0, 1.0]))
    a, b = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    found = nets.agree(net, (1,), a, b)
    assert found.count().item() == 0
    assert found.codes().bits().tolist() == [[True, True]]
    assert found.ambiguous.all()


def test_zero_length_segment():
    torch.manual_seed(2)
    net = nets.mlp(3, 8, 8, 1)
    x = randn(3)
    found = nets.agree(net, (3,), x, x)
    assert found.count().item() == 0
    assert found.codes() == nets.read(net, 3).codes(x[None])


def test_relu_then_pool_dips_below_zero():
    net = nn.Sequential(nn.ReLU(), nn.MaxPool2d((1, 2))).eval()
    a, b = torch.tensor([[[[1.0, -2.0]]], [[[-2.0, 1.0]]]], dtype=torch.float64)
    found = nets.agree(net, (1, 1, 2), a, b)
    assert nets.events_of(found) == [(0, 0, -1), (0, 1, 1), (1, 0, -1), (1, 1, 1)]
    np.testing.assert_allclose(found.t, [1 / 3, 2 / 3, 2 / 3, 2 / 3])


def test_pool_tie_at_the_start_of_a_piece():
    net = nn.Sequential(nn.MaxPool2d((1, 4))).eval()
    a, b = torch.tensor([[[[1.0, 1, 0, 0]]], [[[0, 1.5, 0, 1.2]]]], dtype=torch.float64)
    assert nets.agree(net, (1, 1, 4), a, b).count().item() == 0


def test_a_combination_that_is_zero_up_to_rounding_is_detected():
    """c = 1.1 - 0.4 - 0.7 is 5e-17 in float64: only rationals know its sign, so it is marked."""
    net = nn.Sequential(nn.Linear(1, 3), nn.ReLU(), nn.Linear(3, 1), nn.ReLU()).double().eval()
    with torch.no_grad():
        net[0].weight.fill_(1.0)
        net[0].bias.fill_(-0.5)
        net[2].weight.copy_(torch.tensor([[1.1, -0.4, -0.7]], dtype=torch.float64))
        net[2].bias.zero_()
    network = nets.read(net, 1)
    a, b = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    found = crossings(network, a, b)
    assert found.ambiguous.all()
    exact = nets.oracle_of(network, a, b)
    first = [e for e in exact.events if e.layer == 0]
    assert nets.events_of(found)[:3] == [(e.layer, e.unit, e.direction) for e in first]
