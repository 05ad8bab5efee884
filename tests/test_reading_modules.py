"""What is read of a module: its inputs and output, shared parts, names, precision."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import nets
from splinecode import Network, hamming, read_network, spline_codes
from splinecode.steps import Concat, Gather, Pieces, Scale
from test_reading import Op, need_alike, randn, with_weights


def steps(network: Network) -> list[str]:
    return [type(node.step).__name__ for node in network.nodes]


def names(network: Network) -> list[str]:
    return [layer.name for layer in network.layers]


# ---------------------------------------------------------------- short graphs


@pytest.mark.parametrize(
    ("parts", "shape", "wanted"),
    [
        ([nn.Linear(4, 6), nn.BatchNorm1d(6)], (4,), ["Linear"]),
        ([nn.Linear(4, 6), nn.BatchNorm1d(6, affine=False), nn.ReLU()], (4,), ["Linear", "Pieces"]),
        ([nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3)], (2, 3, 3), ["Conv"]),
        ([nn.Conv2d(2, 4, 2, groups=2), nn.BatchNorm2d(4)], (2, 3, 3), ["Conv"]),
        (
            [nn.BatchNorm2d(2), nn.ReLU(), nn.BatchNorm2d(2)],
            (2, 3, 3),
            ["Scale", "Pieces", "Scale"],
        ),
        ([nn.BatchNorm1d(3), nn.BatchNorm1d(3)], (3,), ["Scale"]),
        ([nn.AvgPool2d(2), nn.BatchNorm2d(2)], (2, 4, 4), ["Sparse"]),
        ([nn.Linear(3, 2), nn.Dropout(), nn.Identity(), nn.Flatten()], (3,), ["Linear"]),
    ],
)
def test_batch_norms_fold_or_stand_alone(
    parts: list[nn.Module], shape: tuple[int, ...], wanted: list[str]
) -> None:
    module = with_weights(lambda: nn.Sequential(*parts))
    assert steps(need_alike(module, shape)) == ["Input", *wanted]


def test_a_batch_norm_stays_where_others_take_what_is_before_it() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear, self.norm = nn.Linear(3, 3), nn.BatchNorm1d(3)

        def forward(self, x: Tensor) -> Tensor:
            z = self.linear(x)
            return z + self.norm(z).relu()

    network = need_alike(with_weights(Net), (3,))
    assert steps(network) == ["Input", "Linear", "Scale", "Pieces", "Sum"]


def test_moves_leave_no_nodes_where_nothing_moves() -> None:
    network = need_alike(Op(lambda x: torch.cat(x.reshape(-1, 6).split(3, 1), 1).clone()), (6,))
    assert steps(network) in (["Input", "Gather"], ["Input"])
    network = need_alike(Op(lambda x: torch.stack(x.unbind(1), 1).relu().mT.mT), (2, 3))
    assert steps(network) == ["Input", "Pieces"]


def test_a_sum_of_many_is_one_node() -> None:
    network = need_alike(Op(lambda x: x + x.relu() + x.abs() + 2 * x), (3,))
    assert steps(network) == ["Input", "Pieces", "Pieces", "Scale", "Sum"]


def test_what_the_output_does_not_need_is_left_out() -> None:
    def operation(x: Tensor) -> Tensor:
        torch.softmax(x, 1)
        return x[:, :2].relu()

    assert steps(need_alike(Op(operation), (3,))) == ["Input", "Gather", "Pieces"]


def test_outputs_without_kinks() -> None:
    assert steps(need_alike(nn.Identity(), (2, 3))) == ["Input"]
    network = need_alike(nn.Flatten(), (2, 3))
    assert network.input_shape == (2, 3)
    assert network.output_shape == (6,)
    assert need_alike(Op(lambda x: torch.ones(len(x), 2, dtype=x.dtype)), (3,)).output_shape == (2,)
    assert need_alike(Op(lambda x: x.sum(1)), (3,)).output_shape == ()


def test_pieces_meet_exactly() -> None:
    for part in (
        nn.LeakyReLU(0.1),
        nn.RReLU(),
        nn.Hardtanh(-0.1, 0.7),
        nn.Hardsigmoid(),
        nn.Softshrink(0.3),
        nn.Threshold(0.1, 0.1),
        with_weights(nn.PReLU),
    ):
        network = need_alike(part, (2,))
        for step in (node.step for node in network.nodes):
            if isinstance(step, Pieces):
                for unit in range(2):
                    need_meeting(step, unit)


def need_meeting(step: Pieces, unit: int) -> None:
    t, s, i = (
        [Fraction(v) for v in table[:, unit].tolist()]
        for table in (step.thresholds, step.slopes, step.intercepts)
    )
    for k, at in enumerate(t):
        assert s[k] * at + i[k] == s[k + 1] * at + i[k + 1]


# ---------------------------------------------------------------- names and shared parts


def test_codes_are_those_of_the_hooks() -> None:
    torch.manual_seed(2)
    module = nets.cnn()
    network = nets.read(module, 1, 6, 6)
    x = randn(30, 1, 6, 6)
    from_network = network.codes(x)
    assert names(network) == ["2", "3", "6", "10"]
    assert (
        hamming(from_network.select("2", "6", "10"), spline_codes(module, x)).tolist() == [0] * 30
    )
    pool = from_network.layer("3").bits().reshape(30, 3, 3, 3, 4)
    assert (pool.sum(-1) == 1).all()


def test_layers_of_functions_are_named_after_their_module() -> None:
    class Block(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(nn.functional.relu(x - 1) - 1).clamp(0, 1)

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block, self.act = Block(), nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            return self.block(self.act(self.block(torch.relu(x)) - 1))

    network = need_alike(Net(), (3,))
    assert names(network) == [
        "relu",
        "block.relu",
        "block.relu_1",
        "block.clamp",
        "act",
        "block.relu#2",
        "block.relu_1#2",
        "block.clamp#2",
    ]


def test_a_shared_activation_gives_a_layer_each_run() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.act = nn.Linear(2, 5), nn.Linear(5, 5), nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            x = self.act(self.a(x))
            for _ in range(2):
                x = self.act(self.b(x))
            return x

    module = Shared()
    network = need_alike(module, (2,))
    assert names(network) == ["act", "act#2", "act#3"]
    x = randn(6, 2)
    assert network.codes(x) == spline_codes(module, x)


def test_one_module_in_two_places_is_named_after_the_first() -> None:
    act = nn.ReLU()
    module = nn.Sequential(nn.Sequential(nn.Linear(3, 3), act), nn.Sequential(nn.Linear(3, 3), act))
    module.double().eval()
    network = need_alike(module, (3,))
    x = randn(6, 3)
    assert names(network) == ["0.1", "0.1#2"]
    assert network.codes(x) == spline_codes(module, x)


def test_control_flow_that_does_not_depend_on_data_is_followed() -> None:
    class Net(nn.Module):
        def forward(self, x: Tensor, deep: bool = True) -> Tensor:
            assert x.is_floating_point()
            for width in range(x.shape[1]):
                x = x.relu() - width if width % 2 == 0 and deep else -x
            return x if x.dtype == torch.float64 and not self.training else x.unknown()

    assert len(need_alike(Net(), (4,)).layers) == 2


def test_hooks_and_subclasses_run() -> None:
    linear = nn.Linear(3, 3)
    linear.register_forward_hook(lambda part, args, out: out + 1)
    linear.register_forward_pre_hook(lambda part, args: (args[0].abs(),))
    need_alike(nn.Sequential(linear), (3,))
    need_alike(torch.nn.utils.parametrizations.weight_norm(nn.Linear(3, 3)), (3,))


def test_reading_leaves_the_module_as_it_was() -> None:
    module = nets.cnn()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    nets.read(module, 1, 6, 6)
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    x = randn(2, 1, 6, 6)
    module(x).sum().backward()


# ---------------------------------------------------------------- several inputs


class Two(nn.Module):
    """Maps (points, condition) to values: a condition for each point, or one for all."""

    def __init__(self) -> None:
        super().__init__()
        self.points, self.condition = nn.Linear(2, 4), nn.Linear(3, 4)

    def forward(self, points: Tensor, condition: Tensor, scale: float = 1.0) -> Tensor:
        return scale * (self.points(points) * self.condition(condition).sigmoid()).relu()


POINTS, CONDITION = randn(3, 2), randn(3, 3, seed=1)


@pytest.mark.parametrize(
    ("example", "inputs"),
    [
        ((POINTS, CONDITION), 0),
        ([POINTS, CONDITION], "points"),
        ({"condition": CONDITION, "points": POINTS}, "points"),
    ],
)
def test_one_of_several_inputs_varies_and_the_others_are_held(example: Any, inputs: Any) -> None:
    module = with_weights(Two).double().eval()
    network = read_network(module, example, inputs=inputs)
    x = randn(5, 2, seed=2)
    wanted = module(x, CONDITION[:1].expand(5, 3)).detach()
    torch.testing.assert_close(network(x), wanted)


def test_what_is_held_may_be_wider_than_a_row_and_need_not_be_an_array() -> None:
    module = with_weights(Two).double().eval()
    points, condition = randn(3, 2), randn(1, 3, seed=1)
    network = read_network(module, (points, condition, 2.5), inputs="points")
    torch.testing.assert_close(network(points), module(points, condition, 2.5).detach())
    network = read_network(module, {"points": points, "condition": condition}, inputs="points")
    torch.testing.assert_close(network(points), module(points, condition).detach())


@pytest.mark.parametrize(
    ("example", "inputs"),
    [
        ({"a": POINTS, "b": CONDITION}, "a"),
        ((POINTS, CONDITION), 0),
        ([POINTS, CONDITION], 0),
    ],
)
def test_a_module_may_take_a_container(example: Any, inputs: Any) -> None:
    def operation(batch: Any) -> Tensor:
        assert type(batch) is type(example)
        a, b = batch.values() if isinstance(batch, dict) else batch
        return (a * b[:, :2]).relu()

    network = read_network(Op(operation).eval(), example, inputs=inputs)
    x = randn(5, 2, seed=2)
    torch.testing.assert_close(network(x), (x * CONDITION[:1, :2]).relu())


def test_the_only_array_is_the_input() -> None:
    class Options(nn.Module):
        def forward(self, x: Tensor, deep: bool) -> Tensor:
            return x.relu() if deep else x

    assert len(read_network(Options().eval(), (randn(1, 3), True)).layers) == 1
    assert len(read_network(Options().eval(), {"x": randn(1, 3), "deep": False}).layers) == 0


def test_inputs_that_are_not_chosen_or_not_there_are_refused() -> None:
    module = with_weights(Two).double().eval()
    example = (randn(3, 2), randn(3, 3))
    with pytest.raises(ValueError, match=r"holds 2 arrays, \[0, 1\]; say with inputs="):
        read_network(module, example)
    with pytest.raises(ValueError, match="inputs is 'other'; the arrays of example_input are"):
        read_network(module, example, inputs="other")
    with pytest.raises(ValueError, match="inputs is 2"):
        read_network(module, example, inputs=2)


# ---------------------------------------------------------------- outputs


class Many(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> dict[str, Any]:
        h = self.body(x)
        h = self.body(h[:, :3])
        return {"logits": self.head(h), "hidden": (h, h.abs()), "p": self.head(h).softmax(1)}


def test_an_output_is_chosen_by_key_or_index() -> None:
    module = with_weights(Many).double().eval()
    x = randn(4, 3)
    network = read_network(module, x, output="logits")
    torch.testing.assert_close(network(x), module(x)["logits"].detach())
    pair = Op(lambda x: (x.relu(), x.abs())).eval()
    torch.testing.assert_close(read_network(pair, x, output=1)(x), x.abs())
    torch.testing.assert_close(read_network(pair, x, output=-2)(x), x.relu())
    alone = Op(lambda x: {"out": [x.relu()]}).eval()
    torch.testing.assert_close(read_network(alone, x)(x), x.relu())


def test_outputs_that_are_not_chosen_or_not_there_are_refused() -> None:
    module, x = with_weights(Many).double().eval(), randn(4, 3)
    with pytest.raises(ValueError, match=r"keys \['logits', 'hidden', 'p'\]; .* output="):
        read_network(module, x)
    with pytest.raises(ValueError, match="output is 'other', but module returns a dict with keys"):
        read_network(module, x, output="other")
    with pytest.raises(ValueError, match="module returns a tuple of 2; wanted one tensor"):
        read_network(module, x, output="hidden")
    with pytest.raises(ValueError, match="Softmax|softmax"):
        read_network(module, x, output="p")


def test_a_network_stops_at_the_last_output_of_a_module() -> None:
    module, x = with_weights(Many).double().eval(), randn(4, 3)
    network = read_network(module, x, stop="body")
    torch.testing.assert_close(network(x), module(x)["hidden"][0].detach())
    assert names(network) == ["body.1", "body.1#2"]
    network = read_network(module, x, stop="body.0")
    assert names(network) == ["body.1"]
    with pytest.raises(ValueError, match=r"stop is 'tail'; the modules are .*'body\.0'"):
        read_network(module, x, stop="tail")


def test_what_comes_after_the_stop_need_not_be_piecewise_linear() -> None:
    module = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.LayerNorm(4), nn.Sigmoid())
    module.double().eval()
    x = randn(4, 3)
    torch.testing.assert_close(read_network(module, x, stop="1")(x), module[:2](x).detach())


def test_a_stop_that_does_not_run_is_refused() -> None:
    module = Op(lambda x: x.relu())
    module.unused = nn.ReLU()
    with pytest.raises(ValueError, match="stop: the module 'unused' does not run"):
        read_network(module.eval(), randn(1, 3), stop="unused")


# ---------------------------------------------------------------- precision


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_weights_are_taken_exactly(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 5), nn.LeakyReLU(), nn.Linear(5, 2)).to(dtype).eval()
    network = read_network(module, randn(2, 3))
    first = network.nodes[1].step
    assert torch.equal(first.weight, module[0].weight.detach().double())
    assert torch.equal(first.bias, module[0].bias.detach().double())
    x = randn(5, 3)
    torch.testing.assert_close(network(x), module.double()(x).detach())


def test_casts_inside_change_no_number() -> None:
    class Cast(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(3, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.linear(x.float()).to(torch.bfloat16).relu().to(x.dtype) + x

    module = Cast().eval()
    assert steps(read_network(module, randn(2, 3))) == ["Input", "Linear", "Pieces", "Sum"]


def test_what_is_computed_in_less_precision_may_differ_as_much() -> None:
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(30, 30)

        def forward(self, x: Tensor) -> Tensor:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                return self.linear(x).relu().float()

    module = Mixed().eval()
    step = read_network(module, randn(2, 30)).nodes[1].step
    assert torch.equal(step.weight, module.linear.weight.detach().bfloat16().double())


def test_modules_are_read_in_inference_mode() -> None:
    with torch.inference_mode():
        module = nets.cnn()
        network, x = nets.read(module, 1, 6, 6), randn(3, 1, 6, 6)
        torch.testing.assert_close(network(x), module(x))
    network = nets.read(module, 1, 6, 6)
    with torch.no_grad():
        torch.testing.assert_close(network(x), module(x))


def test_numpy_examples_are_read() -> None:
    module = nets.mlp(3, 4, 1)
    network = read_network(module, np.zeros((1, 3), np.float32))
    assert network.output_shape == (1,)
    network = read_network(module, (np.zeros((2, 3)),))
    assert network.output_shape == (1,)


def test_what_is_read_is_of_few_kinds() -> None:
    """A shuffle of channels between groups, as ShuffleNet has it: three nodes."""

    def operation(x: Tensor) -> Tensor:
        left, right = x.chunk(2, 1)
        both = torch.cat([left, right.relu()], 1)
        return both.view(len(x), 2, 2, 3).transpose(1, 2).flatten(1, 2)

    network = need_alike(Op(operation), (4, 3))
    kinds = {type(node.step) for node in network.nodes[1:]}
    assert kinds <= {Gather, Concat, Pieces, Scale}
    assert math.prod(network.output_shape) == 12
