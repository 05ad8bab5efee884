"""Local complexity against bools, vertex by vertex."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from splinecode import reference
from splinecode.lens import local_complexity
from splinecode.lens.neighbourhoods.complexity import frame


def net(seed: int = 0) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = (nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 70), nn.ReLU(), nn.Linear(70, 2))
        return nn.Sequential(*layers).double().eval()


def inputs(n: int = 7, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, 6)))


@torch.no_grad()
def slow_counts(model: nn.Sequential, x: torch.Tensor, v: torch.Tensor, radius: float) -> list:
    """Units of each ReLU that are on at some vertex and off at another."""
    counts = []
    for one in x:
        vertices = [one + sign * radius * row for sign in (1, -1) for row in v]
        seen: list[list[set[bool]]] = []
        for vertex in vertices:
            values, layer = vertex, 0
            for part in model:
                if isinstance(part, nn.ReLU):
                    if len(seen) == layer:
                        seen.append([set() for _ in values])
                    for states, z in zip(seen[layer], values.tolist(), strict=True):
                        states.add(z > 0)
                    layer += 1
                values = part(values)
        counts.append([sum(len(states) == 2 for states in of_layer) for of_layer in seen])
    return counts


@settings(max_examples=20)
@given(
    st.integers(1, 6),
    st.sampled_from([1e-9, 0.3, 2.0, 100.0]),
    st.integers(1, 30),
    st.integers(0, 9),
)
def test_counts_are_those_of_bools(directions: int, radius: float, batch: int, seed: int) -> None:
    model, x = net(seed), inputs(5, seed)
    found = local_complexity(
        model, x, radius=radius, directions=directions, seed=seed, batch_size=batch
    )
    v = frame(directions, 6, seed)
    assert found.counts[0].tolist() == slow_counts(model, x, v, radius)
    assert [(layer.name, layer.bits) for layer in found.layers] == [("1", 9), ("3", 70)]
    assert np.array_equal(found.total, found.counts.sum(axis=2))
    assert found.work["forward passes of a point"] == 5 * 2 * directions
    peer = reference.local_complexity(model, x, v, radius, [model[1], model[3]], batch=3)
    assert np.array_equal(peer.numpy(), found.counts[0])


@given(st.integers(1, 9), st.integers(0, 4), st.integers(0, 10**9))
def test_frames_are_orthonormal(directions: int, more: int, seed: int) -> None:
    rows = frame(directions, directions + more, seed)
    assert torch.allclose(rows @ rows.T, torch.eye(directions).double())
    assert torch.equal(rows, frame(directions, directions + more, seed))


def test_frames_have_no_favourite_orthant() -> None:
    signs = torch.stack([frame(2, 3, seed).sign() for seed in range(600)]).mean(dim=0)
    assert signs.abs().max() < 5 / 600**0.5


def test_a_boundary_counts_where_the_neighbourhood_meets_it() -> None:
    model = nn.Sequential(nn.Linear(2, 1), nn.ReLU()).double().eval()
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[3.0, 4.0]]))
        model[0].bias.zero_()
    normal = torch.tensor([0.6, 0.8]).double()
    x = torch.stack([0.09 * normal, 0.2 * normal])
    found = local_complexity(model, x, radius=0.1 * 2**0.5, directions=2, seed=1)
    reach = (0.1 * 2**0.5 * frame(2, 2, 1) @ normal).abs().max()
    assert reach >= 0.1  # of two orthogonal ways one leads at least so far to the boundary
    assert found.counts[0, :, 0].tolist() == [1, int(reach > 0.2)]


def test_checkpoints() -> None:
    model, x = net(), inputs()
    others = [net(1), net(2)]
    alone = [local_complexity(one, x, radius=0.5, directions=3).counts[0] for one in others]
    before = copy.deepcopy(model.state_dict())
    states = {f"step {i}": one.state_dict() for i, one in enumerate(others)}
    found = local_complexity(model, x, checkpoints=states, radius=0.5, directions=3)
    assert found.checkpoints == ("step 0", "step 1")
    assert np.array_equal(found.counts, np.stack(alone))
    lazy = local_complexity(model, x, checkpoints=iter(others), radius=0.5, directions=3)
    assert np.array_equal(lazy.counts, found.counts)
    assert lazy.checkpoints == ("0", "1")
    assert all(torch.equal(before[name], now) for name, now in model.state_dict().items())
    assert "step 1" in str(found)


def test_loaders_layers_and_limits() -> None:
    model, x = net(), inputs()
    whole = local_complexity(model, x, radius=0.5, directions=4)
    loader = DataLoader(TensorDataset(x, torch.arange(7)), batch_size=2)
    some = local_complexity(model, loader, radius=0.5, directions=4, layers="3", limit=5)
    assert np.array_equal(some.counts, whole.counts[:, :5, 1:])
    numpy = local_complexity(model, x.numpy(), radius=0.5, directions=4)
    assert np.array_equal(numpy.counts, whole.counts)


def test_convolutions_in_any_layout() -> None:
    model = nn.Sequential(nn.Conv2d(2, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(20, 3)).eval()
    x = torch.rand(4, 2, 4, 4)
    v = frame(6, 32, 0)
    found = local_complexity(model, x, radius=0.2, directions=6)
    peer = reference.local_complexity(model, x, v, 0.2, [model[1]])
    assert np.array_equal(found.counts[0], peer.numpy())
    model.to(memory_format=torch.channels_last)
    assert np.array_equal(local_complexity(model, x, radius=0.2, directions=6).counts, found.counts)


def test_errors() -> None:
    model, x = net(), inputs()
    with pytest.raises(TypeError, match="model is a str"):
        local_complexity("net", x)
    with pytest.raises(ValueError, match="radius is 0"):
        local_complexity(model, x, radius=0)
    with pytest.raises(ValueError, match="directions is 7; wanted 1 to 6"):
        local_complexity(model, x, directions=7)
    with pytest.raises(ValueError, match="batch_size is 0"):
        local_complexity(model, x, directions=2, batch_size=0)
    with pytest.raises(ValueError, match="checkpoints holds none"):
        local_complexity(model, x, directions=2, checkpoints=[])
    with pytest.raises(TypeError, match="checkpoint 0 is a str"):
        local_complexity(model, x, directions=2, checkpoints=["file.pt"])
    with pytest.raises(ValueError, match="checkpoint '1' has layers"):
        other = nn.Sequential(nn.Linear(6, 2), nn.ReLU()).double().eval()
        local_complexity(model, x, directions=2, checkpoints=[model, other])
    with pytest.raises(ValueError, match="training mode"):
        local_complexity(net().train(), x, directions=2)
    with pytest.raises(ValueError, match="inputs have dtype torch.int64"):
        local_complexity(model, x.long(), directions=2)


def test_a_radius_that_vanishes_is_refused() -> None:
    model = net().bfloat16()
    with pytest.raises(ValueError, match="radius 0.0001 vanishes in torch.bfloat16"):
        local_complexity(model, inputs().bfloat16() + 5, radius=1e-4, directions=2)
    assert local_complexity(model, inputs().bfloat16(), radius=1, directions=2).counts.any()


@pytest.mark.parametrize(("dtype", "factor"), [(torch.float32, 1e6), (torch.float16, 100)])
def test_a_radius_that_vanishes_beside_a_later_input_is_refused(dtype, factor) -> None:
    x = inputs().to(dtype) * factor
    x[0] = 0
    with pytest.raises(ValueError, match="radius 0.005 vanishes in .* beside input 1, of norm"):
        local_complexity(net().to(dtype), x, directions=3)


def test_a_radius_that_vanishes_in_most_coordinates_is_refused() -> None:
    x = torch.full((3, 6), 1e6)
    x[:, 0] = 0
    with pytest.raises(ValueError, match="radius 0.005 vanishes"):
        local_complexity(net().float(), x, directions=3)


@pytest.mark.parametrize("radius", [1e-9, 1e6])
def test_a_radius_that_the_dtype_cannot_hold_is_refused(radius: float) -> None:
    with pytest.raises(ValueError, match="wanted one that torch.float16 can hold"):
        local_complexity(net().half(), inputs().half(), radius=radius, directions=3)
