"""Integrals along segments against Fractions: closed forms on exact knots."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import graphs
import nets
from splinecode import crossings
from splinecode.segments import integrals


def randn(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def integral_of_abs(u, v, length):
    """The integral of |line| from u to v over a length."""
    if u * v >= 0:
        return length * (abs(u) + abs(v)) / 2
    root = u / (u - v)
    return length * (root * abs(u) + (1 - root) * abs(v)) / 2


def exact_deviation(knots, values):
    first, last = values[0], values[-1]
    off = [v - (first + t * (last - first)) for t, v in zip(knots, values, strict=True)]
    return sum(
        integral_of_abs(u, v, t1 - t0)
        for (t0, u), (t1, v) in pairwise(zip(knots, off, strict=True))
    )


def exact_argmax(knots, rows):
    """The largest output on every interval where no two of them cross, by brute force."""
    found = []
    for (t0, u), (t1, v) in pairwise(zip(knots, rows, strict=True)):
        cuts = {Fraction(0), Fraction(1)}
        for i in range(len(u)):
            for j in range(i):
                before, after = u[i] - u[j], v[i] - v[j]
                if before * after < 0:
                    cuts.add(before / (before - after))
        for w0, w1 in pairwise(sorted(cuts)):
            middle = [a + (w0 + w1) / 2 * (b - a) for a, b in zip(u, v, strict=True)]
            found.append((t0 + w0 * (t1 - t0), middle.index(max(middle))))
    return [(t, before, after) for (_, before), (t, after) in pairwise(found) if before != after]


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.booleans())
def test_integrals_are_those_of_the_oracles_knots(seed, integer):
    network = graphs.random_network(seed, integer=integer, length=4, most_units=16)
    a, b = graphs.random_segment(network, seed, integer=integer)
    found = crossings(network, a, b, certify=True)
    wanted = nets.oracle_of(network, a, b)
    deviation = found.deviation().reshape(-1).tolist()
    variation = found.variation().reshape(-1).tolist()
    for o, (one, other) in enumerate(zip(deviation, variation, strict=True)):
        values = [row[o] for row in wanted.values]
        assert one == pytest.approx(float(exact_deviation(wanted.knots, values)), abs=1e-9)
        assert other == pytest.approx(float(sum(abs(v - u) for u, v in pairwise(values))), abs=1e-9)


@st.composite
def curves(draw):
    """Integer values at eighths: knots, rows of outputs."""
    outputs = draw(st.integers(1, 4))
    inner = draw(st.lists(st.integers(1, 7), unique=True, max_size=5))
    knots = [Fraction(0), *(Fraction(i, 8) for i in sorted(inner)), Fraction(1)]
    row = st.lists(st.integers(-3, 3), min_size=outputs, max_size=outputs)
    return knots, [list(map(Fraction, draw(row))) for _ in knots]


@given(
    st.lists(curves(), min_size=1, max_size=3).filter(lambda c: len({len(r[1][0]) for r in c}) == 1)
)
def test_argmax_changes_are_those_of_brute_force(segments):
    offsets = np.cumsum([0, *(len(knots) for knots, _ in segments)])
    knots = np.array([float(t) for one, _ in segments for t in one])
    values = np.array([[float(v) for v in row] for _, rows in segments for row in rows])
    found = integrals.argmax_changes(*map(torch.from_numpy, (offsets, knots, values)))
    wanted = [
        (s, float(t), before, after)
        for s, segment in enumerate(segments)
        for t, before, after in exact_argmax(*segment)
    ]
    columns = (column.tolist() for column in found)
    assert [(s, b, a) for s, _, b, a in zip(*columns, strict=True)] == [
        (s, b, a) for s, _, b, a in wanted
    ]
    np.testing.assert_allclose(found.t, [t for _, t, _, _ in wanted], atol=1e-12)


def test_argmax_changes_are_the_classes_between_them():
    torch.manual_seed(0)
    network = nets.read(nets.mlp(3, 20, 20, 5), 3)
    a, b = 3 * randn(2, 6, 3)
    changes = crossings(network, a, b).argmax_changes()
    assert len(changes.t) > 0
    for s, t, before, after in zip(*(column.tolist() for column in changes), strict=True):
        x = torch.stack([a[s] + (t + step) * (b[s] - a[s]) for step in (-1e-7, 1e-7)])
        assert network(x).argmax(1).tolist() == [before, after]


def test_pieces_tell_the_line_on_each():
    torch.manual_seed(1)
    network = nets.read(nets.mlp(3, 12, 12, 2), 3)
    a, b = randn(2, 4, 3)
    found = crossings(network, a, b)
    pieces = found.pieces()
    assert len(pieces.segment) == len(found.codes())
    middle = pieces.t.mean(1, keepdim=True)
    x = a[pieces.segment] + middle * (b - a)[pieces.segment]
    half = (middle - pieces.t[:, :1]) * pieces.slope
    torch.testing.assert_close(pieces.value + half, network(x), atol=1e-10, rtol=1e-10)


def test_a_linear_network_has_no_deviation():
    network = nets.read(nets.mlp(3, 2), 3)
    a, b = randn(2, 5, 3)
    found = crossings(network, a, b)
    assert found.deviation().abs().max() < 1e-15
    torch.testing.assert_close(found.variation(), (network(b) - network(a)).abs())
    assert len(found.argmax_changes().t) <= 5


def test_no_segments():
    network = nets.read(nets.mlp(2, 3, 4), 2)
    found = crossings(network, torch.zeros(0, 2), torch.zeros(0, 2))
    assert found.deviation().shape == (0, 4)
    assert found.variation().shape == (0, 4)
    assert len(found.argmax_changes().t) == 0
    assert len(found.pieces().segment) == 0


def test_numpy_in_numpy_out():
    network = nets.read(nets.mlp(2, 3, 4), 2)
    found = crossings(network, np.zeros((3, 2)), np.ones((3, 2)))
    assert isinstance(found.deviation(), np.ndarray)
    assert all(isinstance(column, np.ndarray) for column in found.pieces())
    assert all(isinstance(column, np.ndarray) for column in found.argmax_changes())
