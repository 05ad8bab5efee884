import copy
import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
from splinecode import Codes, HammingNeighbors, _core, get_threads, merge_topk, pack, threads


def random_codes(n, bits=70, seed=0, density=0.5):
    rng = np.random.default_rng(seed)
    return Codes.from_words(pack(rng.random((n, bits)) < density), bits)


def as_torch(codes):
    torch = pytest.importorskip("torch")
    return Codes(torch.from_numpy(codes.words), codes.layers)


@given(st.integers(0, 9), st.integers(1, 40), st.integers(0, 80), st.booleans(), st.integers(0, 99))
def test_radius_counts_agree_with_the_oracle(m, n, radius, without_x, seed):
    x, y = random_codes(m, seed=seed), random_codes(n, seed=seed + 1)
    queries = y if without_x else x
    found = HammingNeighbors(radius=radius).fit(y).radius_counts(None if without_x else x)
    wanted = oracle.radius(queries.bits().tolist(), y.bits().tolist(), radius, without_x)
    assert found.tolist() == [len(row) for row in wanted[0]]
    assert found.dtype == np.int64


def test_radius_results_of_torch_are_torch():
    torch = pytest.importorskip("torch")
    codes = random_codes(30, 20)
    index, wanted = (HammingNeighbors(radius=6).fit(c) for c in (as_torch(codes), codes))
    for ours, theirs in zip(index.radius_neighbors(), wanted.radius_neighbors(), strict=True):
        assert isinstance(ours, np.ndarray)
        assert ours.shape == (30,)
        for a, b in zip(ours, theirs, strict=True):
            assert isinstance(a, torch.Tensor)
            np.testing.assert_array_equal(a, b)
    assert isinstance(index.radius_counts(), torch.Tensor)
    np.testing.assert_array_equal(index.radius_counts(), wanted.radius_counts())
    graph = index.radius_neighbors_graph(mode="distance")
    assert (graph != wanted.radius_neighbors_graph(mode="distance")).nnz == 0


@pytest.mark.parametrize("form", ["codes", "words"])
def test_distinct_codes_stand_once(library, form):
    codes = random_codes(12, 20)[[3, 1, 3, 3, 2, 1]]
    if library == "torch":
        codes = as_torch(codes)
    unique = codes.unique()
    index = HammingNeighbors(2).fit(codes if form == "codes" else codes.words, distinct=True)
    assert index.n_samples_fit_ == 3
    assert index.counts_.tolist() == unique.counts.tolist()
    assert index.inverse_.tolist() == unique.inverse.tolist()
    distances, indices = index.kneighbors()
    wanted = HammingNeighbors(2).fit(unique.codes).kneighbors()
    assert type(indices) is type(wanted[1])
    assert indices.tolist() == wanted[1].tolist()
    assert (np.asarray(distances) > 0).all()
    rows = index.kneighbors(codes if form == "codes" else codes.words, 1)[1][:, 0]
    assert rows.tolist() == index.inverse_.tolist()
    index.fit(codes)
    assert not hasattr(index, "counts_")
    assert index.n_samples_fit_ == 6


@pytest.mark.parametrize("form", ["codes", "words"])
def test_clones_and_pickles(library, form):
    base = pytest.importorskip("sklearn.base")
    codes = random_codes(25) if library == "numpy" else as_torch(random_codes(25))
    assert pickle.loads(pickle.dumps(codes)) == codes == copy.deepcopy(codes)
    codes = codes if form == "codes" else codes.words
    settings = {"n_neighbors": 3, "radius": 30.0, "algorithm": "brute", "n_jobs": 2, "device": None}
    index = HammingNeighbors(**settings)
    assert repr(index) == (
        "HammingNeighbors(n_neighbors=3, radius=30.0, algorithm='brute', n_jobs=2, device=None)"
    )
    for same in (base.clone(index), pickle.loads(pickle.dumps(index)), copy.deepcopy(index)):
        assert same is not index
        assert same.get_params() == settings
        with pytest.raises(RuntimeError, match="not fitted"):
            same.kneighbors(codes)
    index.fit(codes, distinct=True)
    assert not hasattr(base.clone(index), "counts_")
    wanted = index.kneighbors()
    for same in (pickle.loads(pickle.dumps(index)), copy.deepcopy(index)):
        for ours, theirs in zip(same.kneighbors(), wanted, strict=True):
            assert type(ours) is type(theirs)
            assert ours.tolist() == theirs.tolist()
        assert same.counts_.tolist() == index.counts_.tolist()


def test_n_jobs_are_the_threads_of_the_search(monkeypatch):
    seen = []
    real = _core.top_k
    monkeypatch.setattr(_core, "top_k", lambda *a: (seen.append(get_threads()), real(*a)))
    codes = random_codes(30)
    with threads(3):
        for n_jobs in (None, 1, 2, -1):
            HammingNeighbors(n_jobs=n_jobs).fit(codes).kneighbors()
            assert get_threads() == 3
    assert seen[:3] == [3, 1, 2]
    assert seen[3] >= 1
    for bad in (0, -2):
        with pytest.raises(ValueError, match=f"n_jobs is {bad}; wanted None, -1"):
            HammingNeighbors(n_jobs=bad).fit(codes).kneighbors()


def test_algorithms_have_names():
    codes = random_codes(30)
    wanted = HammingNeighbors().fit(codes).kneighbors()[1]
    for algorithm in ("auto", "brute", "pruned", "hash"):
        index = HammingNeighbors(algorithm=algorithm).fit(codes)
        np.testing.assert_array_equal(index.kneighbors()[1], wanted)
    with pytest.raises(ValueError, match="algorithm is 'kd_tree'; wanted one of"):
        HammingNeighbors(algorithm="kd_tree").fit(codes).kneighbors()


def test_umap_form_has_each_code_first(library):
    codes = random_codes(9, 6)[[*range(9), 0, 0, 0]]  # code 0 stands 4 times
    index = HammingNeighbors(3).fit(codes if library == "numpy" else as_torch(codes))
    indices, distances = index.to_umap()
    assert indices.dtype == np.int64
    assert distances.dtype == np.float32
    np.testing.assert_array_equal(indices[:, 0], np.arange(12))
    np.testing.assert_array_equal(distances[:, 0], np.zeros(12))
    others = HammingNeighbors(2).fit(codes).kneighbors()
    np.testing.assert_array_equal(distances[:, 1:], others[0])
    np.testing.assert_array_equal(indices[:, 1:], others[1])
    assert index.to_umap(1)[0].shape == (12, 1)
    assert index.to_umap(12)[0].shape == (12, 12)
    for bad in (0, 13):
        with pytest.raises(ValueError, match=f"n_neighbors is {bad}; wanted 1 to 12"):
            index.to_umap(bad)


def part_of(codes, begin, end, k, x):
    """The k nearest within a part of the database, or all its rows, as a worker would find them."""
    if begin == end:
        empty = np.empty((len(x), 0))
        return empty.astype(np.int32), empty.astype(np.int64)
    index = HammingNeighbors(min(k, end - begin)).fit(codes[begin:end])
    distances, indices = index.kneighbors(x)
    return distances, indices + begin


@given(st.integers(1, 40), st.integers(1, 12), st.lists(st.integers(0, 40), max_size=4))
def test_merging_parts_is_searching_the_whole(n, k, cuts):
    codes, x = random_codes(n, 5, density=0.2), random_codes(4, 5, seed=1)
    edges = [0, *sorted(min(cut, n) for cut in cuts), n]
    parts = [part_of(codes, a, b, k, x) for a, b in pairwise(edges)]
    wanted = HammingNeighbors(min(k, n)).fit(codes).kneighbors(x)
    in_turn = parts[0]
    for part in parts[1:]:
        in_turn = merge_topk([in_turn, part], k)
    pairs = [merge_topk(parts[i : i + 2], k) for i in range(0, len(parts), 2)]
    for merged in (merge_topk(parts, k), merge_topk(parts[::-1], k), merge_topk(pairs, k)):
        for ours, theirs in zip(merged, wanted, strict=True):
            np.testing.assert_array_equal(ours, theirs)
            assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(in_turn[1][:, :k], wanted[1])


def test_merging_torch_gives_torch():
    torch = pytest.importorskip("torch")
    codes, x = random_codes(30), random_codes(5, seed=2)
    parts = [part_of(codes, 0, 10, 4, x), part_of(codes, 10, 30, 4, x)]
    merged = merge_topk([tuple(map(torch.from_numpy, part)) for part in parts])
    for ours, theirs in zip(merged, merge_topk(parts), strict=True):
        assert isinstance(ours, torch.Tensor)
        np.testing.assert_array_equal(ours, theirs)


def test_bad_parts_are_refused():
    codes, x = random_codes(30), random_codes(5, seed=2)
    a, b = part_of(codes, 0, 10, 4, x), part_of(codes, 10, 30, 4, x)
    with pytest.raises(ValueError, match="parts is empty"):
        merge_topk([])
    with pytest.raises(ValueError, match="parts overlap: query 0 has row"):
        merge_topk([a, a])
    with pytest.raises(ValueError, match="k is 0"):
        merge_topk([a, b], 0)
    with pytest.raises(ValueError, match=r"parts\[1\] has 3 queries and parts\[0\] 5"):
        merge_topk([a, (b[0][:3], b[1][:3])])
    with pytest.raises(ValueError, match=r"parts\[1\] has shapes \(5, 4\) and \(5, 3\)"):
        merge_topk([a, (b[0], b[1][:, :3])])
    with pytest.raises(TypeError, match=r"parts\[1\] has dtypes"):
        merge_topk([a, (b[0].astype(np.int64), b[1])])
    with pytest.raises(TypeError, match=r"parts\[0\]\[0\] is a list"):
        merge_topk([([[1]], [[2]])])
