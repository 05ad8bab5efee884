"""One writer at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK_FILE = "lock"

_held: set[tuple[int, Path]] = set()
_guard = threading.Lock()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a store for the length of a block.

    Raises BlockingIOError if a writer has it.

    Notes
    -----
    A POSIX record lock: the kernel drops it with its process, however that ends, and a child such
    as a loader's worker does not keep it. Within a process it holds nobody up, and closing any
    handle of the file drops it: there `_held` decides, before the file is opened.

    """
    key = (os.getpid(), folder.resolve())
    with _guard:
        if key in _held:
            raise _busy(folder)
        _held.add(key)
    try:
        handle = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(handle, folder)
            yield
        finally:
            os.close(handle)
    finally:
        with _guard:
            _held.discard(key)


def _lock(handle: int, folder: Path) -> None:
    import fcntl  # noqa: PLC0415 - POSIX systems have it; reading stores needs none

    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        raise _busy(folder) from None


def _busy(folder: Path) -> BlockingIOError:
    return BlockingIOError(
        f"{folder} is being written by another writer; wait until it ends, or give another folder"
    )
