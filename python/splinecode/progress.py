"""Progress of long work, shown only when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(total: int | None, unit: str, shown: bool) -> Iterator[Callable[[int], object]]:
    """Yield a function that advances a progress bar by n; it does nothing unless `shown`.

    Raises ImportError saying what to install if a bar is wanted and tqdm is missing.
    """
    if not shown:
        yield lambda n: None
        return
    try:
        from tqdm.auto import tqdm  # noqa: PLC0415 - an optional dependency
    except ImportError as error:
        raise ImportError("progress=True needs tqdm: pip install 'splinecode[progress]'") from error
    with tqdm(total=total, unit=unit) as bar:
        yield bar.update
