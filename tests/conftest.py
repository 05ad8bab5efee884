import os

import pytest

import splinecode
from splinecode import _core

try:
    from hypothesis import settings
except ImportError:  # the tests of the GPU run without it
    pass
else:
    # CI tries the same examples each time; a developer's runs look for new ones.
    settings.register_profile(
        "splinecode",
        deadline=None,
        max_examples=60,
        print_blob=True,
        derandomize=bool(os.environ.get("CI")),
    )
    settings.load_profile("splinecode")

if _core.cuda_emulated:
    import emulated_cupy

    emulated_cupy.install()


def pytest_collection_modifyitems(items):
    reason = None
    if not _core.cuda_built:
        reason = "splinecode was built without CUDA"
    elif _core.cuda.device_count() == 0:
        reason = f"no CUDA device: {_core.cuda.status()}"
    if reason:
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(params=_core.available_simd())
def simd_level(request):
    """Run the test once with every instruction-set level of this processor."""
    with splinecode.simd(request.param):
        yield request.param


@pytest.fixture(params=["numpy", "torch"])
def library(request):
    """Run the test once with every host array library."""
    if request.param == "torch":
        pytest.importorskip("torch")
    return request.param


@pytest.fixture(params=["torch", "cupy"])
def gpu_library(request, monkeypatch):
    """Run the test once with every array library of a GPU, emulated where the kernels are."""
    pytest.importorskip(request.param)
    if not _core.cuda_emulated:
        yield request.param
        return
    pytest.importorskip("torch")
    import emulated_torch

    with emulated_torch.on_gpu(monkeypatch):
        yield request.param


@pytest.fixture
def torch_on_gpu():
    """Torch, for tests that need a real GPU."""
    if _core.cuda_emulated:
        pytest.skip("the kernels are emulated: torch needs a GPU")
    return pytest.importorskip("torch")
