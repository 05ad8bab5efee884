"""The figures of a net, written as PNG files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from .. import plots
from ..files import replaced_atomically
from .models import Digits
from .neighbours import chance
from .study import Study


def draw(study: Study, data: Digits) -> dict[str, Figure]:
    """Draw the figures of a net, by the name of their file."""
    net, segments = study.name.upper(), study.segments
    drawn = {
        f"{study.name}-neighbours": plots.label_agreement(
            study.agreement,
            chance=chance(data.labels),
            title=f"{net}: do nearest digits share a label?",
        ),
        f"{study.name}-density": plots.density_by_layer(
            {
                "endpoint": segments.endpoint_density,
                "exact": segments.exact_density,
            },
            study.layers,
            title=f"{net}: boundary density between digits (pixels 0 to 1)",
        ),
        f"{study.name}-counts": plots.counts_by_method(
            segments.counts,
            study.layers,
            title=f"{net}: what sampling misses on {len(segments.a):,} segments",
        ),
        f"{study.name}-segment": _segment(study, data),
    }
    return {stem: axes[0].figure for stem, axes in drawn.items()}


def _segment(study: Study, data: Digits) -> Any:
    """Draw the different-class segment with the median number of crossings."""
    found = study.segments.found
    first = len(found) // 2  # same-class segments come first, and are as many
    totals = found.count().numpy()[first:]
    s = first + int(np.argsort(totals, kind="stable")[len(totals) // 2])
    mine = slice(int(found.offsets[s]), int(found.offsets[s + 1]))
    knots = slice(int(found.knot_offsets[s]), int(found.knot_offsets[s + 1]))
    a, b = study.segments.a[s, 0], study.segments.b[s, 0]
    classes = tuple(int(data.labels[study.segments.ends[s, end]]) for end in (0, 1))
    return plots.segment_crossings(
        found.t[mine],
        found.layer[mine],
        found.direction[mine],
        study.layers,
        knots=found.knots[knots],
        values=found.values[knots],
        ends=(a, b),
        end_classes=(classes[0], classes[1]),
        title=f"{study.name.upper()}: every boundary between a {classes[0]} and a {classes[1]}",
    )


def write_png(figure: Figure, path: Path) -> None:
    """Write a figure so that `path` is never half a file."""
    with replaced_atomically(path) as file:
        figure.savefig(file, format="png")
