"""Where a sweep on a GPU queues its work, and what it waits for."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch

import models
import nets
from gpu_arrays import EMULATED, to_cpu, to_gpu
from gpu_segments import need_equal, normal_ends, on_gpu, only_torch
from splinecode import _core, crossings, steps

pytestmark = pytest.mark.gpu


def network_and_ends(n=3, width=9):
    torch.manual_seed(0)
    return nets.read(nets.mlp(3, width, 7, 2), 3), *normal_ends(0, n, 3)


# --- streams --------------------------------------------------------------------------------------


@pytest.fixture
def streams(monkeypatch):
    """The streams that kernels were queued on."""
    used = set()

    def noted(function):
        def call(*arguments):
            used.add(arguments[-1])
            return function(*arguments)

        return call

    for name in dir(_core.cuda):
        function = getattr(_core.cuda, name)
        if callable(function) and "stream" in (function.__doc__ or "").splitlines()[0]:
            monkeypatch.setattr(_core.cuda, name, noted(function))
    return used


def test_kernels_are_on_the_current_stream(gpu_library, streams):
    if not EMULATED:
        pytest.skip("streams of any number are emulated")
    import emulated_cupy

    network, a, b = network_and_ends()
    cpu = crossings(network, a, b)
    other = (
        emulated_cupy.Stream(64)
        if gpu_library == "cupy"
        else torch.cuda.stream(torch.cuda.ExternalStream(64, "cuda:0"))
    )
    for stream, number in ((nullcontext(), 1), (other, 64)):
        streams.clear()
        with stream:
            need_equal(on_gpu(network, a, b, gpu_library), cpu)
        assert streams == {number}


def test_work_is_on_the_current_stream(torch_on_gpu):
    network, a, b = network_and_ends(width=600)
    ours = [to_gpu(np.full_like(end, np.nan), "torch") for end in (a, b)]
    late = [to_gpu(end, "torch") for end in (a, b)]
    stream = torch_on_gpu.cuda.Stream()
    stream.wait_stream(torch_on_gpu.cuda.current_stream())
    with torch_on_gpu.cuda.stream(stream):
        torch_on_gpu.cuda._sleep(1 << 28)
        for end, values in zip(ours, late, strict=True):
            end.copy_(values)
        found = crossings(network, *ours)
    stream.synchronize()
    need_equal(found, crossings(network, a, b))


# --- devices --------------------------------------------------------------------------------------


def test_another_gpu(gpu_library):
    """The device of the arrays need not be the current one."""
    if _core.cuda.device_count() < 2 or EMULATED:
        pytest.skip("one CUDA device")
    network, a, b = network_and_ends()
    cpu = crossings(network, a, b)
    for device in (1, 0):
        ours = [to_gpu(end, gpu_library, device=device) for end in (a, b)]
        found = crossings(network, *ours)
        need_equal(found, cpu)
        assert str(device) in str(found.values.device)
    with pytest.raises(ValueError, match=r"on cuda:0 and b .* on cuda:1"):
        crossings(network, ours[0], to_gpu(b, gpu_library, device=1))


def test_products_are_of_full_precision_whatever_torch_is_set_to(gpu_library):
    network, a, b = network_and_ends()
    before = torch.get_float32_matmul_precision()
    wanted = on_gpu(network, a, b, gpu_library, precision="float32")
    torch.set_float32_matmul_precision("medium")
    try:
        found = on_gpu(network, a, b, gpu_library, precision="float32")
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)
    np.testing.assert_array_equal(to_cpu(found.t), to_cpu(wanted.t))
    np.testing.assert_array_equal(to_cpu(found.t_error), to_cpu(wanted.t_error))


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_the_same_from_run_to_run(gpu_library, precision):
    network, a, b = network_and_ends()
    once, again = (on_gpu(network, a, b, gpu_library, precision=precision) for _ in range(2))
    for name in ("t", "t_error", "layer", "unit", "knots", "values"):
        np.testing.assert_array_equal(to_cpu(getattr(once, name)), to_cpu(getattr(again, name)))


# --- waiting --------------------------------------------------------------------------------------

VIEWS = (steps.Input, steps.Gather, steps.Concat)


def most_waits(network):
    """Two a step, three more for the room of maxima; at both ends the inputs and what is found."""
    made = [node.step for node in network.nodes if not isinstance(node.step, VIEWS)]
    maxima = sum(isinstance(step, steps.MaxWindows) for step in made)
    return 2 * len(made) + 3 * maxima + 10


@only_torch
@pytest.mark.parametrize("name", ["implicit_field", "resnet", "maxout", "mixer", "vgg"])
def test_sizes_are_read_a_few_times_a_step(gpu_library, name):
    """However many segments there are."""
    if not EMULATED:
        pytest.skip("a real GPU does not count what waits")
    from emulated_cupy import waits

    module, shape = models.make(name)
    network = nets.read(module, *shape)
    for n in (1, 3):
        a, b = (to_gpu(end, gpu_library) for end in normal_ends(0, n, *shape))
        waits.clear()
        crossings(network, a, b)
        assert len(waits) <= most_waits(network), waits
