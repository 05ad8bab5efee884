"""Crossings found on a GPU beside those of the CPU."""

import numpy as np
import pytest
import torch

import graphs
from gpu_arrays import is_on_gpu, same, to_cpu, to_gpu
from splinecode import crossings

only_torch = pytest.mark.parametrize("gpu_library", ["torch"], indirect=True)
"""For what does not depend on the library."""


def on_gpu(network, a, b, library, **options):
    """Sweep segments of arrays on the host on the GPU."""
    a, b = (to_gpu(np.asarray(end), library) for end in (a, b))
    return crossings(network, a, b, **options)


def agree(network, a, b, library, **options):
    """Compare the crossings that the GPU finds with the CPU's, and return both."""
    a, b = np.asarray(a), np.asarray(b)
    gpu, cpu = on_gpu(network, a, b, library, **options), crossings(network, a, b)
    need_equal(gpu, cpu)
    need_same_bounds(gpu, cpu)
    return gpu, cpu


def need_equal(gpu, cpu):
    """Same crossings in the same order, t within both errors, same pieces, codes and marks."""
    need_events(gpu, cpu)
    same(gpu.ambiguous, cpu.ambiguous)
    same(gpu.knot_offsets, cpu.knot_offsets)
    same(gpu.codes(), cpu.codes())
    largest = max((to_cpu(gpu.t_error) + cpu.t_error).max(initial=0), 1e-15)
    np.testing.assert_allclose(to_cpu(gpu.knots), cpu.knots, rtol=0, atol=largest)
    scale = np.abs(cpu.values).max(initial=0)
    np.testing.assert_allclose(to_cpu(gpu.values), cpu.values, rtol=0, atol=1e-9 * scale)
    assert is_on_gpu(gpu.values)


def need_same_bounds(gpu, cpu):
    """Same bounds on rounding, and as much left open: of a sweep in the same windows."""
    np.testing.assert_allclose(to_cpu(gpu.t_error), cpu.t_error, rtol=1e-6)
    ours, theirs = (list(map(to_cpu, found.ambiguous_ranges)) for found in (gpu, cpu))
    np.testing.assert_array_equal(np.sort(ours[0]), np.sort(theirs[0]))
    for end, other in zip(ours[1:], theirs[1:], strict=True):
        np.testing.assert_allclose(
            end[np.lexsort((end, ours[0]))], other[np.lexsort((other, theirs[0]))], atol=1e-9
        )


def need_events(gpu, cpu):
    """Same crossings in the same order, t within both errors."""
    for name in ("offsets", "layer", "unit", "direction"):
        same(getattr(gpu, name), getattr(cpu, name))
    apart = np.abs(to_cpu(gpu.t) - cpu.t)
    assert (apart <= to_cpu(gpu.t_error) + cpu.t_error).all()


def random_case(seed, integer, n=3, **options):
    """Draw a network of all steps and n segments, as numpy arrays (n, *input_shape)."""
    network = graphs.random_network(seed, integer=integer, **options)
    ends = [graphs.random_segment(network, 10 * seed + i, integer=integer) for i in range(n)]
    a, b = (torch.stack(parts).numpy() for parts in zip(*ends, strict=True))
    return network, a, b


def normal_ends(seed, n, *shape):
    """Draw n segments, numpy arrays (n, *shape)."""
    return np.random.default_rng(seed).normal(size=(2, n, *shape)) * 2
