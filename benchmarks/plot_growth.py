"""Plot what `python -m splinecode bench growth --json growth.json` measured.

python benchmarks/plot_growth.py growth.json growth.png
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib.pyplot as plt


def main(source: str, target: str) -> None:
    """Plot the cases of a JSON file into an image file."""
    cases = json.loads(Path(source).read_text())["cases"]
    figure, (by_crossings, by_depth) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    groups = {
        "segments of a 2-64x3-1 net": lambda c: c["sizes"]["net"] == "2-64x3-1",
        "1 segment, width 64 to 2,048, depth 3": lambda c: (
            c["sizes"]["depth"] == 3 and c["sizes"]["net"] != "2-64x3-1"
        ),
        "1 segment, width 256, depth 2 to 32": lambda c: c["sizes"]["net"].startswith("256-256x"),
    }
    for label, belongs in groups.items():
        mine = sorted(filter(belongs, cases), key=lambda c: c["sizes"]["crossings"])
        counts = [c["sizes"]["crossings"] for c in mine]
        by_crossings.loglog(counts, [seconds(c["ours"]) for c in mine], "o-", label=label)
        floors = [seconds(c["floor"]) for c in mine]
        by_crossings.loglog(counts, floors, "x:", color=by_crossings.lines[-1].get_color())
    by_crossings.set(xlabel="crossings", ylabel="seconds", title="dotted: matrix products alone")
    by_crossings.legend()
    deep = [c for c in cases if groups["1 segment, width 256, depth 2 to 32"](c)]
    depths = [c["sizes"]["depth"] for c in deep]
    by_depth.loglog(depths, [seconds(c["ours"]) for c in deep], "o-", label="crossings()")
    by_depth.loglog(depths, [seconds(c["floor"]) for c in deep], "x:", label="products alone")
    by_depth.set(xlabel="hidden layers of 256 units", ylabel="seconds", title="one segment")
    by_depth.legend()
    figure.savefig(target, dpi=150)


def seconds(timed: dict) -> float:
    """Return the median."""
    return timed["seconds"]["median"]


if __name__ == "__main__":
    main(*sys.argv[1:])
