"""Occupied polytopes and their purity, against dictionaries of bits."""

from collections import Counter
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawn_codes import drawn_codes, make
from splinecode import Codes
from splinecode.lens import regions, shared_regions
from splinecode.lens.occupancy.purity import pair_agreement, purity


def scopes(drawn):
    """Rows of every layer, and of the layers up to each, as tuples of bits."""
    n = len(drawn.codes)
    each = [[tuple(layer[i].tolist()) for i in range(n)] for layer in drawn.layers]
    cumulative = [[tuple(e[i] for e in each[: k + 1]) for i in range(n)] for k in range(len(each))]
    return each, cumulative


def majority(groups, labels):
    members = {}
    for group, label in zip(groups, labels, strict=True):
        members.setdefault(group, []).append(label)
    return sum(max(Counter(found).values()) for found in members.values())


def agreeing(groups, labels):
    """Pairs in one group, and those of them with one label."""
    together = [(i, j) for i, j in combinations(range(len(groups)), 2) if groups[i] == groups[j]]
    return len(together), sum(labels[i] == labels[j] for i, j in together)


@given(drawn_codes(least=1), st.integers(1, 4), st.integers(0, 99))
def test_occupancy_and_purity_are_those_of_dictionaries(drawn, classes, seed):
    labels = np.random.default_rng(seed).integers(0, classes, len(drawn.codes))
    found = regions(drawn.codes, labels=labels, shuffles=2)
    for parts, rows in zip((found.each, found.cumulative), scopes(drawn), strict=True):
        for part, groups in zip(parts, rows, strict=True):
            counts = Counter(groups)
            n = len(groups)
            assert part.counts.tolist() == sorted(counts.values(), reverse=True)
            assert part.inputs == n
            assert part.singletons == sum(count == 1 for count in counts.values())
            sizes, number = part.histogram
            assert dict(zip(sizes, number, strict=True)) == Counter(counts.values())
            assert part.purity.value == majority(groups, labels) / n
            kept = [i for i in range(n) if counts[groups[i]] > 1]
            assert part.purity_shared.inputs == len(kept)
            if kept:
                wanted = majority([groups[i] for i in kept], labels[kept]) / len(kept)
                assert part.purity_shared.value == wanted
            pairs, same = agreeing(groups, labels)
            assert part.agreement.pairs == pairs
            assert part.agreement.value == (
                same / pairs if pairs else pytest.approx(np.nan, nan_ok=True)
            )
    assert str(found)


def test_chance_is_what_shuffled_labels_give():
    """The exact chance of pairs is the mean over all orders of the labels."""
    groups, classes = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 1, 0])
    rng = np.random.default_rng(0)
    found = pair_agreement(groups, classes)
    draws = [pair_agreement(groups, rng.permutation(classes)).value for _ in range(4000)]
    assert found.chance == float(Fraction(6, 15))
    assert np.mean(draws) == pytest.approx(found.chance, abs=0.02)
    whole = purity(groups, classes, 4000, rng)
    again = [majority(groups.tolist(), rng.permutation(classes).tolist()) / 6 for _ in range(4000)]
    assert whole.chance == pytest.approx(np.mean(again), abs=0.01)
    assert whole.spread == pytest.approx(np.std(again), abs=0.01)


def test_singletons_are_pure_and_count_for_nothing():
    codes = Codes.from_words(np.arange(6, dtype=np.uint64)[:, None], 3)
    part = regions(codes, labels=[0, 1, 0, 1, 0, 1]).each[0]
    assert part.purity[:3] == (1, 1, 0)
    assert np.isnan(part.purity.corrected)
    assert part.purity_shared.inputs == 0
    assert np.isnan([*part.purity_shared[:3], part.purity_shared.corrected]).all()
    assert np.isnan(part.agreement.value)
    assert part.agreement.chance == 6 / 15


def test_one_class_is_pure_by_chance():
    drawn = make(np.random.default_rng(0), 30, (2,))
    part = regions(drawn.codes, labels=["a"] * 30).each[0]
    assert (part.purity.value, part.purity.chance, part.agreement.chance) == (1, 1, 1)
    assert np.isnan([part.purity.corrected, part.agreement.corrected]).all()


def test_labels_in_their_own_polytopes_score_one():
    labels = np.arange(40) % 4
    codes = Codes.from_words(labels.astype(np.uint64)[:, None], 2)
    part = regions(codes, labels=labels).each[0]
    assert part.purity.value == part.purity.corrected == part.agreement.corrected == 1
    assert 0.25 < part.purity.chance < 0.6


def test_without_labels_there_is_no_purity():
    drawn = make(np.random.default_rng(0), 30, (3, 70))
    found = regions(drawn.codes)
    assert found.each[0].purity is None
    assert "purity" not in str(found)
    assert found.work == {"inputs": 30, "codes compared": 90}
    assert [part.name for part in regions(drawn.codes, layers="layer1").each] == ["layer1"]


def test_a_model_and_a_loader():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(2, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3)).eval()
    x, y = torch.randn(50, 2), torch.arange(50) % 3
    from splinecode import spline_codes

    wanted = regions(spline_codes(net, x), labels=y)
    for other in (
        regions(net, x, y),
        regions(net, [(x[:20], y[:20]), (x[20:], y[20:])]),
        regions(net, x.numpy(), y.tolist()),
    ):
        assert str(other) == str(wanted)


@given(drawn_codes(sides=2, least=1, same_n=False))
def test_shared_regions_are_those_of_sets(drawn):
    a, b = drawn
    found = shared_regions(a.codes, b.codes)
    for parts, rows_a, rows_b in zip(
        (found.each, found.cumulative), scopes(a), scopes(b), strict=True
    ):
        for part, in_a, in_b in zip(parts, rows_a, rows_b, strict=True):
            both = set(in_a) & set(in_b)
            assert part.distinct_a == len(set(in_a))
            assert part.distinct_b == len(set(in_b))
            assert part.distinct_both == len(both)
            assert part.inputs_a == sum(row in both for row in in_a)
            assert part.inputs_b == sum(row in both for row in in_b)
            assert part.jaccard == len(both) / len(set(in_a) | set(in_b))
    assert str(found)


def test_bad_input_is_refused():
    codes = make(np.random.default_rng(0), 5, (3, 4)).codes
    with pytest.raises(TypeError, match="inputs were given beside codes"):
        regions(codes, np.zeros(5))
    with pytest.raises(TypeError, match="inputs is missing: a str needs a batch"):
        regions("net")
    with pytest.raises(ValueError, match=r"labels has shape \(3,\); wanted \(5,\)"):
        regions(codes, labels=[1, 2, 3])
    with pytest.raises(ValueError, match="labels holds 1 NaN"):
        regions(codes, labels=[1, 2, 3, 4, np.nan])
    with pytest.raises(ValueError, match="shuffles is 0"):
        regions(codes, labels=np.zeros(5), shuffles=0)
    with pytest.raises(ValueError, match="codes has 0 codes of 2 layers; wanted at least one"):
        regions(codes[:0])
    with pytest.raises(KeyError, match="no layer matches 'x'"):
        regions(codes, layers="x")
    with pytest.raises(TypeError, match="codes_b is a list; wanted Codes"):
        shared_regions(codes, [1])
    with pytest.raises(ValueError, match="codes_a has layers"):
        shared_regions(codes, codes.layer(0))
    with pytest.raises(ValueError, match="codes_b has 0 codes"):
        shared_regions(codes, codes[:0])
