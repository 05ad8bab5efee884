import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
from drawn_codes import drawn_codes, make, to_library
from splinecode import HammingNeighbors, nearest_in_bank, threads


@given(drawn_codes(sides=2, least=1, same_n=False), st.data())
def test_banks_agree_with_the_oracle(pair, data):
    queries, bank = pair
    n = len(bank.codes)
    labels = data.draw(st.lists(st.sampled_from("cab"), min_size=n, max_size=n))
    if data.draw(st.booleans()):
        labels = sorted(labels)
    found = nearest_in_bank(queries.codes, bank.codes, labels)
    assert found.classes.tolist() == sorted(set(labels))
    assert (found.distances.dtype, found.indices.dtype) == (np.int32, np.int64)
    for i, query in enumerate(queries.bits):
        wanted = oracle.nearest_by_class(query, bank.bits, labels)
        assert found.distances[i].tolist() == [wanted[c][0] for c in sorted(wanted)]
        assert found.indices[i].tolist() == [wanted[c][1] for c in sorted(wanted)]
    whole = nearest_in_bank(queries.codes, bank.codes)
    assert whole.classes is None
    wanted = oracle.top_k(queries.bits, bank.bits, 1)
    assert whole.distances[:, None].tolist() == wanted[0]
    assert whole.indices[:, None].tolist() == wanted[1]


@given(drawn_codes(sides=2, least=1, same_n=False), st.integers(0, 1000))
def test_a_mask_leaves_units_out(pair, seed):
    queries, bank = pair
    mask = np.random.default_rng(seed).random(bank.codes.n_bits) < 0.4

    def kept(rows):
        return np.array(rows)[:, mask].tolist()

    found = nearest_in_bank(queries.codes, bank.codes, mask=mask)
    wanted = oracle.top_k(kept(queries.bits), kept(bank.bits), 1)
    assert found.distances[:, None].tolist() == wanted[0]
    assert found.indices[:, None].tolist() == wanted[1]


def test_every_level_and_thread_count_agrees(simd_level):
    rng = np.random.default_rng(0)
    queries, bank = (make(rng, n, (300,), 0.02).codes for n in (50, 3000))
    labels = rng.integers(-2, 3, 3000)
    results = []
    for n in (1, 2, 5):
        with threads(n):
            results.append(nearest_in_bank(queries, bank, labels))
    for found in results:
        for column, label in enumerate([-2, -1, 0, 1, 2]):
            rows = np.flatnonzero(labels == label)
            distances, nearest = HammingNeighbors(1).fit(bank[rows]).kneighbors(queries)
            np.testing.assert_array_equal(found.distances[:, column], distances[:, 0])
            np.testing.assert_array_equal(found.indices[:, column], rows[nearest[:, 0]])


def test_the_same_library_comes_out(library):
    bank = to_library(make(np.random.default_rng(1), 20, (70,)).codes, library)
    labels = np.arange(20) % 3
    if library == "torch":
        import torch

        labels = torch.from_numpy(labels)
    for found in (
        nearest_in_bank(bank[:4], bank, labels),
        nearest_in_bank(bank[:4].words, bank.words, labels, bank[0].words),
    ):
        assert all(type(part) is type(bank.words) for part in found)
        assert found.classes.tolist() == [0, 1, 2]
        assert tuple(found.distances.shape) == tuple(found.indices.shape) == (4, 3)
    found = nearest_in_bank(bank[:4], bank)
    assert found.distances.tolist() == [0] * 4
    assert found.indices.tolist() == [0, 1, 2, 3]
    names = nearest_in_bank(bank[:4], bank, ["cat", "dog"] * 10).classes
    assert names.tolist() == ["cat", "dog"]


def test_bad_input_is_refused():
    bank = make(np.random.default_rng(2), 6, (70,)).codes
    with pytest.raises(ValueError, match="bank holds no codes"):
        nearest_in_bank(bank, bank[:0])
    with pytest.raises(ValueError, match=r"labels has shape \(5,\); wanted \(6,\)"):
        nearest_in_bank(bank, bank, [0] * 5)
    with pytest.raises(TypeError, match="labels has dtype float64"):
        nearest_in_bank(bank, bank, [0.5] * 6)
    with pytest.raises(TypeError, match="mask has dtype float64"):
        nearest_in_bank(bank, bank, mask=np.zeros(70))
    with pytest.raises(ValueError, match="2 words a code"):
        nearest_in_bank(bank, np.zeros((3, 1), np.uint64))
    assert nearest_in_bank(bank[:0], bank, [1] * 6).distances.shape == (0, 1)
