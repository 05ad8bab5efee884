"""Codes of programs of torch.export equal those of the modules that they were made of."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import models
from splinecode import spline_codes
from test_reading_exported import exported, pytestmark, randn  # noqa: F401  # their warning too

SMOOTH = [nn.ReLU(), nn.LeakyReLU(), nn.PReLU(), nn.ELU(), nn.SELU(), nn.GELU(), nn.SiLU()]


def need_same(program: object, module: nn.Module, x: Tensor, **how: object) -> None:
    ours, wanted = (spline_codes(some, x, **how) for some in (program, module))
    assert ours.layers == wanted.layers
    assert torch.equal(ours.words, wanted.words)


@pytest.mark.parametrize("batch", ["dynamic", "one", "three"])
def test_activations_of_modules_at_any_batch(batch: str) -> None:
    parts = [part for act in SMOOTH for part in (nn.Linear(4, 4), act)]
    module, x = nn.Sequential(*parts).double().eval(), randn(7, 4)
    program = exported(module, x, batch)
    need_same(program, module, x)
    need_same(program.module(), module, x, batch_size=2)
    need_same(program, module, x, layers=["1", "2", "1?"])


def test_core_operators_keep_the_layers_of_modules() -> None:
    parts = [part for act in SMOOTH for part in (nn.Linear(4, 4), act)]
    module, x = nn.Sequential(*parts).double().eval(), randn(7, 4)
    need_same(exported(module, x).run_decompositions(), module, x)


def test_a_resnet_whose_modules_run_twice() -> None:
    module, shape = models.make("resnet", "tiny")
    x = randn(5, *shape)
    need_same(exported(module, x), module, x)
    need_same(exported(module, x), module, x, layers="layers.*.relu")
    need_same(exported(module, x), module, x, layers=["*bn?", "fc"])


class Functional(nn.Module):
    """Functional activations, in a module that runs twice, and under torch.no_grad."""

    def __init__(self, relu: object = functional.relu) -> None:
        super().__init__()
        self.part = nn.Sequential(nn.Linear(3, 3, dtype=torch.float64))
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.part(x))
        with torch.no_grad():
            x = functional.gelu(self.part(x) - 0.1)
        return self.relu(x - 0.2)


def test_functions_are_found_and_named_as_read_network_names_them() -> None:
    module = nn.Sequential(Functional(), Functional()).eval()
    x = randn(9, 3)
    codes = spline_codes(exported(module, x), x)
    assert [layer.name for layer in codes.layers] == [
        f"{part}.{name}" for part in "01" for name in ("relu", "gelu", "relu_1")
    ]
    part = module[0].part
    with torch.no_grad():
        z = [part(x)]
        z.append(part(z[0].relu()) - 0.1)
        z.append(functional.gelu(z[1]) - 0.2)
    for i, wanted in enumerate(z):
        assert torch.equal(codes.bits(i), wanted > 0)
    some = spline_codes(exported(module, x), x, layers="*.relu")
    assert [layer.name for layer in some.layers] == ["0.relu", "1.relu"]
    twice = spline_codes(exported(module, x), x, layers="0.part")
    assert [layer.name for layer in twice.layers] == ["0.part", "0.part#2"]
    second = spline_codes(exported(module, x), x, layers="0.part#2")
    assert second == twice.layer("0.part#2")


@pytest.mark.parametrize("relu", [functional.relu6, functional.hardswish])
def test_activations_of_more_than_one_bit_are_refused(relu: object) -> None:
    module, x = nn.Sequential(Functional(relu)).eval(), randn(4, 3)
    with pytest.raises(ValueError, match="at '0' has no code of one bit a unit; name the layers"):
        spline_codes(exported(module, x), x)
    assert len(spline_codes(exported(module, x), x, layers="0.gelu")) == 4


def test_errors_say_what_there_is() -> None:
    module, x = nn.Sequential(nn.Linear(3, 3), nn.Tanh()).double().eval(), randn(4, 3)
    program = exported(module, x)
    with pytest.raises(ValueError, match=r"calls no activation; .* there are \['0', '1'\]"):
        spline_codes(program, x)
    with pytest.raises(ValueError, match=r"no module matches 'relu'; there are \['0', '1'\]"):
        spline_codes(program, x, layers="relu")
    with pytest.raises(ValueError, match="exported in training mode"):
        spline_codes(exported(nn.Sequential(nn.Linear(3, 3), nn.Dropout()).double(), x), x)


def test_rows_that_are_not_inputs_are_refused_at_a_fixed_batch() -> None:
    class Folded(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return functional.relu(x.reshape(-1, 2) - 0.1).reshape(len(x), -1)

    x = randn(7, 4)
    with pytest.raises(ValueError, match="'relu' passes 6 rows for 3 inputs; its first axis"):
        spline_codes(exported(Folded(), x, "three"), x)


def test_a_store_is_taken_up_by_the_same_program_alone(tmp_path: Path) -> None:
    def program(slope: float) -> torch.export.ExportedProgram:
        module = nn.Sequential(nn.Linear(4, 9), nn.LeakyReLU(slope), nn.Linear(9, 3), nn.GELU())
        with torch.no_grad():
            for weights in module.parameters():
                weights.copy_(torch.linspace(-1, 1, weights.numel()).reshape(weights.shape))
        return exported(module.double().eval(), x)

    x = randn(9, 4)
    spline_codes(program(0.1), x[:5], store=tmp_path / "s")
    store = spline_codes(program(0.1), x, store=tmp_path / "s")
    assert torch.equal(torch.from_numpy(store.codes().bits()), spline_codes(program(0.1), x).bits())
    with pytest.raises(ValueError, match="made with model_hash"):
        spline_codes(program(0.2), x, store=tmp_path / "s")
