"""Codes in host memory searched on a GPU: `HammingNeighbors(device=...)`."""

import numpy as np
import pytest

from gpu_arrays import EMULATED, make, sized, to_gpu
from splinecode import HammingNeighbors, _core, streaming

pytestmark = pytest.mark.gpu

N = sized(20_000, 70)


def equal(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        assert type(one) is type(other)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


@pytest.mark.parametrize("k", [1, 7, 40])
@pytest.mark.parametrize("density", [0.02, 0.5])
def test_the_answers_of_the_cpu(gpu_library, k, density):
    codes = make(N, (3, 130), density)
    gpu, cpu = HammingNeighbors(k, device="cuda").fit(codes), HammingNeighbors(k).fit(codes)
    equal(gpu.kneighbors(), cpu.kneighbors())
    equal(gpu.kneighbors(codes[:5]), cpu.kneighbors(codes[:5]))
    equal(gpu.kneighbors(codes[:0]), cpu.kneighbors(codes[:0]))
    equal([gpu.kneighbors(return_distance=False)], [cpu.kneighbors()[1]])


@pytest.mark.parametrize("block", sized([1, 3, 64], [7, 64]))
@pytest.mark.parametrize("workspace", [1, 1 << 30])
def test_in_blocks_and_batches(gpu_library, monkeypatch, block, workspace):
    codes = make(sized(500, 20), (3, 130), 0.05)
    monkeypatch.setattr(streaming, "_BLOCK_BYTES", block * 8 * codes.words.shape[1])
    monkeypatch.setattr(streaming, "WORKSPACE_BYTES", workspace)
    for k in sized((1, 5, len(codes) - 1), (5, len(codes) - 1)):
        gpu, cpu = HammingNeighbors(k, device="cuda").fit(codes), HammingNeighbors(k).fit(codes)
        equal(gpu.kneighbors(), cpu.kneighbors())
        equal(gpu.kneighbors(codes[:6]), cpu.kneighbors(codes[:6]))


def test_more_neighbours_than_the_kernel_keeps(gpu_library, monkeypatch):
    codes = make(sized(2000, 70), (3, 130), 0.05)
    k = sized(700, 40)
    monkeypatch.setattr(streaming, "_MOST_FUSED", min(streaming._MOST_FUSED, k - 1))
    monkeypatch.setattr(streaming, "_BLOCK_BYTES", (len(codes) // 4 - 1) * 32)
    gpu, cpu = HammingNeighbors(k, device="cuda").fit(codes), HammingNeighbors(k).fit(codes)
    equal(gpu.kneighbors(), cpu.kneighbors())
    equal(gpu.kneighbors(codes[:6]), cpu.kneighbors(codes[:6]))


def test_equal_codes_are_themselves_left_out(gpu_library):
    words = np.zeros((40, 2), np.uint64)
    gpu, cpu = HammingNeighbors(3, device="cuda").fit(words), HammingNeighbors(3).fit(words)
    equal(gpu.kneighbors(), cpu.kneighbors())


def test_rows_apart_reversed_and_repeated(gpu_library):
    words = make(N).words
    for rows in (words[::2], words[::-1], np.broadcast_to(words[:1], words.shape), words[:, :1]):
        gpu, cpu = HammingNeighbors(2, device="cuda").fit(rows), HammingNeighbors(2).fit(rows)
        equal(gpu.kneighbors(rows[:5].copy()), cpu.kneighbors(rows[:5].copy()))


def test_torch_on_the_cpu(gpu_library):
    if gpu_library != "torch":
        pytest.skip("cupy has no arrays on the CPU")
    import torch

    words = torch.from_numpy(make(N).words)
    wanted = HammingNeighbors(5).fit(words).kneighbors()
    for given in (words,) if EMULATED else (words, words.pin_memory()):
        equal(HammingNeighbors(5, device="cuda:0").fit(given).kneighbors(), wanted)


def test_a_smaller_share_of_the_memory(gpu_library):
    if not EMULATED:
        pytest.skip("the free memory of a real GPU is not the test's")
    import emulated_cupy

    codes = make(70)
    index = HammingNeighbors(5, device="cuda").fit(codes)
    least = _core.cuda.top_k_workspace_bytes(1, 1, 6)
    with emulated_cupy.free_memory(least + 100):
        equal(index.kneighbors(), HammingNeighbors(5).fit(codes).kneighbors())
    with (
        emulated_cupy.free_memory(least - 8),
        pytest.raises(MemoryError, match=r"take [\d,]+ bytes on cuda:0, which has less free"),
    ):
        index.kneighbors()


def test_wrong_devices(gpu_library):
    codes = make(5)
    for device in ("cpu", "cuda:x", 0, "gpu"):
        with pytest.raises(ValueError, match=r"device is .* wanted None, 'cuda' or 'cuda:<index>'"):
            HammingNeighbors(device=device).fit(codes)
    with pytest.raises(ValueError, match=r"device is 'cuda:1' but X is on cuda:0"):
        HammingNeighbors(device="cuda:1").fit(to_gpu(codes, gpu_library))
    index = HammingNeighbors(2, device="cuda").fit(to_gpu(codes, gpu_library))
    assert "cuda" in str(index.kneighbors()[0].device).lower() or EMULATED
