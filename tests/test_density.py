"""Boundary density and label pairs against their definitions."""

from itertools import combinations

import numpy as np
import pytest
import torch
from torch import nn

import oracle
from splinecode import Codes, Layer, crossings, pack, read_network
from splinecode.lens import endpoint_density, exact_density, same_and_different_pairs

LAYERS = [Layer("first", 70), Layer("second", 3)]


def random_bits(rows: int, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.random((rows, layer.bits)) < 0.5 for layer in LAYERS]


def codes_of(bits: list[np.ndarray]) -> Codes:
    return Codes(np.concatenate([pack(layer) for layer in bits], axis=1), LAYERS)


# ---------------------------------------------------------------- endpoint density


def test_endpoint_density_is_hamming_over_distance() -> None:
    a, b = random_bits(5, 0), random_bits(5, 1)
    distance = np.array([1.0, 2.0, 0.5, 3.0, 7.0])
    density = endpoint_density(codes_of(a), codes_of(b), distance)
    expected = [
        [
            oracle.hamming(x[i].tolist(), y[i].tolist()) / distance[i]
            for x, y in zip(a, b, strict=True)
        ]
        for i in range(5)
    ]
    assert density.dtype == np.float64
    assert density.tolist() == expected


def test_distance_zero_gives_nan_only_there() -> None:
    a, b = codes_of(random_bits(3, 0)), codes_of(random_bits(3, 1))
    density = endpoint_density(a, b, np.array([1.0, 0.0, 2.0]))
    assert np.isnan(density).tolist() == [[False] * 2, [True] * 2, [False] * 2]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.int64])
def test_torch_in_torch_out(dtype: torch.dtype) -> None:
    a, b = codes_of(random_bits(4, 0)), codes_of(random_bits(4, 1))
    distance = np.array([1, 2, 0, 4])
    expected = endpoint_density(a, b, distance)
    density = endpoint_density(
        *(Codes(torch.from_numpy(codes.words), codes.layers) for codes in (a, b)),
        torch.from_numpy(distance).to(dtype),
    )
    assert density.dtype == torch.float64
    assert np.array_equal(density.numpy(), expected, equal_nan=True)


def test_no_pairs() -> None:
    none = codes_of(random_bits(0, 0))
    assert endpoint_density(none, none, np.empty(0)).shape == (0, 2)


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_a_number_that_is_no_length_is_refused(wrong: float) -> None:
    codes = codes_of(random_bits(2, 0))
    with pytest.raises(ValueError, match=r"distance holds 1 numbers that are no length"):
        endpoint_density(codes, codes, np.array([1.0, wrong]))


def test_errors_name_the_argument() -> None:
    codes = codes_of(random_bits(2, 0))
    with pytest.raises(TypeError, match=r"codes_b is a ndarray; wanted Codes"):
        endpoint_density(codes, codes.words, np.ones(2))
    with pytest.raises(TypeError, match=r"distance is a list"):
        endpoint_density(codes, codes, [1.0, 1.0])
    with pytest.raises(TypeError, match=r"distance has dtype complex128"):
        endpoint_density(codes, codes, np.ones(2, complex))
    with pytest.raises(ValueError, match=r"distance has shape \(3,\); wanted \(2,\)"):
        endpoint_density(codes, codes, np.ones(3))
    with pytest.raises(ValueError, match=r"torch"):
        endpoint_density(codes, codes, torch.ones(2))


# ---------------------------------------------------------------- exact density


def test_exact_density_is_crossings_over_length() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 9), nn.ReLU(), nn.Linear(9, 7), nn.ReLU()).eval()
    network = read_network(net, torch.zeros(1, 4))
    a, b = torch.randn(2, 6, 4, dtype=torch.float64) * 3
    b[0] = a[0]
    found = crossings(network, a, b)
    length = (b - a).norm(dim=1)
    density = exact_density(found, length)
    assert density.shape == (6, 2)
    assert density[0].isnan().all()
    for s in range(1, 6):
        mine = slice(found.offsets[s], found.offsets[s + 1])
        counts = torch.bincount(found.layer[mine], minlength=2)
        assert torch.equal(density[s], counts / length[s])
    endpoint = endpoint_density(network.codes(a), network.codes(b), length)
    assert (endpoint[1:] <= density[1:]).all()
    assert torch.equal(endpoint[1:, 0], density[1:, 0])  # one layer crosses a line at most once


def test_exact_density_checks_the_length() -> None:
    network = read_network(nn.Sequential(nn.Linear(2, 3), nn.ReLU()).eval(), torch.zeros(1, 2))
    found = crossings(network, torch.zeros(2, 2), torch.ones(2, 2))
    with pytest.raises(ValueError, match=r"length has shape \(1,\); wanted \(2,\)"):
        exact_density(found, torch.ones(1))
    with pytest.raises(ValueError, match="length"):
        exact_density(found, np.ones(2))


# ---------------------------------------------------------------- pairs


def test_all_pairs_of_each_kind_are_reached() -> None:
    labels = [2, 0, 1, 0, 2, 2, 5]
    every = list(combinations(range(len(labels)), 2))
    same = {pair for pair in every if labels[pair[0]] == labels[pair[1]]}
    pairs = same_and_different_pairs(labels, len(same), seed=3)
    assert {tuple(pair) for pair in pairs.same.tolist()} == same
    assert len(pairs.different) == len(same)
    assert {tuple(pair) for pair in pairs.different.tolist()} <= set(every) - same
    with pytest.raises(ValueError, match=r"n is 5 but labels has only 4 pairs of the same class"):
        same_and_different_pairs(labels, 5, seed=3)


def test_all_different_pairs_are_reached() -> None:
    labels = list("abbacbaabbb")
    every = list(combinations(range(len(labels)), 2))
    different = {pair for pair in every if labels[pair[0]] != labels[pair[1]]}
    same = len(every) - len(different)
    n = min(same, len(different))
    reached: set[tuple[int, ...]] = set()
    for seed in range(40):
        drawn = same_and_different_pairs(labels, n, seed).different.tolist()
        assert len({tuple(pair) for pair in drawn}) == n
        reached |= {tuple(pair) for pair in drawn}
    assert reached == different


def test_pairs_are_uniform() -> None:
    labels = np.repeat([0, 1], [6, 3])  # 15 + 3 same, 18 different
    counts = np.zeros((9, 9))
    for seed in range(2000):
        pairs = same_and_different_pairs(labels, 3, seed)
        np.add.at(counts, tuple(np.concatenate(pairs).T), 1)
    same = labels[:, None] == labels
    above = np.triu(np.ones((9, 9), bool), 1)
    for kind, expected in ((same & above, 2000 * 3 / 18), (~same & above, 2000 * 3 / 18)):
        assert abs(counts[kind] - expected).max() < 5 * expected**0.5
    assert counts[~above].sum() == 0


def test_pairs_are_deterministic() -> None:
    labels = np.random.default_rng(0).integers(10, size=10_000)
    first, again = (same_and_different_pairs(labels, 500, seed=1) for _ in range(2))
    other = same_and_different_pairs(labels, 500, seed=2)
    assert np.array_equal(first.same, again.same)
    assert np.array_equal(first.different, again.different)
    assert not np.array_equal(first.same, other.same)
    assert (labels[first.same[:, 0]] == labels[first.same[:, 1]]).all()
    assert (labels[first.different[:, 0]] != labels[first.different[:, 1]]).all()


def test_impossible_pairs() -> None:
    with pytest.raises(ValueError, match=r"only 0 pairs of the same class"):
        same_and_different_pairs([1, 2, 3], 1, 0)
    with pytest.raises(ValueError, match=r"only 0 pairs of different classes"):
        same_and_different_pairs([1, 1, 1], 1, 0)
    with pytest.raises(ValueError, match=r"labels has shape \(2, 2\)"):
        same_and_different_pairs(np.zeros((2, 2)), 1, 0)
    with pytest.raises(ValueError, match=r"n is -1"):
        same_and_different_pairs([1, 1], -1, 0)
    empty = same_and_different_pairs([], 0, 0)
    assert empty.same.shape == empty.different.shape == (0, 2)
