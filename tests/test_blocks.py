"""Crossings through layer norm and RMS norm, against rational arithmetic."""

from fractions import Fraction

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
    UnsupportedNetworkError,
    block_crossings,
    crossings,
    pack,
    read_block,
)

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


def test_a_norm_that_divides_by_zero_is_refused():
    block = MlpBlock(Norm("rms", 0.0), np.ones((1, 2)))
    with pytest.raises(ValueError, match="eps"):
        block_crossings(block, np.array([1.0, 1.0]), np.array([-1.0, -1.0]))


# ---------------------------------------------------------------- modules


class Part(nn.Module):
    """A module of named parts and numbers."""

    def __init__(self, **parts):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)


class Conv1D(nn.Module):
    """GPT-2's linear map, stored transposed."""

    def __init__(self, units, width):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(width, units))
        self.bias = nn.Parameter(torch.randn(units))

    def forward(self, x):
        return x @ self.weight + self.bias


class LlamaRMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(width) + 0.5)
        self.variance_epsilon = 1e-6

    def forward(self, x):
        return (
            x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.variance_epsilon) * self.weight
        )


class GemmaRMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(width) / 4)
        self.eps = 1e-6

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * (1 + self.weight)


def affine_norm(width):
    norm = nn.LayerNorm(width)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    return norm


def decoders():
    """(module, its norm, its linear map) of the shapes that are read."""
    torch.manual_seed(0)
    norm, linear = affine_norm(6), nn.Linear(6, 10)
    sequential = nn.Sequential(norm, linear, nn.GELU(), nn.Linear(10, 6))
    yield "sequential", sequential, norm, linear
    norm, linear = nn.RMSNorm(6, eps=1e-5), nn.Linear(6, 10, bias=False)
    yield "rms sequential", nn.Sequential(norm, linear, nn.SiLU()), norm, linear
    norm, linear = affine_norm(6), Conv1D(10, 6)
    yield "gpt2", Part(ln_1=nn.LayerNorm(6), ln_2=norm, mlp=Part(c_fc=linear)), norm, linear
    norm, linear = affine_norm(6), nn.Linear(6, 10)
    yield "neox", Part(post_attention_layernorm=norm, mlp=Part(dense_h_to_4h=linear)), norm, linear
    norm, linear = LlamaRMSNorm(6), nn.Linear(6, 10, bias=False)
    mlp = Part(up_proj=nn.Linear(6, 10), gate_proj=linear)
    yield (
        "llama",
        Part(input_layernorm=LlamaRMSNorm(6), post_attention_layernorm=norm, mlp=mlp),
        norm,
        linear,
    )
    norm, linear = GemmaRMSNorm(6), nn.Linear(6, 10, bias=False)
    yield "gemma", Part(pre_feedforward_layernorm=norm, mlp=Part(gate_proj=linear)), norm, linear


@pytest.mark.parametrize("name", [name for name, *_ in decoders()])
def test_blocks_are_read_from_modules(name):
    module, norm, linear = next(rest for found, *rest in decoders() if found == name)
    for part in (norm, linear):
        part.double()
    block = read_block(module)
    x = 2 * torch.randn(20, 6, dtype=torch.float64)
    torch.testing.assert_close(block(x), linear(norm(x)).detach(), atol=1e-12, rtol=1e-12)
    found = block_crossings(block, x[:10], x[10:])
    assert int(found.count().sum()) > 0
    for s in range(10):
        knots = found.knots[found.knot_offsets[s] : found.knot_offsets[s + 1]]
        middle = x[s] + ((knots[1:] + knots[:-1]) / 2)[:, None] * (x[10 + s] - x[s])
        assert found.codes(s).words.tolist() == pack(linear(norm(middle)).detach()).tolist()


def test_transformer_lens_parameters_are_read():
    torch.manual_seed(0)
    mlp = Part(W_in=nn.Parameter(torch.randn(6, 10)), b_in=nn.Parameter(torch.randn(10)))
    block = read_block(Part(ln2=nn.LayerNorm(6), mlp=mlp), name="blocks.0.mlp.in")
    assert (block.units, block.width, block.layers[0].name) == (10, 6, "blocks.0.mlp.in")


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 4), nn.Softmax(1)), "Softmax follows"),
        (nn.Sequential(nn.GroupNorm(2, 4), nn.Linear(4, 4)), "GroupNorm comes before"),
        (nn.Sequential(nn.LayerNorm(4), nn.ReLU()), "the Sequential has 0: LayerNorm, 1: ReLU"),
        (
            Part(ln_2=nn.LayerNorm(4), attn=nn.Linear(4, 4)),
            "Part has ln_2: LayerNorm, attn: Linear",
        ),
    ],
)
def test_other_modules_are_refused(module, words):
    with pytest.raises(UnsupportedNetworkError, match=words):
        read_block(module)


def test_crossings_of_a_block_say_where_to_go():
    block = MlpBlock(Norm(), np.ones((1, 2)))
    with pytest.raises(TypeError, match="block_crossings"):
        crossings(block, np.zeros(2), np.ones(2))
    found = block_crossings(block, np.array([-1.0, 0.0]), np.array([1.0, 0.0]))
    assert "exact through no norm" in repr(found)
    with pytest.raises(AttributeError, match="no values"):
        found.values  # noqa: B018
