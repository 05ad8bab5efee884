"""Sweeping segments: all at once, or a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from ..arrays import Array, library_of, need_same_place
from ..certify import certified
from ..network import Network
from ..progress import progress_bar
from .program import program_of
from .result import Crossings, Events, Ranges, Swept

Rows = np.ndarray[Any, np.dtype[np.float64]]
Column = np.ndarray[Any, Any]

_MAX_MEMORY = 1 << 30
_SECONDS_A_STEP = 0.3
"""A progress bar moves about this often."""


def crossings(
    network: Network,
    a: Array,
    b: Array,
    *,
    max_memory: int = _MAX_MEMORY,
    certify: bool = False,
    progress: bool = False,
) -> Crossings:
    """Intersect line segments with all polytope boundaries of a network, exactly.

    Parameters
    ----------
    network : Network from `read_network`
    a, b : floating arrays, both (*input_shape) for one segment or (n, *input_shape) for n
        Ends of the segments x(t) = a + t (b - a), on the CPU. Narrower floats are taken to float64.
    max_memory : int
        Bytes that values of hidden units may take during the sweep (results come on top). A segment
        that needs more is swept in windows of t, one after the other; the crossings are the same,
        with t equal within `t_error`.
    certify : bool
        Prove the result, see `splinecode.certify`: what rounding left open is resolved in exact
        arithmetic. `Crossings.certified` says for which segments, `t_lo` and `t_hi` enclose each
        crossing. Costs little where nothing was open; a tie takes milliseconds in small networks,
        and what would take minutes is left uncertified.
    progress : bool
        Show a progress bar (needs tqdm).

    Returns
    -------
    crossings : Crossings

    Raises
    ------
    TypeError : network is no Network, or a or b no floating array.
    ValueError : shapes that are not those of inputs or differ, NaN or inf, values that overflow.
    MemoryError : max_memory is too little for any window.

    Notes
    -----
    float64, in the compiled core; bit for bit the same for any number of threads and instruction
    set. O(knots * units) for kinks. An affine step costs its products at the knots that its inputs
    had before the last kink, each unit's at the knots of its receptive field alone, columns that
    are inactive left out.

    """
    a_rows, b_rows = _segment_ends(network, a, b)
    parts = list(_sweeps(network, a_rows, b_rows, max_memory, progress))
    swept = parts[0] if len(parts) == 1 else _joined(parts)
    return _crossings(network, a_rows, b_rows, swept, certify, library_of(a, "a"))


def iter_crossings(
    network: Network,
    a: Array,
    b: Array,
    *,
    batch: int = 256,
    max_memory: int = _MAX_MEMORY,
    certify: bool = False,
    progress: bool = False,
) -> Iterator[Crossings]:
    """Yield the crossings of `batch` segments at a time: for results that do not fit in memory.

    The arguments and errors are those of `crossings`, and a batch of at least 1.
    """
    if batch < 1:
        raise ValueError(f"batch is {batch}; wanted at least 1")
    a_rows, b_rows = _segment_ends(network, a, b)
    starts = range(0, max(len(a_rows), 1), batch)
    library = library_of(a, "a")

    def batches() -> Iterator[Crossings]:
        sweeps = _sweeps(network, a_rows, b_rows, max_memory, progress, batch)
        for start, swept in zip(starts, sweeps, strict=True):
            part = slice(start, start + batch)
            yield _crossings(network, a_rows[part], b_rows[part], swept, certify, library)

    return batches()


def _crossings(
    network: Network, a: Rows, b: Rows, swept: Swept, certify: bool, library: str
) -> Crossings:
    if not certify:
        return Crossings(network, swept, library)
    swept, certificate = certified(network, a, b, swept)
    return Crossings(network, swept, library, certificate)


def _segment_ends(network: Network, a: Array, b: Array) -> tuple[Rows, Rows]:
    if not isinstance(network, Network):
        raise TypeError(
            f"network is a {type(network).__name__}; wanted a Network: "
            "read_network(module, example_input); for an MlpBlock there is block_crossings"
        )
    need_same_place(a, "a", b, "b")
    if tuple(a.shape) != tuple(b.shape):
        raise ValueError(
            f"a has shape {tuple(a.shape)} and b {tuple(b.shape)}; wanted the same: "
            "the two ends of each segment"
        )
    if tuple(a.shape) == network.input_shape:
        a, b = a[None], b[None]
    elif tuple(a.shape[1:]) != network.input_shape:
        raise ValueError(
            f"a and b have shape {tuple(a.shape)}; wanted {network.input_shape} for "
            f"one segment or (n, *{network.input_shape}) for n"
        )
    return _rows(network, a, "a"), _rows(network, b, "b")


def _rows(network: Network, ends: Array, name: str) -> Rows:
    return np.ascontiguousarray(network.as_rows(ends, name).numpy())


def _sweeps(
    network: Network,
    a: Rows,
    b: Rows,
    max_memory: int,
    progress: bool,
    batch: int | None = None,
) -> Iterator[Swept]:
    """Sweep batches of segments; all at once without a batch size, or as a progress bar needs."""
    if not progress and batch is None:
        yield _sweep(network, a, b, max_memory)
        return
    size = batch or (1 if progress else max(1, len(a)))
    with progress_bar(len(a), "segments", progress) as advance:
        start = 0
        while start < len(a) or start == 0:
            begin = perf_counter()
            part = slice(start, start + size)
            yield _sweep(network, a[part], b[part], max_memory)
            start += size
            advance(len(a[part]))
            if batch is None and perf_counter() - begin < _SECONDS_A_STEP:
                size *= 2


def _sweep(
    network: Network,
    a: Rows,
    b: Rows,
    max_memory: int,
) -> Swept:
    if not max_memory >= 1:
        raise ValueError(f"max_memory is {max_memory}; wanted a number of bytes")
    try:
        found = program_of(network).sweep(a, b, max_memory)
    except OverflowError as error:
        name = network.nodes[int(str(error))].name
        raise ValueError(
            f"values overflow float64 at {name!r}; scale the weights or the ends of the segments "
            "down"
        ) from None
    events, first_codes, (offsets, knots, values), ambiguous, assumed = found
    return Swept(
        len(a),
        Events(*events),
        first_codes,
        offsets,
        knots,
        values,
        Ranges(*ambiguous),
        Ranges(*assumed),
    )


def _joined(parts: list[Swept]) -> Swept:
    """Put the results of consecutive batches of segments together."""
    first = np.cumsum([0, *(part.segments for part in parts)])
    first_knot = np.cumsum([0, *(len(part.knots) for part in parts)])

    def put_together(columns: Sequence[tuple[Column, ...]]) -> list[Column]:
        """Concatenate columns, the first of which counts segments."""
        shifted = [
            (segment + start, *rest)
            for (segment, *rest), start in zip(columns, first, strict=False)
        ]
        return [np.concatenate(column) for column in zip(*shifted, strict=True)]

    offsets = [
        part.knot_offsets[:-1] + start for part, start in zip(parts, first_knot, strict=False)
    ]
    return Swept(
        int(first[-1]),
        Events(*put_together([part.events for part in parts])),
        np.concatenate([part.first_codes for part in parts]),
        np.concatenate([*offsets, first_knot[-1:]]),
        np.concatenate([part.knots for part in parts]),
        np.concatenate([part.values for part in parts]),
        Ranges(*put_together([part.ambiguous for part in parts])),
        Ranges(*put_together([part.assumed for part in parts])),
    )
