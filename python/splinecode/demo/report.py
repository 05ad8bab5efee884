"""Plain-text report: headings with the time elapsed, and aligned tables."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ..tables import aligned


class Report:
    """Prints what the demo finds, as it finds it."""

    def __init__(self) -> None:
        self._begin = time.perf_counter()

    @property
    def elapsed(self) -> float:
        """Seconds since the report began."""
        return time.perf_counter() - self._begin

    def heading(self, text: str) -> None:
        """Start a part."""
        print(f"\n{text}\n{'=' * len(text)}", flush=True)

    def step(self, text: str) -> None:
        """Say what starts now, and when."""
        print(f"\n[{self.elapsed:5.1f} s] {text}", flush=True)

    def line(self, text: str) -> None:
        """Print a sentence below a step."""
        print(f"  {text}", flush=True)

    def table(self, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Print an aligned table: the first column to the left, the others to the right."""
        print(aligned(header, rows), flush=True)
