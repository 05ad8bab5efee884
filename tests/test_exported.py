"""`Program`: what torch.export made of a module, with its parts."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import models
from splinecode.exported import Program, exported_program
from test_reading_exported import exported, pytestmark, randn  # noqa: F401  # their warning too


def resnet() -> tuple[nn.Module, Program, Tensor]:
    module, shape = models.make("resnet", "tiny")
    x = randn(4, *shape)
    program = exported_program(exported(module, x))
    assert program is not None
    return module, program, x


def test_weights_keep_their_names_and_are_shared() -> None:
    module, _, x = resnet()
    given = exported(module, x).module()
    program = exported_program(given)
    names = [name for name, _ in module.named_parameters()]
    assert [name for name, _ in given.named_parameters()] == names
    assert sorted(name for name, _ in program.named_parameters()) == sorted(names)
    with torch.no_grad():
        module.fc.bias += 1
        for name, weight in given.named_parameters():
            assert program.get_parameter(name) is weight
        given.get_parameter("fc.bias").copy_(module.fc.bias)
    assert torch.equal(program(x), module(x))
    assert exported_program(program) is program


def test_what_is_no_program() -> None:
    module = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    for other in (module, torch.fx.symbolic_trace(module), None, 3):
        assert exported_program(other) is None


def outputs_of(module: nn.Module, path: str, x: Tensor) -> list[Tensor]:
    seen: list[Tensor] = []
    hook = module.get_submodule(path).register_forward_hook(
        lambda part, given, output: seen.append(output.clone())
    )
    module(x)
    hook.remove()
    return seen


@pytest.mark.parametrize("path", ["relu", "layers.0", "layers.1.0", "layers.0.0.bn2", "fc"])
def test_forward_hooks_see_the_outputs_of_parts(path: str) -> None:
    module, program, x = resnet()
    ours, wanted = outputs_of(program, path, x), outputs_of(module, path, x)
    assert len(ours) == len(wanted) > 0
    assert all(torch.equal(one, other) for one, other in zip(ours, wanted, strict=True))


def test_hooks_of_a_module_that_runs_twice_see_both_runs() -> None:
    module, program, x = resnet()
    ours, wanted = (outputs_of(some, "layers.0.0.relu", x) for some in (program, module))
    assert len(ours) == len(wanted) == 2
    assert all(torch.equal(one, other) for one, other in zip(ours, wanted, strict=True))


def test_pre_hooks_are_refused() -> None:
    _, program, x = resnet()
    program.get_submodule("fc").register_forward_pre_hook(lambda part, given: None)
    with pytest.raises(ValueError, match="'fc' has a pre-hook, .* wanted a forward hook"):
        program(x)


def test_programs_move_to_another_dtype_with_their_buffers() -> None:
    module, program, x = resnet()
    program.float()
    assert {value.dtype for value in program.buffers() if value.is_floating_point()} == {
        torch.float32
    }
    torch.testing.assert_close(program(x.float()), module.float()(x.float()))


def test_copies_have_weights_of_their_own() -> None:
    module, program, x = resnet()
    copied = copy.deepcopy(program.eval())
    assert not copied.training
    other, _ = models.make("resnet", "tiny", seed=1)
    copied.load_state_dict(other.state_dict())
    assert torch.equal(copied(x), other(x))
    assert torch.equal(program(x), module(x))
    assert [name for name, _ in copied.named_modules()] == [n for n, _ in program.named_modules()]


def test_evaluation_mode_is_the_programs_own() -> None:
    module, _, x = resnet()
    given: Any = exported(module, x).module()
    program = exported_program(given)
    assert program is not None
    program.eval()
    assert not any(part.training for part in program.modules())
    assert given.training
