"""Models, data and codes from files."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from splinecode import Codes, Layer, pack, read_network
from splinecode.saved import load_codes, load_data, load_labels, load_model, save_codes
from test_reading_exported import exported, pytestmark, randn  # noqa: F401  # their warning too

SOURCE = """
from neighbour import WIDTH
from torch import nn

def net():
    return nn.Sequential(nn.Linear(4, WIDTH), nn.ReLU())

ready = net()
number = 3

class Holder:
    net = staticmethod(net)

def broken():
    raise RuntimeError("no weights\\nin this file")

def nothing():
    pass

def late():
    from late_neighbour import WIDTH
    return nn.Linear(4, WIDTH)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "neighbour.py").write_text("WIDTH = 5\n")
    (tmp_path / "some_nets.py").write_text(SOURCE)
    (tmp_path / "late_neighbour.py").write_text("WIDTH = 6\n")
    for name in ("some_nets", "neighbour", "late_neighbour", "splinecode_model_some_nets"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


# ---------------------------------------------------------------- models


@pytest.mark.parametrize("place", ["some_nets", "some_nets.py", "./some_nets.py"])
@pytest.mark.parametrize("name", ["net", "ready", "Holder.net"])
def test_functions_of_modules_and_files(folder: Path, place: str, name: str) -> None:
    path = list(sys.path)
    model = load_model(f"{place}:{name}")
    assert not model.training
    assert model[0].out_features == 5
    assert sys.path == path


@pytest.mark.parametrize("place", ["some_nets", "some_nets.py", "from elsewhere"])
def test_functions_import_neighbours_when_they_are_called(
    folder: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if place == "from elsewhere":
        (folder / "elsewhere").mkdir()
        monkeypatch.chdir(folder / "elsewhere")
        place = "../some_nets.py"
    path = list(sys.path)
    assert load_model(f"{place}:late").out_features == 6
    assert sys.path == path


def test_programs_of_torch_export(tmp_path: Path) -> None:
    module, x = nn.Sequential(nn.Linear(4, 3), nn.ReLU()).double().eval(), randn(5, 4)
    torch.export.save(exported(module, x), tmp_path / "net.pt2")
    model = load_model(tmp_path / "net.pt2")
    assert torch.equal(model(x), module(x))
    assert torch.equal(model(x[:2]), module(x[:2]))
    assert not any(part.training for part in model.modules())
    assert torch.equal(read_network(model, x)(x), read_network(module, x)(x))


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("net", ValueError, "model is 'net'; wanted a file.pt2"),
        (":net", ValueError, "model is ':net'; wanted"),
        ("weights.pth", ValueError, "weights alone or pickled code; wanted a file.pt2"),
        ("missing.pt2", FileNotFoundError, "model: no file missing.pt2"),
        ("broken.pt2", ValueError, "broken.pt2 is not read as an exported program"),
        ("missing.py:net", FileNotFoundError, "model: no file missing.py"),
        ("no_such_module:net", ValueError, "importing no_such_module fails: ModuleNotFoundError: "),
        ("some_nets:other", ValueError, "some_nets has no 'other'"),
        ("some_nets.py:broken", ValueError, "some_nets.py:broken fails: RuntimeError: no weights$"),
        ("some_nets.py:number", TypeError, "is a int; wanted a torch.nn.Module or a function"),
        ("some_nets:nothing", TypeError, "some_nets:nothing returns a NoneType; wanted"),
    ],
)
def test_models_that_are_not_there(
    folder: Path, source: str, error: type[Exception], message: str
) -> None:
    (folder / "broken.pt2").write_bytes(b"PK no zip")
    path = list(sys.path)
    with pytest.raises(error, match=message):
        load_model(source)
    assert sys.path == path


# ---------------------------------------------------------------- data


X, Y = np.arange(12.0).reshape(6, 2), np.arange(6) % 3


def need(data: Any, labels: bool) -> None:
    np.testing.assert_array_equal(np.asarray(data.inputs), X)
    assert (data.labels is not None) == labels
    if labels:
        np.testing.assert_array_equal(np.asarray(data.labels), Y)


def test_npy_is_mapped(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    data = load_data(tmp_path / "x.npy")
    need(data, labels=False)
    assert isinstance(data.inputs, np.memmap)
    torch.as_tensor(data.inputs)  # without torch's warning of what cannot be written


@pytest.mark.parametrize(
    ("arrays", "key", "labels"),
    [
        ({"anything": X}, None, False),
        ({"x": X, "y": Y}, None, True),
        ({"X": X, "labels": Y, "other": Y}, None, True),
        ({"a": X, "b": Y}, "a", False),
        ({"a": X, "x": Y, "y": Y}, "a", True),
    ],
)
def test_npz_and_dicts(
    tmp_path: Path, arrays: dict[str, Any], key: str | None, labels: bool
) -> None:
    np.savez(tmp_path / "data.npz", **arrays)
    need(load_data(tmp_path / "data.npz", key), labels)
    tensors = {name: torch.as_tensor(value) for name, value in arrays.items()}
    torch.save(tensors, tmp_path / "data.pt")
    need(load_data(tmp_path / "data.pt", key), labels)


def test_tensors_and_tuples(tmp_path: Path) -> None:
    x, y = torch.as_tensor(X), torch.as_tensor(Y)
    for saved, labels in ((x, False), ((x,), False), ((x, y), True), ([x, y], True)):
        torch.save(saved, tmp_path / "data.pt")
        need(load_data(tmp_path / "data.pt"), labels)


def test_labels_are_numbers_or_text(tmp_path: Path) -> None:
    names = np.array(["cat", "dog", "cat", "dog", "cat", "eel"])
    np.savez(tmp_path / "named.npz", x=X, y=names)
    assert load_data(tmp_path / "named.npz").labels.tolist() == names.tolist()
    np.save(tmp_path / "names.npy", names)
    np.savez(tmp_path / "one.npz", anything=names)
    for file in ("named.npz", "names.npy", "one.npz"):
        assert load_labels(tmp_path / file).tolist() == names.tolist()
    np.savez(tmp_path / "two.npz", a=names, b=names)
    with pytest.raises(ValueError, match=r"labels: .* holds \['a', 'b'\]; wanted one array"):
        load_labels(tmp_path / "two.npz")
    np.savez(tmp_path / "times.npz", x=X, y=np.arange(6).astype("M8[s]"))
    for load in (load_labels, load_data):
        with pytest.raises(ValueError, match=r"dtype datetime64\[s\]; wanted numbers or text"):
            load(tmp_path / "times.npz")
    with pytest.raises(FileNotFoundError, match="labels: no file"):
        load_labels(tmp_path / "none.npy")


def test_bytes_of_the_other_order_are_turned_round(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X.astype(">f4"))
    np.savez(tmp_path / "x.npz", x=X.astype(">f8"), y=Y.astype(">i4"))
    for name in ("x.npy", "x.npz"):
        data = load_data(tmp_path / name)
        need(data, labels=name == "x.npz")
        torch.as_tensor(data.inputs)


def test_tensors_come_without_their_gradients(tmp_path: Path) -> None:
    x, y = torch.tensor(X, requires_grad=True), torch.tensor(Y, dtype=torch.float32)
    for saved in (x, (x, y.requires_grad_()), {"x": nn.Parameter(x.detach())}):
        torch.save(saved, tmp_path / "x.pt")
        data = load_data(tmp_path / "x.pt")
        assert not data.inputs.requires_grad
        need(data, labels=isinstance(saved, tuple))


@settings(max_examples=150)
@given(st.sampled_from([".npy", ".npz", ".pt"]), st.data())
def test_broken_files_are_read_or_refused(suffix: str, data: st.DataObject) -> None:
    """Bytes are changed, cut off or put in front: there is an array, or a ValueError."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"data{suffix}"
        if suffix == ".pt":
            torch.save({"x": torch.as_tensor(X)}, path)
        elif suffix == ".npz":
            np.savez_compressed(path, x=X)
        else:
            np.save(path, X)
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(0, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        del content[data.draw(st.integers(len(content) // 2, len(content))) :]
        path.write_bytes(data.draw(st.sampled_from([b"", b"PK\3\4"])) + bytes(content))
        with contextlib.suppress(ValueError):
            assert len(load_data(path).inputs) >= 1


def test_a_file_of_another_kind_than_its_name_says(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=X)
    np.save(tmp_path / "b.npy", X)
    (tmp_path / "a.npz").rename(tmp_path / "a.npy")
    (tmp_path / "b.npy").rename(tmp_path / "b.npz")
    (tmp_path / "c.npz").write_bytes(b"PK\3\4 and no more")
    for name in ("a.npy", "b.npz", "c.npz"):
        with pytest.raises(ValueError, match=f"{name} is not read .*; wanted plain arrays"):
            load_data(tmp_path / name)


def test_data_that_is_not_taken(tmp_path: Path) -> None:
    def refused(saved: Any, name: str, message: str, key: str | None = None) -> None:
        path = tmp_path / name
        if name.endswith(".pt"):
            torch.save(saved, path)
        elif isinstance(saved, dict):
            np.savez(path, **saved)
        else:
            np.save(path, saved, allow_pickle=True)
        with pytest.raises(ValueError, match=message):
            load_data(path, key)

    refused({"a": X, "b": Y}, "a.npz", r"holds \['a', 'b'\]; say with key= which of them")
    refused({"a": X, "b": Y}, "b.npz", r"key is 'c'; .* holds \['a', 'b'\]", "c")
    refused({"x": X, "y": Y, "label": Y}, "c.npz", r"holds \['y', 'label'\]; wanted one array")
    refused({"x": X, "y": Y[:4]}, "d.npz", r"labels of shape \(4,\) for 6 inputs")
    refused({}, "e.npz", r"holds \[\]; say with key=")
    refused(X, "f.npy", "key is 'x', but .* holds no named arrays", "x")
    refused(np.zeros((0, 3)), "g.npy", r"has shape \(0, 3\); wanted \(n, ...\), at least one")
    refused(np.float64(3), "h.npy", r"has shape \(\); wanted")
    refused(np.array([{}]), "i.npy", "is not read .*wanted plain arrays, nothing pickled")
    refused(np.array(["a"]), "j.npy", "has dtype <U1; wanted real numbers")
    refused(nn.ReLU(), "k.pt", "it holds objects of Python")
    refused((torch.zeros(2), 0, 0), "l.pt", r"holds 3 values; wanted \(inputs, labels\)")
    refused({"x": [1, 2]}, "m.pt", "holds a list; wanted an array or tensor")
    for name in ("broken.npy", "broken.npz", "broken.pt"):
        (tmp_path / name).write_bytes(b"nonsense")
        with pytest.raises(ValueError, match="is not read"):
            load_data(tmp_path / name)
    with pytest.raises(ValueError, match="is no .npy, .npz, .pt file"):
        load_data(tmp_path / "data.csv")
    with pytest.raises(FileNotFoundError, match="no file"):
        load_data(tmp_path / "missing.npy")


# ---------------------------------------------------------------- codes


@pytest.mark.parametrize("library", [np.asarray, torch.as_tensor])
def test_codes_round_trip(tmp_path: Path, library: Any) -> None:
    z = np.random.default_rng(0).normal(size=(7, 70))
    layers = [Layer("block.act", 70), Layer("none", 0)]
    codes = Codes(library(pack(z)), layers)
    save_codes(tmp_path / "codes.npz", codes)
    assert load_codes(tmp_path / "codes.npz") == Codes(pack(z), layers)
    with np.load(tmp_path / "codes.npz", allow_pickle=False) as file:
        assert sorted(file) == ["bits", "layers", "words"]


def test_codes_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="codes: no file"):
        load_codes(tmp_path / "codes.npz")
    np.savez(tmp_path / "other.npz", x=X)
    np.save(tmp_path / "x.npy", X)
    (tmp_path / "broken.npz").write_bytes(b"PK nonsense")
    for name in ("other.npz", "x.npy", "broken.npz"):
        with pytest.raises(ValueError, match="holds no words, layers, bits; wanted a file from"):
            load_codes(tmp_path / name)
    np.savez(tmp_path / "bits.npz", words=np.full((1, 1), 255, np.uint64), layers=["a"], bits=[3])
    with pytest.raises(ValueError, match="'a'"):
        load_codes(tmp_path / "bits.npz")
    np.savez(tmp_path / "pairs.npz", words=np.zeros((1, 1), np.uint64), layers=["a"], bits=[3, 4])
    with pytest.raises(ValueError, match=r"has layers \(1,\) and bits int64 \(2,\); wanted a name"):
        load_codes(tmp_path / "pairs.npz")
    np.savez(tmp_path / "single.npz", words=np.zeros((1, 1), np.uint64), layers="a", bits=3)
    np.savez(tmp_path / "text.npz", words=np.zeros((1, 1), np.uint64), layers=["a"], bits=["3"])
    for name in ("single.npz", "text.npz"):
        with pytest.raises(ValueError, match="wanted a name and a whole number for each layer"):
            load_codes(tmp_path / name)


@settings(max_examples=150)
@given(st.data())
def test_broken_codes_are_read_or_refused(data: st.DataObject) -> None:
    codes = Codes(pack(np.random.default_rng(0).normal(size=(7, 70))), [Layer("act", 70)])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "codes.npz"
        save_codes(path, codes)
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))])
        with contextlib.suppress(ValueError):
            assert load_codes(path).bits().shape[0] >= 0
