"""What is not read is refused by name: the operation, where it is, what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from splinecode import UnsupportedNetworkError, read_network
from test_reading import Op, randn

SMOOTH = "it is not piecewise linear; wanted a function with linear pieces"
NORM = "it divides by a norm or deviation of its input"
PRODUCT = "it multiplies"
JUMP = "it jumps"
MIXED = "it mixes the inputs of a batch"
CHANCE = "it draws random numbers"


def need_refusal(module: nn.Module, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(UnsupportedNetworkError, match=message):
        read_network(module.double().eval(), randn(2, *shape))


@pytest.mark.parametrize(
    ("part", "shape", "why"),
    [
        (nn.GELU(), (4,), SMOOTH),
        (nn.GELU("tanh"), (4,), SMOOTH),
        (nn.SiLU(), (4,), SMOOTH),
        (nn.Sigmoid(), (4,), SMOOTH),
        (nn.LogSigmoid(), (4,), SMOOTH),
        (nn.Tanh(), (4,), SMOOTH),
        (nn.Softmax(1), (4,), SMOOTH),
        (nn.LogSoftmax(1), (4,), SMOOTH),
        (nn.Softplus(), (4,), SMOOTH),
        (nn.ELU(), (4,), SMOOTH),
        (nn.CELU(), (4,), SMOOTH),
        (nn.SELU(), (4,), SMOOTH),
        (nn.Mish(), (4,), SMOOTH),
        (nn.Hardswish(), (4,), SMOOTH),
        (nn.GLU(), (4,), SMOOTH),
        (nn.Softsign(), (4,), "it divides by a value that depends on the input"),
        (nn.Tanhshrink(), (4,), SMOOTH),
        (nn.Hardshrink(), (4,), JUMP),
        (nn.Threshold(0.5, 0), (4,), "it jumps from 0 to 0.5 .*wanted value == threshold"),
        (nn.LayerNorm(4), (4,), NORM),
        (nn.RMSNorm(4), (4,), SMOOTH),
        (nn.GroupNorm(2, 4), (4, 2), NORM),
        (nn.InstanceNorm1d(4), (4, 3), "it divides by a"),
        (nn.BatchNorm1d(4, track_running_stats=False), (4,), "with track_running_stats=True"),
        (nn.LocalResponseNorm(2), (4, 3), PRODUCT),
        (nn.LPPool1d(2, 2), (4, 4), SMOOTH),
        (nn.MaxPool1d(2, 1, 1, dilation=5), (4, 4), "windows that hold more than padding"),
        (nn.FractionalMaxPool2d(2, 2), (4, 4, 4), CHANCE),
    ],
    ids=lambda value: repr(value) if isinstance(value, nn.Module) else "",
)
def test_modules(part: nn.Module, shape: tuple[int, ...], why: str) -> None:
    name = type(part).__name__
    need_refusal(
        nn.Sequential(nn.Sequential(nn.Identity(), part)), shape, f"{name} at '0.1' .*{why}"
    )


@pytest.mark.parametrize(
    ("name", "operation", "why"),
    [
        ("gelu", functional.gelu, SMOOTH),
        ("silu", functional.silu, SMOOTH),
        ("sigmoid", torch.sigmoid, SMOOTH),
        ("tanh", Tensor.tanh, SMOOTH),
        ("softmax", lambda x: x.softmax(-1), SMOOTH),
        ("hardswish", functional.hardswish, SMOOTH),
        ("pow", lambda x: x**2, SMOOTH),
        ("exp", torch.exp, SMOOTH),
        ("sqrt", lambda x: x.abs().sqrt(), SMOOTH),
        ("layer_norm", lambda x: functional.layer_norm(x, (4,)), NORM),
        ("normalize", functional.normalize, NORM),
        ("cosine_similarity", lambda x: functional.cosine_similarity(x, x.flip(1)), ""),
        ("var", lambda x: x.var(1), NORM),
        ("mul", lambda x: x * x.relu(), PRODUCT),
        ("mul", lambda x: x * functional.hardsigmoid(x), PRODUCT),
        ("div", lambda x: x / (x.abs() + 1), "it divides by a value that depends on the input"),
        ("div", lambda x: torch.div(x, 2, rounding_mode="floor"), "it rounds"),
        ("rdiv", lambda x: 1 / x, SMOOTH),
        ("div", lambda x: x / 0, "it divides by 0"),
        ("matmul", lambda x: x[:, None] @ x[:, :, None], PRODUCT),
        ("einsum", lambda x: torch.einsum("bi,bj->bij", x, x), PRODUCT),
        ("linear", lambda x: functional.linear(x[:1], x), PRODUCT),
        ("sign", torch.sign, JUMP),
        ("round", torch.round, JUMP),
        ("gt", lambda x: torch.where(x > 0, x, 0.1 * x), JUMP),
        ("argmax", lambda x: x.argmax(1), JUMP),
        ("sort", lambda x: x.sort(1).values, JUMP),
        ("topk", lambda x: x.topk(2, 1).values, JUMP),
        ("max", lambda x: x.max(1).indices.double(), "only its first result is read"),
        ("to", lambda x: x.to(torch.int64), "it rounds values to torch.int64, which jumps"),
        ("clamp", lambda x: x.clamp(min=x.flip(1)), "its parameters depend on the input"),
        ("rand_like", lambda x: x + torch.rand_like(x), CHANCE),
        ("dropout", functional.dropout, CHANCE),
        ("add", lambda x: x + float("nan"), "NaN or inf; wanted finite numbers"),
        ("sum", torch.sum, MIXED),
        ("max", torch.max, MIXED),
        ("mean", lambda x: x - x.mean(0), MIXED),
        ("amax", lambda x: x.amax(0, keepdim=True) + x, MIXED),
        ("cumsum", lambda x: x.cumsum(0), MIXED),
        ("mul", lambda x: torch.arange(1.0, len(x) + 1)[:, None] * x, MIXED),
        ("add", lambda x: x + x.flip(0), MIXED),
        ("add", lambda x: x + x[:1], MIXED),
        ("matmul", lambda x: x @ torch.ones(4, 2).double() @ x.T[:2], PRODUCT),
        ("fft_rfft", lambda x: torch.fft.rfft(x).real, "is unknown here"),
    ],
)
def test_functions(name: str, operation: Callable[[Any], Any], why: str) -> None:
    need_refusal(nn.Sequential(Op(operation)), (4,), f"^{name}\\(\\) at '0' is not read: .*({why})")


def test_flattening_the_batch_is_refused() -> None:
    need_refusal(nn.Flatten(0), (2, 2), r"the output has shape \(8,\) for a batch of 2; wanted")
    need_refusal(Op(lambda x: x.flip(0)), (3,), MIXED)
    need_refusal(Op(lambda x: x[0]), (3,), r"the output has shape \(3,\)")


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: x if x.sum() > 0 else -x,
        lambda x: x * float(x[0, 0]),
        lambda x: x[:, : int(x.abs().max().item())],
        lambda x: x if bool(x[0, 0] > 0) else -x,
        lambda x: x if torch.equal(x, x.relu()) else -x,
        lambda x: torch.tensor(x.mean().item()) + x,
    ],
)
def test_control_flow_that_depends_on_data_is_refused(operation: Callable[[Any], Any]) -> None:
    module = nn.Sequential(nn.ReLU(), Op(operation))
    why = "at '1' is not read: it gives Python a value .* control flow does not depend on data"
    need_refusal(module, (3,), why)


def test_what_leaves_torch_is_refused() -> None:
    why = "is not read: it fails where it is traced .*wanted a forward of torch's operators alone"
    need_refusal(Op(lambda x: x + torch.from_numpy(x.numpy())), (3,), why)


def test_attention_and_recurrence_are_refused() -> None:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(4, 2, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            return self.attention(x, x, x, need_weights=False)[0]

    need_refusal(Attention(), (3, 4), "is not read: ")

    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = nn.GRUCell(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.cell(x)

    need_refusal(Recurrent(), (4,), "is not read: ")


def test_what_changes_with_the_batch_is_found_out() -> None:
    need_refusal(Op(lambda x: x * len(x)), (3,), "differs from it on example_input")


def test_a_training_dropout_is_refused_as_chance() -> None:
    module = nn.Sequential(nn.Linear(3, 2), nn.Dropout())
    with pytest.raises(ValueError, match=r"training mode \(at its root\); call module.eval\(\)"):
        read_network(module, randn(1, 3))
    module.eval()[1].train()
    with pytest.raises(ValueError, match=r"training mode \(at 1\)"):
        read_network(module, randn(1, 3))


def test_bad_arguments_are_refused() -> None:
    net = nn.Sequential(nn.Linear(3, 2), nn.ReLU()).eval()
    with pytest.raises(TypeError, match="module is a list; wanted a torch.nn.Module"):
        read_network([net], randn(1, 3))
    with pytest.warns(DeprecationWarning, match="script"):
        script = torch.jit.script(net)
    with pytest.raises(TypeError, match="module is compiled to TorchScript; wanted the module"):
        read_network(script, randn(1, 3))
    with pytest.raises(ValueError, match=r"fails on a batch of 3 inputs of shape \(4,\)"):
        read_network(net, randn(1, 4))
    with pytest.raises(ValueError, match=r"example_input has shape \(3,\); wanted a batch"):
        read_network(net, randn(3))
    with pytest.raises(ValueError, match=r"example_input has shape \(0, 3\); wanted a batch"):
        read_network(net, randn(0, 3))
    with pytest.raises(TypeError, match="example_input is a"):
        read_network(net, "x")
    with torch.no_grad():
        net[0].bias[1] = float("nan")
    with pytest.raises(ValueError, match=r"0\.bias holds NaN or inf; wanted finite weights"):
        read_network(net, randn(1, 3))


def test_statistics_that_are_not_finite_are_refused() -> None:
    norm = nn.BatchNorm1d(3)
    norm.running_mean[1] = float("inf")
    need_refusal(norm, (3,), "NaN or inf")
