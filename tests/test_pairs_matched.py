"""Matched pairs: right kinds, none twice, distances within the caliper, nothing hidden."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splinecode.lens import matched_pairs
from splinecode.lens.density.distances import pair_distances
from splinecode.lens.density.matching import MatchedPairs, _nearest_unused

RNG = np.random.default_rng(0)
Y = np.repeat(np.arange(3), 40)
X = RNG.normal(size=(120, 2, 3)) + 0.7 * Y[:, None, None]


def greedy(wanted: list[float], offered: list[float], caliper: float) -> list[int]:
    """The nearest that is left, of two as near the lower, of equal ones any."""
    left = dict(enumerate(offered))
    taken = []
    for value in wanted:
        best = min(left, key=lambda k: (abs(left[k] - value), left[k]), default=None)
        if best is None or abs(left[best] - value) > caliper * value:
            taken.append(-1)
        else:
            taken.append(best)
            del left[best]
    return taken


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 12), max_size=12),
    st.lists(st.integers(0, 12), max_size=12),
    st.sampled_from([0.0, 0.25, 9.0]),
)
def test_each_takes_the_nearest_that_is_left(wanted, offered, caliper) -> None:
    found = _nearest_unused(np.array(wanted, float), np.array(offered, float), caliper)
    expected = greedy(wanted, offered, caliper)
    taken = [k for k in found.tolist() if k >= 0]
    assert len(set(taken)) == len(taken)
    for k, other in zip(found.tolist(), expected, strict=True):
        assert (k < 0) == (other < 0)
        assert k < 0 or offered[k] == offered[other]


def test_kinds_distances_and_caliper() -> None:
    found = matched_pairs(Y, X, 200, seed=1, caliper=0.02)
    assert len(found.same) == len(found.different) == 200 - found.unmatched > 100
    assert (Y[found.same[:, 0]] == Y[found.same[:, 1]]).all()
    assert (Y[found.different[:, 0]] != Y[found.different[:, 1]]).all()
    for pairs, distance in (
        (found.same, found.distance_same),
        (found.different, found.distance_different),
    ):
        assert (pairs[:, 0] < pairs[:, 1]).all()
        assert len(np.unique(pairs, axis=0)) == len(pairs)
        gap = (X[pairs[:, 0]] - X[pairs[:, 1]]).reshape(len(pairs), -1)
        np.testing.assert_allclose(distance, np.linalg.norm(gap, axis=1))
    assert np.abs(found.mismatch).max() <= 0.02
    again = matched_pairs(Y.tolist(), X, 200, seed=1, caliper=0.02)
    assert all(np.array_equal(a, b) for a, b in zip(found, again, strict=True))


def test_what_matches_nothing_is_counted() -> None:
    """Classes far apart: no different-class pair is as close as a same-class one."""
    x = np.concatenate([RNG.normal(size=(9, 2)), 1e3 + RNG.normal(size=(9, 2))])
    y = np.arange(18) >= 9
    with pytest.raises(ValueError, match=r"no different-class pair of 81 is within 5.0%"):
        matched_pairs(y, x, 20, seed=0)
    assert matched_pairs(y, x, 20, seed=0, caliper=1e6).unmatched == 0
    assert len(matched_pairs(y, x, 0, seed=0).same) == 0


def test_inputs_that_are_equal_match_at_distance_0() -> None:
    found = matched_pairs([0, 0, 1, 1], np.zeros((4, 2)), 2, seed=0)
    assert found.mismatch.tolist() == [0, 0]
    mixed = MatchedPairs(
        found.same, found.different, np.array([0.0, 2.0]), np.array([0.0, 2.5]), unmatched=0
    )
    assert mixed.mismatch.tolist() == [0, 0.25]


def test_distances_by_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = RNG.integers(0, 120, (50, 2))
    wanted = pair_distances(X, pairs)
    monkeypatch.setattr("splinecode.lens.density.distances._CHUNK_BYTES", 200)
    np.testing.assert_array_equal(pair_distances(X, pairs), wanted)
    assert pair_distances(X[:, :0], pairs).tolist() == [0] * 50


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"labels has shape \(119,\) and inputs \(120, 2, 3\)"):
        matched_pairs(Y[1:], X, 5, seed=0)
    with pytest.raises(ValueError, match="caliper is -1"):
        matched_pairs(Y, X, 5, seed=0, caliper=-1)
    with pytest.raises(ValueError, match="pool is 0"):
        matched_pairs(Y, X, 5, seed=0, pool=0)
    with pytest.raises(ValueError, match="n is 5000 but labels has only 2340 pairs of the same"):
        matched_pairs(Y, X, 5000, seed=0)
    with pytest.raises(ValueError, match="inputs holds NaN or inf"):
        matched_pairs(Y, X * np.nan, 5, seed=0)
