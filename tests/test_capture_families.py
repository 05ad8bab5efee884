"""Decoders of transformers and bridges of TransformerLens, tiny and random, against plain hooks."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import Tensor, nn

from splinecode import capture_codes, spline_codes

with warnings.catch_warnings():  # what these libraries say while they are imported is theirs
    warnings.simplefilter("ignore")
    transformers = pytest.importorskip("transformers")

SMALL = {"vocab_size": 50, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
SIZES = {
    "num_hidden_layers": 2,
    "hidden_size": 16,
    "intermediate_size": 40,
    "num_attention_heads": 2,
}
KINDS = {
    "GPT2": ("h.{}.mlp.c_fc", {"n_layer": 2, "n_embd": 16, "n_head": 2}),
    "GPTNeoX": ("layers.{}.mlp.dense_h_to_4h", SIZES),
    "Llama": ("layers.{}.mlp.gate_proj", SIZES),
    "Mistral": ("layers.{}.mlp.gate_proj", SIZES | {"num_key_value_heads": 1}),
    "Qwen2": ("layers.{}.mlp.gate_proj", SIZES | {"num_key_value_heads": 2}),
    "Gemma2": (
        "layers.{}.mlp.gate_proj",
        SIZES | {"num_key_value_heads": 1, "head_dim": 8},
    ),
}
IDS = torch.randint(3, 50, (3, 6), generator=torch.Generator().manual_seed(0))


def made(kind: str, whole: bool = False) -> nn.Module:
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(**KINDS[kind][1], **SMALL)
    head = "LMHeadModel" if kind == "GPT2" else "ForCausalLM"
    return getattr(transformers, f"{kind}{head if whole else 'Model'}")(config).eval()


def bits_by_hand(model: nn.Module, names: list[str], **named: Tensor) -> Tensor:
    """Return the bits of modules' outputs, bool (inputs, tokens, units of all)."""
    seen = []
    hooks = [
        model.get_submodule(name).register_forward_hook(lambda part, taken, z: seen.append(z > 0))
        for name in names
    ]
    with torch.no_grad():
        model(**named)
    for hook in hooks:
        hook.remove()
    return torch.cat(seen, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_pre_activations_are_found(kind: str) -> None:
    model = made(kind)
    names = [KINDS[kind][0].format(i) for i in range(2)]
    found = capture_codes(model, IDS, batch_size=len(IDS))
    assert [layer.name for layer in found.codes.layers] == names
    wanted = bits_by_hand(model, names, input_ids=IDS)
    assert torch.equal(found.codes.bits(), wanted.flatten(0, 1))
    assert found.rows.tolist() == [(i, j) for i in range(3) for j in range(6)]
    every_other = spline_codes(model, IDS, positions=slice(None, None, 2), batch_size=len(IDS))
    assert torch.equal(every_other.bits(), wanted[:, ::2].flatten(0, 1))
    flat = spline_codes(model, IDS, batch_size=len(IDS))
    assert torch.equal(flat.layer(0).bits(), wanted[..., : wanted.shape[2] // 2].flatten(1))


@pytest.mark.parametrize("kind", ["GPT2", "Llama"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_is_left_out(kind: str, side: str) -> None:
    model = made(kind)
    mask = torch.ones_like(IDS)
    mask[0, slice(0, 2) if side == "left" else slice(4, 6)] = 0
    named = transformers.BatchEncoding({"input_ids": IDS, "attention_mask": mask})
    wanted = bits_by_hand(model, [KINDS[kind][0].format(i) for i in range(2)], **named)
    found = capture_codes(model, named)
    assert torch.equal(found.codes.bits(), wanted[mask.bool()])
    lasts = [5 if side == "left" else 3, 5, 5]
    assert torch.equal(spline_codes(model, named, positions="last").bits(), wanted[range(3), lasts])
    loader = torch.utils.data.DataLoader(
        [{"input_ids": x, "attention_mask": m} for x, m in zip(IDS, mask, strict=True)], 3
    )
    assert spline_codes(model, loader, positions="all") == found.codes


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_narrow_models(dtype: torch.dtype) -> None:
    model = made("Llama").to(dtype)
    names = [KINDS["Llama"][0].format(i) for i in range(2)]
    found = capture_codes(model, IDS)
    assert torch.equal(found.codes.bits(), bits_by_hand(model, names, input_ids=IDS).flatten(0, 1))
    assert set(found.dtypes.values()) == {str(dtype).removeprefix("torch.")}


def test_activation_modules_of_other_models() -> None:
    config = transformers.BertConfig(**SIZES, vocab_size=50)
    bert = transformers.BertModel(config).eval()
    names = [f"encoder.layer.{i}.intermediate.dense" for i in range(2)]
    codes = spline_codes(bert, IDS, positions="all")
    assert torch.equal(codes.bits(), bits_by_hand(bert, names, input_ids=IDS).flatten(0, 1))
    sizes = SIZES | {"ffn_dim": 40, "word_embed_proj_dim": 16}
    opt = transformers.OPTModel(transformers.OPTConfig(**sizes, **SMALL)).eval()
    codes = spline_codes(opt, IDS, positions="all")
    names = [f"decoder.layers.{i}.activation_fn" for i in range(2)]
    assert [layer.name for layer in codes.layers] == names
    assert len(codes) == IDS.numel()


def test_a_classifier_on_a_decoder_keeps_its_own_activation() -> None:
    class Classifier(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.decoder = made("GPT2")
            self.head = nn.Sequential(nn.Linear(16, 5), nn.ReLU())
            self.eval()

        def forward(self, input_ids: Tensor) -> Tensor:
            return self.head(self.decoder(input_ids).last_hidden_state)

    codes = spline_codes(Classifier(), IDS, positions="all")
    assert [layer.name for layer in codes.layers] == [
        "decoder.h.0.mlp.c_fc",
        "decoder.h.1.mlp.c_fc",
        "head.1",
    ]


def test_an_activation_with_another_boundary_is_refused() -> None:
    model = made("Llama")
    model.layers[1].mlp.act_fn = nn.Hardswish()
    with pytest.raises(ValueError, match=r"Hardswish follows 'layers\.1\.mlp\.gate_proj'"):
        spline_codes(model.eval(), IDS)


def test_hook_points_named_hook_pre_alone() -> None:
    """Models of TransformerLens before version 4 have no others, and call token numbers input."""

    class Hooked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.map = nn.Embedding(50, 6), nn.Linear(6, 9)
            self.pre = nn.Identity()
            self.hook_dict = {"hook_embed": nn.Identity(), "blocks.0.mlp.hook_pre": self.pre}
            self.eval()

        def forward(self, input: Tensor) -> Tensor:
            return self.pre(self.map(self.embed(input))).relu()

    model = Hooked()
    codes = spline_codes(model, {"input_ids": IDS}, positions="all")
    assert [layer.name for layer in codes.layers] == ["blocks.0.mlp.hook_pre"]
    assert torch.equal(codes.bits(), (model.map(model.embed(IDS)) > 0).flatten(0, 1))


@pytest.fixture(scope="module")
def bridge_of():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("transformer_lens")
        from transformer_lens.model_bridge.sources import _bridge_builder as builder

    def bridge(model: nn.Module) -> nn.Module:
        return builder.build_bridge_from_module(
            model, type(model).__name__, hf_config=model.config
        ).eval()

    return bridge


@pytest.mark.parametrize(
    ("kind", "hook"), [("GPT2", "in"), ("GPTNeoX", "in"), ("Llama", "gate"), ("Mistral", "gate")]
)
def test_bridges_of_transformer_lens(kind: str, hook: str, bridge_of) -> None:
    wanted = spline_codes(made(kind, whole=True), IDS, positions="all")
    bridge = bridge_of(made(kind, whole=True))
    mask = torch.ones_like(IDS)
    mask[:, 4:] = 0
    for inputs in (IDS, {"input_ids": IDS, "attention_mask": mask}):
        codes = spline_codes(bridge, inputs, positions=slice(4))
        assert [layer.name for layer in codes.layers] == [
            f"blocks.{i}.mlp.{hook}.hook_out" for i in range(2)
        ]
        first_four = wanted.bits().reshape(3, 6, -1)[:, :4].flatten(0, 1)
        assert torch.equal(codes.bits(), first_four)
    names = [f"blocks.{i}.mlp.hook_pre" for i in range(2)]
    bridge.enable_compatibility_mode(disable_warnings=True)
    codes = spline_codes(bridge, IDS, "blocks.*.mlp.hook_pre", positions="all")
    assert [layer.name for layer in codes.layers] == names
    seen = []
    bridge.run_with_hooks(
        IDS, fwd_hooks=[(name, lambda z, hook: seen.append(z > 0)) for name in names]
    )
    assert torch.equal(codes.bits(), torch.cat(seen, 2).flatten(0, 1))
    both = spline_codes(bridge, IDS, ["*.0.mlp.hook_pre", f"*.0.mlp.{hook}.hook_out"])
    assert len(both.layers) == 1
