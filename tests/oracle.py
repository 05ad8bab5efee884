"""The specification: what splinecode must answer, written to be obvious and not to be fast.

Numbers are `fractions.Fraction`, so nothing here rounds. Nothing here imports splinecode, numpy or
torch, so nothing here shares a mistake with what it judges.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from itertools import chain, combinations, pairwise
from math import prod
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")
Bits = Sequence[bool]
Pair = tuple[int, int]
Shape = tuple[int, ...]
Values = list[Fraction]

# ---------------------------------------------------------------- codes and Hamming distances


def codes_of(z_rows: Iterable[Iterable[float]], threshold: float = 0.0) -> list[list[bool]]:
    """Bit = z > threshold, strictly. A NaN compares false: refusing it is not the oracle's job."""
    return [[z > threshold for z in row] for row in z_rows]


def pack_words(bits: Bits) -> list[int]:
    """Bit j is bit j % 64 of word j // 64; pad bits are zero: 65 ones -> [2**64 - 1, 1]."""
    starts = range(0, len(bits), 64)
    return [sum(bit << j for j, bit in enumerate(bits[start : start + 64])) for start in starts]


def unique(rows: Sequence[Sequence[int]]) -> tuple[list[tuple[int, ...]], list[int], list[int]]:
    """Distinct rows of words in lexicographic order, each row's place among them, their counts."""
    keys = [tuple(row) for row in rows]
    distinct = sorted(set(keys))
    return distinct, [distinct.index(key) for key in keys], [keys.count(key) for key in distinct]


def argsort(rows: Sequence[Sequence[int]]) -> list[int]:
    """Rows of words in lexicographic order, equal ones as they stood."""
    return sorted(range(len(rows)), key=lambda i: tuple(rows[i]))


def shared(
    a_rows: Sequence[Sequence[int]], b_rows: Sequence[Sequence[int]]
) -> list[tuple[tuple[int, ...], int, int, int, int]]:
    """Each distinct row of either, in order: its first place in a and b (or -1), its counts."""
    a, b = [tuple(row) for row in a_rows], [tuple(row) for row in b_rows]
    return [
        (
            key,
            a.index(key) if key in a else -1,
            b.index(key) if key in b else -1,
            a.count(key),
            b.count(key),
        )
        for key in sorted({*a, *b})
    ]


def hamming(a_bits: Bits, b_bits: Bits) -> int:
    """In how many places two codes of one length differ."""
    return sum(a != b for a, b in zip(a_bits, b_bits, strict=True))


def hamming_matrix(a_codes: Sequence[Bits], b_codes: Sequence[Bits]) -> list[list[int]]:
    """Row i, column j: the distance from a_codes[i] to b_codes[j]."""
    return [[hamming(a, b) for b in b_codes] for a in a_codes]


def condensed(codes: Sequence[Bits]) -> list[int]:
    """The distances of the pairs i < j, by i and then j: the order of scipy's pdist."""
    return [hamming(a, b) for a, b in combinations(codes, 2)]


def top_k(
    queries: Sequence[Bits], database: Sequence[Bits], k: int, exclude_self: bool = False
) -> tuple[list[list[int]], list[list[int]]]:
    """Per query the k nearest rows by (distance, index), all of them where there are fewer.

    `exclude_self` says that query i *is* database row i and leaves that one row out; other rows
    with the same code stay. Returns (distances, indices).
    """
    nearest = [found[:k] for found in _ranked(queries, database, exclude_self)]
    return _columns(nearest)


def radius(
    queries: Sequence[Bits], database: Sequence[Bits], r: int, exclude_self: bool = False
) -> tuple[list[list[int]], list[list[int]]]:
    """As `top_k`, with every row at distance <= r."""
    within = [
        [(distance, index) for distance, index in found if distance <= r]
        for found in _ranked(queries, database, exclude_self)
    ]
    return _columns(within)


def _ranked(
    queries: Sequence[Bits], database: Sequence[Bits], exclude_self: bool
) -> list[list[Pair]]:
    return [
        sorted(
            (hamming(query, row), j)
            for j, row in enumerate(database)
            if not (exclude_self and i == j)
        )
        for i, query in enumerate(queries)
    ]


def _columns(found: list[list[Pair]]) -> tuple[list[list[int]], list[list[int]]]:
    return [[d for d, _ in row] for row in found], [[j for _, j in row] for row in found]


def core_distances(codes: Sequence[Bits], k: int) -> list[int]:
    """The distance from each code to the k-th nearest other one; copies count as others."""
    return [
        sorted(hamming(code, other) for j, other in enumerate(codes) if j != i)[k - 1]
        for i, code in enumerate(codes)
    ]


def spanning_tree(codes: Sequence[Bits], min_samples: int = 0) -> list[tuple[int, int, int]]:
    """Kruskal's tree over all edges by (weight, distance, low, high), as (weight, low, high).

    An edge weighs its distance, or the greatest of that and its ends' core distances.
    """
    core = core_distances(codes, min_samples) if min_samples else [0] * len(codes)
    edges = sorted(
        (max(core[i], core[j], distance), distance, i, j)
        for i, j in combinations(range(len(codes)), 2)
        for distance in [hamming(codes[i], codes[j])]
    )
    group = list(range(len(codes)))
    tree = []
    for weight, _, i, j in edges:
        if group[i] != group[j]:
            tree.append((weight, i, j))
            group = [group[i] if g == group[j] else g for g in group]
    return tree


# ---------------------------------------------------------------- more of the Hamming family
#
# A layered code is a list of layers, each a list of bits.


def hamming_by_layer(a_layers: Sequence[Bits], b_layers: Sequence[Bits]) -> list[int]:
    """The distance within each layer."""
    return [hamming(a, b) for a, b in zip(a_layers, b_layers, strict=True)]


def hamming_masked(a_bits: Bits, b_bits: Bits, mask: Bits) -> int:
    """In how many places with a mask bit the codes differ."""
    places = zip(a_bits, b_bits, mask, strict=True)
    return sum(a != b for a, b, counts in places if counts)


def hamming_weighted(
    a_layers: Sequence[Bits], b_layers: Sequence[Bits], weights: Sequence[float]
) -> float:
    """Each layer's distance times its weight, added up in the order of the layers."""
    total = 0.0
    for distance, weight in zip(hamming_by_layer(a_layers, b_layers), weights, strict=True):
        total += distance * weight
    return total


def consecutive(paths: Sequence[Sequence[Bits]]) -> list[int]:
    """The distances from each code to the next of its path, path after path."""
    return [hamming(a, b) for path in paths for a, b in pairwise(path)]


def from_start(paths: Sequence[Sequence[Bits]]) -> list[int]:
    """The distances from each code to the first of its path."""
    return [hamming(path[0], code) for path in paths for code in path]


def space_folding(path: Sequence[Bits]) -> Fraction | None:
    """1 - the farthest from the start / the sum of the steps; None without transitions."""
    total = sum(consecutive([path]))
    return None if total == 0 else 1 - Fraction(max(from_start([path])), total)


def intersection(a_bits: Bits, b_bits: Bits) -> int:
    """How many units are active in both."""
    return sum(a and b for a, b in zip(a_bits, b_bits, strict=True))


def jaccard(a_bits: Bits, b_bits: Bits) -> Fraction:
    """Units active in both over units active in either; 1 where none is active."""
    either = sum(a or b for a, b in zip(a_bits, b_bits, strict=True))
    return Fraction(intersection(a_bits, b_bits), either) if either else Fraction(1)


def flipped(reference: Bits, rows: Sequence[Bits], every: bool) -> list[bool]:
    """Which units differ from the reference in any row, or in every one; none without rows."""
    if not rows:
        return [False] * len(reference)
    test = all if every else any
    return [test(row[u] != on for row in rows) for u, on in enumerate(reference)]


def firing_counts(codes: Sequence[Bits], units: int) -> list[int]:
    """How many codes each unit is active in."""
    return [sum(code[u] for code in codes) for u in range(units)]


def cofiring(
    a_codes: Sequence[Bits], b_codes: Sequence[Bits], a_units: int, b_units: int
) -> list[list[int]]:
    """Row u, column v: for how many inputs unit u of a and unit v of b are both active."""
    inputs = list(zip(a_codes, b_codes, strict=True))
    return [[sum(a[u] and b[v] for a, b in inputs) for v in range(b_units)] for u in range(a_units)]


def expected_hamming(p: Sequence[Fraction], q: Sequence[Fraction]) -> Fraction:
    """The mean distance of two codes of independent units that are active with p_u and q_u."""
    return sum((x * (1 - y) + y * (1 - x) for x, y in zip(p, q, strict=True)), Fraction(0))


def nearest_by_class(
    query: Bits, bank: Sequence[Bits], labels: Sequence[Any]
) -> dict[Any, tuple[int, int]]:
    """Per class the (distance, index) of the nearest code of the bank, the lowest index of ties."""
    found: dict[Any, tuple[int, int]] = {}
    for index, (code, label) in enumerate(zip(bank, labels, strict=True)):
        here = (hamming(query, code), index)
        found[label] = min(found.get(label, here), here)
    return found


# ---------------------------------------------------------------- sliding windows
#
# A value is a flat list in C order (channel, row, column) beside its shape.


@dataclass(frozen=True)
class Window:
    """The input positions under a kernel at one output position, row by row."""

    row: int
    column: int
    taps: list[int | None]  # None is padding

    @property
    def inside(self) -> list[int]:
        return [i for i in self.taps if i is not None]


def windows(
    shape: Shape, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> list[list[Window]]:
    """Per channel, the windows of a (channels, rows, columns) value, row by row."""
    channels, height, width = shape
    rows = axis_windows(height, kernel[0], stride[0], padding[0], dilation[0])
    columns = axis_windows(width, kernel[1], stride[1], padding[1], dilation[1])

    def tap(channel: int, y: int | None, x: int | None) -> int | None:
        return None if y is None or x is None else (channel * height + y) * width + x

    return [
        [
            Window(row, column, [tap(channel, y, x) for y in ys for x in xs])
            for row, ys in enumerate(rows)
            for column, xs in enumerate(columns)
        ]
        for channel in range(channels)
    ]


def axis_windows(
    size: int, kernel: int, stride: int, padding: int, dilation: int
) -> list[list[int | None]]:
    """The positions under a kernel sliding along one axis: None is padding."""
    count = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    starts = [stride * i - padding for i in range(count)]
    return [
        [x if 0 <= x < size else None for x in range(start, start + dilation * kernel, dilation)]
        for start in starts
    ]


def output_plane(channels: list[list[Window]]) -> Pair:
    """(rows, columns) of the output that these windows make."""
    last = channels[0][-1]
    return last.row + 1, last.column + 1


# ---------------------------------------------------------------- affine steps
#
# Every step maps values to values and a shape to a shape.


@dataclass(frozen=True)
class Linear:
    """weight[out][in] on a flat vector."""

    weight: list[Values]
    bias: Values

    def output_shape(self, shape: Shape) -> Shape:
        return (len(self.bias),)

    def apply(self, values: Values, shape: Shape) -> Values:
        return [
            sum((w * x for w, x in zip(row, values, strict=True)), bias)
            for row, bias in zip(self.weight, self.bias, strict=True)
        ]


@dataclass(frozen=True)
class Conv2d:
    """weight[out channel][in channel of its group][kernel row][kernel column]; zero padding."""

    weight: list[list[list[Values]]]
    bias: Values
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1

    def windows(self, shape: Shape) -> list[list[Window]]:
        kernel = (len(self.weight[0][0]), len(self.weight[0][0][0]))
        return windows(shape, kernel, self.stride, self.padding, self.dilation)

    def output_shape(self, shape: Shape) -> Shape:
        return (len(self.weight), *output_plane(self.windows(shape)))

    def apply(self, values: Values, shape: Shape) -> Values:
        channels = self.windows(shape)
        outputs_per_group = len(self.weight) // self.groups
        result = []
        for out, (planes, bias) in enumerate(zip(self.weight, self.bias, strict=True)):
            first = out // outputs_per_group * len(planes)
            group = channels[first : first + len(planes)]
            weights = [w for plane in planes for row in plane for w in row]
            for position in zip(*group, strict=True):
                taps = chain.from_iterable(window.taps for window in position)
                terms = (w * values[i] for w, i in zip(weights, taps, strict=True) if i is not None)
                result.append(sum(terms, bias))
        return result


@dataclass(frozen=True)
class ChannelAffine:
    """Per channel of a (channel, row, column) value, or per feature of a flat one."""

    scale: Values
    shift: Values

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def apply(self, values: Values, shape: Shape) -> Values:
        plane = len(values) // len(self.scale)
        return [self.scale[i // plane] * x + self.shift[i // plane] for i, x in enumerate(values)]


@dataclass(frozen=True)
class AvgPool2d:
    kernel: Pair
    stride: Pair
    padding: Pair = (0, 0)
    count_include_pad: bool = True

    def windows(self, shape: Shape) -> list[list[Window]]:
        return windows(shape, self.kernel, self.stride, self.padding, (1, 1))

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0], *output_plane(self.windows(shape)))

    def apply(self, values: Values, shape: Shape) -> Values:
        return [
            sum((values[i] for i in window.inside), Fraction(0))
            / (len(window.taps) if self.count_include_pad else len(window.inside))
            for window in chain(*self.windows(shape))
        ]


@dataclass(frozen=True)
class Flatten:
    def output_shape(self, shape: Shape) -> Shape:
        return (prod(shape),)

    def apply(self, values: Values, shape: Shape) -> Values:
        return values


# ---------------------------------------------------------------- kink steps
#
# A kink is linear wherever none of its `forms` (linear functions of its input) changes sign. There
# `bits` is constant, and may be read at any inner point.


@dataclass(frozen=True)
class ReLU:
    """One bit a unit: z > 0, whatever the slope below."""

    negative_slope: Fraction = Fraction(0)

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def apply(self, values: Values, shape: Shape) -> Values:
        return [z if z > 0 else self.negative_slope * z for z in values]

    def forms(self, values: Values, shape: Shape) -> Values:
        return values

    def bits(self, values: Values, shape: Shape) -> list[bool]:
        return [z > 0 for z in values]


@dataclass(frozen=True)
class MaxPool2d:
    """One bit per window element, flat over (channel, out row, out column, kernel row, column).

    The one bit that is on in a window marks its argmax, the first of equals. Padding is minus
    infinity: it is never chosen, and its bit is always off.
    """

    kernel: Pair
    stride: Pair
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)

    def windows(self, shape: Shape) -> list[list[Window]]:
        return windows(shape, self.kernel, self.stride, self.padding, self.dilation)

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0], *output_plane(self.windows(shape)))

    def apply(self, values: Values, shape: Shape) -> Values:
        flat = chain(*self.windows(shape))
        return [max(values[i] for i in window.inside) for window in flat]

    def forms(self, values: Values, shape: Shape) -> Values:
        flat = chain(*self.windows(shape))
        pairs = chain.from_iterable(combinations(window.inside, 2) for window in flat)
        return [values[i] - values[j] for i, j in pairs]

    def bits(self, values: Values, shape: Shape) -> list[bool]:
        result = []
        for window in chain(*self.windows(shape)):
            argmax = max(window.inside, key=lambda i: values[i])  # max keeps the first of equals
            result += [i == argmax for i in window.taps]
        return result


Kink = ReLU | MaxPool2d
Step = Linear | Conv2d | ChannelAffine | AvgPool2d | Flatten | Kink


def evaluate(steps: Sequence[Step], input_shape: Shape, x: Values) -> Values:
    """The network's output at one point."""
    shape, values = input_shape, x
    for step in steps:
        shape, values = step.output_shape(shape), step.apply(values, shape)
    return values


# ---------------------------------------------------------------- exact crossings


class Event(NamedTuple):
    """Unit `unit` of kink step `layer` turns on (+1) or off (-1) at t; sorts in this order."""

    t: Fraction
    layer: int
    unit: int
    direction: int


@dataclass(frozen=True)
class OracleResult:
    """The pieces of a segment: piece i lies between knots[i] and knots[i + 1]."""

    events: list[Event]  # sorted
    knots: Values  # 0, every t with an event, 1
    codes: list[list[list[bool]]]  # [piece][layer][unit]
    values: list[Values]  # [knot][output]


def crossings(steps: Sequence[Step], input_shape: Shape, a: Values, b: Values) -> OracleResult:
    """Every crossing of x(t) = a + t (b - a), 0 < t < 1.

    The sweep keeps the values of one step at knots between which they are linear. An affine step
    keeps knots; a kink adds one wherever a form changes sign. Those are candidates: a knot of the
    answer is one where some bit differs between the open intervals beside it.
    """
    knots, values, shape = [Fraction(0), Fraction(1)], [a, b], input_shape
    layers: list[tuple[Values, list[list[bool]]]] = []  # candidate knots, bits between them
    for step in steps:
        if isinstance(step, Kink):
            forms = [step.forms(v, shape) for v in values]
            knots, values = split(knots, values, forms)
            bits = [step.bits(lerp(v, w, Fraction(1, 2)), shape) for v, w in pairwise(values)]
            layers.append((knots, bits))
        values = [step.apply(v, shape) for v in values]
        shape = step.output_shape(shape)

    events = sorted(
        event
        for layer, (layer_knots, bits) in enumerate(layers)
        for t, before, after in zip(layer_knots[1:-1], bits[:-1], bits[1:], strict=True)
        for event in flips(t, layer, before, after)
    )
    pieces = sorted({Fraction(0), Fraction(1), *(event.t for event in events)})
    middles = [(t0 + t1) / 2 for t0, t1 in pairwise(pieces)]
    output = dict(zip(knots, values, strict=True))
    return OracleResult(
        events,
        pieces,
        [[code_at_interval(*layer, t) for layer in layers] for t in middles],
        [output[t] for t in pieces],
    )


def split(knots: Values, values: list[Values], forms: list[Values]) -> tuple[Values, list[Values]]:
    """Insert a knot wherever a form changes sign strictly inside an interval."""
    new_knots, new_values = knots[:1], values[:1]
    for i, (t0, t1) in enumerate(pairwise(knots)):
        signs = zip(forms[i], forms[i + 1], strict=True)
        roots = {f / (f - g) for f, g in signs if min(f, g) < 0 < max(f, g)}
        for s in [*sorted(roots), Fraction(1)]:
            new_knots.append(t0 + s * (t1 - t0))
            new_values.append(lerp(values[i], values[i + 1], s))
    return new_knots, new_values


def lerp(v: Values, w: Values, s: Fraction) -> Values:
    """The point a share s of the way from v to w."""
    return [x + s * (y - x) for x, y in zip(v, w, strict=True)]


def flips(t: Fraction, layer: int, before: Bits, after: Bits) -> list[Event]:
    """The crossings between two neighbouring intervals of one layer."""
    changes = enumerate(zip(before, after, strict=True))
    return [Event(t, layer, unit, on - off) for unit, (off, on) in changes if off != on]


def code_at_interval(knots: Values, codes: Sequence[T], t: Fraction) -> T:
    """The code of the interval around t, 0 <= t < 1; right of t where t is a knot."""
    return codes[bisect_right(knots, t) - 1]


# ---------------------------------------------------------------- from a splinecode Network


def steps_of(network: Any) -> list[Step]:
    """The oracle's copy of a splinecode `Network`: its float64 numbers, taken exactly."""
    kinds: dict[str, type[Step]] = {
        kind.__name__: kind
        for kind in (Linear, Conv2d, ChannelAffine, AvgPool2d, Flatten, ReLU, MaxPool2d)
    }
    steps: list[Step] = []
    for step in network.steps:
        kind = kinds[type(step).__name__]
        steps.append(kind(**{f.name: exactly(getattr(step, f.name)) for f in fields(kind)}))
    return steps


def exactly(value: Any) -> Any:
    """Tensors and lists become nested lists of Fractions, a float one Fraction; the rest stays."""
    if hasattr(value, "tolist"):
        return exactly(value.tolist())
    if isinstance(value, list):
        return [exactly(item) if isinstance(item, list) else Fraction(item) for item in value]
    return Fraction(value) if isinstance(value, float) else value
