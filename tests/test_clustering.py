import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
from splinecode import Codes, _core, hamming_matrix, hamming_mst, hdbscan, pack, threads


def clustered_codes(n, bits=200, clusters=4, noise=0.08, seed=0):
    """Codes around `clusters` centres, with a tenth of the codes far from all."""
    rng = np.random.default_rng(seed)
    centres = rng.random((clusters, bits)) < 0.5
    member = rng.integers(clusters, size=n)
    flips = rng.random((n, bits)) < np.where(np.arange(n) % 10 == 0, 0.5, noise)[:, None]
    return Codes.from_words(pack(centres[member] ^ flips), bits)


def rows_of(tree):
    return [
        (weight, *edge)
        for edge, weight in zip(tree.edges.tolist(), tree.weights.tolist(), strict=True)
    ]


@st.composite
def codes_with_ties(draw):
    """Few bits in few groups: distances tie, codes repeat, and lists do not leave a group."""
    n, bits = draw(st.integers(1, 60)), draw(st.sampled_from([1, 3, 8, 64, 130]))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    groups = draw(st.integers(1, 5))
    centres = rng.random((groups, bits)) < 0.5
    flips = rng.random((n, bits)) < draw(st.sampled_from([0.0, 0.02, 0.3]))
    return Codes.from_words(pack(centres[rng.integers(groups, size=n)] ^ flips), bits)


@given(codes_with_ties(), st.integers(0, 8))
def test_tree_agrees_with_the_oracle(codes, min_samples):
    min_samples = min(min_samples, len(codes) - 1)
    tree = hamming_mst(codes, min_samples=min_samples or None)
    assert rows_of(tree) == oracle.spanning_tree(codes.bits().tolist(), min_samples)
    assert (tree.edges.dtype, tree.weights.dtype) == (np.int64, np.int32)


@given(codes_with_ties(), st.integers(1, 8))
def test_tree_does_not_depend_on_how_copies_are_kept(codes, min_samples):
    """The tree that the compiled function makes of all rows, without leaving copies out."""
    n = len(codes)
    min_samples = min(min_samples, n - 1)
    if min_samples == 0:
        return
    matrix = hamming_matrix(codes)
    order = np.argsort(matrix + np.where(np.eye(n), 1000, 0), axis=1, kind="stable")[:, : n - 1]
    distances = np.take_along_axis(matrix, order, axis=1)
    ends, weights, _ = _core.spanning_tree(
        codes.words,
        np.ascontiguousarray(distances[:, min_samples - 1]),
        np.ascontiguousarray(distances[:, :min_samples]),
        np.ascontiguousarray(order[:, :min_samples]),
    )
    tree = hamming_mst(codes, min_samples=min_samples)
    np.testing.assert_array_equal(tree.edges, ends)
    np.testing.assert_array_equal(tree.weights, weights)


@pytest.mark.parametrize("min_samples", [None, 5])
def test_tree_of_every_level_and_thread_count(simd_level, min_samples):
    codes = clustered_codes(700, bits=1000, clusters=30)
    with threads(1):
        wanted = hamming_mst(codes, min_samples=min_samples)
    for n in (2, 5):
        with threads(n):
            assert rows_of(hamming_mst(codes, min_samples=min_samples)) == rows_of(wanted)
    scipy_tree = pytest.importorskip("scipy.sparse.csgraph").minimum_spanning_tree
    matrix = hamming_matrix(codes).astype(float)
    if min_samples:
        core = np.sort(matrix, axis=1)[:, min_samples]
        matrix = np.maximum(matrix, np.maximum(core[:, None], core))
    assert (matrix[~np.eye(700, dtype=bool)] > 0).all()  # scipy drops zeros
    np.testing.assert_array_equal(np.sort(scipy_tree(matrix).data), wanted.weights)


def test_trees_of_few_and_of_equal_codes():
    one = clustered_codes(1)
    for n in (0, 1):
        tree = hamming_mst(one[:n])
        assert tree.edges.shape == (0, 2)
        assert tree.weights.shape == (0,)
    equal = one[np.zeros(6, dtype=int)]
    for min_samples in (None, 1, 5):
        tree = hamming_mst(equal, min_samples=min_samples)
        assert tree.edges.tolist() == [[0, i] for i in range(1, 6)]
        assert tree.weights.tolist() == [0] * 5


def test_strided_and_read_only_words():
    words = np.random.default_rng(0).integers(0, 2**63, (90, 5), dtype=np.uint64)
    words.flags.writeable = False
    tree = hamming_mst(words[::2, 1:3], min_samples=3)
    wanted = hamming_mst(words[::2, 1:3].copy(), min_samples=3)
    assert rows_of(tree) == rows_of(wanted)


def test_torch_gives_torch():
    torch = pytest.importorskip("torch")
    pytest.importorskip("hdbscan")
    codes = clustered_codes(60)
    tensor = Codes.from_words(torch.from_numpy(codes.words), 200)
    tree = hamming_mst(tensor)
    assert (tree.edges.dtype, tree.weights.dtype) == (torch.int64, torch.int32)
    assert rows_of(tree) == rows_of(hamming_mst(codes))
    found, wanted = hdbscan(tensor), hdbscan(codes)
    assert isinstance(found.labels, torch.Tensor)
    np.testing.assert_array_equal(found.labels, wanted.labels)
    np.testing.assert_array_equal(found.probabilities, wanted.probabilities)


def partition(labels):
    """Labels renamed by first appearance; noise stays -1."""
    names = {-1: -1}
    return [names.setdefault(label, len(names)) for label in labels.tolist()]


def distances_of(codes):
    """All distances by a matrix product: nothing of ours."""
    signs = np.where(codes.bits(), np.float32(1), np.float32(-1))
    return (signs.shape[1] - signs @ signs.T).astype(float) / 2


def brute(matrix, min_samples, **options):
    """The hdbscan package on the whole matrix."""
    package = pytest.importorskip("hdbscan")
    return package.HDBSCAN(metric="precomputed", min_samples=min_samples, **options).fit(matrix)


def test_hdbscan_is_the_package_s_on_all_distances():
    """Weights and connected parts are well defined; labels are where clusters stand clear."""
    codes = clustered_codes(5000, 3072, clusters=12, noise=0.1)
    found = hdbscan(codes, min_cluster_size=15, min_samples=10)
    wanted = brute(distances_of(codes), 10, min_cluster_size=15)
    assert partition(found.labels) == partition(wanted.labels_)
    np.testing.assert_allclose(found.probabilities, wanted.probabilities_, rtol=1e-12)
    assert found.labels.max() == 11
    assert len(found.persistence) == 12

    ours = found.single_linkage_tree.to_numpy()
    theirs = wanted.single_linkage_tree_.to_numpy()
    np.testing.assert_array_equal(ours[:, 2], theirs[:, 2])
    fcluster = pytest.importorskip("scipy.cluster.hierarchy").fcluster
    for cut in np.unique(ours[:, 2])[::20] + 0.5:
        parts = [partition(fcluster(tree, cut, "distance")) for tree in (ours, theirs)]
        assert parts[0] == parts[1]


@pytest.mark.parametrize("method", ["eom", "leaf"])
@pytest.mark.parametrize("bits", [24, 200])
def test_hdbscan_labels_are_the_package_s_where_ties_are_broken_alike(bits, method):
    """Ties decide labels. The package sees none if every weight rises by its place in our order.

    With min_samples=1 a core distance is the lightest edge of a code: it changes no weight.
    """
    codes = clustered_codes(500, bits, clusters=12, noise=0.1)[:480]
    n, distances = len(codes), distances_of(codes)
    core = np.sort(distances, axis=1)[:, 4]
    weights = np.maximum(distances, np.maximum(core[:, None], core))
    low, high = np.triu_indices(n, 1)
    order = np.lexsort((high, low, distances[low, high], weights[low, high]))
    weights[low[order], high[order]] += 1e-9 * np.arange(1, len(order) + 1)
    weights = np.triu(weights, 1) + np.triu(weights, 1).T
    options = {"min_cluster_size": 6, "cluster_selection_method": method}
    found = hdbscan(codes, min_samples=4, **options)
    wanted = brute(weights, 1, **options)
    assert partition(found.labels) == partition(wanted.labels_)
    assert found.labels.max() > 4
    if distances[low, high].min() > 0:
        np.testing.assert_allclose(found.probabilities, wanted.probabilities_, rtol=1e-4)


def test_hdbscan_counts_copies():
    """Copies make a cluster of infinite density, as many as there are."""
    pytest.importorskip("hdbscan")
    base = clustered_codes(60, bits=500, clusters=1, noise=0.2)
    codes = Codes.concatenate([base, base[np.full(9, 3)], base[np.full(9, 4)]])
    found = hdbscan(codes, min_cluster_size=8)
    same = [[3, *range(60, 69)], [4, *range(69, 78)]]
    first, second = ({int(label) for label in found.labels[rows]} for rows in same)
    assert first != second
    assert first | second == {0, 1}
    assert (found.probabilities[same[0] + same[1]] == 1).all()
    assert np.isfinite(found.probabilities).all()
    assert set(np.flatnonzero(found.probabilities)) == set(same[0] + same[1])


def test_hdbscan_of_equal_codes():
    pytest.importorskip("hdbscan")
    codes = clustered_codes(1)[np.zeros(40, dtype=int)]
    assert hdbscan(codes).labels.tolist() == [-1] * 40
    alone = hdbscan(codes, allow_single_cluster=True)
    assert alone.labels.tolist() == [0] * 40
    assert alone.probabilities.tolist() == [1] * 40


def test_hdbscan_options_reach_the_package():
    codes = clustered_codes(400, bits=1000, clusters=3, noise=0.15, seed=5)
    for options in (
        {"cluster_selection_method": "leaf"},
        {"cluster_selection_epsilon": 300.0},
        {"max_cluster_size": 100},
        {"allow_single_cluster": True},
    ):
        found = hdbscan(codes, min_cluster_size=6, min_samples=3, **options)
        wanted = brute(distances_of(codes), 3, min_cluster_size=6, **options)
        assert partition(found.labels) == partition(wanted.labels_)


def test_bad_input_is_refused():
    codes = clustered_codes(30)
    for bad in (0, 30, -1):
        with pytest.raises(ValueError, match=f"min_samples is {bad}; wanted 1 to 29"):
            hamming_mst(codes, min_samples=bad)
    with pytest.raises(TypeError, match="codes has dtype bool"):
        hamming_mst(codes.bits())
    with pytest.raises(TypeError):
        hamming_mst(codes, min_samples=2.5)
    with pytest.raises(ValueError, match="codes has 1 codes; wanted at least 2"):
        hdbscan(codes[:1])
    with pytest.raises(ValueError, match="min_cluster_size is 1"):
        hdbscan(codes, min_cluster_size=1)
    with pytest.raises(ValueError, match="cluster_selection_method is 'flat'"):
        hdbscan(codes, cluster_selection_method="flat")
    with pytest.raises(ValueError, match="cluster_selection_epsilon is nan"):
        hdbscan(codes, cluster_selection_epsilon=float("nan"))


def test_lists_that_are_none_are_refused():
    words = np.arange(4, dtype=np.uint64)[:, None]
    core, distances = np.zeros(4, dtype=np.int32), np.ones((4, 1), dtype=np.int32)
    indices = np.array([[1], [0], [0], [0]])
    with pytest.raises(ValueError, match=r"indices\[2\] holds 4; wanted rows of the 4 codes"):
        _core.spanning_tree(words, core, distances, np.array([[1], [0], [4], [0]]))
    with pytest.raises(ValueError, match=r"indices\[1\] holds 1"):
        _core.spanning_tree(words, core, distances, np.array([[1], [1], [0], [0]]))
    with pytest.raises(ValueError, match=r"distances\[0\] does not rise"):
        _core.spanning_tree(words, core, -distances, indices)
    with pytest.raises(ValueError, match=r"core\[0\] is -1"):
        _core.spanning_tree(words, core - 1, distances, indices)
    with pytest.raises(ValueError, match=r"wanted shape \(4, 1\)"):
        _core.spanning_tree(words, core, distances, indices[:3])
