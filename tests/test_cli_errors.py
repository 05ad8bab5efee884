"""The command line: errors are a line and a status, in a process too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cli_folder import fill, python
from splinecode.cli import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    fill(tmp_path)
    return tmp_path


def status_and_error(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Run a command that fails; wrong usage leaves by SystemExit, as argparse does."""
    try:
        status: Any = main(list(arguments))
    except SystemExit as error:
        status = error.code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("splinecode")
    return status, err


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "splinecode: the following arguments are required: COMMAND; see splinecode --help"),
        (["nothing"], "splinecode: argument COMMAND: invalid choice: 'nothing'"),
        (["codes", "net.py:net"], "splinecode codes: the following arguments are required: DATA"),
        (["codes", "net.py:net", "y.npy"], "splinecode codes: data: no file y.npy"),
        (["codes", "net.py:other", "x.npy"], "net.py has no 'other'; wanted"),
        (["codes", "net.py:bug", "x.npy"], "net.py:bug fails: AssertionError"),
        (["codes", "net.pt2", "x.npy"], "model: no file net.pt2"),
        (["codes", "net.py:net", "x.npy", "-o", "a.npy"], "'a.npy' does not end in .npz"),
        (["codes", "net.py:net", "x.npy", "-o", "no/a.npz"], "there is no folder no"),
        (["codes", "net.py:net", "x.npy", "--layers", "z"], "no module matches 'z'; there are"),
        (["codes", "net.py:net", "x.npy", "--batch-size", "0"], "0 is not at least 1"),
        (["codes", "net.py:net", "x.npy", "--positions", "some"], "'some' is none of last, all,"),
        (["codes", "net.py:net", "x.npy", "--positions", "all"], "'1' has no positions"),
        (["codes", "net.py:net", "xy.npz", "--key", "z"], r"key is 'z'; xy.npz holds ['x', 'y']"),
        (["density", "net.py:net", "x.npy"], "x.npy has no labels; wanted an array y beside"),
        (["density", "net.py:net", "xy.npz", "--labels", "x.npy"], "labels has shape (50, 4)"),
        (["density", "net.py:net", "xy.npz", "--pairs", "900"], "only 135 pairs of the same class"),
        (["slice", "net.py:net", "x.npy"], "the following arguments are required: --points"),
        (["slice", "net.py:net", "x.npy", "--points", "0,1"], "'0,1' are no three inputs such as"),
        (["slice", "net.py:net", "x.npy", "--points", "0,1,50"], "input 50; DATA has 50, from 0"),
        (["slice", "net.py:net", "x.npy", "--points", "0,1,1"], "p0, p1 and p2 lie on a line"),
        (
            ["slice", "net.py:net", "x.npy", "--points", "0,1,2", "--max-polygons", "3"],
            "more than max_polygons = 3 polygons",
        ),
        (["lens", "net.py:net", "xy.npz", "-o", "r.txt"], "'r.txt' does not end in .html"),
        (["lens", "net.py:net", "xy.npz", "--labels", "x.npy"], "labels"),
        (
            ["codes", "net.py:net", "x.npy", "--store", "s", "-o", "c.npz"],
            "--store and -o are both",
        ),
        (["neighbors", "xy.npz"], "xy.npz holds no words, layers, bits; wanted"),
        (["neighbors", "none.npz"], "splinecode neighbors: codes: no file none.npz"),
        (["crossings", "net.py:net"], "wanted either --pairs, of inputs of DATA, or --from and"),
        (["crossings", "net.py:net", "--pairs", "0:1"], "--pairs are of inputs of DATA, which is"),
        (["crossings", "net.py:net", "x.npy", "--pairs", "0-1"], "'0-1' is no pair of inputs"),
        (["crossings", "net.py:net", "x.npy", "--pairs", "0:50"], "input 50; DATA has 50, from 0"),
        (["crossings", "net.py:net", "--from", "x.npy"], "--from and --to belong together"),
        (
            ["crossings", "net.py:net", "--from", "x.npy", "--to", "xy.npz"],
            "--from has shape (50, 4) and --to (30, 4); wanted the same",
        ),
        (
            ["crossings", "net.py:smooth", "x.npy", "--pairs", "0:1"],
            "splinecode crossings: Softmax at '1' is not read: it is not piecewise linear",
        ),
    ],
)
def test_errors_are_one_line_and_status_2(
    arguments: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, error = status_and_error(capsys, *arguments)
    assert status == 2
    assert message in error


def test_debug_shows_the_traceback(folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no file y.npy"):
        main(["codes", "net.py:net", "y.npy", "--debug"])


def test_an_interrupt_is_status_130(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, error = status_and_error(capsys, "codes", "net.py:stopped", "x.npy")
    assert (status, error) == (130, "splinecode codes: interrupted\n")


def test_a_missing_extra_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    for command in ("codes", "crossings"):
        monkeypatch.delitem(sys.modules, f"splinecode.cli.{command}", raising=False)
    status, error = status_and_error(capsys, "codes", "net.py:net", "x.npy")
    assert status == 2
    assert "needs torch: pip install 'splinecode[torch]'" in error


def test_an_error_that_nobody_foresaw_is_told_with_its_type(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*_: object) -> None:
        raise KeyError("what\nnow")

    monkeypatch.setattr("splinecode.cli.neighbors.load_codes", wrong)
    status, error = status_and_error(capsys, "neighbors", "codes.npz")
    assert (status, error) == (2, "splinecode neighbors: KeyError: 'what\\nnow'\n")


# ---------------------------------------------------------------- as a process


def test_a_process_prints_and_fails_as_main_does(folder: Path) -> None:
    done = python("-m", "splinecode", "codes", "net:net", "x.npy", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("50 codes of 18 bits")
    failed = python("-m", "splinecode", "codes", "net:net", "missing.npy", cwd=folder)
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr == "splinecode codes: data: no file missing.npy\n"


def test_ctrl_c_and_closed_pipes_end_quietly(folder: Path) -> None:
    (folder / "slow.py").write_text(
        "import time\ndef net():\n    print('ready', flush=True)\n    time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "splinecode", "codes", "slow.py:net", "x.npy"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == ("", "splinecode codes: interrupted\n")
    assert process.returncode == 130

    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "splinecode", "info"],
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
