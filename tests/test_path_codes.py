"""Paths against bools, loops and exact crossings."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import oracle
from splinecode import crossings, read_network
from splinecode.lens import curves, path_analysis


def net(seed: int = 0, widths: tuple[int, ...] = (3, 7, 5, 2)) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        modules = []
        for inputs, outputs in pairwise(widths):
            modules += [nn.Linear(inputs, outputs), nn.ReLU()]
        return nn.Sequential(*modules[:-1]).double().eval()


def bits_at(model: nn.Sequential, x: np.ndarray) -> list[list[bool]]:
    """Bits of one point, layer by layer."""
    found, values = [], torch.from_numpy(x)
    with torch.no_grad():
        for part in model:
            if isinstance(part, nn.ReLU):
                found.append((values > 0).tolist())
            values = part(values)
    return found


def paths(seed: int, count: int = 2, n: int = 6, spread: float = 3.0) -> np.ndarray:
    a, b = np.random.default_rng(seed).normal(size=(2, count, 3)) * spread
    return curves.slerp(a, b, n)


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(2, 8))
def test_counts_are_those_of_bools(seed: int, n: int) -> None:
    model, points = net(seed % 7), paths(seed, n=n)
    found = path_analysis(model, points)
    for p in range(2):
        bits = [bits_at(model, x) for x in points[p]]
        for layer in range(2):
            steps = [oracle.hamming(bits[i][layer], bits[i + 1][layer]) for i in range(n - 1)]
            start = [oracle.hamming(bits[0][layer], bits[i][layer]) for i in range(n)]
            assert found.transitions[p, :, layer].tolist() == steps
            assert found.from_start[p, :, layer].tolist() == start
            folded = 1 - max(start) / sum(steps) if sum(steps) else np.nan
            assert np.isclose(found.layer_folding[p, layer], folded, equal_nan=True)
        flips = found.transitions[p].sum(axis=1)
        arc = np.concatenate([[0], np.linalg.norm(np.diff(points[p], axis=0), axis=1).cumsum()])
        first = next((i for i in range(n - 1) if flips[i]), None)
        expected = [np.inf, np.inf] if first is None else [arc[first], arc[first + 1]]
        assert np.allclose(found.first_sampled[p], expected)
        assert np.allclose(found.arc_length[p], arc)
    assert found.sampled_only == ""
    assert (found.endpoint <= found.transitions.sum(axis=1)).all()
    assert (found.transitions <= found.exact).all()


def test_exact_counts_of_a_straight_path_are_those_of_its_segment() -> None:
    model = net()
    a, b = np.random.default_rng(3).normal(size=(2, 4, 3)) * 4
    found = path_analysis(model, curves.linear(a, b, 9))
    segments = crossings(read_network(model, torch.zeros(1, 3).double()), a, b)
    assert np.array_equal(found.exact.sum(axis=1), segments.count(per_layer=True))
    length = np.linalg.norm(b - a, axis=1)
    for s in range(4):
        mine = slice(segments.offsets[s], segments.offsets[s + 1])
        assert np.isclose(found.first_exact[s], segments.t[mine][0] * length[s])
        assert found.first_layer[s] == segments.layer[mine][0]
        assert found.first_unit[s] == segments.unit[mine][0]
    assert (found.first_exact <= found.first_sampled[:, 1] + 1e-12).all()


def test_a_crossing_at_a_point_belongs_to_the_step_that_ends_there() -> None:
    model = nn.Sequential(nn.Linear(2, 1), nn.ReLU()).double().eval()
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0, 0.0]]))
        model[0].bias.zero_()
    points = np.array([[[-1.0, 0], [0, 0], [1, 0], [2, 0]]])
    found = path_analysis(model, points)
    assert found.exact[0, :, 0].tolist() == [1, 0, 0]
    assert found.transitions[0, :, 0].tolist() == [1, 0, 0]
    assert found.first_exact.tolist() == [1.0]
    assert found.first_sampled.tolist() == [[0.0, 1.0]]
    assert (found.first_layer.tolist(), found.first_unit.tolist()) == ([0], [0])


def test_points_on_boundaries_count_as_what_is_beside_them() -> None:
    pool = nn.Sequential(nn.MaxPool1d(2), nn.Flatten(), nn.Linear(2, 1)).double().eval()
    points = np.array([[[[0.0, 0, 5, 1]], [[0, 2, 5, 1]], [[3, 3, 1, 1]], [[0, 0, 0, 0]]]])
    found = path_analysis(pool, points)
    assert (found.endpoint <= found.transitions.sum(axis=1)).all()
    assert (found.transitions <= found.exact).all()
    assert found.transitions.sum() > 0
    there_and_back = path_analysis(pool, points[:, [0, 1, 0]])
    assert not there_and_back.exact.any()
    assert not there_and_back.transitions.any()


def test_a_path_without_boundaries() -> None:
    points = np.tile(np.ones((1, 1, 3)), (2, 3, 1))
    found = path_analysis(net(), points)
    assert np.isinf(found.first_exact).all()
    assert np.isinf(found.first_sampled).all()
    assert found.first_layer.tolist() == [-1, -1]
    assert np.isnan(found.folding).all()
    assert not found.step_length.any()
    assert "-" in str(found)


def test_a_model_that_is_not_piecewise_linear_is_sampled_and_says_so() -> None:
    model = nn.Sequential(nn.Linear(3, 8), nn.GELU(), nn.Linear(8, 8), nn.ReLU()).eval()
    points = paths(1).astype(np.float32)
    found = path_analysis(model, points)
    assert found.exact is None
    assert found.first_exact is None
    assert "GELU" in found.sampled_only
    assert "sampled only" in str(found)
    assert [layer.name for layer in found.layers] == ["1", "3"]
    with pytest.raises(ValueError, match="GELU"):
        path_analysis(model, points, exact=True)


def test_chosen_layers() -> None:
    model, points = net(), paths(2)
    every, one = path_analysis(model, points), path_analysis(model, points, layers="3")
    assert [layer.name for layer in one.layers] == ["3"]
    assert np.array_equal(one.exact, every.exact[..., 1:])
    assert np.array_equal(one.transitions, every.transitions[..., 1:])
    assert set(one.first_layer.tolist()) <= {0, -1}
    hooked = path_analysis(model, points, layers=["0", "2"], exact=False)
    assert np.array_equal(hooked.transitions, every.transitions)
    assert hooked.sampled_only == "exact=False"
    with pytest.raises(ValueError, match=r"no layer matches 'fc\*'; there are"):
        path_analysis(model, points, layers="fc*")


def test_libraries_and_networks_agree() -> None:
    model, points = net(), paths(5)
    network = read_network(model, torch.zeros(1, 3).double())
    expected = path_analysis(model, points)
    for subject, given_points in ((model, torch.from_numpy(points)), (network, points)):
        found = path_analysis(subject, given_points)
        for name in ("transitions", "from_start", "exact", "first_exact", "folding"):
            assert np.array_equal(getattr(found, name), getattr(expected, name), equal_nan=True)
    assert expected.work["segments swept"] == 10
    assert expected.work["exact crossings"] == expected.exact.sum()


def test_tables_show_the_three_counts() -> None:
    text = str(path_analysis(net(), paths(6)))
    for word in ("endpoint", "sampled", "exact", "folding", "first boundary", "computed: 2 paths"):
        assert word in text


def test_errors() -> None:
    model, points = net(), paths(0)
    with pytest.raises(TypeError, match="model is a str"):
        path_analysis("net", points)
    with pytest.raises(TypeError, match="points is a list"):
        path_analysis(model, points.tolist())
    with pytest.raises(ValueError, match=r"points has shape \(6, 3\); wanted \(paths, n,"):
        path_analysis(model, points[0])
    with pytest.raises(ValueError, match=r"points has shape \(2, 1, 3\)"):
        path_analysis(model, points[:, :1])
    with pytest.raises(ValueError, match="holds no paths"):
        path_analysis(model, points[:0])
    points[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        path_analysis(model, points)
    with pytest.raises(ValueError, match="exact is False but model is a Network"):
        path_analysis(read_network(model, torch.zeros(1, 3).double()), points, exact=False)
