"""The package as a user meets it: import, command line, environment, signals."""

import os
import signal
import subprocess
import sys
import time

import pytest

import splinecode
from splinecode import _core, cli


def python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
    )


def test_import_loads_numpy_alone():
    done = python(
        "import sys, splinecode; splinecode.pack; "
        "print([m for m in ('torch', 'cupy', 'matplotlib', 'scipy', 'sklearn') "
        "if m in sys.modules])"
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_every_public_name_exists():
    for name in splinecode.__all__:
        assert getattr(splinecode, name) is not None
    assert dir(splinecode) == splinecode.__all__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = splinecode.nothing


def test_missing_torch_says_what_to_install():
    done = python(
        "import sys; sys.modules['torch'] = None; import splinecode; splinecode.crossings"
    )
    assert "splinecode.crossings needs torch: pip install 'splinecode[torch]'" in done.stderr


def test_info(capsys):
    assert cli.main(["info"]) == 0
    text = capsys.readouterr().out
    for word in (splinecode.__version__, "simd available", "scalar", "threads", "cuda"):
        assert word in text
    done = subprocess.run(
        [sys.executable, "-m", "splinecode", "info"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == text


def test_simd_is_chosen_by_the_environment():
    done = python("import splinecode; print(splinecode.info())", SPLINECODE_SIMD="scalar")
    assert "simd used       scalar" in done.stdout


@pytest.mark.skipif(not _core.cuda_built, reason="splinecode was built without CUDA")
def test_a_cuda_route_is_chosen_by_the_environment():
    done = python("import splinecode; print(splinecode.info())", SPLINECODE_CUDA_ROUTE="popc")
    assert "cuda route used popc" in done.stdout
    with pytest.raises(ValueError, match="'fast'"), splinecode.cuda_route("fast"):
        pass


@pytest.mark.skipif(_core.cuda_built, reason="splinecode was built with CUDA")
def test_a_cuda_route_needs_cuda():
    with pytest.raises(RuntimeError, match="no CUDA kernels"), splinecode.cuda_route("popc"):
        pass


def test_a_level_that_is_not_there_is_an_error():
    done = python("import numpy, splinecode; splinecode.pack(numpy.ones(3))", SPLINECODE_SIMD="mmx")
    assert "SPLINECODE_SIMD is 'mmx'" in done.stderr
    assert "available: scalar" in done.stderr
    with pytest.raises(ValueError, match="'mmx'"), splinecode.simd("mmx"):
        pass


def test_threads_by_environment_and_context():
    done = python("import splinecode; print(splinecode.get_threads())", SPLINECODE_NUM_THREADS="3")
    assert done.stdout.strip() == "3"
    done = python("import splinecode; splinecode.get_threads()", SPLINECODE_NUM_THREADS="many")
    assert "SPLINECODE_NUM_THREADS is 'many'" in done.stderr
    before = splinecode.get_threads()
    with splinecode.threads(5):
        assert splinecode.get_threads() == 5
    assert splinecode.get_threads() == before
    with pytest.raises(ValueError, match="n is 0"), splinecode.threads(0):
        pass


LONG_SEARCH = """
import numpy as np, splinecode
codes = splinecode.Codes.from_words(np.random.default_rng(0).integers(
    0, 2**63, (200_000, 64), dtype=np.uint64), 4096)
index = splinecode.HammingNeighbors(10).fit(codes)
print("ready", flush=True)
index.kneighbors()
print("finished")
"""


def test_ctrl_c_stops_a_kernel():
    process = subprocess.Popen(
        [sys.executable, "-c", LONG_SEARCH],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.5)
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in err
    assert "finished" not in out
    assert time.monotonic() - started < 30  # the whole search takes minutes


def test_the_build_says_whether_it_has_cuda():
    assert isinstance(_core.cuda_built, bool)
    assert "cuda" in splinecode.info()
