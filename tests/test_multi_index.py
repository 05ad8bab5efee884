"""Multi-index hashing through the compiled module: exact, whatever the codes."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import oracle
from splinecode import _core, pack, threads

WORDS = np.random.default_rng(0).integers(0, 2**64, (20, 4), dtype=np.uint64, endpoint=False)


def near_duplicates(rng, n, bits, middles, flips, constant):
    """Codes within `flips` of one of a few middles; a share `constant` of the bits never varies."""
    middle = rng.random((middles, bits)) < 0.5
    rows = middle[rng.integers(0, middles, n)]
    for row in rows:
        row[rng.integers(0, bits, rng.integers(0, flips + 1))] ^= True
    rows[:, rng.random(bits) < constant] = True
    return rows


@st.composite
def searches(draw):
    """Bits of codes and of queries, and a radius."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    bits = draw(st.sampled_from([1, 40, 64, 65, 130, 300]))
    n, m = draw(st.integers(0, 40)), draw(st.integers(0, 12))
    most = draw(st.sampled_from([0, 2, 6]))
    middles = draw(st.integers(1, 5))
    constant = draw(st.sampled_from([0.0, 0.3, 0.9]))
    rows = near_duplicates(rng, n + m, bits, middles, most, constant)
    if draw(st.booleans()):
        rows[n:] ^= rng.random((m, bits)) < 0.01  # where the codes are constant, too
    return rows[:n], rows[n:], draw(st.integers(0, 4))


def varying(bits):
    return int(((bits.sum(0) > 0) & (bits.sum(0) < len(bits))).sum())


def same_lists(found, wanted):
    offsets, indices, distances = found[:3]
    lists = [slice(*pair) for pair in pairwise(offsets)]
    assert [distances[part].tolist() for part in lists] == list(wanted[0])
    assert [indices[part].tolist() for part in lists] == list(wanted[1])


@given(searches(), st.booleans())
def test_agrees_with_the_oracle(search, exclude_self):
    rows, queries, radius = search
    assume(radius == 0 or varying(rows) >= 16 * (radius + 1))
    index = _core.MultiIndex(pack(rows), radius)
    assert (index.rows, index.radius) == (len(rows), radius)
    for smaller in {0, radius // 2, radius}:
        for given_queries, asked in ((pack(queries), queries), (None, rows)):
            exclude = exclude_self and given_queries is None
            wanted = oracle.radius(asked.tolist(), rows.tolist(), smaller, exclude_self=exclude)
            found = index.within_radius(given_queries, smaller, exclude)
            same_lists(found, wanted)
            counts = np.full(len(asked), -1)
            stats = index.count_within(given_queries, smaller, exclude, counts)
            assert counts.tolist() == [len(one) for one in wanted[0]]
            assert stats == found[3]
            assert stats["pairs"] == len(asked) * len(rows)
            assert stats["distances_computed"] + stats["pairs_ruled_out"] == stats["pairs"]


@pytest.mark.parametrize("radius", [0, 1, 5, 15])
def test_every_level_and_thread_count_equals_brute_force(simd_level, radius):
    rng = np.random.default_rng(radius)
    words = pack(near_duplicates(rng, 3000, 700, 900, 20, 0.1))
    wanted = _core.within_radius(words, words, radius, True)
    for count in (1, 2, 5):
        with threads(count):
            index = _core.MultiIndex(words, radius)
            found = index.within_radius(None, radius, True)
        for one, other in zip(found[:3], wanted, strict=True):
            np.testing.assert_array_equal(one, other)
    assert found[3]["distances_computed"] < 100_000


def test_the_estimate_is_near_the_candidates_found():
    rng = np.random.default_rng(1)
    words = pack(near_duplicates(rng, 20_000, 256, 30, 6, 0.0))
    stats = _core.MultiIndex(words, 3).within_radius(None, 3, True)[3]
    found = stats["distances_computed"] / len(words) - 1
    assert _core.sampled_candidates(None, words, 3) == pytest.approx(found, rel=0.1)
    assert _core.sampled_candidates(words[:500], words, 3) == pytest.approx(found, rel=0.15)
    assert _core.sampled_candidates(words[:0], words, 3) == 0
    assert _core.sampled_candidates(None, words, 40) == np.inf


def test_bad_input_is_refused():
    with pytest.raises(
        ValueError, match=r"radius is 16 but only 256 bits vary; wanted at least 16"
    ):
        _core.MultiIndex(WORDS, 16)
    with pytest.raises(ValueError, match="radius is -1; wanted at least 0"):
        _core.MultiIndex(WORDS, -1)
    index = _core.MultiIndex(WORDS, 3)
    with pytest.raises(ValueError, match="radius is 4 but the index is for radii up to 3"):
        index.within_radius(None, 4, False)
    with pytest.raises(ValueError, match="wanted 4 words a code"):
        index.within_radius(WORDS[:, :3], 3, False)
    with pytest.raises(ValueError, match="counts"):
        index.count_within(None, 3, False, np.zeros(3, np.int64))
    assert index.nbytes >= 20 * (4 * 8 + 4 * (4 + 8))
