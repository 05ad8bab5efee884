"""Programs of torch.export are read as the modules that they were made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import models
from splinecode import UnsupportedNetworkError, crossings, read_network

pytestmark = pytest.mark.filterwarnings(
    "ignore:.isinstance.treespec, LeafSpec:FutureWarning"  # torch's own, as it copies a program
)

BATCHES = {"dynamic": ({0: torch.export.Dim("batch")},), "one": None, "three": None}
CASES = [
    *((name, "dynamic") for name in ("resnet", "densenet", "unet_bilinear")),
    *((name, batch) for name in ("vgg", "maxout") for batch in BATCHES),
]


def randn(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def exported(module: nn.Module, x: Tensor, batch: str = "dynamic") -> torch.export.ExportedProgram:
    rows = {"one": 1, "three": 3, "dynamic": 2}[batch]
    return torch.export.export(module, (x[:rows],), dynamic_shapes=BATCHES[batch])


def need_same(program: Any, module: nn.Module, x: Tensor, **how: Any) -> None:
    """Hold a program's network against the module's: layers, codes, values and crossings."""
    ours, wanted = read_network(program, x, **how), read_network(module, x, **how)
    assert [(layer.name, layer.bits) for layer in ours.layers] == [
        (layer.name, layer.bits) for layer in wanted.layers
    ]
    assert torch.equal(ours.codes(x).words, wanted.codes(x).words)
    assert torch.equal(ours(x), wanted(x))
    found, theirs = crossings(ours, x[0], x[1]), crossings(wanted, x[0], x[1])
    for field in ("t", "layer", "unit", "direction"):
        assert torch.equal(getattr(found, field), getattr(theirs, field))


@pytest.mark.parametrize(("name", "batch"), CASES)
def test_models_whatever_the_batch_they_were_exported_with(name: str, batch: str) -> None:
    module, shape = models.make(name, "tiny")
    x = randn(4, *shape)
    need_same(exported(module, x, batch).module(), module, x)


def test_programs_of_core_operators() -> None:
    module, shape = models.make("mixer", "tiny")
    x = randn(4, *shape)
    need_same(exported(module, x).run_decompositions(), module, x)


def test_a_program_that_was_saved(tmp_path: Path) -> None:
    module, shape = models.make("vgg_norm", "tiny")
    x = randn(4, *shape)
    torch.export.save(exported(module, x), tmp_path / "vgg.pt2")
    need_same(torch.export.load(tmp_path / "vgg.pt2"), module, x)


class Block(nn.Module):
    """Functions and modules that run twice, in a block without gradients and out of it."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4, dtype=torch.float64)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Tensor, scale: Tensor) -> Tensor:
        x = self.act(self.linear(x) - 0.1)
        x = functional.relu(self.act(x - 0.2) - 0.1)
        with torch.no_grad():
            x = torch.relu(0.5 - x)
        x = x.flatten(1)
        x += 0.1
        return torch.relu(x * scale - 0.3)


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block = Block()
        self.last = nn.Sequential(nn.Linear(4, 3, dtype=torch.float64), nn.Hardtanh())

    def forward(self, x: Tensor, *, scale: Tensor) -> dict[str, Tensor]:
        hidden = self.block(self.block(x, scale), scale)
        return {"hidden": hidden, "out": self.last(hidden)}


def twice() -> tuple[nn.Module, torch.export.ExportedProgram, dict[str, Tensor]]:
    torch.manual_seed(0)
    module, example = Twice().eval(), {"x": randn(5, 4), "scale": randn(4, seed=1).abs()}
    batch = {"x": {0: torch.export.Dim("batch")}, "scale": None}
    arguments = (example["x"],), {"scale": example["scale"]}
    return module, torch.export.export(module, *arguments, dynamic_shapes=batch), example


@pytest.mark.parametrize("output", ["hidden", "out"])
def test_layers_have_the_names_of_the_module_and_runs_are_counted(output: str) -> None:
    module, program, example = twice()
    ours = read_network(program, example, inputs="x", output=output)
    wanted = read_network(module, example, inputs="x", output=output)
    names = [layer.name for layer in wanted.layers]
    assert names[:5] == ["block.act", "block.act#2", "block.relu", "block.relu_1", "block.relu_2"]
    assert names[5:8] == ["block.act#3", "block.act#4", "block.relu#2"]
    assert [layer.name for layer in ours.layers] == names
    assert torch.equal(ours.codes(example["x"]).words, wanted.codes(example["x"]).words)


def test_stop_ends_with_the_last_run_of_a_module() -> None:
    module, program, example = twice()
    how = {"inputs": "x", "stop": "block"}
    ours, wanted = (read_network(some, example, **how) for some in (program, module))
    assert torch.equal(ours(example["x"]), wanted(example["x"]))
    with pytest.raises(ValueError, match=r"stop is 'nothing'; the modules that ran are \['block',"):
        read_network(program, example, inputs="x", stop="nothing")


def test_what_follows_stop_need_not_be_read() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.Softmax(1)).double()
    x = randn(3, 4)
    need_same(exported(module.eval(), x), module, x, stop="2")


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (nn.GELU(), "GELU at '1.0' is not read: it is not piecewise linear"),
        (nn.LayerNorm(4, dtype=torch.float64), "LayerNorm at '1.0' is not read: it divides by"),
        (nn.Softmax(0), "Softmax at '1.0' is not read: "),
    ],
)
def test_refusals_name_the_place_in_the_module(part: nn.Module, message: str) -> None:
    module, x = nn.Sequential(nn.ReLU(), nn.Sequential(part)).eval(), randn(3, 4)
    with pytest.raises(UnsupportedNetworkError, match=message):
        read_network(exported(module, x), x)


def test_control_flow_is_refused_where_it_stands() -> None:
    class Forking(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.cond(x.sum() > 0, lambda x: x + 1, lambda x: x - 1, (x,))

    module, x = nn.Sequential(nn.ReLU(), Forking()), randn(3, 4)
    with pytest.raises(UnsupportedNetworkError, match="cond.. at '1' is not read: its way depends"):
        read_network(exported(module.eval(), x), x)


def test_inputs_that_mix_are_refused_at_a_fixed_batch() -> None:
    class Mixing(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.relu() - x.mean(0)

    with pytest.raises(UnsupportedNetworkError, match="mean.* at the root .*it mixes the inputs"):
        read_network(exported(Mixing(), randn(3, 4), "three"), randn(3, 4))


@pytest.mark.parametrize("part", [nn.BatchNorm1d(4), nn.Dropout()])
def test_programs_in_training_mode_are_refused_before_they_run(part: nn.Module) -> None:
    module, x = nn.Sequential(nn.Linear(4, 4), part).double(), randn(3, 4)
    program = exported(module, x, "three")
    before = {name: value.clone() for name, value in program.state_dict.items()}
    with pytest.raises(ValueError, match=r"exported in training mode \(.* at '1'\); call module.e"):
        read_network(program, x)
    assert all(torch.equal(program.state_dict[name], value) for name, value in before.items())


def test_inputs_of_another_shape_say_so() -> None:
    module = nn.Sequential(nn.Linear(4, 4)).double().eval()
    with pytest.raises(ValueError, match="module fails on a batch of 3 inputs of shape \\(5,\\)"):
        read_network(exported(module, randn(3, 4)), randn(2, 5))


def test_weights_that_are_not_finite_are_named() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.ReLU()).double().eval()
    with torch.no_grad():
        module[0].weight[0, 0] = float("nan")
    with pytest.raises(ValueError, match=r"0\.weight holds NaN or inf"):
        read_network(exported(module, randn(3, 4)), randn(3, 4))
