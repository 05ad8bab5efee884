"""Streams, graphs, devices and memory of a GPU: what work waits for, and what is refused."""

import numpy as np
import pytest

import splinecode as sc
from gpu_arrays import EMULATED, make, same, sized, to_cpu, to_gpu
from splinecode import Codes, HammingNeighbors, _core, hamming, hamming_matrix, pack
from splinecode.arrays import device_of

pytestmark = pytest.mark.gpu


def test_work_is_on_the_current_stream(torch_on_gpu):
    torch = torch_on_gpu
    z = torch.randn(4096, 4096, device="cuda")
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        words = pack(z * 2 - 1, nan="inactive")
        distances = hamming_matrix(words)
        found = HammingNeighbors(5).fit(words).kneighbors()
        order = Codes._trusted(words, (sc.Layer("z", 4096),)).argsort()
    stream.synchronize()
    wanted = pack((z * 2 - 1).cpu().numpy())
    same(words, wanted)
    same(distances, hamming_matrix(wanted))
    same(found, HammingNeighbors(5).fit(wanted).kneighbors())
    same(order, Codes.from_words(wanted, 4096).argsort())


def test_captured_in_a_graph(torch_on_gpu):
    torch = torch_on_gpu
    z = torch.randn(500, 200, device="cuda")

    def work():
        words = pack(z, nan="inactive")
        index = HammingNeighbors(3).fit(words)
        return (
            words,
            hamming(words[1:], words[:-1]),
            hamming_matrix(words, words[:70]),
            hamming_matrix(words),
            *index.kneighbors(),
            index.radius_counts(radius=90),
        )

    work()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        results = work()
    z.copy_(torch.randn(500, 200, device="cuda"))
    graph.replay()
    torch.cuda.synchronize()
    words = pack(z.cpu().numpy())
    index = HammingNeighbors(3).fit(words)
    same(results[0], words)
    same(results[1], hamming(words[1:], words[:-1]))
    same(results[2], hamming_matrix(words, words[:70]))
    same(results[3], hamming_matrix(words))
    same(results[4:6], index.kneighbors())
    same(results[6], index.radius_counts(radius=90))


def test_nothing_waits_but_for_sizes(gpu_library):
    """Counted by the emulated libraries."""
    if not EMULATED:
        pytest.skip("a real GPU does not count what waits")
    from emulated_cupy import waits

    codes, groups = to_gpu(make(40), gpu_library), [0, 3, 40]
    index = HammingNeighbors(3).fit(codes)

    def count(work):
        waits.clear()
        work()
        return len(waits)

    for work in (
        lambda: pack(to_gpu(np.ones((3, 5)), gpu_library), nan="inactive"),
        codes.bits,
        codes.argsort,
        codes.sort,
        lambda: hamming(codes, codes, weights=[1, 2], mask=np.ones(133, bool)),
        lambda: hamming_matrix(codes, per_layer=True, mask=codes[0]),
        lambda: sc.jaccard_similarity_matrix(codes),
        lambda: sc.jaccard_similarity(codes, codes),
        lambda: sc.consecutive_hamming(codes, groups),
        lambda: sc.hamming_from_start(codes, groups),
        lambda: sc.space_folding(codes, groups),
        lambda: sc.flipped_any(codes, groups),
        lambda: sc.firing_rates(codes),
        lambda: sc.cofiring(codes),
        lambda: sc.sets.isin(codes, codes),
        lambda: sc.nearest_in_bank(codes, codes, np.arange(40) % 3),
        index.kneighbors,
        index.radius_counts,
    ):
        assert count(work) == 0, waits
    for work in (
        lambda: pack(to_gpu(np.ones((3, 5)), gpu_library)),
        lambda: Codes(codes.words, codes.layers),
        codes.unique,
        index.radius_neighbors,
        lambda: sc.space_folding(codes),
        lambda: sc.merge_topk([index.kneighbors()]),
        lambda: codes == codes[:],
    ):
        assert count(work) == 1, waits


def test_two_libraries_or_places_are_an_error(gpu_library):
    codes = make(4)
    ours = to_gpu(codes, gpu_library)
    place = rf"{gpu_library} array on cuda:0 .* numpy array on cpu"
    for ask in (
        lambda: hamming(ours, codes),
        lambda: hamming_matrix(ours, codes),
        lambda: sc.jaccard_similarity_matrix(ours, codes),
        lambda: sc.cofiring(ours, codes),
        lambda: sc.nearest_in_bank(ours, codes),
        lambda: sc.flipped_any(ours, [0, 4], codes[:1]),
        lambda: sc.sets.isin(ours, codes),
        lambda: Codes.concatenate([ours, codes]),
        lambda: HammingNeighbors(1).fit(codes).kneighbors(ours),
        lambda: HammingNeighbors(1).fit(codes).radius_counts(ours),
    ):
        with pytest.raises(ValueError, match=place):
            ask()
    with pytest.raises(ValueError, match=rf"mask is a {gpu_library} array on cuda:0"):
        hamming(codes, codes, mask=ours[0])
    with pytest.raises(ValueError, match=r"the fitted codes is a numpy array on cpu|numpy array"):
        HammingNeighbors(1).fit(ours).kneighbors(codes)
    assert f"{gpu_library} on cuda:0" in repr(ours)


def test_another_gpu(gpu_library):
    if _core.cuda.device_count() < 2 or (EMULATED and gpu_library == "torch"):
        pytest.skip("one CUDA device: nothing to mix it with")
    codes = make(4)
    first, second = to_gpu(codes, gpu_library), to_gpu(codes, gpu_library, device=1)
    with pytest.raises(ValueError, match=r"on cuda:0 .* on cuda:1"):
        hamming(first, second)
    with pytest.raises(ValueError, match=r"on cuda:1"):
        hamming(first, first, mask=second[0])
    same(hamming_matrix(second), hamming_matrix(codes))
    found = HammingNeighbors(2).fit(second).kneighbors()
    same(found, HammingNeighbors(2).fit(codes).kneighbors())
    assert device_of(second.unique().counts) == "cuda:1"


def test_trees_and_clusters_are_made_on_the_cpu(gpu_library):
    ours = to_gpu(make(9), gpu_library)
    cure = r"codes is on cuda:0; this function runs on the CPU: move it with \.(cpu|get)\(\)"
    with pytest.raises(ValueError, match=cure):
        sc.hamming_mst(ours)


def test_a_full_gpu_is_a_memory_error(gpu_library):
    n = sized(3_000_000, 100)
    words = to_gpu(np.zeros((n, 1), np.uint64), gpu_library)
    message = r"distances.* array of shape .* take [\d,]+ bytes on cuda:0, which has less free: ask"
    if EMULATED:
        import emulated_cupy

        with emulated_cupy.free_memory(1000), pytest.raises(MemoryError, match=message):
            hamming_matrix(words)
        return
    module = pytest.importorskip(gpu_library)
    pool = module.cuda if gpu_library == "torch" else module.get_default_memory_pool()
    used = pool.memory_allocated if gpu_library == "torch" else pool.used_bytes
    before = used()
    for ask in (lambda: hamming_matrix(words), lambda: hamming_matrix(words, form="condensed")):
        with pytest.raises(MemoryError, match=message):
            ask()
    assert used() == before


def test_settings(gpu_library):
    before = _core.cuda.route()
    for route in _core.cuda.routes():
        with sc.cuda_route(route):
            assert _core.cuda.route() == route
            assert f"cuda route used {route}" in sc.info()
            words = make(sized(500, 70)).words
            ours = to_gpu(words, gpu_library)
            same(hamming_matrix(ours), hamming_matrix(words))
            same(hamming_matrix(ours, ours[:9]), hamming_matrix(words, words[:9]))
            same(hamming_matrix(ours, form="condensed"), hamming_matrix(words, form="condensed"))
        assert _core.cuda.route() == before
    with pytest.raises(ValueError, match="'fast'"), sc.cuda_route("fast"):
        pass
    assert to_cpu(ours).dtype == np.uint64
