"""CUDA and CPU give the same answers, bit for bit. Skipped with the reason where no GPU is."""

import numpy as np
import pytest

from splinecode import Codes, HammingNeighbors, hamming, pack

pytestmark = pytest.mark.gpu


def to_gpu(array, library):
    module = pytest.importorskip(library)
    return module.from_numpy(array).cuda() if library == "torch" else module.asarray(array)


def to_cpu(array):
    return array.cpu().numpy() if hasattr(array, "cpu") else array.get()


@pytest.fixture(params=["torch", "cupy"])
def gpu_library(request):
    pytest.importorskip(request.param)
    return request.param


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bool"])
@pytest.mark.parametrize("shape", [(1, 1), (3, 63), (5, 64), (7, 65), (2, 3, 1000), (70_000, 33)])
def test_pack(gpu_library, dtype, shape):
    z = np.random.default_rng(0).standard_normal(shape)
    z[..., 0] = 0.0
    z = z > 0 if dtype == "bool" else z.astype(dtype)
    on_gpu = to_gpu(z, gpu_library)
    np.testing.assert_array_equal(to_cpu(pack(on_gpu)), pack(z))
    if dtype != "bool":
        np.testing.assert_array_equal(to_cpu(pack(on_gpu, 0.3)), pack(z, 0.3))
    np.testing.assert_array_equal(to_cpu(pack(on_gpu[..., ::2])), pack(z[..., ::2]))
    np.testing.assert_array_equal(to_cpu(pack(on_gpu.T)), pack(z.T))


def test_pack_bfloat16_of_all_bit_patterns():
    torch = pytest.importorskip("torch")
    z = torch.arange(1 << 16, dtype=torch.int32).to(torch.int16).view(torch.bfloat16)
    for threshold in (0.0, 0.1, -3.0):
        ours = pack(z.cuda(), threshold, nan="inactive").cpu()
        assert torch.equal(ours, pack(z, threshold, nan="inactive"))


def test_first_nan(gpu_library):
    z = np.ones((500, 129), np.float32)
    z[321, 77] = z[400, 3] = np.nan
    with pytest.raises(ValueError, match=r"first at index \(321, 77\)"):
        pack(to_gpu(z, gpu_library))


@pytest.mark.parametrize("bits", [1, 64, 65, 1024, 5000])
@pytest.mark.parametrize("density", [0.02, 0.5])
def test_kneighbors(gpu_library, bits, density):
    rng = np.random.default_rng(bits)
    words = pack(rng.random((3001, bits)) < density)
    queries = words[:50].copy()
    for k in (1, 10, 3000):
        cpu = HammingNeighbors(k).fit(words)
        gpu = HammingNeighbors(k).fit(to_gpu(words, gpu_library))
        for x_cpu, x_gpu in ((None, None), (queries, to_gpu(queries, gpu_library))):
            for ours, theirs in zip(gpu.kneighbors(x_gpu), cpu.kneighbors(x_cpu), strict=True):
                np.testing.assert_array_equal(to_cpu(ours), theirs)


def test_work_is_on_the_current_stream():
    torch = pytest.importorskip("torch")
    z = torch.randn(4096, 4096, device="cuda")
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        moved = z * 2 - 1
        words = pack(moved, nan="inactive")
    stream.synchronize()
    assert torch.equal(words.cpu(), pack((z * 2 - 1).cpu()))


def test_mixed_devices_are_an_error():
    torch = pytest.importorskip("torch")
    words = pack(np.ones((4, 9)))
    gpu = torch.from_numpy(words).cuda()
    with pytest.raises(ValueError, match=r"torch array on cuda:0 .* torch array on cpu"):
        HammingNeighbors(1).fit(torch.from_numpy(words)).kneighbors(gpu)
    with pytest.raises(ValueError, match="no CUDA kernel yet"):
        hamming(gpu, gpu)
    assert "torch on cuda:0" in repr(Codes.from_words(gpu, 9))
