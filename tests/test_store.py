"""Code stores: shards that plain numpy reads, appended whole or not at all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from splinecode import Codes, CodeStore, Layer, pack
from splinecode.saved import load_codes
from splinecode.store import ROW, SOURCED_ROW, CodeWriter, padding
from splinecode.store.locking import locked
from splinecode.store.rows import row_table

LAYERS = (Layer("a", 70), Layer("b", 3))
CODE_BYTES = 3 * 8
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True, scope="module")
def _fast_disk() -> Iterator[None]:
    """Do not wait for the disk: no test here cuts the power."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


def drawn(n: int) -> Codes:
    bits = RNG.random((n, 73)) < 0.5
    return Codes(np.hstack([pack(bits[:, :70]), pack(bits[:, 70:])]), LAYERS)


def made(path: Path, codes: Codes, shard_rows: int = 4) -> CodeStore:
    store = CodeStore.create(path, LAYERS, shard_bytes=CODE_BYTES * shard_rows)
    with store.writer() as writer:
        writer.append(codes)
    return CodeStore(path)


@given(st.lists(st.lists(st.integers(0, 9), max_size=3), max_size=3), st.integers(1, 7))
def test_what_is_appended_is_what_is_read(sittings: list[list[int]], shard_rows: int) -> None:
    """Every sitting is a writer of its own, which appends so many codes at a time."""
    parts = [drawn(0)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store"
        CodeStore.create(path, LAYERS, shard_bytes=CODE_BYTES * shard_rows)
        for sitting in sittings:
            with CodeWriter(path) as writer:
                for n in sitting:
                    parts.append(drawn(n))
                    writer.append(parts[-1], row_table(np.arange(n), 7), np.full(n, 2**63))
        store, wanted = CodeStore(path), Codes.concatenate(parts)
        assert (len(store), store.layers, store.shard_rows) == (len(wanted), LAYERS, shard_rows)
        np.testing.assert_array_equal(store.codes().words, wanted.words)
        inputs = [i for part in parts[1:] for i in range(len(part))]
        assert store.rows().tolist() == [(i, 7, 2**63) for i in inputs]
        shards = list(store.shards())
        assert all(len(shard) == shard_rows for shard in shards[:-1])
        assert sum(len(shard) for shard in shards) == len(wanted)
        for first, last in ((0, 1), (1, shard_rows), (shard_rows, 2 * shard_rows + 1), (3, 3)):
            if last <= len(wanted):
                assert np.array_equal(store.codes(first, last).words, wanted.words[first:last])
        store.verify()
        assert not any(name.endswith(".part") for name in os.listdir(path))
        assert len(os.listdir(path)) == 2 * len(shards) + 2


def test_plain_numpy_reads_mapped_shards(tmp_path: Path) -> None:
    codes = drawn(6)
    store = made(tmp_path / "s", codes)
    words = np.load(tmp_path / "s" / "words-00000000-4.npy", mmap_mode="r", allow_pickle=False)
    np.testing.assert_array_equal(words, codes.words[:4])
    rows = np.load(tmp_path / "s" / "rows-00000001-2.npy", allow_pickle=False)
    assert (rows.dtype, rows["input"].tolist()) == (SOURCED_ROW, [4, 5])
    mapped = store.codes(4)
    assert isinstance(mapped.words, np.memmap)
    assert not mapped.words.flags.writeable
    assert store.codes(1, 3) == codes[1:3]


def test_metadata_is_kept(tmp_path: Path) -> None:
    CodeStore.create(
        tmp_path / "deep" / "s",
        LAYERS,
        dtypes={"a": "bfloat16"},
        threshold=0.5,
        source={"model": "m", "layers": ["*"]},
    )
    store = CodeStore(tmp_path / "deep" / "s")
    assert store.dtypes == {"a": "bfloat16", "b": None}
    assert (store.threshold, store.n_bits, len(store)) == (0.5, 73, 0)
    assert store.source == {"model": "m", "layers": ["*"]}
    assert store.software
    assert "0 codes of 73 bits" in repr(store)
    assert len(store.codes()) == len(store.rows()) == 0


def test_an_error_keeps_what_was_committed(tmp_path: Path) -> None:
    codes = drawn(6)
    store = CodeStore.create(tmp_path / "s", LAYERS, shard_bytes=CODE_BYTES * 4)
    with pytest.raises(KeyError), store.writer() as writer:
        writer.append(codes)
        assert len(writer) == 6
        assert len(CodeStore(tmp_path / "s")) == 4
        raise KeyError
    assert CodeStore(tmp_path / "s").codes() == codes[:4]
    with store.writer() as writer:
        assert len(writer) == 4
        writer.append(codes[4:])
    assert CodeStore(tmp_path / "s").codes() == codes


def test_a_reader_keeps_its_rows_while_a_short_shard_is_replaced(tmp_path: Path) -> None:
    codes = drawn(9)
    before = made(tmp_path / "s", codes[:6])
    with before.writer() as writer:
        writer.append(codes[6:])
    assert (len(before), len(CodeStore(tmp_path / "s"))) == (6, 9)
    assert before.codes() == codes[:6]


def test_leftovers_of_a_killed_writer_are_removed(tmp_path: Path) -> None:
    codes = drawn(5)
    store = made(tmp_path / "s", codes)
    for name in ("words-00000001-3.npy", "rows-00000002-4.npy", ".store.json.x.part"):
        (tmp_path / "s" / name).write_bytes(b"half")
    assert CodeStore(tmp_path / "s").codes() == codes
    with store.writer():
        pass
    kept = {"words-00000000-4.npy", "rows-00000000-4.npy", "store.json", "lock"}
    assert set(os.listdir(tmp_path / "s")) == kept | {"words-00000001-1.npy", "rows-00000001-1.npy"}


HOLD = """
import sys
from splinecode import CodeStore
with CodeStore(sys.argv[1]).writer():
    print("in", flush=True)
    sys.stdin.read()
"""


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    store = made(tmp_path / "s", drawn(3))
    with store.writer(), pytest.raises(BlockingIOError, match="being written by another"):
        store.writer().__enter__()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(store.path)], stdin=-1, stdout=-1, text=True
    ) as other:
        assert other.stdout.readline() == "in\n"
        with pytest.raises(BlockingIOError, match="wait until it ends"):
            store.writer().__enter__()
        other.kill()
    with store.writer() as writer:
        assert len(writer) == 3


FORK = """
import os, signal, sys, time
from splinecode import CodeStore
with CodeStore(sys.argv[1]).writer():
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    print(child, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_child_does_not_keep_the_lock_of_a_killed_writer(tmp_path: Path) -> None:
    store = made(tmp_path / "s", drawn(3))
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", FORK, str(store.path)], stdout=-1, text=True
    ) as killed:
        child = int(killed.stdout.readline())
        assert killed.wait() == -signal.SIGKILL
        try:
            with store.writer() as writer:
                assert len(writer) == 3
        finally:
            os.kill(child, signal.SIGKILL)


def test_what_is_no_store_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"is no store of codes: it has no store\.json"):
        CodeStore(tmp_path)
    made(tmp_path / "s", drawn(3))
    with pytest.raises(FileExistsError, match="holds a store; open it with CodeStore"):
        CodeStore.create(tmp_path / "s", LAYERS)
    with pytest.raises(FileExistsError, match="holds 's'; wanted a new or empty folder"):
        CodeStore.create(tmp_path, LAYERS)
    with pytest.raises(ValueError, match="shard_bytes is 0"):
        CodeStore.create(tmp_path / "t", LAYERS, shard_bytes=0)
    with pytest.raises(ValueError, match="at least one of one bit"):
        CodeStore.create(tmp_path / "t", [Layer("a", 0)])


def test_a_store_that_could_not_be_opened_is_not_made(tmp_path: Path) -> None:
    for layers, how, words in (
        ([Layer("a", 3), Layer("a", 4)], {}, "wanted every name once"),
        (LAYERS, {"threshold": float("nan")}, "threshold is 'nan'; wanted a number"),
        (LAYERS, {"dtypes": {"a": 16}}, r"layers\[0\]\.dtype is '16'; wanted text"),
        (LAYERS, {"shard_bytes": 2**90}, "shard_rows is .*; wanted .* at most"),
    ):
        with pytest.raises(ValueError, match=words):
            CodeStore.create(tmp_path / "s", layers, **how)
    with pytest.raises(TypeError, match="not JSON serializable"):
        CodeStore.create(tmp_path / "s", LAYERS, source={"model": {1}})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_other_files_is_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(b"")
    with pytest.raises(FileExistsError, match="holds 'mine'; wanted a new or empty folder"):
        CodeStore.create(tmp_path, LAYERS)
    assert os.listdir(tmp_path) == ["mine"]


def test_one_at_a_time_makes_a_store(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    with locked(tmp_path / "s"), pytest.raises(BlockingIOError, match="by another writer"):
        CodeStore.create(tmp_path / "s", LAYERS)
    (tmp_path / "s" / ".store.json.x.part").write_bytes(b"half")
    assert len(CodeStore.create(tmp_path / "s", LAYERS)) == 0


def test_a_writer_writes_in_its_block_alone(tmp_path: Path) -> None:
    writer = made(tmp_path / "s", drawn(3)).writer()
    with pytest.raises(ValueError, match="is not open; append within its with block"):
        writer.append(drawn(2))
    with writer:
        writer.append(drawn(2))
    with pytest.raises(ValueError, match="is not open; append within its with block"):
        writer.append(drawn(60))
    assert len(CodeStore(tmp_path / "s")) == 5


def test_a_shard_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    store = CodeStore.create(tmp_path / "s", LAYERS, shard_bytes=2**61 * CODE_BYTES)
    with pytest.raises(MemoryError, match="a shard of"), store.writer():
        pass
    with locked(tmp_path / "s"):  # and the lock is free again
        pass


def test_bits_past_the_end_of_a_layer_are_found(tmp_path: Path) -> None:
    """By whoever reads codes: the distances of such words would be wrong."""
    store = made(tmp_path / "s", drawn(6))
    path = tmp_path / "s" / "words-00000001-2.npy"
    words = np.load(path)
    words[1, 1] |= np.uint64(1) << np.uint64(63)
    np.save(path, words)
    for read in (store.codes, lambda: store.codes(5), lambda: list(store.shards())):
        with pytest.raises(ValueError, match="is not what was written: .* the 70 units of .*'a'"):
            read()
    with pytest.raises(ValueError, match="70 units of layer 'a'"):
        load_codes(tmp_path / "s")
    assert store.codes(0, 5).words.shape == (5, 3)


@given(
    st.lists(st.sampled_from([0, 1, 3, 63, 64, 65, 130]), min_size=1, max_size=5),
    st.integers(0, 4),
    st.data(),
)
def test_padding_is_checked_as_codes_check_it(bits: list[int], n: int, data: st.DataObject) -> None:
    layers = tuple(Layer(str(i), count) for i, count in enumerate(bits))
    width = sum(layer.words for layer in layers)
    words = np.zeros((n, width), np.uint64)
    if words.size:
        place = data.draw(st.integers(0, words.size - 1))
        words.flat[place] = np.uint64(1) << np.uint64(data.draw(st.integers(0, 63)))

    def made_by(make: Callable[..., Codes]) -> Codes | str:
        try:
            return make(words, layers)
        except ValueError as error:
            return str(error)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(padding, "_BLOCK_BYTES", data.draw(st.sampled_from([1, 50, 10**6])))
        assert made_by(padding.codes_of_words) == made_by(Codes)


def test_other_codes_are_refused(tmp_path: Path) -> None:
    store = made(tmp_path / "s", drawn(3))
    with store.writer() as writer:
        with pytest.raises(ValueError, match="codes has layers .*'c'.* and the store .*'a'"):
            writer.append(Codes(np.zeros((1, 1), "u8"), [Layer("c", 4)]))
        with pytest.raises(ValueError, match=r"rows is .* \(1,\); wanted .* \(2,\), one a code"):
            writer.append(drawn(2), np.zeros(1, ROW))
        with pytest.raises(ValueError, match="rows is int64"):
            writer.append(drawn(2), np.zeros(2, np.int64))
    assert len(CodeStore(tmp_path / "s")) == 3
    with pytest.raises(IndexError, match=r"rows \[2, 9\) of a store of 3"):
        store.codes(2, 9)


def test_changed_and_truncated_shards_are_found(tmp_path: Path) -> None:
    store = made(tmp_path / "s", drawn(6))
    words = tmp_path / "s" / "words-00000001-2.npy"
    content = words.read_bytes()
    words.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ValueError, match="shard 1 of .* is not what was written"):
        store.verify()
    words.write_bytes(content[:-8])
    with pytest.raises(ValueError, match="is no whole .npy file"):
        store.codes(4)
    words.write_bytes(content[:40])
    with pytest.raises(ValueError, match=r"claims 2 rows of 24 bytes: the file is truncated"):
        CodeStore(tmp_path / "s")
    words.unlink()
    with pytest.raises(ValueError, match=r"words-00000001-2\.npy is missing"):
        CodeStore(tmp_path / "s")


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 3), "<i8"),
        np.zeros((2, 4), "<u8"),
        np.asfortranarray(np.zeros((2, 3), "<u8")),
        np.array([[{}] * 3] * 30, object),
    ],
)
def test_a_foreign_layout_is_refused_and_never_unpickled(tmp_path: Path, array: object) -> None:
    store = made(tmp_path / "s", drawn(6))
    np.save(tmp_path / "s" / "words-00000001-2.npy", array, allow_pickle=True)
    with pytest.raises(ValueError, match="words-00000001-2.npy"):
        store.codes(4)


def changed(path: Path, *place: object, value: object) -> None:
    document = json.loads(path.read_bytes())
    inner = document
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (["format"], "zip", "is not the metadata of a store"),
        (["version"], 2, "has version 2; wanted 1"),
        (["shards", 0, "rows"], 5, r"shards\[0\]\.rows is '5'; wanted .* at most 4"),
        (["shards", 0, "rows"], 3, "wanted 4 rows in all but the last"),
        (["shards", 1, "rows"], 0, "at least 1"),
        (["shards", 1, "rows"], True, r"shards\[1\]\.rows is 'True'"),
        (["shards", 1, "rows"], 3, "words-00000001-3.npy is missing"),
        (["shards", 1, "words_sha256"], "../../x", "wanted 64 hexadecimal digits"),
        (["shards"], {}, "shards is '{}'; wanted a list"),
        (["shards", 0], 7, r"shards\[0\]\. is '7'; wanted an object"),
        (["shard_rows"], 2**80, "at most"),
        (["shard_rows"], "4", "shard_rows is '4'"),
        (["layers", 0, "bits"], 10**6, "claims 4 rows of 125,008 bytes"),
        (["layers", 0, "bits"], -1, r"layers\[0\]\.bits is '-1'"),
        (["layers", 1, "name"], "a", "wanted every name once"),
        (["layers", 1, "name"], None, r"layers\[1\]\.name is 'None'; wanted text"),
        (["layers", 1, "dtype"], 3, r"layers\[1\]\.dtype is '3'"),
        (["threshold"], float("nan"), "threshold is 'nan'; wanted a number"),
        (["threshold"], 10**400, "threshold is '1000.*'; wanted a number"),
        (["threshold"], "0.5", "threshold is '0.5'; wanted a number"),
        (["threshold"], None, "threshold is 'None'; wanted a number"),
        (["threshold"], True, "threshold is 'True'; wanted a number"),
        (["source"], [], "source is"),
        (["software"], 1, "software is '1'"),
    ],
)
def test_metadata_that_claims_too_much_is_refused(
    tmp_path: Path, place: list[object], value: object, words: str
) -> None:
    made(tmp_path / "s", drawn(6))
    changed(tmp_path / "s" / "store.json", *place, value=value)
    with pytest.raises(ValueError, match=words):
        CodeStore(tmp_path / "s")


@given(st.data())
def test_hostile_metadata_is_refused_or_harmless(data: st.DataObject) -> None:
    """Bytes are changed anywhere: a store opens with rows that are there, or a ValueError says."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s"
        made(path, drawn(6))
        content = bytearray((path / "store.json").read_bytes())
        for _ in range(data.draw(st.integers(1, 3))):
            place = data.draw(st.integers(0, len(content) - 1))
            content[place] = data.draw(st.integers(0, 255))
        (path / "store.json").write_bytes(content)
        try:
            store = CodeStore(path)
            assert len(store.codes().bits()) == len(store) <= 6
        except ValueError:
            pass


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff", b"[]", b"NaN"])
def test_metadata_that_is_no_json_object(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "store.json").write_bytes(content)
    with pytest.raises(ValueError, match="store.json is no"):
        CodeStore(tmp_path)
