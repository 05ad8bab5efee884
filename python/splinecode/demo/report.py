"""Plain-text report: headings with the time elapsed, and aligned tables."""

from __future__ import annotations

import time
from collections.abc import Sequence


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


def aligned(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Lay out a table as text, indented by two spaces, without trailing spaces."""
    cells = [list(header)] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = [
        "  "
        + "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
    lines.insert(1, "  " + "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def percent(share: float) -> str:
    """Write a share as a percentage with one digit."""
    return f"{100 * share:.1f} %"
