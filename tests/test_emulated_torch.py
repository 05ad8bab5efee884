"""The emulated GPU of torch and cupy is as strict as a real one."""

import numpy as np
import pytest

from splinecode import _core

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not _core.cuda_emulated, reason="there is a real GPU"),
]


@pytest.fixture
def torch(monkeypatch):
    torch = pytest.importorskip("torch")
    import emulated_torch

    with emulated_torch.on_gpu(monkeypatch):
        yield torch


def test_tensors_are_made_where_they_are_asked_for(torch):
    on_gpu = torch.arange(3, device="cuda:0")
    for made in (
        torch.zeros(3, dtype=torch.float64, device="cuda"),
        torch.ones(3, device=on_gpu.device),
        torch.full((3,), 2.0, device="cuda:0"),
        torch.tensor([1, 2, 3], device="cuda:0"),
        torch.as_tensor([1, 2, 3], device="cuda:0"),
        torch.from_numpy(np.ones(3)).to("cuda:0"),
        torch.zeros_like(on_gpu),
        on_gpu.new_zeros(3),
        on_gpu.new_full((3,), 1.0, dtype=torch.float64),
        on_gpu.to(torch.float32),
        on_gpu.double(),
    ):
        assert made.is_cuda
        assert made.device == on_gpu.device
    for made in (torch.zeros(3), on_gpu.cpu(), on_gpu.to("cpu"), on_gpu.to(device="cpu")):
        assert not made.is_cuda


def test_what_torch_refuses(torch):
    on_gpu, on_cpu = torch.arange(3, device="cuda:0"), torch.arange(3)
    words = on_gpu.view(torch.uint64)
    for refused in (
        lambda: on_gpu + on_cpu,
        lambda: torch.cat([on_gpu, on_cpu]),
        lambda: torch.searchsorted(on_gpu, on_cpu),
        lambda: on_cpu[on_gpu],
    ):
        with pytest.raises(RuntimeError, match="same device"):
            refused()
    for refused in (lambda: words ^ words, lambda: words[on_gpu], lambda: words.roll(1)):
        with pytest.raises(NotImplementedError, match="UInt64"):
            refused()
    with pytest.raises(TypeError, match="can't convert cuda:0"):
        on_gpu.numpy()
    with pytest.raises(TypeError, match="can't convert cuda:0"):
        np.asarray(on_gpu)


def test_what_waits(torch):
    from emulated_cupy import waits

    x = torch.arange(3, device="cuda:0")
    for work, n in (
        (lambda: x + 1, 0),
        (lambda: x.repeat_interleave(x, output_size=3), 0),
        (lambda: x.repeat_interleave(x), 1),
        (lambda: x[x > 1], 1),
        ((x > 1).nonzero, 1),
        (lambda: bool((x > 1).any()), 1),
        (x.tolist, 1),
    ):
        waits.clear()
        work()
        assert len(waits) == n, waits


def test_memory_that_is_not_free(torch):
    import emulated_cupy

    x = torch.zeros(4, dtype=torch.float64, device="cuda:0")
    with emulated_cupy.free_memory(32):
        assert torch.cuda.mem_get_info("cuda:0")[0] == 32
        for make in (
            lambda n: torch.empty(n, dtype=torch.float64, device="cuda:0"),
            x.new_zeros,
            x.new_empty,
        ):
            assert len(make(4)) == 4
            with pytest.raises(torch.cuda.OutOfMemoryError, match="Tried 40 bytes"):
                make(5)


def test_memory_is_shared_on_one_stream(torch):
    import emulated_cupy as cupy

    array = cupy.asarray(np.arange(3))
    with torch.cuda.device("cuda:0"):
        tensor = torch.from_dlpack(array)
        again = cupy.from_dlpack(tensor)
    tensor[0] = 7
    assert array.get()[0] == again.get()[0] == 7
    with pytest.raises(BufferError, match="different CUDA device"):
        cupy.from_dlpack(tensor)
    with cupy.Stream(64):
        with pytest.raises(AssertionError, match="stream"):
            torch.from_dlpack(array)
        with pytest.raises(AssertionError, match="stream"):
            tensor.sum()
        with torch.cuda.stream(torch.cuda.ExternalStream(64, "cuda:0")):
            assert torch.from_dlpack(array).sum() == 10
