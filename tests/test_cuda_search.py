"""Search among codes on a GPU: the neighbours of the CPU, ties and all."""

import pickle

import numpy as np
import pytest

from gpu_arrays import in_wider_rows, make, same, sized, to_cpu, to_gpu
from splinecode import Codes, HammingNeighbors, _core, cuda_route, merge_topk, nearest_in_bank, pack

pytestmark = pytest.mark.gpu

N = sized(3001, 70)


def routes():
    return ["auto", *_core.cuda.routes()] if _core.cuda_built else ["auto"]


def queries_of(words, library):
    """No queries, and some: every (on the CPU, on the GPU)."""
    some = np.concatenate([words[: min(9, len(words))], ~words[:2]])
    return [(None, None), (some, to_gpu(some, library)), (some[:0], to_gpu(some[:0], library))]


def check_neighbors(words, library, k):
    cpu, gpu = HammingNeighbors(k).fit(words), HammingNeighbors(k).fit(to_gpu(words, library))
    for x, ours in queries_of(words, library):
        same(gpu.kneighbors(ours), cpu.kneighbors(x))
        same(gpu.kneighbors(ours, return_distance=False), cpu.kneighbors(x)[1])


@pytest.mark.parametrize("bits", [1, 64, 65, sized(5000, 300)])
@pytest.mark.parametrize("density", [0.02, 0.5])
def test_kneighbors(gpu_library, bits, density):
    rng = np.random.default_rng(bits)
    for k in (1, 10, N - 1):
        check_neighbors(pack(rng.random((N, bits)) < density), gpu_library, k)


@pytest.mark.parametrize("route", routes())
@pytest.mark.parametrize("bits", [65, sized(5000, 130)])
def test_kneighbors_by_every_route(gpu_library, route, bits):
    rng = np.random.default_rng(bits)
    with cuda_route(route):
        for k in sized((1, 10, 600), (7,)):
            check_neighbors(pack(rng.random((N, bits)) < 0.5), gpu_library, k)


@pytest.mark.parametrize("n", [1, 2, 33])
def test_few_and_equal_codes(gpu_library, n):
    words = np.ones((n, 3), np.uint64)
    gpu = HammingNeighbors().fit(to_gpu(words, gpu_library))
    cpu = HammingNeighbors().fit(words)
    for x, ours in queries_of(words, gpu_library):
        for k in {1, n - (x is None)} - {0}:
            if k <= n - (x is None):
                same(gpu.kneighbors(ours, k), cpu.kneighbors(x, k))
        if x is not None or n > 1:
            same(gpu.radius_counts(ours, 0), cpu.radius_counts(x, 0))


def test_more_than_1024_neighbours(gpu_library):
    words = pack(np.random.default_rng(0).random((1300, 40)) < 0.5)
    gpu, cpu = (HammingNeighbors(1200).fit(w) for w in (to_gpu(words, gpu_library), words))
    same(gpu.kneighbors(to_gpu(words[:3], gpu_library)), cpu.kneighbors(words[:3]))


def test_a_small_workspace(gpu_library, monkeypatch):
    monkeypatch.setattr("splinecode.cuda_search.WORKSPACE_BYTES", 1)
    words = make(N).words
    gpu, cpu = (HammingNeighbors(7).fit(w) for w in (to_gpu(words, gpu_library), words))
    same(gpu.kneighbors(), cpu.kneighbors())


def check_radius(codes, library, radius):
    gpu, cpu = HammingNeighbors().fit(to_gpu(codes, library)), HammingNeighbors().fit(codes)
    few = codes[:9]
    for x, ours in ((None, None), (few, to_gpu(few, library)), (codes[:0], gpu._codes[:0])):
        same(gpu.radius_counts(ours, radius), cpu.radius_counts(x, radius))
        found, wanted = gpu.radius_neighbors(ours, radius), cpu.radius_neighbors(x, radius)
        for one, other in zip(found, wanted, strict=True):
            assert len(one) == len(other)
            for a, b in zip(one, other, strict=True):
                same(a, b)


@pytest.mark.parametrize("radius", [0, 3, 60, np.inf])
def test_radius(gpu_library, radius):
    check_radius(make(N, (3, 130), 0.2), gpu_library, radius)


@pytest.mark.parametrize("route", routes())
def test_radius_by_every_route(gpu_library, route):
    with cuda_route(route):
        check_radius(make(N, (3, 130), 0.5), gpu_library, 60)


def test_codes_as_slices_of_wider_rows(gpu_library):
    words = make(40, (70, 64)).words
    wide, inside = in_wider_rows(words)
    gpu = HammingNeighbors(5).fit(to_gpu(wide, gpu_library)[:, inside])
    cpu = HammingNeighbors(5).fit(words)
    same(gpu.kneighbors(), cpu.kneighbors())
    same(gpu.radius_counts(radius=60), cpu.radius_counts(radius=60))


def test_graphs_come_to_the_cpu(gpu_library):
    pytest.importorskip("scipy")
    codes = make(40)
    gpu, cpu = HammingNeighbors(5).fit(to_gpu(codes, gpu_library)), HammingNeighbors(5).fit(codes)
    for graph, wanted in (
        (gpu.kneighbors_graph(mode="distance"), cpu.kneighbors_graph(mode="distance")),
        (gpu.radius_neighbors_graph(radius=60), cpu.radius_neighbors_graph(radius=60)),
        (gpu.transform(to_gpu(codes[:3], gpu_library)), cpu.transform(codes[:3])),
        (gpu.fit_transform(to_gpu(codes, gpu_library)), cpu.fit_transform(codes)),
    ):
        for part in ("data", "indices", "indptr"):
            np.testing.assert_array_equal(getattr(graph, part), getattr(wanted, part))
    for part, wanted in zip(gpu.to_umap(4), cpu.to_umap(4), strict=True):
        np.testing.assert_array_equal(part, wanted)


@pytest.mark.parametrize("form", ["codes", "words"])
def test_distinct_codes(gpu_library, form):
    codes = make(50, (5,)) if form == "codes" else make(50, (5,)).words
    gpu = HammingNeighbors(3).fit(to_gpu(codes, gpu_library), distinct=True)
    cpu = HammingNeighbors(3).fit(codes, distinct=True)
    same(gpu.counts_, cpu.counts_)
    same(gpu.inverse_, cpu.inverse_)
    same(gpu.kneighbors(), cpu.kneighbors())
    same(pickle.loads(pickle.dumps(gpu)).kneighbors(), cpu.kneighbors())


def test_banks(gpu_library):
    bank, queries = make(60, (3, 130), seed=1), make(9, (3, 130), seed=2)
    x, y = to_gpu(queries, gpu_library), to_gpu(bank, gpu_library)
    same(nearest_in_bank(x, y), nearest_in_bank(queries, bank))
    mask = np.arange(133) % 3 == 0
    same(nearest_in_bank(x, y, mask=mask), nearest_in_bank(queries, bank, mask=mask))
    for labels in (np.arange(60) // 20, np.arange(60) % 7, -np.arange(60) % 2):
        wanted = nearest_in_bank(queries, bank, labels)
        same(nearest_in_bank(x, y, labels), wanted)
        same(nearest_in_bank(x, y, to_gpu(labels, gpu_library)), wanted)
    words = ["one", "two", "two"] * 20
    ours, wanted = nearest_in_bank(x, y, words), nearest_in_bank(queries, bank, words)
    same(ours[:2], wanted[:2])
    np.testing.assert_array_equal(ours.classes, wanted.classes)


def test_parts_are_merged(gpu_library):
    codes = make(90, (3, 10))
    x = to_gpu(codes, gpu_library)
    parts = []
    for begin in range(0, 90, 30):
        index = HammingNeighbors(10).fit(x[begin : begin + 30])
        distances, indices = index.kneighbors(x)
        parts.append((distances, indices + begin))
    same(merge_topk(parts, 10), HammingNeighbors(10).fit(codes).kneighbors(codes))
    same(merge_topk(parts), merge_topk([tuple(map(to_cpu, part)) for part in parts]))
    with pytest.raises(ValueError, match=r"parts overlap: query 0 has row \d+ twice"):
        merge_topk([parts[0], parts[0]])


def test_a_whole_layer_at_a_time(gpu_library):
    codes = make(40, (70, 64))
    ours = to_gpu(codes, gpu_library)
    for name in ("layer0", "layer1"):
        gpu, cpu = (HammingNeighbors(3).fit(c.layer(name)) for c in (ours, codes))
        same(gpu.kneighbors(), cpu.kneighbors())
    assert isinstance(ours.layer(0), Codes)
