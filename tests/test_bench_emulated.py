"""The cases of the GPU's benchmark on the emulated GPU: nothing is mixed up between devices."""

import pytest

from splinecode import _core

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not _core.cuda_emulated, reason="on a GPU the benchmark itself runs"),
]


@pytest.fixture
def gpu(monkeypatch):
    """Stand for a GPU of torch's on which also numbers can be drawn."""
    torch = pytest.importorskip("torch")
    import emulated_torch
    from splinecode.bench.cuda import baselines, place
    from splinecode.bench.timing import wall_seconds

    def wide_product(x, y):
        return x.float() @ y.float().T

    generator = torch.Generator
    monkeypatch.setattr(torch, "Generator", lambda device: generator())
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: self)
    monkeypatch.setattr(baselines, "wide_product", wide_product)
    with emulated_torch.on_gpu(monkeypatch):
        yield place.Place(torch.device("cuda", 0), wall_seconds, 1 << 30)


@pytest.mark.parametrize(
    "name", ["packing", "search", "matrices", "rows", "streaming", "processor", "segments"]
)
def test_every_case_agrees(gpu, name):
    from importlib import import_module

    from splinecode.bench.case import checked

    cases = import_module(f"splinecode.bench.cuda.{name}").cases(gpu, quick=True)
    assert cases
    for build in cases:
        case = build()
        checked(case)
        if case.floor:
            case.floor.call()
