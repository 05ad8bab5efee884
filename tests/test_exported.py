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


class Several(nn.Module):
    """A part that runs twice, outputs of several kinds, and another argument for each input."""

    def __init__(self) -> None:
        super().__init__()
        self.part = nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True))

    def forward(self, x: Tensor, shift: Tensor) -> dict[str, object]:
        y = self.part(self.part(x) - shift)
        return {"y": y, "all": (y.mT, [x.sum(), 2.5])}


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 9])
def test_a_program_of_a_fixed_batch_takes_any_other(n: int) -> None:
    module, x, shift = Several().double().eval(), randn(n, 4), randn(n + 3, 1)[3:]
    program = exported_program(torch.export.export(module, (randn(3, 4), randn(3, 1))))
    assert program is not None
    found, wanted = program(x, shift), module(x, shift)
    torch.testing.assert_close(found["y"], wanted["y"])
    transposed, (total, number) = found["all"]
    assert number == 2.5
    if n == 3:
        torch.testing.assert_close((transposed, total), (wanted["y"].mT, x.sum()))
    else:
        assert (transposed, total) == (None, None)
    for path in ("", "part", "part.1"):
        ours, theirs = ([], [])
        for some, seen in ((program, ours), (module, theirs)):
            hook = some.get_submodule(path).register_forward_hook(
                lambda part, given, output, seen=seen: seen.append(
                    output["y"] if isinstance(output, dict) else output.clone()
                )
            )
            some(x, shift)
            hook.remove()
        assert len(ours) == len(theirs) == (2 if path else 1)
        for one, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(one, other)


def test_gradients_pass_through_a_program_of_a_fixed_batch() -> None:
    module = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1)).double().eval()
    program = exported_program(exported(module, randn(3, 3), "three"))
    assert program is not None
    x = randn(8, 3).requires_grad_()
    ours, wanted = (torch.autograd.grad(some(x).sum(), x)[0] for some in (program, module))
    torch.testing.assert_close(ours, wanted)


def test_hooks_on_what_has_no_row_an_input_are_refused_in_pieces() -> None:
    class Folded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.relu = nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            return self.relu(x.reshape(-1, 2) - 0.1).reshape(len(x), -1)

    program = exported_program(exported(Folded(), randn(3, 4), "three"))
    assert program is not None
    program.relu.register_forward_hook(lambda part, given, output: None)
    program(randn(3, 4))
    with pytest.raises(ValueError, match="'relu' passes 6 rows for 3 inputs; its first axis"):
        program(randn(4, 4))


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
