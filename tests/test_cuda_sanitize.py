"""The script that compute-sanitizer runs calls every function of the GPU, and all agree."""

import importlib.util
from pathlib import Path

import pytest

from splinecode import _core

pytestmark = pytest.mark.gpu


def test_every_function_is_called_and_right(capsys, monkeypatch):
    if _core.cuda_emulated:
        pytest.importorskip("torch")
        import emulated_torch

        with emulated_torch.on_gpu(monkeypatch):
            need_all_right(capsys)
    else:
        need_all_right(capsys)


def need_all_right(capsys):
    path = Path(__file__).parent / "gpu" / "sanitize.py"
    spec = importlib.util.spec_from_file_location("sanitize", path)
    sanitize = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sanitize)
    status = sanitize.main()
    assert "differing: none; not called: none" in capsys.readouterr().out
    assert status == 0
