import os

import pytest
from hypothesis import settings

import splinecode
from splinecode import _core

# CI tries the same examples each time; a developer's runs look for new ones.
settings.register_profile(
    "splinecode",
    deadline=None,
    max_examples=60,
    print_blob=True,
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("splinecode")


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
