"""MLP blocks read from torch modules of many shapes, none of whose libraries is imported."""

import numpy as np
import pytest
import torch
from torch import nn

from splinecode import UnsupportedNetworkError, block_crossings, pack, read_block


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


def agrees(block, norm, linear):
    """Tell whether a block computes what two modules do, in their arithmetic."""
    x = 2 * torch.randn(20, block.width)
    with torch.no_grad():
        theirs = linear(norm(x)).double()
    return torch.allclose(block(x), theirs, atol=1e-4, rtol=1e-4)


def test_gemma_2_reads_the_norm_before_its_mlp():
    torch.manual_seed(0)
    after, before, last = (GemmaRMSNorm(6) for _ in range(3))
    linear = nn.Linear(6, 10, bias=False)
    decoder = Part(
        post_attention_layernorm=after,
        pre_feedforward_layernorm=before,
        post_feedforward_layernorm=last,
        mlp=Part(gate_proj=linear, act_fn=nn.GELU("tanh")),
    )
    block = read_block(decoder)
    assert agrees(block, before, linear)
    assert not agrees(block, after, linear)


class Qwen3NextRMSNorm(GemmaRMSNorm):
    """Gain 1 + w, which its name does not say."""


class Gemma3nRMSNorm(LlamaRMSNorm):
    """Gain w, whatever its name says."""


@pytest.mark.parametrize("kind", [Qwen3NextRMSNorm, Gemma3nRMSNorm])
def test_the_gain_of_a_norm_is_what_it_computes(kind):
    torch.manual_seed(1)
    norm, linear = kind(6), nn.Linear(6, 10)
    decoder = Part(post_attention_layernorm=norm, mlp=Part(gate_proj=linear))
    assert agrees(read_block(decoder), norm, linear)


@pytest.mark.parametrize("square", [Conv1D(6, 6), nn.Linear(6, 6)])
def test_square_maps_are_read_the_right_way_round(square):
    norm = affine_norm(6)
    assert agrees(read_block(Part(ln_2=norm, mlp=Part(c_fc=square))), norm, square)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("map_of", [lambda: nn.Linear(6, 10), lambda: Conv1D(10, 6)])
def test_narrow_weights_are_read_exactly(dtype, map_of):
    norm, linear = affine_norm(6).to(dtype), map_of().to(dtype)
    block = read_block(Part(ln_2=norm, mlp=Part(c_fc=linear)))
    assert block.weight.dtype == np.float32
    assert agrees(block, norm.float(), linear.float())


def test_norms_without_parameters_and_of_the_dtypes_eps():
    plain = read_block(nn.Sequential(nn.LayerNorm(4, elementwise_affine=False), nn.Linear(4, 4)))
    assert (plain.norm.kind, plain.norm.gain, plain.norm.shift) == ("layer", None, None)
    rms = nn.RMSNorm(4)
    linear = nn.Linear(4, 4)
    block = read_block(nn.Sequential(nn.Dropout(), nn.Sequential(rms, linear), nn.SiLU()))
    assert block.norm.eps == torch.finfo(torch.float32).eps
    assert agrees(block, rms, linear)
    assert (
        read_block(nn.Sequential(nn.Linear(4, 4), nn.GELU(), nn.Linear(4, 4))).norm.kind == "none"
    )


def test_parts_of_other_modules_are_read_by_name():
    norm, linear = affine_norm(6), nn.Linear(6, 10)
    module = Part(before=norm, inner=Part(first=linear))
    assert agrees(read_block(module, norm="before", linear="inner.first"), norm, linear)
    assert read_block(module, linear="inner.first").norm.kind == "none"
    with pytest.raises(ValueError, match="names of both"):
        read_block(module, norm="before")
    with pytest.raises(UnsupportedNetworkError, match="no module 'after'"):
        read_block(module, norm="after", linear="inner.first")
    with pytest.raises(UnsupportedNetworkError, match=r"no linear map 'inner\.second'"):
        read_block(module, linear="inner.second")


def test_the_gate_of_transformer_lens_has_no_bias():
    gate = nn.Parameter(torch.randn(6, 10))
    mlp = Part(
        W_in=nn.Parameter(torch.randn(6, 10)), b_in=nn.Parameter(torch.randn(10)), W_gate=gate
    )
    block = read_block(Part(ln2=nn.LayerNorm(6), mlp=mlp))
    np.testing.assert_array_equal(block.weight, gate.detach().numpy().T)
    assert not block.bias.any()


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


class Adapted(nn.Linear):
    """A linear map with something beside its weight, as LoRA has."""

    def forward(self, x):
        return super().forward(x) + 1


class Centred(nn.Module):
    """A norm of neither kind."""

    def __init__(self):
        super().__init__()
        self.eps = 1e-5

    def forward(self, x):
        return x - x.mean(-1, keepdim=True)


def decoder(**parts):
    return Part(**{"ln_2": nn.LayerNorm(4), "mlp": Part(c_fc=nn.Linear(4, 8))} | parts)


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (
            nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 4), nn.GELU(), nn.Linear(4, 4), nn.GELU()),
            "GELU at '4' lies beyond the activation at '2'",
        ),
        (nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 4), nn.ReLU6()), "ReLU6 follows"),
        (nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.ReLU()), "LayerNorm follows"),
        (decoder(mlp=Part(c_fc=nn.Linear(4, 8), act=nn.Tanh())), "Tanh follows"),
        (decoder(ln_2=Centred()), "Centred comes before .* neither a layer norm nor an RMS norm"),
        (decoder(mlp=Part(c_fc=Adapted(4, 8))), "no linear map of its own"),
        (Part(h=nn.ModuleList([decoder(), decoder()])), r"holds 2 decoder blocks.*'h\.0'"),
        (
            Part(
                post_attention_layernorm=LlamaRMSNorm(4),
                post_feedforward_layernorm=LlamaRMSNorm(4),
                mlp=Part(gate_proj=nn.Linear(4, 8)),
            ),
            "comes after attention",
        ),
    ],
)
def test_what_is_beyond_an_mlp_block_is_refused(module, words):
    with pytest.raises(UnsupportedNetworkError, match=words):
        read_block(module)


def test_what_is_no_module_is_refused():
    with pytest.raises(TypeError, match="module is a list"):
        read_block([])
