"""Spline features against loops over tokens and units, for decoders and plain networks."""

import math
import statistics

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from splinecode.lens import spline_features
from splinecode.lens.neighbourhoods.features import FEATURES


class Conv1D(nn.Module):
    """GPT-2's linear map, stored transposed."""

    def __init__(self, units: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(width, units))
        self.bias = nn.Parameter(torch.randn(units))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.weight + self.bias


class Mlp(nn.Module):
    def __init__(self, gated: bool) -> None:
        super().__init__()
        if gated:
            self.gate_proj = nn.Linear(5, 7, bias=False)
            self.up_proj = nn.Linear(5, 7, bias=False)
        else:
            self.c_fc = Conv1D(7, 5)
        self.down, self.gated = nn.Linear(7, 5), gated
        self.act_fn = nn.SiLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.gated:
            return self.down(self.act_fn(self.gate_proj(x)) * self.up_proj(x))
        return self.down(self.act_fn(self.c_fc(x)))


class Block(nn.Module):
    def __init__(self, gated: bool) -> None:
        super().__init__()
        norm = nn.LayerNorm(5)
        if gated:
            self.post_attention_layernorm = norm
        else:
            self.ln_2 = norm
        self.mlp, self.gated = Mlp(gated), gated

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.mlp((self.post_attention_layernorm if self.gated else self.ln_2)(x))


class Decoder(nn.Module):
    """Token ids to hidden states, attention left out: tokens do not meet."""

    def __init__(self, gated: bool = True, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.embed = nn.Embedding(11, 5)
            self.blocks = nn.ModuleList(Block(gated) for _ in range(2))
        self.eval()

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor]:
        x = self.embed(input_ids)
        for block in self.blocks:
            x = block(x)
        return {"hidden": x}


@torch.no_grad()
def slow_features(model: Decoder, ids: list[int]) -> list[list[float]]:
    """The seven numbers of each layer for one text, unit by unit."""
    x, found = model.embed(torch.tensor([ids])), []
    for block in model.blocks:
        norm = block.post_attention_layernorm if block.gated else block.ln_2
        linear = block.mlp.gate_proj if block.gated else block.mlp.c_fc
        weight = linear.weight if block.gated else linear.weight.T
        lengths = [math.sqrt(sum(w * w for w in row)) for row in weight.tolist()]
        rows = linear(norm(x))[0].tolist()
        share = [sum(z > 0 for z in row) / len(row) for row in rows]
        away = [min(abs(z) / n for z, n in zip(row, lengths, strict=True)) for row in rows]
        spread = statistics.stdev if len(ids) > 1 else lambda values: math.nan
        found.append(
            [
                *(statistics.fmean(share), min(share), max(share), spread(share)),
                *(min(away), statistics.fmean(away), spread(away)),
            ]
        )
        x = block(x)
    return found


@settings(max_examples=20)
@given(st.booleans(), st.lists(st.integers(0, 6), min_size=1, max_size=6), st.integers(0, 99))
def test_features_are_those_of_loops(gated: bool, lengths: list[int], seed: int) -> None:
    model = Decoder(gated, seed % 5)
    longest = max(*lengths, 1)
    ids = torch.from_numpy(np.random.default_rng(seed).integers(11, size=(len(lengths), longest)))
    mask = torch.arange(longest) < torch.tensor(lengths)[:, None]
    batch = {"input_ids": ids, "attention_mask": mask.long()}
    found = spline_features(model, [batch])
    name = "gate_proj" if gated else "c_fc"
    assert [layer.name for layer in found.layers] == [f"blocks.{i}.mlp.{name}" for i in range(2)]
    assert found.features.shape == (len(lengths), 2, len(FEATURES))
    for i, length in enumerate(lengths):
        assert found.tokens[i].tolist() == [length, length]
        if length == 0:
            assert np.isnan(found.features[i]).all()
            continue
        slow = slow_features(model, ids[i, :length].tolist())
        assert np.allclose(found.features[i], slow, rtol=1e-5, atol=1e-6, equal_nan=True)
    assert found.work["tokens masked out"] == len(lengths) * longest - sum(lengths)


def test_arrays_loaders_and_batches_agree() -> None:
    model, ids = Decoder(), torch.arange(24).reshape(6, 4) % 11
    whole = spline_features(model, ids)
    for inputs in (
        ids.numpy(),
        DataLoader(TensorDataset(ids, torch.arange(6)), batch_size=4),
        {"input_ids": ids},
        iter([{"input_ids": part} for part in ids.split(2)]),
    ):
        found = spline_features(model, inputs, batch_size=2)
        assert np.allclose(found.features, whole.features)
    assert whole.matrix().shape == (6, 14)
    assert whole.columns()[8] == "blocks.1.mlp.gate_proj: least share active"
    assert "spread of distance" in str(whole)
    up = spline_features(model, ids, layers="*.up_proj")
    assert [layer.name for layer in up.layers] == ["blocks.0.mlp.up_proj", "blocks.1.mlp.up_proj"]


@torch.no_grad()
def test_plain_networks_and_convolutions() -> None:
    torch.manual_seed(0)
    conv, linear = nn.Conv2d(2, 3, 2), nn.Linear(27, 4)
    model = nn.Sequential(conv, nn.ReLU(inplace=True), nn.Flatten(), linear, nn.ReLU()).eval()
    model.append(nn.Linear(4, 2).eval())
    x = torch.randn(3, 2, 4, 4)
    found = spline_features(model, x)
    assert [(layer.name, layer.bits) for layer in found.layers] == [("0", 3), ("3", 4)]
    assert found.tokens.tolist() == [[9, 1]] * 3
    z = conv(x)
    away = (z.abs() / conv.weight.flatten(1).norm(dim=1)[:, None, None]).amin(dim=1).flatten(1)
    assert np.allclose(found.features[:, 0, 4], away.amin(dim=1))
    assert np.allclose(found.features[:, 0, 5], away.mean(dim=1))
    assert np.allclose(found.features[:, 0, 0], (z > 0).float().mean(dim=(1, 2, 3)))
    assert np.isnan(found.features[:, 1, [3, 6]]).all()
    assert np.isfinite(np.delete(found.features[:, 1], [3, 6], axis=1)).all()


@torch.no_grad()
def test_units_without_weights_have_no_boundary() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU()).eval()
    model[0].weight.copy_(torch.tensor([[0.0, 0], [3, 4]]))
    model[0].bias.copy_(torch.tensor([0.0, 10]))
    found = spline_features(model, torch.zeros(1, 2))
    assert found.features[0, 0, 4] == 2
    model[0].weight.zero_()
    assert spline_features(model, torch.zeros(1, 2)).features[0, 0, 4] == np.inf


def test_halves() -> None:
    model, ids = Decoder(), torch.arange(8).reshape(2, 4)
    wide, narrow = spline_features(model, ids), spline_features(model.bfloat16(), ids)
    assert np.allclose(narrow.features, wide.features, atol=0.3)
    assert np.isfinite(narrow.features).all()


def test_an_activation_called_by_keyword() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.map, self.act = nn.Linear(3, 5), nn.ReLU()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.act(input=self.map(x))

    found = spline_features(Net().eval(), torch.randn(4, 3))
    assert [layer.name for layer in found.layers] == ["map"]


def test_a_module_that_runs_twice() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear, self.relu = nn.Linear(3, 3), nn.ReLU()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.relu(self.linear(self.relu(self.linear(x))))

    found = spline_features(Twice().eval(), torch.ones(2, 3))
    assert [layer.name for layer in found.layers] == ["linear", "linear#2"]


def test_real_decoders() -> None:
    transformers = pytest.importorskip("transformers")
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 50}
    llama = transformers.LlamaConfig(intermediate_size=24, **shape)
    gpt2 = transformers.GPT2Config(n_embd=16, n_layer=2, n_head=2, vocab_size=50)
    ids = torch.arange(12).reshape(2, 6)
    batch = {"input_ids": ids, "attention_mask": torch.tensor([[1] * 6, [1] * 4 + [0] * 2])}
    for config, name in ((llama, "gate_proj"), (gpt2, "c_fc")):
        model = transformers.AutoModelForCausalLM.from_config(config).eval()
        found = spline_features(model, [batch])
        again = spline_features(model, batch, batch_size=1)
        assert np.allclose(found.features, again.features, atol=1e-5)
        assert [layer.name.rpartition(".")[2] for layer in found.layers] == [name] * 2
        assert found.tokens.tolist() == [[6, 6], [4, 4]]
        short = spline_features(model, ids[1:, :4])
        assert np.allclose(found.features[1], short.features[0], atol=1e-5)


def test_errors() -> None:
    model, ids = Decoder(), torch.arange(8).reshape(2, 4)
    with pytest.raises(TypeError, match="model is a str"):
        spline_features("net", ids)
    with pytest.raises(ValueError, match="training mode"):
        spline_features(Decoder().train(), ids)
    with pytest.raises(ValueError, match="batch_size is 0"):
        spline_features(model, ids, batch_size=0)
    with pytest.raises(ValueError, match=r"inputs has shape \(0, 4\)"):
        spline_features(model, ids[:0])
    with pytest.raises(ValueError, match="inputs holds no batches"):
        spline_features(model, [])
    with pytest.raises(TypeError, match="inputs is a int"):
        spline_features(model, 3)
    with pytest.raises(TypeError, match="a batch of inputs is a str"):
        spline_features(model, ["text"])
    with pytest.raises(ValueError, match=r"no module matches 'fc\*'"):
        spline_features(model, ids, layers="fc*")
    with pytest.raises(ValueError, match="SiLU at 'blocks.0.mlp.act_fn' is no linear map"):
        spline_features(model, ids, layers="blocks.0.mlp.act_fn")
    with pytest.raises(ValueError, match=r"attention_mask has shape \(2, 3\) and .* \(2, 4\)"):
        spline_features(model, {"input_ids": ids, "attention_mask": torch.ones(2, 3)})
    with pytest.raises(ValueError, match="no decoder block of a known shape"):
        spline_features(nn.Sequential(nn.Linear(2, 2), nn.Tanh()).eval(), torch.ones(1, 2))
    with pytest.raises(ValueError, match="'0' passes a NaN"):
        spline_features(nn.Sequential(nn.Linear(2, 2), nn.ReLU()).eval(), torch.ones(1, 2) * np.nan)
    assert not any(part._forward_hooks for part in model.modules())
