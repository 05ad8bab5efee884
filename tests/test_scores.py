"""Kernels, similarities and unit statistics against loops over bits."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawn_codes import drawn_codes, make, to_library
from splinecode import Codes, pack
from splinecode.lens import code_similarity, naswot, unit_statistics
from splinecode.lens.scores import unit_pairs as unit_pairs_module

RNG = np.random.default_rng(0)


@given(drawn_codes(least=1, most=12))
def test_the_kernel_counts_units_in_the_same_state(drawn):
    found = naswot(drawn.codes)
    rows = drawn.bits
    wanted = [[sum(p == q for p, q in zip(x, y, strict=True)) for y in rows] for x in rows]
    assert found.kernel.tolist() == wanted
    assert found.distinct == len(set(map(tuple, rows)))
    sign, log_determinant = np.linalg.slogdet(np.array(wanted, float))
    if np.isfinite(found.log_determinant):
        assert sign == 1
        assert found.log_determinant == pytest.approx(log_determinant, rel=1e-9, abs=1e-9)
        assert found.rank == len(rows)
    else:
        # The determinant of whole numbers is one: what is not singular is at least 1.
        assert sign <= 0 or log_determinant < 1e-6
    assert str(found)


def test_singular_kernels_are_minus_infinity():
    distinct = make(RNG, 6, (30,)).codes
    assert np.isfinite(naswot(distinct).log_determinant)
    twice = naswot(Codes.concatenate([distinct, distinct[:1]]))
    assert (twice.log_determinant, twice.rank, twice.distinct) == (-np.inf, 6, 6)
    wide = naswot(Codes.from_words(np.arange(8, dtype=np.uint64)[:, None], 3))
    assert (wide.log_determinant, wide.rank, wide.distinct) == (-np.inf, 4, 8)
    one = naswot(distinct[:1])
    assert (one.log_determinant, one.rank) == (pytest.approx(np.log(30)), 1)
    assert naswot(make(RNG, 2, (0,)).codes).log_determinant == -np.inf


def centred_alignment(a, b):
    """Linear CKA of codes in {-1, 1}, from features."""
    x, y = (np.where(part, 1.0, -1.0) for part in (a, b))
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    return (np.linalg.norm(x.T @ y) ** 2) / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))


@given(drawn_codes(sides=2, least=1, most=12))
def test_similarity_is_that_of_bits(drawn):
    a, b = drawn
    found = code_similarity(a.codes, b.codes)
    for i, x in enumerate(a.layers):
        for j, y in enumerate(b.layers):
            if (x == x[:1]).all() or (y == y[:1]).all():
                assert np.isnan(found.alignment[i, j])
            else:
                assert found.alignment[i, j] == pytest.approx(centred_alignment(x, y))
        y = b.layers[i]
        if x.shape[1] == 0:
            assert np.isnan(found.agreement[i])
            continue
        assert found.agreement[i] == pytest.approx((x == y).mean())
        either = (x | y).sum(axis=1)
        shared = np.where(either == 0, 1, (x & y).sum(axis=1) / np.maximum(either, 1))
        assert found.jaccard[i] == pytest.approx(shared.mean())
    assert str(found)


def test_layers_of_one_network_are_compared_by_kernels_alone():
    codes = make(RNG, 40, (3, 130)).codes
    found = code_similarity(codes)
    assert found.agreement is None
    assert np.diagonal(found.alignment) == pytest.approx(1)
    assert found.alignment == pytest.approx(found.alignment.T)
    other = code_similarity(codes, codes.layer(1))
    assert other.alignment.shape == (2, 1)
    assert other.agreement is None
    assert other.work["distances of the kernels"] == 3 * 40 * 39 // 2
    same = code_similarity(codes, codes)
    assert same.agreement.tolist() == same.jaccard.tolist() == [1, 1]


def all_pairs(drawn):
    """Every pair of varied units of a layer, with its counts and its correlation."""
    for layer, bits in enumerate(drawn.layers):
        n = len(bits)
        varied = [u for u in range(bits.shape[1]) if 0 < bits[:, u].sum() < n]
        for i, j in combinations(varied, 2):
            a, b = bits[:, i], bits[:, j]
            both = int((a & b).sum())
            phi = round(float(np.corrcoef(a, b)[0, 1]), 9)
            yield layer, i, j, both, a.sum() * (b.sum() / n), both / (a | b).sum(), phi


@given(drawn_codes(least=1, most=12), st.integers(0, 30), st.sampled_from([1, 100, 1 << 20]))
def test_units_and_their_pairs_are_those_of_loops(drawn, top, block):
    before, unit_pairs_module._BLOCK = unit_pairs_module._BLOCK, block
    try:
        found = unit_statistics(drawn.codes, top=top)
    finally:
        unit_pairs_module._BLOCK = before
    bits = np.concatenate(drawn.layers, axis=1)
    assert found.counts.tolist() == bits.sum(axis=0).tolist()
    assert found.rates.tolist() == bits.mean(axis=0).tolist()
    assert found.dead.tolist() == (~bits.any(axis=0)).tolist()
    assert found.always_on.tolist() == bits.all(axis=0).tolist()
    places = [(i, u) for i, layer in enumerate(drawn.layers) for u in range(layer.shape[1])]
    assert list(zip(found.layer, found.unit, strict=True)) == places
    pairs = list(all_pairs(drawn))
    assert found.work["pairs of units"] == len(pairs)
    by_place = {pair[:3]: pair[3:] for pair in pairs}
    for kept, sign in ((found.cofiring, -1), (found.exclusive, 1)):
        places = [
            (int(i), *units) for i, units in zip(kept.layer, kept.units.tolist(), strict=True)
        ]
        assert len(set(places)) == len(places)
        wanted = sorted((sign * pair[6], pair[:3]) for pair in pairs)[:top]
        assert [sign * by_place[place][3] for place in places] == [phi for phi, _ in wanted]
        values = zip(kept.together, kept.expected, kept.jaccard, kept.correlation, strict=True)
        for place, value in zip(places, values, strict=True):
            assert value == pytest.approx(by_place[place], abs=1e-8)
        order = list(zip(sign * kept.correlation, places, strict=True))
        assert order == sorted(order)
    assert str(found)


def test_copies_and_complements_come_first():
    bits = RNG.random((200, 6)) < 0.4
    bits[:, 3] = bits[:, 1]
    bits[:, 5] = ~bits[:, 2]
    bits[:, 4] = False
    found = unit_statistics(Codes.from_words(pack(bits), 6))
    assert found.cofiring.units[0].tolist() == [1, 3]
    assert found.cofiring.correlation[0] == found.cofiring.jaccard[0] == 1
    assert found.exclusive.units[0].tolist() == [2, 5]
    assert (found.exclusive.together[0], found.exclusive.correlation[0]) == (0, -1)
    assert found.dead.tolist() == [False] * 4 + [True, False]
    assert found.work["units left out of pairs"] == 1


def test_torch_codes_and_a_model_give_the_same():
    torch = pytest.importorskip("torch")
    codes = make(RNG, 20, (3, 70)).codes
    tensor = to_library(codes, "torch")
    assert str(naswot(tensor)) == str(naswot(codes))
    assert str(unit_statistics(tensor)) == str(unit_statistics(codes))
    assert str(code_similarity(tensor, tensor)) == str(code_similarity(codes, codes))
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(2, 5), torch.nn.ReLU()).eval()
    x = torch.randn(9, 2)
    assert naswot(net, x).work == {"inputs": 9, "distances": 36}
    assert unit_statistics(net, [x[:4], x[4:]]).work["inputs"] == 9


def test_bad_input_is_refused():
    codes = make(RNG, 5, (3, 4)).codes
    with pytest.raises(ValueError, match="codes has 0 codes"):
        naswot(codes[:0])
    with pytest.raises(ValueError, match="codes has 0 codes"):
        unit_statistics(codes[:0])
    with pytest.raises(ValueError, match="top is -1"):
        unit_statistics(codes, top=-1)
    with pytest.raises(TypeError, match="codes_b is a int; wanted Codes"):
        code_similarity(codes, 3)
    with pytest.raises(ValueError, match="codes_a has 5 codes and codes_b 4; wanted those of the"):
        code_similarity(codes, codes[:4])
