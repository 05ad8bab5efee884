"""Sweeping segments: all at once, or a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from time import perf_counter

import torch
from torch import Tensor

from ..arrays import Array, library_of, need_same_place, torch_beside
from ..certify import certified
from ..network import Network
from ..progress import progress_bar
from .engine import Engine
from .result import Crossings, Events, Ranges, Swept

_SECONDS_A_STEP = 0.3
"""A progress bar moves about this often."""


def crossings(
    network: Network,
    a: Array,
    b: Array,
    *,
    max_memory: int | None = None,
    precision: str = "float64",
    certify: bool = False,
    progress: bool = False,
) -> Crossings:
    """Intersect line segments with all polytope boundaries of a network, exactly.

    Parameters
    ----------
    network : Network from `read_network`
    a, b : floating arrays, both (*input_shape) for one segment or (n, *input_shape) for n
        Ends of the segments x(t) = a + t (b - a). Where they are on a GPU, the sweep runs there, on
        the current stream of their library, and so are the results. Narrower floats are taken to
        float64.
    max_memory : int, optional
        Bytes that values of hidden units may take during the sweep (results come on top): by
        default 1 GiB, on a GPU half of what is free. A segment that needs more is swept in windows
        of t, one after the other; the crossings are the same, with t equal within `t_error`.
    precision : {"float64", "float32"}
        What values are computed in; t, knots and outputs are float64 in either. float32 is for GPUs
        that are slow at float64, and guarantees far less: rounding moves crossings by some 1e-5,
        more than what lies between them in large networks, so that crossings may be missed,
        invented or in another order wherever `ambiguous_ranges` says so, which is nearly
        everywhere. `t_error` and these ranges are proven for it as they are for float64.
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
    ValueError : shapes that are not those of inputs or differ, NaN or inf, values that overflow, a
        precision that is unknown or, on the CPU, float32.
    MemoryError : max_memory, or what is free on the GPU, is too little for any window.
    RuntimeError : the ends are on a GPU, and splinecode was built without CUDA.

    Notes
    -----
    On the CPU in the compiled core: bit for bit the same for any number of threads and instruction
    set. A GPU finds the same crossings in the same order, with t equal within the sum of both
    `t_error`: its products are summed in another order. What the bounds leave open may come out
    otherwise there. It is waited for where sizes are read: one to five times a step of the
    network, and at the end. O(knots * units) for kinks. An affine step costs its products at the
    knots that its inputs had before the last kink, each unit's at the knots of its receptive field
    alone; on the CPU, columns that are inactive are left out.

    """
    engine = Engine(network, *_segment_ends(network, a, b), max_memory, precision)
    library = library_of(a, "a")
    with torch_beside(library, engine.device):
        parts = list(_sweeps(engine, progress))
        swept = parts[0] if len(parts) == 1 else _joined(parts)
        return _crossings(engine, slice(None), swept, certify, library)


def iter_crossings(
    network: Network,
    a: Array,
    b: Array,
    *,
    batch: int = 256,
    max_memory: int | None = None,
    precision: str = "float64",
    certify: bool = False,
    progress: bool = False,
) -> Iterator[Crossings]:
    """Yield the crossings of `batch` segments at a time: for results that do not fit in memory.

    The arguments and errors are those of `crossings`, and a batch of at least 1.
    """
    if batch < 1:
        raise ValueError(f"batch is {batch}; wanted at least 1")
    engine = Engine(network, *_segment_ends(network, a, b), max_memory, precision)
    starts = range(0, max(len(engine), 1), batch)
    library = library_of(a, "a")

    def batches() -> Iterator[Crossings]:
        sweeps = _sweeps(engine, progress, batch)
        for start in starts:
            with torch_beside(library, engine.device):
                part = slice(start, start + batch)
                found = _crossings(engine, part, next(sweeps), certify, library)
            yield found
        next(sweeps, None)  # ends the progress bar

    return batches()


def _crossings(engine: Engine, part: slice, swept: Swept, certify: bool, library: str) -> Crossings:
    if not certify:
        return Crossings(engine.network, swept, library)
    swept, certificate = certified(engine.network, engine.a[part], engine.b[part], swept)
    return Crossings(engine.network, swept, library, certificate)


def _segment_ends(network: Network, a: Array, b: Array) -> tuple[Tensor, Tensor]:
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
    return network.as_rows(a, "a"), network.as_rows(b, "b")


def _sweeps(engine: Engine, progress: bool, batch: int | None = None) -> Iterator[Swept]:
    """Sweep batches of segments; all at once without a batch size, or as a progress bar needs."""
    if not progress and batch is None:
        yield engine.sweep(slice(None))
        return
    size = batch or (1 if progress else max(1, len(engine)))
    with progress_bar(len(engine), "segments", progress) as advance:
        start = 0
        while start < len(engine) or start == 0:
            begin = perf_counter()
            yield engine.sweep(slice(start, start + size))
            advance(min(size, len(engine) - start))
            start += size
            if batch is None and perf_counter() - begin < _SECONDS_A_STEP:
                size *= 2


def _joined(parts: list[Swept]) -> Swept:
    """Put the results of consecutive batches of segments together."""
    first = list(accumulate((part.segments for part in parts), initial=0))
    first_knot = accumulate((len(part.knots) for part in parts), initial=0)

    def put_together(columns: Sequence[tuple[Tensor, ...]]) -> list[Tensor]:
        """Concatenate columns, the first of which counts segments."""
        shifted = [
            (segment + start, *rest)
            for (segment, *rest), start in zip(columns, first, strict=False)
        ]
        return [torch.cat(column) for column in zip(*shifted, strict=True)]

    offsets = [
        part.knot_offsets[1:] + start for part, start in zip(parts, first_knot, strict=False)
    ]
    return Swept(
        first[-1],
        Events(*put_together([part.events for part in parts])),
        torch.cat([part.first_codes for part in parts]),
        torch.cat([parts[0].knot_offsets[:1], *offsets]),
        torch.cat([part.knots for part in parts]),
        torch.cat([part.values for part in parts]),
        Ranges(*put_together([part.ambiguous for part in parts])),
        Ranges(*put_together([part.assumed for part in parts])),
    )
