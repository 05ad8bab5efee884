"""Affine maps, half-spaces, boundaries and neighbours of polytopes, on random networks."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import graphs
import models
import nets
from splinecode import (
    affine_map,
    boundary_along,
    crossings,
    half_spaces,
    hamming,
    nearest_boundary,
    next_polytope,
    read_network,
)

seeds = st.integers(0, 10_000)


def case(seed):
    """A network of all steps and some points inside polytopes."""
    network = graphs.random_network(seed, integer=False, length=5, most_units=24)
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(5, *network.input_shape, generator=generator, dtype=torch.float64)
    return network, x


@settings(max_examples=40)
@given(seeds)
def test_affine_maps_are_the_network_and_its_jacobian(seed):
    network, x = case(seed)
    a, b = affine_map(network, x)
    flat = x.reshape(len(x), -1)
    out = network(x).reshape(len(x), -1)
    torch.testing.assert_close(torch.einsum("noi,ni->no", a, flat) + b, out, atol=1e-9, rtol=1e-9)
    step = 1e-7 * torch.randn(flat.shape, dtype=torch.float64)
    near = (flat + step).reshape(x.shape)
    inside = hamming(network.codes(x), network.codes(near)) == 0
    moved = network(near).reshape(len(x), -1) - out
    torch.testing.assert_close(
        torch.einsum("noi,ni->no", a, step)[inside], moved[inside], atol=1e-12, rtol=1e-6
    )


@settings(max_examples=40)
@given(seeds)
def test_a_polytope_is_the_intersection_of_its_half_spaces(seed):
    network, x = case(seed)
    spaces = half_spaces(network, x[0])
    bits = network.codes(x[:1]).bits()[0]
    starts = np.cumsum([0, *(layer.bits for layer in network.layers)])
    assert spaces.active.tolist() == [
        bool(bits[starts[layer] + unit])
        for layer, unit in zip(spaces.layer.tolist(), spaces.unit.tolist(), strict=True)
    ]
    generator = torch.Generator().manual_seed(seed + 1)
    scale = 10.0 ** torch.randint(-3, 1, (60, 1), generator=generator)
    flat = x[0].reshape(1, -1)
    y = flat + scale * torch.randn(60, flat.shape[1], generator=generator, dtype=torch.float64)
    forms = y @ spaces.normal.T + spaces.offset
    tie = (forms.abs() < 1e-9).any(1)
    inside = ((forms > 0) == spaces.active).all(1)
    same = (
        hamming(
            network.codes(y.reshape(-1, *network.input_shape)),
            network.codes(x[:1].expand(60, *x.shape[1:])),
        )
        == 0
    )
    assert torch.equal(inside[~tie], same[~tie])


@settings(max_examples=40)
@given(seeds, st.sampled_from([1, 2, float("inf")]))
def test_the_nearest_boundary_is_the_least_distance_to_a_half_space(seed, norm):
    network, x = case(seed)
    nearest = nearest_boundary(network, x, norm=norm)
    dual = {1: float("inf"), 2: 2, float("inf"): 1}[norm]
    for i in range(len(x)):
        spaces = half_spaces(network, x[i])
        size = torch.linalg.vector_norm(spaces.normal, dual, dim=1)
        form = (spaces.normal @ x[i].reshape(-1) + spaces.offset).abs()
        distances = torch.where(size > 1e-12, form / size, torch.inf)
        least = distances.min().item() if len(distances) else float("inf")
        assert nearest.distance[i].item() == pytest.approx(least, rel=1e-9)
        if np.isfinite(least) and least > 1e-6:
            way = nearest.direction[i].reshape(-1)
            assert torch.linalg.vector_norm(way, norm).item() == pytest.approx(1)
            steps = torch.tensor([1 - 1e-7, 1 + 1e-7])[:, None] * least * way
            y = (x[i].reshape(1, -1) + steps).reshape(2, *x.shape[1:])
            before, after = network.codes(y).layer(int(nearest.layer[i])).bits()
            assert before[nearest.unit[i]] != after[nearest.unit[i]]


@settings(max_examples=40)
@given(seeds)
def test_rays_meet_the_first_crossing_of_their_segment(seed):
    network, x = case(seed)
    direction = torch.randn(x.shape, dtype=torch.float64)
    first = boundary_along(network, x, direction)
    behind = next_polytope(network, x, direction)
    assert torch.equal(behind.distance, first.distance)
    found = crossings(network, x, x + 3 * direction)
    for i in range(len(x)):
        mine = slice(found.offsets[i], found.offsets[i + 1])
        if found.ambiguous[i] or len(found.t[mine]) == 0:
            continue
        assert first.distance[i].item() == pytest.approx(3 * found.t[mine][0].item(), rel=1e-9)
        assert behind.codes[i] == found.codes(i)[0]
        if len(found.t[mine].unique()) > 1:
            assert behind.next_codes[i] == found.codes(i)[1]


def test_a_convolutional_network():
    module, shape = models.make("resnet")
    network = read_network(module, torch.zeros(1, *shape, dtype=torch.float64))
    x = torch.randn(3, *shape, dtype=torch.float64)
    a, b = affine_map(network, x)
    out = torch.einsum("noi,ni->no", a, x.flatten(1)) + b
    torch.testing.assert_close(out, network(x), atol=1e-10, rtol=1e-10)
    per_layer = nearest_boundary(network, x, per_layer=True)
    assert per_layer.distance.shape == (3, len(network.layers))
    assert torch.equal(per_layer.distance.min(1).values, nearest_boundary(network, x).distance)


def test_subsets_of_half_spaces_by_name_and_unit():
    network = nets.read(nets.mlp(3, 8, 6, 2), 3)
    x = torch.randn(3, dtype=torch.float64)
    whole = half_spaces(network, x)
    name = network.layers[1].name
    part = half_spaces(network, x, layers=[name], units=[4, 1])
    assert part.layer.tolist() == [1, 1]
    assert part.unit.tolist() == [1, 4]
    torch.testing.assert_close(part.normal, whole.normal[[9, 12]])
    with pytest.raises(KeyError, match="no layer is named 'nowhere'"):
        half_spaces(network, x, layers=["nowhere"])
    with pytest.raises(IndexError, match="8 bits"):
        half_spaces(network, x, layers=[0], units=[8])
    with pytest.raises(ValueError, match="one layer"):
        half_spaces(network, x, units=[0])


def test_a_network_without_boundaries():
    network = nets.read(nets.mlp(3, 2), 3)
    x = torch.randn(2, 3, dtype=torch.float64)
    assert nearest_boundary(network, x).distance.tolist() == [float("inf")] * 2
    assert boundary_along(network, x, x).layer.tolist() == [-1, -1]
    assert len(half_spaces(network, x[0]).offset) == 0


def test_no_points_and_numpy():
    network = nets.read(nets.mlp(3, 8, 2), 3)
    a, b = affine_map(network, np.zeros((0, 3)))
    assert isinstance(a, np.ndarray)
    assert (a.shape, b.shape) == ((0, 2, 3), (0, 2))
    assert nearest_boundary(network, np.zeros((0, 3))).distance.shape == (0,)
    found = nearest_boundary(network, np.ones((2, 3)))
    assert all(isinstance(column, np.ndarray) for column in found)
    assert isinstance(
        next_polytope(network, np.ones((2, 3)), np.ones((2, 3))).codes.words, np.ndarray
    )


def test_bad_input_is_refused():
    network = nets.read(nets.mlp(3, 8, 2), 3)
    x = torch.zeros(2, 3)
    with pytest.raises(TypeError, match="network is a"):
        affine_map(nets.mlp(3, 8, 2), x)
    with pytest.raises(ValueError, match="wanted 1, 2 or inf"):
        nearest_boundary(network, x, norm=3)
    with pytest.raises(ValueError, match="direction has shape"):
        boundary_along(network, x, x[:1])
    with pytest.raises(ValueError, match="one point"):
        half_spaces(network, x)
