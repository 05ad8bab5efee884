"""Analyses of what torch.export made of a module are those of the module."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from splinecode import Codes, lens
from splinecode.exported import Program, exported_program
from splinecode.lens.models import module_of
from test_reading_exported import exported, pytestmark, randn  # noqa: F401  # their warning too
from test_spline_features import Conv1D

X, Y = randn(17, 4), np.arange(17) % 3
PATHS = lens.curves.linear(X[:5], X[5:10], 4)


def net(seed: int = 0) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        parts = (nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))
        return nn.Sequential(*parts).double().eval()


@functools.cache
def program_of(batch: str) -> torch.export.ExportedProgram:
    return exported(net(), X, batch)


def need_same(ours: Any, wanted: Any) -> None:
    """Hold two results against each other, field by field."""
    assert type(ours) is type(wanted)
    if isinstance(ours, Codes):
        assert ours.layers == wanted.layers
        assert torch.equal(torch.as_tensor(ours.words), torch.as_tensor(wanted.words))
    elif dataclasses.is_dataclass(ours):
        for field in dataclasses.fields(ours):
            need_same(getattr(ours, field.name), getattr(wanted, field.name))
    elif isinstance(ours, (tuple, list)):
        assert len(ours) == len(wanted)
        for one, other in zip(ours, wanted, strict=True):
            need_same(one, other)
    elif isinstance(ours, np.ndarray) and ours.dtype.kind == "f":
        np.testing.assert_allclose(ours, wanted, rtol=1e-12, atol=1e-12)
    elif isinstance(ours, np.ndarray):
        np.testing.assert_array_equal(ours, wanted)
    else:
        assert (
            ours == pytest.approx(wanted, nan_ok=True)
            if isinstance(ours, float)
            else ours == wanted
        )


def predicted(model: Any) -> lens.Ood:
    return lens.ood(X[:6], X[6:11], X[11:], np.arange(6) % 3, model=model, classes="predicted")


ANALYSES: dict[str, Callable[[Any], Any]] = {
    "directions": lambda model: lens.directions(model, X, torch.ones(4)),
    "local_complexity": lambda model: lens.local_complexity(model, X, directions=3, radius=0.3),
    "monosemanticity": lambda model: lens.monosemanticity(
        model, X, Y, layer="1", min_cluster_size=2, resamples=1, shuffles=2
    ),
    "nearest_boundaries": lambda model: lens.nearest_boundaries(model, X),
    "ood": predicted,
    "path_analysis": lambda model: lens.path_analysis(model, PATHS),
    "path_analysis, sampled": lambda model: lens.path_analysis(model, PATHS, exact=False),
    "plateaus": lambda model: lens.plateaus(model, PATHS),
    "plateaus, estimated": lambda model: lens.plateaus(model, PATHS, jacobian="estimate"),
    "regions": lambda model: lens.regions(model, X, Y),
    "spline_features": lambda model: lens.spline_features(model, X),
    "spline_features, named": lambda model: lens.spline_features(model, X, layers="[24]"),
    "scaling": lambda model: lens.scaling(model, X),
}


@pytest.mark.parametrize("batch", ["dynamic", "three"])
@pytest.mark.parametrize("name", ANALYSES)
def test_analyses_of_a_program_are_those_of_its_module(name: str, batch: str) -> None:
    program, wanted = program_of(batch), ANALYSES[name](net())
    need_same(ANALYSES[name](program), wanted)
    need_same(ANALYSES[name](exported_program(program)), wanted)


def test_checkpoints_may_be_programs_or_states_of_one() -> None:
    states = [net(seed) for seed in range(3)]
    program = exported(states[0], X)
    given = {"0": program, "1": states[1].state_dict(), "2": exported(states[2], X, "three")}
    how = {"directions": 3, "radius": 0.3}
    ours = lens.local_complexity(program, X, checkpoints=given, **how)
    need_same(ours, lens.local_complexity(states[0], X, checkpoints=states, **how))


def test_what_is_no_model_is_refused() -> None:
    module = net()
    assert module_of(module) is module
    program = module_of(exported(module, X))
    assert isinstance(program, Program)
    assert not program.training
    assert module_of(program) is program
    with pytest.raises(TypeError, match=r"model is a str; .* or what torch.export made of one"):
        lens.plateaus("net", PATHS)
    with pytest.raises(TypeError, match="subject is a str; wanted Codes, or a torch.nn.Module"):
        lens.monosemanticity("net", X, layer="1")


def test_programs_exported_in_training_mode_are_refused() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Dropout()).double()
    program = torch.export.export(module, (X,))
    with pytest.raises(ValueError, match="exported in training mode"):
        lens.plateaus(program, PATHS)


def test_inputs_of_a_fixed_batch_stay_in_order() -> None:
    program = exported_program(program_of("three"))
    assert program is not None

    def output(x: Tensor) -> Any:
        return lens.plateaus(program, x[None], jacobian="none", batch_size=5).output_change

    x = X[:7]
    with torch.no_grad():
        wanted = torch.linalg.vector_norm(net()(x).diff(dim=0), dim=1)
    np.testing.assert_allclose(output(x)[0], wanted)


class Blocks(nn.Module):
    """A convolution that runs twice, and a decoder's MLP, whose linear map is stored transposed."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu = nn.Conv2d(2, 2, 1), nn.ReLU(inplace=True)
        self.c_fc, self.act = Conv1D(7, 5), nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.c_fc(self.relu(self.conv(self.relu(self.conv(x))))))


@pytest.mark.parametrize("batch", ["dynamic", "three"])
def test_features_of_exported_convolutions_and_transposed_maps(batch: str) -> None:
    module, x = Blocks().double().eval(), randn(7, 2, 3, 5)
    program = exported(module, x, batch)
    need_same(lens.spline_features(program, x), lens.spline_features(module, x, "conv"))
    need_same(*(lens.spline_features(some, x, "c_fc") for some in (program, module)))


def test_features_of_what_is_no_linear_map_are_refused() -> None:
    program = program_of("dynamic")
    with pytest.raises(ValueError, match="ReLU at '1' is no linear map of its own `weight`"):
        lens.spline_features(program, X, "1")
