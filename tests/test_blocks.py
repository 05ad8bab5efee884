"""Crossings through layer norm and RMS norm, against rational arithmetic."""

from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import block_oracle
from splinecode import (
    MlpBlock,
    Norm,
    block_crossings,
    crossings,
    read_block,
    spline_codes,
)
from splinecode.blocks import crossings as driver

small = st.integers(-3, 3)


def exactly(values):
    return [Fraction(float(value)) for value in values]


def units_of(block, a, b):
    norm = block.norm
    gain = np.ones(block.width) if norm.gain is None else norm.gain
    shift = np.zeros(block.width) if norm.shift is None else norm.shift
    return block_oracle.units_of(
        norm.kind,
        Fraction(norm.eps),
        exactly(gain),
        exactly(shift),
        [exactly(row) for row in block.weight],
        exactly(block.bias),
        exactly(a),
        exactly(b),
    )


def wanted_of(block, a, b):
    """First bits, and (low, high, unit, direction) of all crossings in the order of t and unit."""
    found = [block_oracle.crossings_of(unit) for unit in units_of(block, a, b)]
    changes = [
        (low, high, u, direction)
        for u, (_, changes) in enumerate(found)
        for low, high, direction in changes
    ]
    return [bit for bit, _ in found], sorted(changes, key=lambda c: (place_of(c[0]), c[2]))


def place_of(t):
    """Number places on the segment: enclosures of one irrational t differ beyond 2**-250."""
    return round(t * 2**200)


def agree(block, a, b):
    """Hold the crossings of one segment against the oracle's."""
    found = block_crossings(block, np.array(a, np.float64), np.array(b, np.float64))
    bits, changes = wanted_of(block, a, b)
    assert not found.ambiguous.any()
    assert found.unit.tolist() == [unit for _, _, unit, _ in changes]
    assert found.direction.tolist() == [direction for *_, direction in changes]
    for t, error, (low, high, *_) in zip(found.t, found.t_error, changes, strict=True):
        assert 0 < t < 1
        assert low - Fraction(error) <= Fraction(t) <= high + Fraction(error)
    assert len(found.knots) == 2 + len({place_of(low) for low, *_ in changes})
    assert found.knots.tolist() == [0, *sorted(set(found.t.tolist())), 1]
    need_codes(found, bits)
    return found


def need_codes(found, first_bits):
    """The codes of a segment's pieces are its first bits, flipped at each crossing."""
    codes, bits = found.codes(0).bits(), np.array(first_bits, bool)
    for piece, start in enumerate(found.knots[:-1]):
        bits[found.unit[found.t == start]] ^= True
        np.testing.assert_array_equal(codes[piece], bits)


def vectors(n, elements=small):
    return st.lists(elements, min_size=n, max_size=n)


@st.composite
def integer_blocks(draw, eps=(0.0, 0.25, 1.0, 1e-5)):
    """Small integers: ties, touching roots, dead units and duplicates all happen."""
    width, units = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    kind = draw(st.sampled_from(["layer", "rms", "none"]))
    with_gain, with_shift = draw(st.booleans()), draw(st.booleans())
    norm = Norm(kind)
    if kind != "none":
        norm = Norm(
            kind,
            draw(st.sampled_from(eps)),
            np.array(draw(vectors(width)), np.float64) if with_gain else None,
            np.array(draw(vectors(width)), np.float64) if with_shift else None,
        )
    weight = np.array([draw(vectors(width)) for _ in range(units)], np.float64)
    return MlpBlock(norm, weight, np.array(draw(vectors(units)), np.float64))


def vanishes(block, a, b):
    """Tell whether the norm divides by zero somewhere on the segment."""
    if block.norm.kind == "none" or block.norm.eps > 0:
        return False
    start, end = exactly(a), exactly(b)
    if block.norm.kind == "layer":
        start, end = ([x - sum(row) / len(row) for x in row] for row in (start, end))
    parallel = all(
        x * w == y * z
        for x, z in zip(start, end, strict=True)
        for y, w in zip(start, end, strict=True)
    )
    against = sum(x * y for x, y in zip(start, end, strict=True)) < 0
    return not any(start) or not any(end) or (parallel and against)


@given(st.data())
def test_integer_blocks_agree_with_rational_arithmetic(data):
    block = data.draw(integer_blocks(eps=(0.25, 1.0, 1e-5)))
    a, b = (data.draw(vectors(block.width)) for _ in range(2))
    agree(block, a, b)


@given(st.data())
def test_random_blocks_agree_with_rational_arithmetic(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 10_000)))
    width, units = data.draw(st.integers(2, 8)), data.draw(st.integers(1, 12))
    kind = data.draw(st.sampled_from(["layer", "rms", "none"]))
    norm = Norm() if kind == "none" else Norm(kind, 1e-5, *rng.standard_normal((2, width)))
    block = MlpBlock(norm, rng.standard_normal((units, width)), rng.standard_normal(units))
    agree(block, *(3 * rng.standard_normal((2, width))))


@given(st.data())
def test_norms_without_eps_are_exact_or_refused(data):
    block = data.draw(integer_blocks(eps=(0.0,)))
    a, b = (data.draw(vectors(block.width)) for _ in range(2))
    if vanishes(block, a, b):
        with pytest.raises(ValueError, match="eps = 0 divides by zero"):
            block_crossings(block, np.array(a, np.float64), np.array(b, np.float64))
    else:
        agree(block, a, b)


@given(st.integers(0, 10_000), st.integers(0, 17), st.sampled_from(["layer", "rms"]))
def test_units_that_nearly_touch_their_boundary(seed, digits, kind):
    """Pre-activations within 10**-digits of 0 at one inner point: dips that rounding blurs."""
    rng = np.random.default_rng(seed)
    width, units = rng.integers(2, 6), 4
    norm = Norm(kind, 1e-5, *rng.standard_normal((2, width)))
    weight, (a, b) = rng.standard_normal((units, width)), rng.standard_normal((2, width))
    at = np.array([0.2, 0.4, 0.6, 0.8])[:, None]  # another point for each: no ties
    z = np.diag(norm(a + at * (b - a)) @ weight.T)
    block = MlpBlock(norm, weight, -z + rng.standard_normal(units) * 10.0**-digits)
    agree(block, a, b)


def double_root(bias):
    """x1 + x2 + bias * rms(x) along (1, 3) -> (3, 1): touches 0 in the middle for bias -2."""
    return MlpBlock(Norm("rms", 0.0), np.ones((1, 2)), np.array([bias]))


def test_touching_zero_is_no_crossing_and_passing_is_two():
    a, b = [1.0, 3.0], [3.0, 1.0]
    assert agree(double_root(-2.0), a, b).count().tolist() == [0]
    assert agree(double_root(np.nextafter(-2.0, 0)), a, b).count().tolist() == [2]
    assert agree(double_root(np.nextafter(-2.0, -3)), a, b).count().tolist() == [0]


def test_ends_on_a_boundary():
    block = MlpBlock(Norm("rms", 1.0), np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]))
    found = agree(block, [0.0, 1.0], [2.0, 0.0])
    assert found.count().tolist() == [0]
    assert found.codes(0).bits().tolist() == [[True, False, True]]


def test_a_segment_of_no_length_has_one_piece():
    rng = np.random.default_rng(0)
    block = MlpBlock(Norm("layer", 1e-5), rng.standard_normal((70, 5)), rng.standard_normal(70))
    x = rng.standard_normal(5)
    found = agree(block, x, x)
    assert found.knots.tolist() == [0, 1]
    assert found.codes(0).words.tolist() == block.codes(x[None]).words.tolist()


def test_duplicated_units_cross_in_one_knot_and_dead_units_never():
    rng = np.random.default_rng(1)
    weight, bias = rng.standard_normal((20, 6)), rng.standard_normal(20)
    norm = Norm("layer", 1e-5, *rng.standard_normal((2, 6)))
    twice = MlpBlock(
        norm,
        np.concatenate([weight, np.zeros((3, 6)), 2 * weight]),
        np.concatenate([bias, [0, 0, 0], 2 * bias]),
    )
    a, b = 2 * rng.standard_normal((2, 6))
    found = agree(twice, a, b)
    once = block_crossings(MlpBlock(norm, weight, bias), a, b)
    assert found.count().tolist() == [2 * int(once.count()[0])]
    assert len(found.knots) == len(once.knots)
    assert not set(found.unit.tolist()) & {20, 21, 22}


def test_all_units_without_a_bias_cross_at_the_origin():
    weight = np.random.default_rng(2).standard_normal((50, 4))
    x = np.array([3.0, 1.0, -2.0, 5.0])
    block = MlpBlock(Norm("rms", 1e-6), weight)
    found = agree(block, -x, 2 * x)
    assert len(found.unit) == 50
    assert found.knots.tolist() == [0, 1 / 3, 1]
    assert agree(block, 0 * x, x).count().tolist() == [0]


def test_a_curved_and_a_straight_unit_cross_in_one_knot():
    """-5 x1 + rms(x) and 7 x1 - x2 are both 0 at (1, 7), where the rms is 5."""
    block = MlpBlock(Norm("rms", 0.0), np.array([[-5.0, 0], [7, -1]]), np.array([1.0, 0]))
    found = agree(block, [-1.0, 7.0], [3.0, 7.0])
    assert (found.unit.tolist(), found.knots.tolist()) == ([0, 1], [0, 0.5, 1])


def test_offsets_that_cancel_in_float64_keep_their_sign():
    """Weight . shift is +-1, beside terms of 2**53: for some of these rows any order loses it."""
    rows = set(permutations([2.0**53, -(2.0**53), 1.0, 0.0])) | set(
        permutations([2.0**53, -(2.0**53), -1.0, 0.0])
    )
    block = MlpBlock(Norm("rms", 1.0, None, np.ones(4)), np.array(sorted(rows)))
    found = block_crossings(block, np.zeros(4), np.array([1.0, 2, 3, 5]))
    offset = block.weight.astype(np.int64).sum(axis=1)
    assert found.codes(0).bits()[0].tolist() == (offset > 0).tolist()


def test_crossings_that_float64_cannot_tell_apart_are_marked():
    """One at 1/3, one at the float64 nearest to it: one knot, and what lies around it is exact."""
    third = 1 / 3
    block = MlpBlock(Norm(), np.array([[1.0], [3.0]]), np.array([-third, -1.0]))
    found = block_crossings(block, np.array([0.0]), np.array([1.0]))
    assert found.ambiguous.tolist() == [True]
    assert (found.unit.tolist(), found.t.tolist()) == ([0, 1], [third, third])
    segment, low, high = found.ambiguous_ranges
    assert segment.tolist() == [0]
    assert low[0] < third < high[0]
    assert found.codes(0).bits().tolist() == [[False, False], [True, True]]


@pytest.mark.parametrize("scale", [1e-100, 1e-30, 1e60])
def test_segments_of_any_size(scale):
    rng = np.random.default_rng(3)
    block = MlpBlock(Norm("layer", 0.0), rng.standard_normal((9, 5)), rng.standard_normal(9))
    a, b = scale * rng.standard_normal((2, 5))
    assert agree(block, a, b).count()[0] > 0


@given(st.integers(0, 1000))
def test_reversed_segments_mirror(seed):
    rng = np.random.default_rng(seed)
    norm = Norm("layer", 1e-5, *rng.standard_normal((2, 7)))
    block = MlpBlock(norm, rng.standard_normal((30, 7)), rng.standard_normal(30))
    a, b = 2 * rng.standard_normal((2, 7))
    there, back = block_crossings(block, a, b), block_crossings(block, b, a)
    assert there.unit.tolist() == back.unit.tolist()[::-1]
    assert there.direction.tolist() == (-back.direction).tolist()[::-1]
    np.testing.assert_allclose(there.t, (1 - back.t)[::-1], atol=1e-12)


def test_many_segments_are_as_each_alone(monkeypatch, library):
    rng = np.random.default_rng(4)
    norm = Norm("rms", 1e-5, *rng.standard_normal((2, 6)))
    block = MlpBlock(norm, rng.standard_normal((80, 6)), rng.standard_normal(80), "gate")
    a, b = rng.standard_normal((2, 7, 6))
    a[3] = b[3]
    as_library = torch.from_numpy if library == "torch" else np.asarray
    monkeypatch.setattr(driver, "_LEAST_ROWS", 2)
    monkeypatch.setattr(driver, "_GROUP_VALUES", 1)
    found = block_crossings(block, as_library(a), as_library(b))
    assert isinstance(found.t, torch.Tensor if library == "torch" else np.ndarray)
    assert found.layers[0].name == "gate"
    starts = np.asarray(found.knot_offsets) - np.arange(len(found) + 1)
    for s in range(len(found)):
        alone = block_crossings(block, as_library(a[s]), as_library(b[s]))
        mine = slice(int(found.offsets[s]), int(found.offsets[s + 1]))
        assert found.unit[mine].tolist() == alone.unit.tolist()
        assert found.codes(s) == alone.codes()
        assert found.codes()[int(starts[s]) : int(starts[s + 1])] == alone.codes()
    assert found.count(per_layer=True).shape == (7, 1)
    assert len(block_crossings(block, as_library(a[:0]), as_library(b[:0]))) == 0


# ---------------------------------------------------------------- against torch


def gelu_block():
    torch.manual_seed(0)
    norm = nn.LayerNorm(16)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    return nn.Sequential(norm, nn.Linear(16, 100), nn.GELU(), nn.Linear(100, 16)).double().eval()


def test_codes_of_pieces_are_those_of_the_module_inside_them():
    module = gelu_block()
    a, b = torch.randn(2, 5, 16, dtype=torch.float64)
    found = block_crossings(read_block(module, "2"), a, b)
    for s in range(5):
        knots = found.knots[found.knot_offsets[s] : found.knot_offsets[s + 1]]
        middles = a[s] + ((knots[1:] + knots[:-1]) / 2)[:, None] * (b[s] - a[s])
        assert found.codes(s) == spline_codes(module, middles)


def test_dense_samples_lie_on_the_pieces_found():
    module = gelu_block()
    a, b = torch.randn(2, 16, dtype=torch.float64)
    found = block_crossings(read_block(module, "2"), a, b)
    t = torch.linspace(0, 1, 5001, dtype=torch.float64)[1:-1]
    piece = torch.searchsorted(found.knots, t, right=True) - 1
    sampled = spline_codes(module, a + t[:, None] * (b - a))
    assert sampled.words.tolist() == found.codes().words[piece].tolist()
    twice = torch.bincount(found.unit, minlength=100).max()
    assert twice == 2  # else this would say nothing about the quadratic


# ---------------------------------------------------------------- refusals


def test_a_norm_that_divides_by_zero_is_refused():
    block = MlpBlock(Norm("rms", 0.0), np.ones((1, 2)))
    with pytest.raises(ValueError, match="eps"):
        block_crossings(block, np.array([1.0, 1.0]), np.array([-1.0, -1.0]))


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        (np.zeros(3), np.zeros(3), "a has shape .1, 3.; wanted .n, 2."),
        (np.zeros(2), np.zeros((1, 2)), "wanted the same"),
        (np.array([0, np.nan]), np.ones(2), "a holds NaN or inf"),
        (np.ones(2), np.array([0, 1e80]), "b holds numbers above"),
        (np.ones(2), torch.ones(2), "one library"),
    ],
)
def test_ends_that_are_no_rows_are_refused(a, b, words):
    block = MlpBlock(Norm("rms", 1e-5), np.ones((1, 2)))
    with pytest.raises(ValueError, match=words):
        block_crossings(block, a, b)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((Norm(), np.ones(2)), "weight has shape"),
        ((Norm(), np.ones((1, 2)), np.ones(2)), "bias has shape"),
        ((Norm("rms", 0.1, np.ones(3)), np.ones((1, 2))), "gain has shape"),
        ((Norm(), np.full((1, 2), np.inf)), "weight holds NaN or inf"),
    ],
)
def test_blocks_that_do_not_fit_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        MlpBlock(*arguments)


def test_other_types_are_refused():
    with pytest.raises(TypeError, match="wanted an MlpBlock"):
        block_crossings(nn.Linear(2, 2), np.zeros(2), np.ones(2))
    with pytest.raises(TypeError, match="dtype int64"):
        MlpBlock(Norm(), np.ones((1, 2), np.int64))
    with pytest.raises(ValueError, match="kind is 'batch'"):
        Norm("batch")
    with pytest.raises(ValueError, match="underflow"):
        block_crossings(MlpBlock(Norm(), np.full((1, 2), 1e-200)), np.zeros(2), np.ones(2))


def test_crossings_of_a_block_say_where_to_go():
    block = MlpBlock(Norm(), np.ones((1, 2)))
    with pytest.raises(TypeError, match="block_crossings"):
        crossings(block, np.zeros(2), np.ones(2))
    found = block_crossings(block, np.array([-1.0, 0.0]), np.array([1.0, 0.0]))
    assert "exact through no norm" in repr(found)
    with pytest.raises(AttributeError, match="no values"):
        found.values  # noqa: B018
