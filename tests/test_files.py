"""Files are replaced whole or not at all."""

import os
import stat
import threading
from pathlib import Path

import numpy as np
import pytest

from splinecode.files import replaced_atomically


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_written_whole(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "a.bin"
    with replaced_atomically(path, durable=durable) as file:
        file.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    (tmp_path / "plain").write_bytes(b"")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), replaced_atomically(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_and_leads_to_the_new_file(tmp_path: Path, there: bool) -> None:
    (tmp_path / "inner").mkdir()
    target, link = tmp_path / "inner" / "a.bin", tmp_path / "link.bin"
    if there:
        target.write_bytes(b"old")
    link.symlink_to(Path("inner") / "a.bin")
    with replaced_atomically(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.bin", "inner", "link.bin"]


def test_pipes_and_devices_are_written_into_and_stay(tmp_path: Path) -> None:
    pipe, got = tmp_path / "pipe.npz", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    with replaced_atomically(pipe) as file:
        np.savez(file, x=np.arange(3))
    reader.join(timeout=10)
    assert pipe.is_fifo()
    (tmp_path / "copy.npz").write_bytes(got[0])
    with np.load(tmp_path / "copy.npz") as copy:
        assert copy["x"].tolist() == [0, 1, 2]
    null = tmp_path / "null.npz"
    null.symlink_to(os.devnull)
    with replaced_atomically(null) as file:
        np.savez(file, x=np.arange(3))
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
    assert null.is_symlink()


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError), replaced_atomically(tmp_path):
        pass
