"""Exact crossings of line segments in the residual stream with the boundaries of an MLP block.

The norm divides by a positive number, so a unit is on iff h = p(t) + q sqrt(v(t)) is positive, and
h has at most two roots (`normal_form`). float64 with proven bounds decides nearly all units and
encloses their roots; what it leaves, ties and near-ties, is decided in rational arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..arrays import Array, library_of, need_same_place
from ..progress import progress_bar
from .block import MlpBlock
from .events import Events, joined
from .exact import ExactRoot, ExactSegment
from .restriction import Ends
from .result import BlockCrossings
from .rows import as_rows
from .search import search

Matrix = np.ndarray[Any, Any]

_GROUP_VALUES = 1 << 18
_LEAST_ROWS = 32
_MOST_ROWS = 2**15 - 1  # `Events.ordered`


def block_crossings(
    block: MlpBlock, a: Array, b: Array, *, progress: bool = False
) -> BlockCrossings:
    """Intersect segments of the residual stream with the boundaries z = 0 of an MLP block, exactly.

    Parameters
    ----------
    block : MlpBlock from `read_block`
    a, b : floating arrays, both (width,) for one segment or (n, width) for n
        Ends of the segments x(t) = a + t (b - a), as they enter the block's norm, on the CPU.
        Narrower floats are taken to float64.
    progress : bool
        Show a progress bar (needs tqdm).

    Returns
    -------
    crossings : BlockCrossings
        Exact through the norm: at most two crossings a unit. GELU and SiLU units are counted at
        z = 0, those of a gated MLP at the gate.

    Raises
    ------
    TypeError : block is no MlpBlock, or a or b no floating array.
    ValueError : shapes that are no rows or differ, NaN or inf, sizes that float64 products do not
        bear, or a segment that meets a point where a norm with eps = 0 divides by zero.

    Notes
    -----
    One product of the ends with the weights, O(n * width * units), and some 30 passes over
    (segments, units) in groups of bounded memory. Units that rounding leaves undecided, and
    crossings that it cannot order, take O(width) products of big integers each: a millisecond for
    4,096 inputs. There are next to none but where many units tie.

    """
    if not isinstance(block, MlpBlock):
        raise TypeError(
            f"block is a {type(block).__name__}; wanted an MlpBlock: read_block(module, x)"
        )
    a_rows, b_rows = _segment_ends(block, a, b)
    groups = []
    with progress_bar(len(a_rows), "segments", progress) as advance:
        for rows in _groups(block, len(a_rows)):
            groups.append(_group(block, a_rows[rows], b_rows[rows], rows.start))
            advance(rows.stop - rows.start)
    events, words = zip(*groups, strict=True)
    return BlockCrossings(block, joined(list(events)), np.concatenate(words), library_of(a, "a"))


def _segment_ends(block: MlpBlock, a: Array, b: Array) -> tuple[Matrix, Matrix]:
    need_same_place(a, "a", b, "b")
    if tuple(a.shape) != tuple(b.shape):
        raise ValueError(
            f"a has shape {tuple(a.shape)} and b {tuple(b.shape)}; wanted the same: "
            "the two ends of each segment"
        )
    if a.ndim == 1:
        a, b = a[None], b[None]
    return as_rows(a, block.width, "a"), as_rows(b, block.width, "b")


def _groups(block: MlpBlock, segments: int) -> Iterator[slice]:
    """Cut the segments into groups whose (segments, units) arrays stay in the caches."""
    size = max(_LEAST_ROWS, min(_GROUP_VALUES // max(block.units, 1), _MOST_ROWS))
    starts = range(0, segments, size) if segments else [0]
    return (slice(start, min(start + size, segments)) for start in starts)


def _group(block: MlpBlock, a: Matrix, b: Matrix, first: int) -> tuple[Events, Matrix]:
    """Return the crossings and first codes of a group of segments that begins at `first`."""
    ends, y0, y1 = Ends.of(block.norm, a, b)
    exact = _Exact(block, a, b)
    for segment in np.flatnonzero(ends.near_zero()).tolist():
        exact.need_nonzero(segment, first)
    found = search(block, ends, y0, y1)
    words, events = found.first_codes, found.events.ordered()
    pairs = np.unique(found.undecided, axis=0)
    while True:
        undecided = np.unique(np.concatenate([pairs, _overlapping(events)]), axis=0)
        pairs = pairs[:0]
        if not len(undecided):
            break
        events = _without(events, undecided, block.units)
        events = joined([events, exact.decide(undecided, words)]).ordered()
    return replace(events, segment=events.segment + first), words


def _overlapping(events: Events) -> Matrix:
    """Return the pairs whose crossings are not proven to be in this order."""
    clash = events.next_to_same() & (events.high[:-1] >= events.low[1:])
    rough = events.number < 0
    chosen = np.zeros(len(events), bool)
    chosen[:-1] |= clash
    chosen[1:] |= clash
    chosen &= rough
    return np.stack([events.segment[chosen], events.unit[chosen]], axis=1)


def _without(events: Events, pairs: Matrix, units: int) -> Events:
    """Drop the crossings of some pairs."""
    gone = pairs @ np.array([units, 1])
    return events.take(~np.isin(events.segment * units + events.unit, gone))


class _Exact:
    """Rational arithmetic on the segments of a group."""

    def __init__(self, block: MlpBlock, a: Matrix, b: Matrix) -> None:
        self._block, self._a, self._b = block, a, b
        self._numbers: dict[Any, int] = {}

    def need_nonzero(self, segment: int, first: int) -> None:
        """Refuse a segment on which the norm divides by zero."""
        if ExactSegment(self._block, self._a[segment], self._b[segment]).meets_zero():
            what = "a constant row" if self._block.norm.kind == "layer" else "zero"
            raise ValueError(
                f"segment {first + segment} meets {what}, where the norm with eps = "
                f"{self._block.norm.eps:g} divides by zero and pre-activations are not defined; "
                "end the segment before it"
            )

    def decide(self, pairs: Matrix, words: Matrix) -> Events:
        """Return the crossings of pairs, sorted by segment, and write the units' first bits."""
        rows: list[tuple[int, int, ExactRoot, int]] = []
        last, exact = -1, None
        for segment, unit in pairs.tolist():
            if exact is None or segment != last:
                exact = ExactSegment(self._block, self._a[segment], self._b[segment])
                last = segment
            decided = exact.unit(unit)
            _set_bit(words[segment], unit, decided.first_bit)
            for root in decided.roots:
                number = self._numbers.setdefault(root.number, len(self._numbers))
                rows.append((segment, unit, root, number))
        return Events.exact(rows)


def _set_bit(words: Matrix, unit: int, bit: bool) -> None:
    place, mask = unit // 64, np.uint64(1) << np.uint64(unit % 64)
    words[place] = words[place] | mask if bit else words[place] & ~mask
