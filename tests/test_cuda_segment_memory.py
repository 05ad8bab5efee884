"""Sweeps on a GPU that has little memory: in groups of segments, and in windows of t."""

import gc
from contextlib import contextmanager

import numpy as np
import pytest
import torch

import nets
from gpu_arrays import EMULATED, sized, to_cpu
from gpu_segments import need_equal, need_events, normal_ends, on_gpu, only_torch, random_case
from splinecode import crossings, steps
from splinecode.network import Network, Node
from splinecode.segments.gpu import state, sweep, tracks

pytestmark = pytest.mark.gpu


@pytest.fixture
def sweeps(monkeypatch):
    """The tracks of every sweep that fitted, as (segments, ends)."""
    done = []

    def noted(layout, a, b, some, max_memory):
        found = swept(layout, a, b, some, max_memory)
        if found is not None:
            done.append((some.segment.tolist(), some.ends.tolist()))
        return found

    swept = tracks._swept
    monkeypatch.setattr(tracks, "_swept", noted)
    return done


@contextmanager
def memory_needed():
    """Give a list that receives the bytes that are taken at once, as they grow."""
    peaks = [0]

    def take(budget, size):
        before(budget, size)
        peaks.append(max(peaks[-1], budget.used))

    before, state.Budget.take = state.Budget.take, take
    try:
        yield peaks
    finally:
        state.Budget.take = before


def bytes_of(network, a, b, library):
    """What a sweep takes at its peak."""
    with memory_needed() as peaks:
        on_gpu(network, a, b, library)
    return peaks[-1]


SHARES = sized((0.7, 0.5, 0.3, 0.2, 0.1), (0.5, 0.2))


def swept_with_less(network, a, b, library, shares=SHARES):
    """Sweep with ever less memory: the crossings each time, while something fits."""
    needed = bytes_of(network, a, b, library)
    for share in shares:
        try:
            yield on_gpu(network, a, b, library, max_memory=int(needed * share))
        except MemoryError:
            return


@only_torch
@pytest.mark.parametrize("integer", [False, True], ids=["normal", "integer"])
@pytest.mark.parametrize("seed", range(1, sized(8, 4)))
def test_any_memory_finds_the_same(gpu_library, sweeps, seed, integer):
    network, a, b = random_case(seed, integer, length=4, most_units=12)
    whole = crossings(network, a, b)
    for found in swept_with_less(network, a, b, gpu_library):
        need_events(found, whole)
        for s in range(len(a)):
            assert (to_cpu(found.codes(s).words) == whole.codes(s).words).all()
    assert any(len(ends) == 1 for _, ends in sweeps)


def test_groups_of_segments_then_windows(gpu_library, sweeps):
    torch.manual_seed(0)
    network = nets.read(nets.mlp(3, 12, 10, 2), 3)
    a, b = normal_ends(0, 5, 3)
    whole = crossings(network, a, b)
    for found in swept_with_less(network, a, b, gpu_library, (0.7, 0.5, 0.2)):
        need_equal(found, whole)
    assert {len(ends) for _, ends in sweeps} >= {5, 2, 1}
    assert any(ends[0] != [0.0, 1.0] for _, ends in sweeps)


def test_a_crossing_where_windows_meet(gpu_library, sweeps):
    """At t = 1/2: neither window crosses there, their codes differ."""
    torch.manual_seed(0)
    net = nets.mlp(1, 8, 3, 1)
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([1.0, -1] * 4)[:, None])
        net[0].bias.copy_(torch.tensor([0.0, 0, 0.25, 0.5, 0.75, -0.25, -0.5, -0.75]))
    network = nets.read(net, 1)
    a, b = np.array([[-1.0], [0.75]]), np.array([[1.0], [-1.25]])
    whole = crossings(network, a, b)
    for found in swept_with_less(network, a, b, gpu_library, (0.6, 0.5, 0.4)):
        need_events(found, whole)
        assert (to_cpu(found.codes().words) == whole.codes().words).all()
        np.testing.assert_array_equal(to_cpu(found.t) == 0.5, whole.t == 0.5)
        assert to_cpu(found.ambiguous)[0]
    assert any(ends[0][1] == 0.5 for _, ends in sweeps)


@only_torch
def test_narrow_windows_where_crossings_crowd_are_no_rule_for_the_rest(gpu_library, sweeps):
    net = nets.mlp(1, 24, 2)
    with torch.no_grad():
        net[0].weight.fill_(1.0)
        net[0].bias.copy_(-0.3 - 1e-6 * torch.arange(24, dtype=torch.float64))
    network = nets.read(net, 1)
    a, b = np.zeros((2, 1)), np.array([[1.0], [-1.0]])
    needed = bytes_of(network, a[:1], b[:1], gpu_library)
    found = on_gpu(network, a, b, gpu_library, max_memory=needed // 2)
    need_equal(found, crossings(network, a, b))
    narrowest = min(end - begin for _, ends in sweeps for begin, end in ends)
    assert narrowest < 1e-4
    assert len(sweeps) < 100


@pytest.mark.parametrize("max_memory", [1, 200])
def test_too_little_for_any_window(gpu_library, max_memory):
    network = nets.read(nets.mlp(3, 12, 10, 2), 3)
    message = (
        rf"a part of 2\^-40 of a segment needs more than max_memory, {max_memory} bytes, "
        "or than is free on cuda:0; give it more"
    )
    for n in (1, 3):
        with pytest.raises(MemoryError, match=message):
            on_gpu(network, *normal_ends(0, n, 3), gpu_library, max_memory=max_memory)


@contextmanager
def full_at(number, monkeypatch):
    """Have torch refuse the n-th array that is asked for; gives a list of what is left of n."""
    left = [number]

    def full(*shape, **where):
        left[0] -= 1
        if left[0] == 0:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return empty(*shape, **where)

    empty = torch.empty
    with monkeypatch.context() as patch:
        patch.setattr(torch, "empty", full)
        yield left


@only_torch
@pytest.mark.parametrize("n", [1, 3])
def test_a_device_that_is_full_in_the_middle(gpu_library, sweeps, monkeypatch, n):
    network, a, b = random_case(4, integer=False, n=n)
    whole = crossings(network, a, b)
    number, left = 0, [0]
    while left[0] <= 0:
        number += sized(5, 15)
        sweeps.clear()
        with full_at(number, monkeypatch) as left:
            found = on_gpu(network, a, b, gpu_library)
        need_equal(found, whole)
        assert len(sweeps) == 1 if left[0] > 0 else len(sweeps) > 1
    assert number > 20


@only_torch
def test_results_that_do_not_fit(gpu_library, monkeypatch):
    def full(*_):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(sweep, "joined", full)
    network = nets.read(nets.mlp(3, 12, 10, 2), 3)
    with pytest.raises(MemoryError, match="the crossings of 2 segments, or the network, do not"):
        on_gpu(network, *normal_ends(0, 2, 3), gpu_library)


@contextmanager
def little_free(n_bytes):
    """Leave torch so much of the device inside a ``with`` block; each array alone, if emulated."""
    if EMULATED:
        import emulated_cupy

        with emulated_cupy.free_memory(n_bytes):
            yield
        return
    torch.cuda.empty_cache()
    used, (_, total) = torch.cuda.memory_reserved(), torch.cuda.mem_get_info()
    torch.cuda.set_per_process_memory_fraction((used + n_bytes) / total)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


@only_torch
def test_less_free_than_asked_for(gpu_library, sweeps):
    torch.manual_seed(0)
    width, n = sized((512, 48), (12, 5))
    network = nets.read(nets.mlp(3, width, width, 2), 3)
    a, b = normal_ends(0, n, 3)
    on_gpu(network, a[:1], b[:1], gpu_library)
    with little_free(sized(100 << 20, 4000)):
        found = on_gpu(network, a, b, gpu_library, max_memory=1 << 40)
    need_equal(found, crossings(network, a, b))
    assert len(sweeps) > 2


def test_half_of_what_is_free_is_taken(gpu_library, sweeps):
    if not EMULATED:
        pytest.skip("the free memory of a real GPU is not the test's")
    import emulated_cupy

    torch.manual_seed(0)
    network = nets.read(nets.mlp(3, 12, 10, 2), 3)
    a, b = normal_ends(0, 5, 3)
    least = bytes_of(network, a, b, gpu_library)
    sweeps.clear()
    for free, fits in ((2 * least, True), (2 * least - 2, False)):
        with emulated_cupy.free_memory(free):
            need_equal(on_gpu(network, a, b, gpu_library), crossings(network, a, b))
        assert (len(sweeps) == 1) == fits
        sweeps.clear()


@only_torch
def test_no_memory_is_lost(gpu_library):
    """After errors too: what a sweep takes, it gives back."""
    if EMULATED:
        pytest.skip("only a real GPU counts what is allocated")
    network = nets.read(nets.mlp(3, 512, 512, 2), 3)
    ends = normal_ends(0, 8, 3)
    on_gpu(network, *ends, gpu_library)
    used = torch.cuda.memory_allocated()
    on_gpu(network, *ends, gpu_library, max_memory=8 << 20)
    with pytest.raises(MemoryError):
        on_gpu(network, *ends, gpu_library, max_memory=1)
    gc.collect()  # the error holds what its frames do
    assert torch.cuda.memory_allocated() == used


def test_windows_of_maxima(gpu_library, sweeps):
    index = torch.tensor([[0, 1, 2], [2, 3, -1], [1, 3, 4]])
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(5, 2, generator=generator, dtype=torch.float64)
    nodes = [
        Node(steps.Input(), (), "input", (2,)),
        Node(steps.Linear(weight, weight[:, 0] / 2), (0,), "linear", (5,)),
        Node(steps.MaxWindows(index), (1,), "max", (3,)),
        Node(steps.relu(3), (2,), "relu", (3,)),
    ]
    network = Network(nodes)
    a, b = normal_ends(3, 2, 2)
    for found in swept_with_less(network, a, b, gpu_library):
        need_equal(found, crossings(network, a, b))
    assert any(ends[0] != [0.0, 1.0] for _, ends in sweeps)
