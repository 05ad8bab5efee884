"""The specification: what splinecode must answer, written to be obvious and not to be fast.

Numbers are `fractions.Fraction`, so nothing here rounds. Nothing here imports splinecode, numpy or
torch, so nothing here shares a mistake with what it judges.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from itertools import chain, combinations, pairwise, product
from math import lcm
from typing import Any, NamedTuple, TypeVar, get_args

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


# ---------------------------------------------------------------- affine steps
#
# An affine step is a row for each unit of its output, over the units of all its inputs, one input
# after the other. `rows` takes how many units each input has.


class Row(NamedTuple):
    """(constant + sum of weight * in[column]) / denominator, all integers."""

    constant: int
    terms: list[Pair]  # (column, weight)
    denominator: int


def row(constant: Fraction, terms: Iterable[tuple[int, Fraction]]) -> Row:
    """The row constant + sum of weight * in[column] over terms (column, weight)."""
    kept = [(column, weight) for column, weight in terms if weight]
    denominator = lcm(constant.denominator, *(weight.denominator for _, weight in kept))
    return Row(
        int(constant * denominator),
        [(column, int(weight * denominator)) for column, weight in kept],
        denominator,
    )


def affine(rows: Sequence[Row], values: Values) -> Values:
    """Every row of the values, summed in integers over common denominators: that is fast."""
    scale = lcm(*(value.denominator for value in values))
    scaled = [value.numerator * (scale // value.denominator) for value in values]
    return [
        Fraction(
            constant * scale + sum(weight * scaled[column] for column, weight in terms),
            denominator * scale,
        )
        for constant, terms, denominator in rows
    ]


@dataclass(frozen=True)
class Gather:
    """out[u] = in[index[u]], 0 where index[u] is -1."""

    index: list[int]

    def rows(self, units: int) -> list[Row]:
        return [row(Fraction(0), [(i, Fraction(1))] if i >= 0 else []) for i in self.index]


@dataclass(frozen=True)
class Concat:
    """The units of all inputs, one input after the other."""

    def rows(self, *units: int) -> list[Row]:
        return [row(Fraction(0), [(i, Fraction(1))]) for i in range(sum(units))]


@dataclass(frozen=True)
class Linear:
    """weight[out][in] on each run of `in` consecutive units."""

    weight: list[Values]
    bias: Values

    def rows(self, units: int) -> list[Row]:
        return [
            row(bias, enumerate(weights, start))
            for start in range(0, units, len(self.weight[0]))
            for weights, bias in zip(self.weight, self.bias, strict=True)
        ]


@dataclass(frozen=True)
class Conv:
    """weight[out channel][in channel of its group][tap on axis 0]...; zero padding.

    Units are (channel, *spatial) of `input_shape`, in C order.
    """

    weight: list[Any]
    bias: Values
    stride: Shape
    padding: Shape
    dilation: Shape
    groups: int
    input_shape: Shape

    def rows(self, units: int) -> list[Row]:
        kernel = shape_of(self.weight)[2:]
        sliding = (kernel, self.stride, self.padding, self.dilation)
        axes = [axis_windows(*axis) for axis in zip(self.input_shape[1:], *sliding, strict=True)]
        per_group = len(self.weight) // self.groups
        result = []
        for out, (planes, bias) in enumerate(zip(self.weight, self.bias, strict=True)):
            first = out // per_group * len(planes)
            for window in product(*axes):  # the positions under the kernel, axis by axis
                places = product(range(first, first + len(planes)), *window)
                taps = zip(places, flat(planes), strict=True)
                inside = [(place, weight) for place, weight in taps if min(place) >= 0]
                result.append(
                    row(bias, [(unit_at(place, self.input_shape), w) for place, w in inside])
                )
        return result


def axis_windows(
    size: int, kernel: int, stride: int, padding: int, dilation: int
) -> list[list[int]]:
    """The positions under a kernel sliding along one axis: -1 is padding."""
    count = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    starts = [stride * i - padding for i in range(count)]
    return [
        [x if 0 <= x < size else -1 for x in range(start, start + dilation * kernel, dilation)]
        for start in starts
    ]


def unit_at(place: Sequence[int], shape: Shape) -> int:
    """The number of a place in C order: (1, 2) of shape (3, 4) is 6."""
    unit = 0
    for i, extent in zip(place, shape, strict=True):
        unit = unit * extent + i
    return unit


def shape_of(nested: Any) -> Shape:
    """The shape of nested lists."""
    return (len(nested), *shape_of(nested[0])) if isinstance(nested, list) else ()


def flat(nested: Any) -> list[Any]:
    """The numbers in nested lists, in order."""
    return [x for part in nested for x in flat(part)] if isinstance(nested, list) else [nested]


@dataclass(frozen=True)
class Scale:
    """out[u] = scale[u] * in[u] + shift[u]."""

    scale: Values
    shift: Values

    def rows(self, units: int) -> list[Row]:
        pairs = zip(self.scale, self.shift, strict=True)
        return [row(shift, [(unit, scale)]) for unit, (scale, shift) in enumerate(pairs)]


@dataclass(frozen=True)
class Sum:
    """The sum of its inputs, which have as many units."""

    def rows(self, *units: int) -> list[Row]:
        starts = range(0, sum(units), units[0])
        return [
            row(Fraction(0), [(start + unit, Fraction(1)) for start in starts])
            for unit in range(units[0])
        ]


@dataclass(frozen=True)
class Sparse:
    """out[u] = bias[u] + sum of weights[i] * in[columns[i]], offsets[u] <= i < offsets[u + 1]."""

    offsets: list[int]
    columns: list[int]
    weights: Values
    bias: Values

    def rows(self, units: int) -> list[Row]:
        entries = list(zip(self.columns, self.weights, strict=True))
        spans = zip(self.bias, pairwise(self.offsets), strict=True)
        return [row(bias, entries[start:stop]) for bias, (start, stop) in spans]


# ---------------------------------------------------------------- kink steps
#
# A kink is linear wherever none of its `forms` (linear functions of its input) changes sign. There
# `bits` is constant, and may be read at any inner point.


@dataclass(frozen=True)
class Pieces:
    """slopes[i][u] * z + intercepts[i][u], where i of the k thresholds[.][u] are below z.

    Bit u * k + i is z[u] > thresholds[i][u].
    """

    thresholds: list[Values]
    slopes: list[Values]
    intercepts: list[Values]

    def apply(self, values: Values) -> Values:
        result = []
        for unit, z in enumerate(values):
            piece = sum(z > threshold[unit] for threshold in self.thresholds)
            result.append(self.slopes[piece][unit] * z + self.intercepts[piece][unit])
        return result

    def forms(self, values: Values) -> Values:
        return [z - threshold[u] for u, z in enumerate(values) for threshold in self.thresholds]

    def bits(self, values: Values) -> list[bool]:
        return [z > threshold[u] for u, z in enumerate(values) for threshold in self.thresholds]


@dataclass(frozen=True)
class MaxWindows:
    """Output w is the largest of the units in index[w]; -1 is no unit.

    One bit an element of a window: on for the argmax, the first of equals; always off for -1.
    """

    index: list[list[int]]

    def apply(self, values: Values) -> Values:
        return [max(values[i] for i in window if i >= 0) for window in self.index]

    def forms(self, values: Values) -> Values:
        windows = [[i for i in window if i >= 0] for window in self.index]
        return [values[i] - values[j] for window in windows for i, j in combinations(window, 2)]

    def bits(self, values: Values) -> list[bool]:
        result = []
        for window in self.index:
            places = [place for place, i in enumerate(window) if i >= 0]
            argmax = max(places, key=lambda place: values[window[place]])  # the first of equals
            result += [place == argmax for place in range(len(window))]
        return result


# ---------------------------------------------------------------- networks


@dataclass(frozen=True)
class Input:
    """The network's input."""


Affine = Gather | Concat | Linear | Conv | Scale | Sum | Sparse
Kink = Pieces | MaxWindows
Step = Input | Affine | Kink


class Node(NamedTuple):
    """A step and the nodes it takes, all before it: node 0 is the input, the last the output."""

    step: Step
    inputs: tuple[int, ...] = ()


def evaluate(nodes: Sequence[Node], x: Values) -> Values:
    """The last node's values at one point."""
    values = [[x]]
    for step, inputs in nodes[1:]:
        values.append(step_at_points(step, [values[i] for i in inputs]))
    return values[-1][0]


def step_at_points(step: Step, inputs: list[list[Values]]) -> list[Values]:
    """A step's values at several points; inputs[i][p] are those of its input i at point p."""
    if isinstance(step, Kink):
        return [step.apply(values) for values in inputs[0]]
    assert not isinstance(step, Input)
    rows = step.rows(*(len(points[0]) for points in inputs))
    return [affine(rows, [*chain(*values)]) for values in zip(*inputs, strict=True)]


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


def crossings(nodes: Sequence[Node], a: Values, b: Values) -> OracleResult:
    """Every crossing of x(t) = a + t (b - a), 0 < t < 1.

    The sweep keeps the values of the nodes at knots between which all of them are linear. An affine
    step keeps knots; a kink adds one wherever a form changes sign. Those are candidates: a knot of
    the answer is one where some bit differs between the open intervals beside it.
    """
    knots, values = [Fraction(0), Fraction(1)], {0: [a, b]}
    last_use = {i: n for n, node in enumerate(nodes) for i in node.inputs}
    layers: list[tuple[Values, list[list[bool]]]] = []  # candidate knots, bits between them
    for n, (step, inputs) in enumerate(nodes[1:], 1):
        if isinstance(step, Kink):
            places = split([step.forms(z) for z in values[inputs[0]]])
            knots = [knot for (knot,) in at_places([[t] for t in knots], places)]
            values = {i: at_places(points, places) for i, points in values.items()}
            between = [lerp(v, w, Fraction(1, 2)) for v, w in pairwise(values[inputs[0]])]
            layers.append((knots, [step.bits(z) for z in between]))
        values[n] = step_at_points(step, [values[i] for i in inputs])
        values = {i: points for i, points in values.items() if i == n or last_use.get(i, n) > n}

    events = sorted(
        event
        for layer, (layer_knots, bits) in enumerate(layers)
        for t, before, after in zip(layer_knots[1:-1], bits[:-1], bits[1:], strict=True)
        for event in flips(t, layer, before, after)
    )
    pieces = sorted({Fraction(0), Fraction(1), *(event.t for event in events)})
    middles = [(t0 + t1) / 2 for t0, t1 in pairwise(pieces)]
    output = dict(zip(knots, values[len(nodes) - 1], strict=True))
    return OracleResult(
        events,
        pieces,
        [[code_at_interval(*layer, t) for layer in layers] for t in middles],
        [output[t] for t in pieces],
    )


def split(forms: list[Values]) -> list[tuple[int, Fraction]]:
    """The knots and where a form changes sign between two, as shares s of the way from knot i."""
    places = [(0, Fraction(0))]
    for i, (before, after) in enumerate(pairwise(forms)):
        signs = zip(before, after, strict=True)
        roots = {f / (f - g) for f, g in signs if min(f, g) < 0 < max(f, g)}
        places += [(i, s) for s in [*sorted(roots), Fraction(1)]]
    return places


def at_places(points: list[Values], places: list[tuple[int, Fraction]]) -> list[Values]:
    """Values that are linear between the knots, at the places of `split`."""
    return [lerp(points[i], points[i + 1], s) for i, s in places]


def lerp(v: Values, w: Values, s: Fraction) -> Values:
    """The point a share s of the way from v to w."""
    if s in (0, 1):
        return w if s else v
    return [x + s * (y - x) for x, y in zip(v, w, strict=True)]


def flips(t: Fraction, layer: int, before: Bits, after: Bits) -> list[Event]:
    """The crossings between two neighbouring intervals of one layer."""
    changes = enumerate(zip(before, after, strict=True))
    return [Event(t, layer, unit, on - off) for unit, (off, on) in changes if off != on]


def code_at_interval(knots: Values, codes: Sequence[T], t: Fraction) -> T:
    """The code of the interval around t, 0 <= t < 1; right of t where t is a knot."""
    return codes[bisect_right(knots, t) - 1]


# ---------------------------------------------------------------- from a splinecode Network


def nodes_of(network: Any) -> list[Node]:
    """The oracle's copy of a splinecode `Network`: its float64 numbers, taken exactly."""
    kinds = {kind.__name__: kind for kind in get_args(Step)}
    nodes = []
    for node in network.nodes:
        kind = kinds[type(node.step).__name__]
        numbers = {f.name: exactly(getattr(node.step, f.name)) for f in fields(kind)}
        nodes.append(Node(kind(**numbers), node.inputs))
    return nodes


def exactly(value: Any) -> Any:
    """Tensors become nested lists and every float a Fraction; integers and tuples stay."""
    if hasattr(value, "tolist"):
        return exactly(value.tolist())
    if isinstance(value, list):
        return [exactly(item) for item in value]
    return Fraction(value) if isinstance(value, float) else value
