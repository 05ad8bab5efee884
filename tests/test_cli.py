"""The command line: what it prints and writes equals the API."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from cli_folder import fill, python
from splinecode import (
    Codes,
    CodeStore,
    HammingNeighbors,
    capture_codes,
    crossings,
    hamming,
    lens,
    read_network,
    slice_2d,
    spline_codes,
)
from splinecode.cli import _COMMANDS, main
from splinecode.saved import load_codes, load_model
from test_reading_exported import exported, pytestmark  # noqa: F401  # their warning too


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    fill(tmp_path)
    return tmp_path


# ---------------------------------------------------------------- help


@pytest.mark.parametrize("command", _COMMANDS)
def test_every_command_has_help_with_examples(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    text = capsys.readouterr().out
    assert f"usage: splinecode {command}" in text
    assert f"examples:\n  splinecode {command}" in text


def test_help_names_every_command_and_the_exit_statuses(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(f"    {command}" in text for command in _COMMANDS)
    assert "exit status: 0 done; 1 done, but a check failed; 2 bad usage or input; 130" in text


@pytest.mark.parametrize("arguments", [["--help"], ["codes", "--help"], ["info"], ["crossings"]])
def test_help_and_info_load_numpy_alone(arguments: list[str], tmp_path: Path) -> None:
    code = (
        "import sys\nfrom splinecode.cli import main\n"
        f"try: main({arguments!r})\nexcept SystemExit: pass\n"
        "print([m for m in ('torch', 'matplotlib', 'scipy', 'sklearn') if m in sys.modules])"
    )
    assert python("-c", code, cwd=tmp_path).stdout.splitlines()[-1] == "[]"


# ---------------------------------------------------------------- codes, neighbours


@pytest.mark.parametrize("model", ["net.py:net", "net.pt2"])
def test_codes_equal_the_api(model: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = torch.as_tensor(np.load("x.npy"), dtype=torch.float32)
    torch.export.save(exported(load_model("net.py:net"), x, "three"), "net.pt2")
    assert main(["codes", model, "x.npy", "-o", "codes.npz", "--batch-size", "7"]) == 0
    codes, wanted = load_codes("codes.npz"), spline_codes(load_model("net.py:net"), x.numpy())
    assert codes == wanted
    text = capsys.readouterr().out
    assert text.startswith(f"50 codes of 18 bits, {len(wanted.unique().counts)} distinct\n")
    assert [line.split()[:2] for line in text.splitlines()[3:]] == [["1", "9"], ["3", "9"]]


def test_codes_of_some_layers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["codes", "net.py:net", "xy.npz", "--layers", "3", "--threshold", "0.1", "-o", "-"]
    assert main(arguments) == 0
    assert "30 codes of 9 bits" in capsys.readouterr().out
    assert sorted(path.name for path in folder.glob("*.npz")) == ["xy.npz"]


@pytest.mark.parametrize("positions", ["last", "all", "any", "0", "-2", None])
@pytest.mark.parametrize("place", ["-o", "--store"])
def test_codes_of_tokens(
    positions: str | None, place: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = np.random.default_rng(0).integers(0, 20, (11, 5))
    np.save("ids.npy", ids)
    model = load_model("net.py:tokens")
    how = [] if positions is None else ["--positions", positions]
    arguments = ["codes", "net.py:tokens", "ids.npy", "--batch-size", "4", *how]
    assert main([*arguments, place, "out.npz"]) == 0
    wanted = positions if positions in ("last", "all", "any", None) else int(positions)
    found = capture_codes(model, ids, positions=wanted)
    assert load_codes("out.npz") == found.codes
    if place == "--store":
        rows = CodeStore("out.npz").rows()
        assert rows[["input", "position"]].tolist() == found.rows.tolist()
    assert capsys.readouterr().out.startswith(f"{len(found.codes)} codes of {found.codes.n_bits} ")


def test_a_bar_of_codes_knows_how_many_inputs_there_are(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tqdm")
    assert main(["codes", "net.py:net", "x.npy", "--batch-size", "16", "--progress"]) == 0
    assert "50/50" in capsys.readouterr().err


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_tensors_of_any_dtype_and_with_gradients(
    dtype: torch.dtype, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x = torch.as_tensor(np.load("x.npy")).to(dtype).requires_grad_()
    torch.save(x, "x.pt")
    np.save("wide.npy", x.detach().double().numpy())
    for command, *arguments in (
        ["codes"],
        ["crossings", "--pairs", "0:1", "5:2"],
        ["slice", "--points", "0,1,2"],
    ):
        for source, out in (("x.pt", "a.npz"), ("wide.npy", "b.npz")):
            assert main([command, "net.py:net", source, *arguments, "-o", out]) == 0
        with np.load("a.npz") as a, np.load("b.npz") as b:
            assert sorted(a) == sorted(b)
            for name in a:
                np.testing.assert_array_equal(a[name], b[name])


def test_codes_of_a_store_are_those_of_memory(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["codes", "net.py:net", "x.npy", "--batch-size", "16"]
    assert main([*arguments, "--store", "codes"]) == 0
    stored = capsys.readouterr().out
    assert main([*arguments, "--store", "codes"]) == 0  # there is nothing left to do
    assert capsys.readouterr().out == stored
    assert main([*arguments, "-o", "codes.npz"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert load_codes("codes") == load_codes("codes.npz")
    assert stored.startswith("50 codes of 18 bits in codes\n")
    rows = [line.split() for line in stored.splitlines()[3:]]
    assert rows == [line.split()[:-1] for line in lines[3:]]
    assert main(["neighbors", "codes", "codes.npz", "-k", "1"]) == 0


def test_neighbours_equal_the_api(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["codes", "net.py:net", "x.npy", "-o", "a.npz"])
    main(["codes", "net.py:net", "xy.npz", "-o", "b.npz"])
    index = HammingNeighbors(4).fit(load_codes("a.npz"))
    for queries, wanted in (
        ([], index.kneighbors()),
        (["b.npz"], index.kneighbors(load_codes("b.npz"))),
    ):
        assert main(["neighbors", "a.npz", *queries, "-k", "4", "-o", "found.npz"]) == 0
        with np.load("found.npz") as found:
            np.testing.assert_array_equal(found["distances"], wanted[0])
            np.testing.assert_array_equal(found["indices"], wanted[1])
    assert "Hamming distance of 30 codes to their neighbours" in capsys.readouterr().out


# ---------------------------------------------------------------- crossings


@pytest.mark.parametrize("certify", [False, True])
def test_crossings_equal_the_api(
    certify: bool, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--certify"] if certify else []
    arguments = ["net.py:net", "xy.npz", "--pairs", "0:1", "5:2", "-o", "out.npz", *flags]
    assert main(["crossings", *arguments]) == 0
    x = np.load("xy.npz")["x"].astype(np.float64)
    network = read_network(load_model("net.py:net"), x[:2])
    wanted = crossings(network, x[[0, 5]], x[[1, 2]], certify=certify)
    proof = ["certified", "t_lo", "t_hi"] if certify else []
    with np.load("out.npz") as found:
        for name in ["t", "layer", "unit", "direction", "offsets", "knots", "values", *proof]:
            np.testing.assert_array_equal(found[name], getattr(wanted, name))
        np.testing.assert_array_equal(found["counts"], wanted.count(per_layer=True))
        np.testing.assert_array_equal(
            found["endpoint_hamming"].sum(axis=1),
            hamming(*(Codes(words, wanted.layers) for words in wanted.end_words())),
        )
        np.testing.assert_allclose(found["length"], np.linalg.norm(x[[0, 5]] - x[[1, 2]], axis=1))
        assert list(found["layers"]) == ["1", "3"]
    text = capsys.readouterr().out
    assert f"{len(wanted.t)} exact crossings on 2 segments" in text
    assert ("certified" if certify else "unambiguous") in text


def test_crossings_between_files_and_their_figure(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    x = np.load("x.npy")
    np.save("a.npy", x[:12])
    torch.save(torch.as_tensor(x[12:24]), "b.pt")
    arguments = ["--from", "a.npy", "--to", "b.pt", "--png", "s.png", "--svg", "s.svg"]
    assert main(["crossings", "net.py:smooth", "--stop", "0", *arguments]) == 0
    text = capsys.readouterr().out
    assert "on 12 segments" in text
    assert "segments (the first 10)" in text
    assert Path("s.png").read_bytes()[:4] == b"\x89PNG"
    assert "<svg" in Path("s.svg").read_text()


def test_segments_that_are_not_certified_are_status_1(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from splinecode.segments import Crossings

    monkeypatch.setattr(Crossings, "certified", np.array([True, False]))
    arguments = ["crossings", "net.py:net", "xy.npz", "--pairs", "0:1", "2:3", "--certify"]
    assert main(arguments) == 1


# ---------------------------------------------------------------- density


@pytest.mark.parametrize("flags", [[], ["--exact", "--per-bit", "--layers", "3"], ["--matched"]])
def test_density_equals_the_api(
    flags: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["density", "net.py:net", "xy.npz", "--pairs", "40", "--seed", "2", "-o", "d.npz"]
    assert main([*arguments, *flags]) == 0
    with np.load("xy.npz") as file:
        x, y = file["x"], file["y"]
    how = {"exact": "--exact" in flags, "matched": "--matched" in flags}
    layers = "3" if "--layers" in flags else None
    wanted = lens.boundary_density(
        load_model("net.py:net"), x, labels=y, n=40, seed=2, layers=layers, **how
    )
    wanted = wanted.per_bit() if "--per-bit" in flags else wanted
    assert capsys.readouterr().out == f"{wanted}\n"
    with np.load("d.npz") as found:
        for name in ("pairs", "kind", "distance", "endpoint", "endpoint_counts", "bits"):
            np.testing.assert_array_equal(found[name], getattr(wanted, name))
        assert list(found["layers"]) == list(wanted.layers)
        for kind, comparison in wanted.comparison.items():
            for name, interval in comparison._asdict().items():
                key = f"comparison.{kind}.{name}.low"
                np.testing.assert_array_equal(found[key], interval.low)
        assert ("exact" in found) == how["exact"]
        assert found["work.pairs"] == wanted.work["pairs"]


def test_density_of_labels_from_a_file_and_its_figure(folder: Path) -> None:
    pytest.importorskip("matplotlib")
    np.save("y.npy", np.arange(50) % 2)
    arguments = ["--labels", "y.npy", "--pairs", "9", "--png", "d.png"]
    assert main(["density", "net.py:net", "x.npy", *arguments]) == 0
    assert Path("d.png").read_bytes()[:4] == b"\x89PNG"


# ---------------------------------------------------------------- slice


def test_slice_equals_the_api(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    extent = (-0.5, 1.0, -1.0, 1.5)
    arguments = [
        "--points",
        "3,0,7",
        "--extent",
        *map(str, extent),
        "-o",
        "s.npz",
        "--svg",
        "s.svg",
    ]
    assert main(["slice", "net.py:net", "x.npy", *arguments]) == 0
    x = np.load("x.npy")
    wanted = slice_2d(read_network(load_model("net.py:net"), x[:2]), *x[[3, 0, 7]], extent)
    assert capsys.readouterr().out == f"{wanted}\n"
    with np.load("s.npz") as found:
        for name in ("vertices", "offsets", "polygons", "areas", "values", "edges", "edge_unit"):
            np.testing.assert_array_equal(found[name], getattr(wanted, name))
        np.testing.assert_array_equal(found["codes.words"], wanted.codes.words)
        assert tuple(found["plane.extent"]) == extent
        boundary = wanted.decision_boundary()
        np.testing.assert_array_equal(found["decision.start"], boundary.start)
        np.testing.assert_array_equal(found["decision.left"], boundary.left)
    assert "<svg" in Path("s.svg").read_text()


def test_sampled_slices_say_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    arguments = ["--points", "0,1,2", "--sampled", "16", "-o", "s.npz", "--png", "s.png"]
    assert main(["slice", "net.py:smooth", "x.npy", *arguments]) == 0
    assert capsys.readouterr().out.startswith("sampled slice (a grid of points, not exact)")
    with np.load("s.npz") as found:
        assert found["regions"].shape == (16, 16)
        assert found["counts"].sum() == 256
    assert Path("s.png").read_bytes()[:4] == b"\x89PNG"


# ---------------------------------------------------------------- lens


def test_lens_writes_a_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    x = torch.as_tensor(np.load("xy.npz")["x"])
    torch.export.save(exported(load_model("net.py:net"), x), "net.pt2")
    arguments = ["lens", "net.pt2", "xy.npz", "--quick", "--limit", "20", "-o", "out.html"]
    assert main(arguments) == 0
    assert capsys.readouterr().out == "out.html\n"
    text = Path("out.html").read_text()
    assert "<title>net.pt2 through the polytope lens" in text
    assert main([*arguments, "--title", "a < b"]) == 0
    assert "<title>a &lt; b" in Path("out.html").read_text()
