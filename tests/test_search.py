"""Every way to search gives the answers of brute force, and says what it did."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
from splinecode import Codes, HammingNeighbors, _core, pack, search, threads

ALGORITHMS = [name for name in search.ALGORITHMS if name != "brute"]


def clustered(n, words=6, seed=0, clusters=7):
    """Codes as nets give them: classes, rare bits, constant bits, doubled units."""
    rng = np.random.default_rng(seed)
    middle = np.random.default_rng(99).integers(0, 2**63, (clusters, words), dtype=np.uint64)
    rare = [rng.integers(0, 2**63, (n, words), dtype=np.uint64) for _ in range(4)]
    out = middle[rng.integers(clusters, size=n)] ^ (rare[0] & rare[1] & rare[2] & rare[3])
    out[:, 0] &= np.uint64(0xFFFF_0000_FFFF_FFF0)
    out[:, 1] |= np.uint64(0xFF)
    if words > 3:
        out[:, 3] = out[:, 2]
    return out


def same(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@given(
    st.integers(1, 90),
    st.integers(0, 9),
    st.integers(1, 5),
    st.sampled_from([0.0, 0.02, 0.3, 0.5, 1.0]),
    st.integers(0, 2**16),
)
def test_answers_are_the_oracle_s(algorithm, n, m, words, density, seed):
    rng = np.random.default_rng(seed)
    bits = rng.random((n + m, 64 * words)) < density
    y, x = pack(bits[:n]), pack(bits[n:])
    k, radius = min(n, 1 + seed % 7), seed % (40 * words)
    if algorithm == "hash":
        varying = int((bits[:n].any(0) & ~bits[:n].all(0)).sum())
        radius = min(radius, max(0, varying // 16 - 1))
    index = HammingNeighbors(k, radius=radius, algorithm=algorithm).fit(y)
    wanted = oracle.top_k(bits[n:].tolist(), bits[:n].tolist(), k)
    found = index.kneighbors(x)
    assert [part.tolist() for part in found] == [list(part) for part in wanted]
    for queries, own in ((x, False), (None, True)):
        rows = bits[:n] if own else bits[n:]
        wanted = oracle.radius(rows.tolist(), bits[:n].tolist(), radius, exclude_self=own)
        lists = index.radius_neighbors(queries)
        assert [[a.tolist() for a in part] for part in lists] == [list(part) for part in wanted]
        assert index.radius_counts(queries).tolist() == [len(row) for row in wanted[0]]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_level_and_thread_count_agrees(simd_level, algorithm):
    y, x = clustered(1500), clustered(140, seed=1)
    x[:5] ^= np.uint64(0xFF)  # differ where all of y are alike
    brute = HammingNeighbors(9, radius=12, algorithm="brute").fit(y)
    for n in (1, 2, 5):
        with threads(n):
            index = HammingNeighbors(9, radius=12, algorithm=algorithm).fit(y)
            for queries in (x, None):
                same(index.kneighbors(queries), brute.kneighbors(queries))
                same(index.radius_neighbors(queries), brute.radius_neighbors(queries))
                same([index.radius_counts(queries)], [brute.radius_counts(queries)])


def test_stats_say_what_was_done():
    y = clustered(3000, words=12)
    brute = HammingNeighbors(3, algorithm="brute").fit(y)
    brute.kneighbors(y[:40])
    assert brute.stats_ == {
        "algorithm": "brute",
        "pairs": 120_000,
        "pairs_ruled_out": 0,
        "distances_computed": 120_000,
        "words_read": 1_440_000,
        "bits_dropped": 0,
    }
    pruned = HammingNeighbors(3, algorithm="pruned").fit(y)
    pruned.kneighbors()
    assert pruned.stats_["algorithm"] == "pruned"
    assert pruned.stats_["pairs"] == 9_000_000
    assert pruned.stats_["bits_dropped"] >= 28
    assert pruned.stats_["pairs_ruled_out"] > 0
    assert pruned.stats_["words_read"] < 9_000_000 * 12 / 2
    counted = pruned.stats_["pairs_ruled_out"] + pruned.stats_["distances_computed"]
    assert counted <= pruned.stats_["pairs"]
    pruned.radius_counts(radius=2)
    assert pruned.stats_["words_read"] < 9_000_000 * 12 / 2


def test_auto_prunes_what_can_be_pruned_once_it_pays(monkeypatch):
    monkeypatch.setattr(search, "_LEAST_PAIRS", 0)
    monkeypatch.setattr(search, "_PRUNED_MAKING_NS", 40)
    index = HammingNeighbors(5).fit(clustered(4000, words=20))
    index.kneighbors(clustered(100, words=20, seed=1))
    assert index.stats_["algorithm"] == "brute"
    index.kneighbors()
    assert index.stats_["algorithm"] == "pruned"
    index.kneighbors(clustered(10, words=20, seed=1))
    assert index.stats_["algorithm"] == "pruned", "the index is there"
    noise = np.random.default_rng(0).integers(0, 2**63, (4000, 20), dtype=np.uint64)
    index.fit(noise).kneighbors()
    assert index.stats_["algorithm"] == "brute"


def test_auto_hashes_small_radii(monkeypatch):
    monkeypatch.setattr(search, "_LEAST_PAIRS", 0)
    monkeypatch.setattr(search, "_MOST_PRUNED_BITS", 0)  # or pruning may seem as good
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 2**63, (5000, 16), dtype=np.uint64)
    noise[2500:] = noise[:2500]
    noise[2500:, 3] ^= np.uint64(1) << rng.integers(0, 64, 2500, dtype=np.uint64)
    index, brute = (HammingNeighbors(radius=2, algorithm=a).fit(noise) for a in ("auto", "brute"))
    same(index.radius_neighbors(), brute.radius_neighbors())
    assert index.stats_["algorithm"] == "hash"
    assert index.stats_["distances_computed"] < 100_000
    same([index.radius_counts(radius=1)], [brute.radius_counts(radius=1)])
    index.radius_counts(radius=400)
    assert index.stats_["algorithm"] == "brute"


def test_hashing_says_which_radii_it_can_find():
    index = HammingNeighbors(radius=30, algorithm="hash").fit(clustered(100))
    with pytest.raises(ValueError, match="radius is 30 but only .* bits vary"):
        index.radius_neighbors()


def test_codes_too_wide_to_prune():
    rng = np.random.default_rng(0)
    wide = rng.integers(0, 2**63, (40, 1100), dtype=np.uint64)
    with pytest.raises(ValueError, match="more than 65,534 bits vary"):
        HammingNeighbors(3, algorithm="pruned").fit(wide).kneighbors()
    brute = HammingNeighbors(3).fit(wide)
    assert brute.kneighbors()[0].shape == (40, 3)
    nearly_equal = wide[[0] * 40]
    nearly_equal[:, 7] = np.arange(40)
    index = HammingNeighbors(3, algorithm="pruned").fit(nearly_equal)
    same(index.kneighbors(), HammingNeighbors(3, algorithm="brute").fit(nearly_equal).kneighbors())


def test_an_index_checks_its_arguments():
    index = _core.PrunedIndex(clustered(50))
    assert index.rows == 50
    assert index.nbytes > 0
    out = np.empty((4, 3), np.int32), np.empty((4, 3), np.int64)
    with pytest.raises(ValueError, match="queries is a .*wanted 6 words a code"):
        index.top_k(clustered(4, words=5), False, *out)
    with pytest.raises(ValueError, match="k is 3 but the index holds 2 codes"):
        _core.PrunedIndex(clustered(2)).top_k(clustered(4), False, *out)
    with pytest.raises(ValueError, match="distances"):
        index.top_k(clustered(5), False, *out)


def test_a_search_that_cannot_fit_fails_before_it_starts(monkeypatch):
    codes = clustered(1000)
    asked = []

    def refuse(size, what):
        asked.append(size)
        raise MemoryError(what)

    monkeypatch.setattr(_core, "need_memory", refuse)
    with pytest.raises(MemoryError, match="9 neighbours of 1000 codes"):
        HammingNeighbors(9).fit(codes).kneighbors()
    assert asked == [12 * 1000 * 9]


def test_pruned_search_of_layer_slices_and_read_only_words():
    words = clustered(600, words=9)
    codes = Codes(words, {"a": 64 * 4, "b": 64 * 5})
    layer = codes.layer("b")
    words.flags.writeable = False
    index = HammingNeighbors(4, algorithm="pruned").fit(layer)
    copy = HammingNeighbors(4, algorithm="brute").fit(words[:, 4:].copy())
    same(index.kneighbors(), copy.kneighbors())
