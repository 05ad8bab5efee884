"""Crossings as the path viewer reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays import to_host
from ..paths import hamming_from_start
from ..segments import Crossings
from .packing import packed
from .slice_data import shown_outputs


def path_data(found: Crossings, names: Sequence[str], lengths: Sequence[float]) -> dict[str, Any]:
    """Return segments and their crossings as JSON with packed arrays.

    Parameters
    ----------
    found : Crossings
    names : a name for each segment
    lengths : Euclidean length of each segment

    Raises
    ------
    ValueError : not one name and one length a segment.

    Notes
    -----
    A crossing's Hamming distance is that of the piece after it from the segment's first piece;
    crossings at one point share it.

    """
    if not len(names) == len(lengths) == len(found):
        raise ValueError(
            f"{len(names)} names and {len(lengths)} lengths for {len(found)} segments; wanted one "
            "each"
        )
    segments = [
        {"name": name, "length": float(length), **_segment(found, s)}
        for s, (name, length) in enumerate(zip(names, lengths, strict=True))
    ]
    return {
        "layers": [{"name": layer.name, "bits": layer.bits} for layer in found.layers],
        "segments": segments,
    }


def _segment(found: Crossings, s: int) -> dict[str, Any]:
    mine = slice(*(int(end) for end in found.offsets[s : s + 2]))
    at_knots = slice(*(int(end) for end in found.knot_offsets[s : s + 2]))
    t, knots = to_host(found.t[mine]), to_host(found.knots[at_knots])
    values = to_host(found.values[at_knots])
    values = values.reshape(len(knots), -1)
    shown = shown_outputs(values)
    from_start = to_host(hamming_from_start(found.codes(s)))
    after = np.searchsorted(knots, t, side="right") - 1
    return {
        "outputs": shown.tolist(),
        "allOutputs": values.shape[1],
        "t": packed(t, "float64"),
        "layer": packed(to_host(found.layer[mine]), "uint32"),
        "unit": packed(to_host(found.unit[mine]), "uint32"),
        "direction": packed(to_host(found.direction[mine]), "int8"),
        "fromStart": packed(from_start[after.clip(max=len(from_start) - 1)], "uint32"),
        "knots": packed(knots, "float64"),
        "values": packed(values[:, shown], "float32"),
    }
