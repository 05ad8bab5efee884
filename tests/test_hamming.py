import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
from splinecode import Codes, HammingNeighbors, hamming, hamming_matrix, pack, threads


def random_codes(n, bits=70, seed=0, density=0.5):
    rng = np.random.default_rng(seed)
    return Codes.from_words(pack(rng.random((n, bits)) < density), bits)


def bits_of(codes):
    return codes.bits().tolist()


@st.composite
def codes_pair(draw):
    bits = draw(st.sampled_from([1, 2, 63, 64, 65, 130, 300]))
    n, m = draw(st.integers(0, 9)), draw(st.integers(1, 40))
    seed = draw(st.integers(0, 10_000))
    density = draw(st.sampled_from([0.02, 0.5]))  # sparse codes tie and repeat
    return random_codes(n, bits, seed, density), random_codes(m, bits, seed + 1, density)


@given(codes_pair())
def test_matrix_agrees_with_the_oracle(pair):
    x, y = pair
    assert hamming_matrix(x, y).tolist() == oracle.hamming_matrix(bits_of(x), bits_of(y))
    square = hamming_matrix(y)
    np.testing.assert_array_equal(square, square.T)
    assert square.dtype == np.int32


@given(codes_pair(), st.integers(1, 40), st.booleans())
def test_kneighbors_agrees_with_the_oracle(pair, k, without_x):
    x, y = pair
    queries = y if without_x else x
    k = min(k, len(y) - without_x)
    if k == 0:
        return
    index = HammingNeighbors(k).fit(y)
    distances, indices = index.kneighbors(None if without_x else x)
    wanted = oracle.top_k(bits_of(queries), bits_of(y), k, exclude_self=without_x)
    assert (distances.tolist(), indices.tolist()) == (list(wanted[0]), list(wanted[1]))
    assert distances.dtype == np.int32
    assert indices.dtype == np.int64


@given(codes_pair(), st.integers(0, 80), st.booleans())
def test_radius_neighbors_agrees_with_the_oracle(pair, radius, without_x):
    x, y = pair
    queries = y if without_x else x
    found = HammingNeighbors(radius=radius).fit(y).radius_neighbors(None if without_x else x)
    wanted = oracle.radius(bits_of(queries), bits_of(y), radius, exclude_self=without_x)
    assert [part.tolist() for part in found[0]] == list(wanted[0])
    assert [part.tolist() for part in found[1]] == list(wanted[1])


@pytest.mark.parametrize("bits", [1, 64, 256, 257, 1000, 36_864])
def test_every_level_and_thread_count_agrees(simd_level, bits):
    x, y = random_codes(37, bits, 1), random_codes(1031, bits, 2)
    wanted = (
        x.bits().astype(np.float32) @ (1 - y.bits().astype(np.float32)).T
        + (1 - x.bits().astype(np.float32)) @ y.bits().astype(np.float32).T
    )
    order = np.argsort(wanted, axis=1, kind="stable")[:, :9]
    for n in (1, 2, 5):
        with threads(n):
            np.testing.assert_array_equal(hamming_matrix(x, y), wanted)
            _, indices = HammingNeighbors(9).fit(y).kneighbors(x)
            np.testing.assert_array_equal(indices, order)


def test_paired_and_per_layer(library):
    rng = np.random.default_rng(3)
    layers = {"a": 5, "b": 64, "c": 200}
    sides = [[rng.random((11, n)) < 0.5 for n in layers.values()] for _ in range(2)]
    a, b = (np.concatenate([pack(part) for part in side], axis=1) for side in sides)
    if library == "torch":
        import torch

        a, b = torch.from_numpy(a), torch.from_numpy(b)
    a, b = Codes(a, layers), Codes(b, layers)
    by_layer = hamming(a, b, per_layer=True)
    assert tuple(by_layer.shape) == (11, 3)
    wanted = np.stack([(p != q).sum(1) for p, q in zip(*sides, strict=True)], axis=1)
    np.testing.assert_array_equal(np.asarray(by_layer), wanted)
    np.testing.assert_array_equal(np.asarray(hamming(a, b)), wanted.sum(1))
    np.testing.assert_array_equal(np.asarray(hamming(a.layer("c"), b.layer("c"))), wanted[:, 2])
    np.testing.assert_array_equal(np.asarray(hamming(a.words, b.words)), wanted.sum(1))


def test_layer_slices_search_without_a_copy():
    words = np.random.default_rng(4).integers(0, 2**63, (60, 9), dtype=np.uint64)
    codes = Codes(words, {"a": 64 * 4, "b": 64 * 5})
    layer = codes.layer("b")
    assert not layer.words.flags.c_contiguous
    copy = Codes.from_words(layer.words.copy(), 64 * 5, "b")
    np.testing.assert_array_equal(hamming_matrix(layer), hamming_matrix(copy))
    found, wanted = (HammingNeighbors(4).fit(c).kneighbors() for c in (layer, copy))
    np.testing.assert_array_equal(found[1], wanted[1])


def test_torch_gives_torch():
    torch = pytest.importorskip("torch")
    codes = random_codes(30)
    tensor = Codes.from_words(torch.from_numpy(codes.words), 70)
    distances, indices = HammingNeighbors(3).fit(tensor).kneighbors()
    assert distances.dtype == torch.int32
    assert indices.dtype == torch.int64
    np.testing.assert_array_equal(indices, HammingNeighbors(3).fit(codes).kneighbors()[1])
    assert hamming(tensor, tensor).tolist() == [0] * 30


def test_graphs_are_in_scikit_learn_s_grammar():
    sklearn = pytest.importorskip("sklearn.neighbors")
    codes = random_codes(40, 20, density=0.2)
    ours = HammingNeighbors(5, radius=3).fit(codes)
    theirs = sklearn.NearestNeighbors(
        n_neighbors=5, radius=3 / 20, metric="hamming", algorithm="brute"
    ).fit(codes.bits())
    for x_ours, x_theirs in ((None, None), (codes[:7], codes.bits()[:7])):
        graph = ours.radius_neighbors_graph(x_ours, mode="distance")
        wanted = theirs.radius_neighbors_graph(x_theirs, mode="distance")
        np.testing.assert_array_equal(graph.toarray(), np.rint(wanted.toarray() * 20))
        np.testing.assert_array_equal(
            ours.radius_neighbors_graph(x_ours).toarray(),
            theirs.radius_neighbors_graph(x_theirs).toarray(),
        )
        near = ours.kneighbors_graph(x_ours)
        assert near.shape == wanted.shape
        assert (np.diff(near.indptr) == 5).all()
        distances, _ = theirs.kneighbors(x_theirs)
        np.testing.assert_array_equal(ours.kneighbors(x_ours)[0], np.rint(distances * 20))


def test_graph_keeps_zero_distances():
    pytest.importorskip("scipy")
    codes = Codes.concatenate([random_codes(3)] * 2)
    graph = HammingNeighbors(1).fit(codes).kneighbors_graph(mode="distance")
    assert graph.nnz == 6
    assert (graph.data == 0).all()


def test_parameters():
    index = HammingNeighbors(7, radius=2)
    assert index.get_params() == {
        "n_neighbors": 7,
        "radius": 2,
        "algorithm": "auto",
        "n_jobs": None,
        "device": None,
    }
    assert index.set_params(n_neighbors=3) is index
    assert index.n_neighbors == 3
    with pytest.raises(ValueError, match="no parameter 'metric'"):
        index.set_params(metric="hamming")


@pytest.mark.parametrize("k", [0, -1, 31])
def test_bad_n_neighbors(k):
    with pytest.raises(ValueError, match=rf"n_neighbors is {k}; wanted 1 to 30"):
        HammingNeighbors(k).fit(random_codes(30)).kneighbors(random_codes(2))


def test_bad_input_is_refused():
    codes = random_codes(30)
    with pytest.raises(ValueError, match="wanted 1 to 29: 30 codes are fitted, and without X"):
        HammingNeighbors(30).fit(codes).kneighbors()
    with pytest.raises(RuntimeError, match="not fitted"):
        HammingNeighbors().kneighbors(codes)
    with pytest.raises(ValueError, match="X holds no codes"):
        HammingNeighbors().fit(codes[:0])
    with pytest.raises(ValueError, match="radius is -1"):
        HammingNeighbors().fit(codes).radius_neighbors(radius=-1)
    with pytest.raises(ValueError, match="radius is nan"):
        HammingNeighbors().fit(codes).radius_neighbors(radius=float("nan"))
    with pytest.raises(ValueError, match="mode is 'weights'"):
        HammingNeighbors().fit(codes).kneighbors_graph(mode="weights")
    with pytest.raises(ValueError, match="wanted the same layers"):
        hamming(codes, random_codes(30, 71))
    with pytest.raises(ValueError, match="a has 30 codes and b 29"):
        hamming(codes, codes[:29])
    with pytest.raises(TypeError, match="a has dtype bool; wanted Codes or uint64 words"):
        hamming(codes.bits(), codes.bits())
    with pytest.raises(ValueError, match="2 words a code"):
        hamming_matrix(codes.words, random_codes(3, 200).words)
    with pytest.raises(ValueError, match=r"x has shape \(2,\)"):
        hamming_matrix(codes.words[0])
    with pytest.raises(TypeError, match="per_layer needs Codes"):
        hamming(codes.words, codes.words, per_layer=True)
