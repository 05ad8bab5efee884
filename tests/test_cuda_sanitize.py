"""The script that compute-sanitizer runs calls every function of the GPU, and all agree."""

import importlib.util
from pathlib import Path

import pytest

pytestmark = pytest.mark.gpu


def test_every_function_is_called_and_right(capsys):
    path = Path(__file__).parent / "gpu" / "sanitize.py"
    spec = importlib.util.spec_from_file_location("sanitize", path)
    sanitize = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sanitize)
    status = sanitize.main()
    assert "differing: none; not called: none" in capsys.readouterr().out
    assert status == 0
