"""Every operation that is read, in each of its spellings, against what torch computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from splinecode import Network, read_network

Operation = Callable[[Any], Any]


def randn(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


class Op(nn.Module):
    """A module of one function."""

    def __init__(self, operation: Operation) -> None:
        super().__init__()
        self.operation = operation

    def forward(self, x: Tensor) -> Tensor:
        return self.operation(x)


def need_alike(module: nn.Module, shape: tuple[int, ...]) -> Network:
    """Read a module and compare the network with it to round-off, at inputs of several sizes."""
    module.double().eval()
    network = read_network(module, randn(2, *shape, seed=1))
    for scale in (0.5, 4.0):
        x = scale * randn(6, *shape, seed=2)
        with torch.no_grad():
            wanted = module(x)
        torch.testing.assert_close(network(x), wanted, rtol=1e-12, atol=1e-12)
    return network


def with_weights(make: Callable[[], nn.Module]) -> nn.Module:
    """Make a module with random weights and statistics."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        module = make()
        for name, value in [*module.named_parameters(), *module.named_buffers()]:
            if value.is_floating_point():
                value.uniform_(0.5, 2) if name.endswith("running_var") else value.normal_()
    return module


def cases(*named: tuple[str, Any, tuple[int, ...]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("make", "shape"), [pytest.param(make, shape, id=name) for name, make, shape in named]
    )


# ---------------------------------------------------------------- modules with weights

CONVS = [
    (f"{kind.__name__}-{name}", lambda kind=kind, settings=settings: kind(2, 4, **settings), shape)
    for kind, shape in (
        (nn.Conv1d, (2, 9)),
        (nn.Conv2d, (2, 7, 6)),
        (nn.Conv3d, (2, 5, 6, 5)),
    )
    for name, settings in (
        ("plain", {"kernel_size": 3}),
        ("no bias", {"kernel_size": 2, "bias": False}),
        ("groups", {"kernel_size": 3, "groups": 2}),
        ("stride", {"kernel_size": 3, "stride": 2, "padding": 1}),
        ("dilation", {"kernel_size": 2, "dilation": 3, "padding": 2}),
        ("same", {"kernel_size": 3, "padding": "same"}),
        ("same even", {"kernel_size": 2, "padding": "same", "dilation": 3}),
        ("valid", {"kernel_size": 3, "padding": "valid"}),
        ("reflect", {"kernel_size": 3, "padding": 2, "padding_mode": "reflect"}),
        ("replicate", {"kernel_size": 3, "padding": 2, "padding_mode": "replicate"}),
        ("circular", {"kernel_size": 3, "padding": 2, "padding_mode": "circular"}),
        (
            "same reflect",
            {"kernel_size": 4, "padding": "same", "padding_mode": "reflect"},
        ),
    )
]

TRANSPOSED = [
    (f"{kind.__name__}-{name}", lambda kind=kind, settings=settings: kind(2, 4, **settings), shape)
    for kind, shape in (
        (nn.ConvTranspose1d, (2, 5)),
        (nn.ConvTranspose2d, (2, 4, 3)),
        (nn.ConvTranspose3d, (2, 3, 2, 3)),
    )
    for name, settings in (
        ("plain", {"kernel_size": 3}),
        ("stride", {"kernel_size": 2, "stride": 2}),
        ("stride over kernel", {"kernel_size": 2, "stride": 3, "bias": False}),
        ("groups", {"kernel_size": 3, "stride": 2, "groups": 2, "padding": 1}),
        (
            "output padding",
            {"kernel_size": 3, "stride": 3, "padding": 2, "output_padding": 1},
        ),
        ("dilation", {"kernel_size": 2, "dilation": 2, "stride": 2, "padding": 1}),
        ("padding over reach", {"kernel_size": 1, "stride": 3, "padding": 1}),
    )
]


class BilinearWithConstant(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.bilinear = nn.Bilinear(3, 2, 4)
        self.other = nn.Parameter(torch.zeros(2))

    def forward(self, x: Tensor) -> Tensor:
        return self.bilinear(x, self.other.expand(len(x), 2))


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@cases(
    ("Linear", lambda: nn.Linear(3, 4), (3,)),
    ("Linear of no bias", lambda: nn.Linear(3, 4, bias=False), (3,)),
    ("Linear over tokens", lambda: nn.Linear(3, 4), (5, 3)),
    *CONVS,
    *TRANSPOSED,
    ("BatchNorm1d", lambda: nn.BatchNorm1d(3), (3,)),
    ("BatchNorm1d over time", lambda: nn.BatchNorm1d(3), (3, 4)),
    ("BatchNorm2d", lambda: nn.BatchNorm2d(3), (3, 4, 2)),
    ("BatchNorm2d plain", lambda: nn.BatchNorm2d(3, affine=False), (3, 4, 2)),
    ("BatchNorm3d", lambda: nn.BatchNorm3d(2), (2, 3, 2, 2)),
    (
        "InstanceNorm of statistics",
        lambda: nn.InstanceNorm2d(2, track_running_stats=True, affine=True),
        (2, 3, 3),
    ),
    ("PReLU", nn.PReLU, (3, 4)),
    ("PReLU per channel", lambda: nn.PReLU(3), (3, 4)),
    ("PReLU per channel, flat", lambda: nn.PReLU(3), (3,)),
    ("Bilinear with a constant", BilinearWithConstant, (3,)),
)
def test_modules_with_weights(make: Callable[[], nn.Module], shape: tuple[int, ...]) -> None:
    need_alike(with_weights(make), shape)


# ---------------------------------------------------------------- kinks

LIMIT = randn(4, seed=5)


@cases(
    ("nn.ReLU", nn.ReLU, (4,)),
    ("nn.ReLU in place", lambda: nn.ReLU(inplace=True), (4,)),
    ("relu", lambda: Op(torch.relu), (4,)),
    ("relu_", lambda: Op(lambda x: torch.relu_(x + 0)), (4,)),
    ("F.relu", lambda: Op(functional.relu), (4,)),
    ("x.relu()", lambda: Op(lambda x: x.relu()), (4,)),
    ("nn.LeakyReLU", lambda: nn.LeakyReLU(0.3), (4,)),
    ("nn.LeakyReLU below 0", lambda: nn.LeakyReLU(-0.3), (4,)),
    ("F.leaky_relu", lambda: Op(functional.leaky_relu), (4,)),
    ("F.leaky_relu_", lambda: Op(lambda x: functional.leaky_relu_(x + 0, 0.2)), (4,)),
    ("F.prelu", lambda: Op(lambda x: functional.prelu(x, LIMIT)), (4, 2)),
    ("torch.prelu", lambda: Op(lambda x: torch.prelu(x, LIMIT[:1])), (4, 2)),
    ("nn.RReLU", lambda: nn.RReLU(0.1, 0.5), (4,)),
    ("F.rrelu", lambda: Op(functional.rrelu), (4,)),
    ("nn.ReLU6", nn.ReLU6, (4,)),
    ("F.relu6", lambda: Op(functional.relu6), (4,)),
    ("nn.Hardtanh", lambda: nn.Hardtanh(-0.5, 2), (4,)),
    ("nn.Hardtanh in place", lambda: nn.Hardtanh(inplace=True), (4,)),
    ("F.hardtanh", lambda: Op(functional.hardtanh), (4,)),
    ("nn.Threshold", lambda: nn.Threshold(0.5, 0.5), (4,)),
    ("F.threshold", lambda: Op(lambda x: functional.threshold(x, -1, -1)), (4,)),
    ("nn.Hardsigmoid", nn.Hardsigmoid, (4,)),
    ("F.hardsigmoid", lambda: Op(functional.hardsigmoid), (4,)),
    ("nn.Softshrink", lambda: nn.Softshrink(0.7), (4,)),
    ("F.softshrink", lambda: Op(functional.softshrink), (4,)),
    ("abs", lambda: Op(torch.abs), (4,)),
    ("abs()", lambda: Op(abs), (4,)),
    ("clamp", lambda: Op(lambda x: x.clamp(-0.5, 1)), (4,)),
    ("clip", lambda: Op(lambda x: torch.clip(x, min=-0.5)), (4,)),
    ("clamp from above", lambda: Op(lambda x: x.clamp(max=0.5)), (4,)),
    ("clamp by tensors", lambda: Op(lambda x: x.clamp(LIMIT, LIMIT + 1)), (2, 4)),
    ("clamp by one tensor", lambda: Op(lambda x: torch.clamp(x, max=LIMIT)), (2, 4)),
    ("clamp to a point", lambda: Op(lambda x: x.clamp(1, 1) + x), (4,)),
    ("clamp crossed", lambda: Op(lambda x: x.clamp(1, 0) + x), (4,)),
    ("clamp in place", lambda: Op(lambda x: (2 * x).clamp_(0, 1)), (4,)),
    ("clamp_min", lambda: Op(lambda x: x.clamp_min(0.25)), (4,)),
    ("clamp_max", lambda: Op(lambda x: torch.clamp_max(x, 0.25)), (4,)),
    ("clamp to infinity", lambda: Op(lambda x: x.clamp(0, float("inf"))), (4,)),
    ("maximum", lambda: Op(lambda x: torch.maximum(x[:, :2], x[:, 2:])), (4,)),
    ("minimum", lambda: Op(lambda x: torch.minimum(x[:, :2], x[:, 2:])), (4,)),
    ("max of two", lambda: Op(lambda x: torch.max(x, 2 * x.flip(1))), (4,)),
    ("min of two", lambda: Op(lambda x: x.min(x.roll(1, 1))), (4,)),
    ("fmax", lambda: Op(lambda x: torch.fmax(x, -x)), (4,)),
    ("maximum of a constant", lambda: Op(lambda x: torch.maximum(LIMIT, x)), (3, 4)),
    ("minimum of a constant", lambda: Op(lambda x: torch.minimum(x, LIMIT)), (3, 4)),
    ("maximum broadcast", lambda: Op(lambda x: torch.maximum(x[:, :1], x[:, :, :1])), (3, 4)),
    ("amax", lambda: Op(lambda x: x.amax(1)), (3, 4)),
    ("amax of axes", lambda: Op(lambda x: x.amax((1, 3), keepdim=True)), (3, 2, 4)),
    ("amin", lambda: Op(lambda x: torch.amin(x, -1)), (3, 4)),
    ("max(dim).values", lambda: Op(lambda x: x.max(dim=2).values), (3, 4)),
    ("max(dim)[0], kept", lambda: Op(lambda x: torch.max(x, 1, keepdim=True)[0]), (3, 4)),
    ("min(dim).values", lambda: Op(lambda x: x.min(-1).values), (3, 4)),
    ("hinges of both signs", lambda: Op(lambda x: x.relu() - (-x).relu()), (4,)),
)
def test_kinks(make: Callable[[], nn.Module], shape: tuple[int, ...]) -> None:
    assert need_alike(make(), shape).n_bits > 0


# ---------------------------------------------------------------- pools


def pools(kind: str) -> list[tuple[str, Callable[[], nn.Module], tuple[int, ...]]]:
    """Return pools over 1, 2 and 3 axes."""
    settings: dict[str, dict[str, Any]] = {
        "plain": {"kernel_size": 2},
        "stride": {"kernel_size": 3, "stride": 2},
        "padding": {"kernel_size": 3, "stride": 2, "padding": 1},
        "ceil": {"kernel_size": 2, "ceil_mode": True},
        "ceil, padding": {"kernel_size": 3, "stride": 3, "padding": 1, "ceil_mode": True},
    }
    if kind == "MaxPool":
        settings["dilation"] = {"kernel_size": 2, "stride": 1, "dilation": 2, "padding": 1}
    else:
        settings["inside"] = settings["padding"] | {"count_include_pad": False}
        settings["inside, ceil"] = settings["ceil, padding"] | {"count_include_pad": False}
    made = []
    for axes, shape in ((1, (2, 7)), (2, (2, 7, 5)), (3, (1, 5, 4, 5))):
        pool = getattr(nn, f"{kind}{axes}d")
        more = {"divisor": {"kernel_size": 2, "divisor_override": 3}} if axes > 1 else {}
        for name, some in (settings | (more if kind == "AvgPool" else {})).items():
            made.append(
                (f"{pool.__name__}-{name}", lambda pool=pool, some=some: pool(**some), shape)
            )
    return made


@cases(
    *pools("MaxPool"),
    *pools("AvgPool"),
    ("uneven window", lambda: nn.MaxPool2d((3, 2), (1, 2), (1, 0)), (2, 5, 6)),
    ("F.max_pool2d", lambda: Op(lambda x: functional.max_pool2d(x, 2)), (2, 4, 4)),
    ("F.max_pool1d", lambda: Op(lambda x: functional.max_pool1d(x, 3, 2, 1)), (2, 8)),
    ("F.avg_pool2d", lambda: Op(lambda x: functional.avg_pool2d(x, 2)), (2, 4, 4)),
    ("AdaptiveAvgPool1d", lambda: nn.AdaptiveAvgPool1d(3), (2, 7)),
    ("AdaptiveAvgPool2d", lambda: nn.AdaptiveAvgPool2d((3, None)), (2, 7, 5)),
    ("AdaptiveAvgPool2d of one", lambda: nn.AdaptiveAvgPool2d(1), (2, 7, 5)),
    ("AdaptiveAvgPool2d larger", lambda: nn.AdaptiveAvgPool2d(5), (2, 3, 2)),
    ("AdaptiveAvgPool3d", lambda: nn.AdaptiveAvgPool3d((2, 1, 3)), (2, 3, 4, 5)),
    ("AdaptiveMaxPool1d", lambda: nn.AdaptiveMaxPool1d(3), (2, 7)),
    ("AdaptiveMaxPool2d", lambda: nn.AdaptiveMaxPool2d((3, 2)), (2, 7, 5)),
    ("AdaptiveMaxPool3d", lambda: nn.AdaptiveMaxPool3d((2, 1, 3)), (2, 3, 4, 5)),
    (
        "F.adaptive_max_pool2d",
        lambda: Op(lambda x: functional.adaptive_max_pool2d(x, 2)),
        (1, 3, 3),
    ),
    (
        "max pool after padding with -inf",
        lambda: Op(
            lambda x: functional.max_pool2d(functional.pad(x, (1, 1), value=-float("inf")), 3)
        ),
        (2, 6, 4),
    ),
    (
        "LPPool of order 1 by parts",
        lambda: Op(lambda x: 4 * functional.avg_pool1d(x.abs(), 4)),
        (2, 8),
    ),
    ("MaxPool of two unlike", lambda: nn.Sequential(nn.MaxPool1d(2, 1), nn.MaxPool1d(2)), (2, 7)),
)
def test_pools(make: Callable[[], nn.Module], shape: tuple[int, ...]) -> None:
    need_alike(make(), shape)


# ---------------------------------------------------------------- affine functions

C = randn(3, 4, seed=3)
M = randn(4, 4, seed=4)
BATCH = randn(3, 4, 5, seed=6)
KERNEL = randn(2, 3, 3, 3, seed=7)
GRID = torch.tanh(randn(1, 3, 3, 2, seed=8))


def _plus_equals(x: Tensor) -> Tensor:
    y = 2 * x
    y += x
    y[:, 1] -= 1
    y *= 2
    return y


@cases(
    ("add a number", lambda x: x + 2, (3, 4)),
    ("add a tensor", lambda x: C + x, (3, 4)),
    ("add, broadcast", lambda x: x + C[:, :1], (3, 4)),
    ("add that makes larger", lambda x: x[:, None] + C, (4,)),
    ("add with alpha", lambda x: torch.add(x, C, alpha=3), (3, 4)),
    ("add a constant first, alpha", lambda x: torch.add(C, x, alpha=-3), (3, 4)),
    ("add in place", lambda x: (2 * x).add_(1), (3, 4)),
    ("+=", _plus_equals, (3, 4)),
    ("sub", lambda x: x - C, (3, 4)),
    ("sub from", lambda x: 1 - x, (3, 4)),
    ("rsub", lambda x: torch.rsub(x, C, alpha=2), (3, 4)),
    ("neg", lambda x: -x, (3, 4)),
    ("mul", lambda x: 3 * x * C, (3, 4)),
    ("mul by 0", lambda x: 0 * x + 1, (3, 4)),
    ("div", lambda x: x / 3 / C, (3, 4)),
    ("true_divide", lambda x: torch.true_divide(x, 7), (3, 4)),
    ("residual", lambda x: x + x.flip(1), (3, 4)),
    ("residual, twice the same", lambda x: x + x, (3, 4)),
    ("residual, alpha", lambda x: torch.sub(x, x.flip(1), alpha=0.5), (3, 4)),
    ("residual, broadcast", lambda x: x + x[:, :1], (3, 4)),
    ("addcmul", lambda x: torch.addcmul(x, C, x.flip(1), value=2), (3, 4)),
    ("lerp", lambda x: torch.lerp(x, x.flip(1), 0.3), (3, 4)),
    ("sum of a list", lambda x: sum([x, 2 * x, C]), (3, 4)),
    ("mean over axes", lambda x: x.mean((1, 3)), (3, 2, 4)),
    ("mean, kept", lambda x: torch.mean(x, -1, keepdim=True), (3, 4)),
    ("sum", lambda x: x.sum(1), (3, 4)),
    ("sum, kept", lambda x: x.sum((-1, -2), keepdim=True), (3, 4)),
    ("cumsum", lambda x: x.cumsum(1), (3, 4)),
    ("centred", lambda x: x - x.mean(1, keepdim=True), (3, 4)),
    ("matmul", lambda x: x @ M, (3, 4)),
    ("matmul from the left", lambda x: C @ x, (4, 5)),
    ("matmul of a vector", lambda x: x @ C[0], (3, 4)),
    ("matmul of rows", lambda x: torch.matmul(x, M), (4,)),
    ("matmul of a stack", lambda x: x @ BATCH, (3, 2, 4)),
    ("matmul by a stack from the left", lambda x: BATCH.mT @ x, (3, 4, 2)),
    ("bmm", lambda x: torch.bmm(x, C.T.expand(len(x), 4, 3)), (3, 4)),
    ("mm", lambda x: torch.mm(x, M), (4,)),
    ("addmm", lambda x: torch.addmm(C[0], x, M, beta=2, alpha=3), (4,)),
    ("addmm of values", lambda x: torch.addmm(x, x, M), (4,)),
    ("baddbmm", lambda x: torch.baddbmm(x, x, M.expand(len(x), 4, 4), beta=2), (3, 4)),
    ("F.linear", lambda x: functional.linear(x, C, C[:, 0]), (5, 4)),
    ("F.linear, no bias", lambda x: functional.linear(x, C), (4,)),
    ("einsum", lambda x: torch.einsum("bij,jk->bik", x, M), (3, 4)),
    ("einsum over two axes", lambda x: torch.einsum("bij,ij->b", x, C)[:, None], (3, 4)),
    ("einsum of heads", lambda x: torch.einsum("bhk,hkm->bhm", x, BATCH), (3, 4)),
    ("einsum from the left", lambda x: torch.einsum("ij,bjk->bik", C, x), (4, 2)),
    ("tensordot", lambda x: torch.tensordot(x, C.T, dims=1), (2, 4)),
    ("F.conv2d", lambda x: functional.conv2d(x, KERNEL, padding=1), (3, 4, 4)),
    ("F.conv1d", lambda x: functional.conv1d(x, KERNEL[0], padding="same"), (3, 4)),
    (
        "F.conv_transpose2d",
        lambda x: functional.conv_transpose2d(x, KERNEL.transpose(0, 1)),
        (3, 2, 2),
    ),
    (
        "F.batch_norm",
        lambda x: functional.batch_norm(x, C[:, 0], C[:, 1] ** 2, C[:, 2], C[:, 3]),
        (3, 4),
    ),
    (
        "F.grid_sample",
        lambda x: functional.grid_sample(x, GRID.expand(len(x), -1, -1, -1), align_corners=False),
        (2, 3, 4),
    ),
    ("F.fold", lambda x: functional.fold(x, (3, 3), 2), (4, 4)),
    ("index_add", lambda x: x.index_add(1, torch.tensor([0, 0]), x[:, 1:]), (3, 2)),
)
def test_affine_functions(make: Operation, shape: tuple[int, ...]) -> None:
    assert need_alike(Op(make), shape).n_bits == 0


# ---------------------------------------------------------------- movement

ORDER = torch.tensor([2, 0, 0, 1])
MASK = torch.tensor([True, False, True])


def _written(x: Tensor) -> Tensor:
    out = torch.zeros(len(x), 4, 5, dtype=x.dtype)
    out[:, :3, 1:] = x
    out[:, 3] = 2
    return out


def _through_a_view(x: Tensor) -> Tensor:
    out = x.clone()
    top = out[:, 0]
    top += 1
    out[:, 1, 2:] = x[:, 2, :2]
    return out


@cases(
    ("cat", lambda x: torch.cat([x, 2 * x, x[:, :1]], 1), (3, 4)),
    ("cat of constants", lambda x: torch.cat([C.expand(len(x), 3, 4), x], 1), (3, 4)),
    ("stack", lambda x: torch.stack([x, -x], 2), (3, 4)),
    ("split", lambda x: x.split([1, 2], 1)[1], (3, 4)),
    ("split evenly", lambda x: torch.split(x, 2, 2)[1], (3, 4)),
    ("chunk", lambda x: sum(x.chunk(2, -1)), (3, 4)),
    ("tensor_split", lambda x: torch.tensor_split(x, 3, -1)[0], (3, 4)),
    ("slice", lambda x: x[:, 1:, ::2], (3, 4)),
    ("select", lambda x: x[:, 1] + x.select(1, 2), (3, 4)),
    ("ellipsis and None", lambda x: x[..., None, 1:3], (3, 4)),
    ("index_select", lambda x: x.index_select(1, ORDER), (3, 4)),
    ("narrow", lambda x: x.narrow(2, 1, 2), (3, 4)),
    ("unbind", lambda x: x.unbind(1)[2], (3, 4)),
    ("index", lambda x: x[:, ORDER], (3, 4)),
    ("index by list", lambda x: x[:, [2, 1], [0, 3]], (3, 4)),
    ("index by mask", lambda x: x[:, MASK], (3, 4)),
    ("gather", lambda x: x.gather(1, ORDER.expand(len(x), 1, 4)), (3, 4)),
    ("take_along_dim", lambda x: x.take_along_dim(ORDER[None, :, None], 1), (3, 4)),
    ("reshape", lambda x: x.reshape(len(x), 2, 6), (3, 4)),
    ("view", lambda x: x.view(x.size(0), -1), (3, 4)),
    ("reshape over the batch", lambda x: (x.reshape(-1, 4) @ M).reshape(-1, 3, 4), (3, 4)),
    ("flatten", lambda x: x.flatten(1), (3, 4)),
    ("nn.Flatten", nn.Flatten(2), (3, 2, 2)),
    ("unflatten", lambda x: x.unflatten(2, (2, 2)), (3, 4)),
    ("nn.Unflatten", nn.Unflatten(1, (3, 1)), (3, 4)),
    ("permute", lambda x: x.permute(0, 3, 1, 2), (3, 2, 4)),
    ("transpose", lambda x: x.transpose(1, 2), (3, 4)),
    ("mT", lambda x: x.mT, (3, 4)),
    ("batch moved and back", lambda x: (x.permute(1, 2, 0) + 1).permute(2, 0, 1), (3, 4)),
    ("movedim", lambda x: x.movedim(1, -1), (3, 2, 4)),
    ("squeeze", lambda x: x.squeeze(1), (1, 4)),
    ("unsqueeze", lambda x: x.unsqueeze(1), (3, 4)),
    ("expand", lambda x: x[:, None].expand(-1, 2, -1, -1), (3, 4)),
    ("repeat", lambda x: x.repeat(1, 2, 3), (3, 4)),
    ("tile", lambda x: torch.tile(x, (1, 1, 2)), (3, 4)),
    ("repeat_interleave", lambda x: x.repeat_interleave(2, 1), (3, 4)),
    ("flip", lambda x: x.flip(1, 2), (3, 4)),
    ("roll", lambda x: x.roll((1, -1), (1, 2)), (3, 4)),
    ("rot90", lambda x: x.rot90(1, (1, 2)), (3, 4)),
    ("diagonal", lambda x: x.diagonal(0, 1, 2), (3, 4)),
    ("tril", lambda x: x.tril(), (3, 4)),
    ("where", lambda x: torch.where(MASK[:, None], x, C), (3, 4)),
    ("masked_fill", lambda x: x.masked_fill(MASK[:, None], 2.5), (3, 4)),
    ("unfold", lambda x: x.unfold(2, 2, 1), (3, 4)),
    ("F.unfold", lambda x: functional.unfold(x, 2), (2, 3, 3)),
    ("F.pad", lambda x: functional.pad(x, (1, 2)), (3, 4)),
    ("F.pad with a value", lambda x: functional.pad(x, (1, 2, 0, 1), value=-1.5), (3, 4)),
    ("F.pad that cuts", lambda x: functional.pad(x, (-1, 1)), (3, 4)),
    ("F.pad, reflect", lambda x: functional.pad(x, (1, 2), mode="reflect"), (3, 4)),
    ("F.pad, replicate", lambda x: functional.pad(x, (1, 2, 2, 0), mode="replicate"), (2, 3, 4)),
    ("F.pad, circular", lambda x: functional.pad(x, (1, 2, 2, 0), mode="circular"), (2, 3, 4)),
    ("nn.ConstantPad1d", nn.ConstantPad1d(2, 0.5), (3, 4)),
    ("nn.ZeroPad2d", nn.ZeroPad2d(1), (2, 3, 4)),
    ("nn.ReflectionPad2d", nn.ReflectionPad2d(2), (2, 3, 4)),
    ("nn.ReflectionPad3d", nn.ReflectionPad3d(1), (2, 3, 2, 2)),
    ("nn.ReplicationPad3d", nn.ReplicationPad3d(1), (2, 3, 2, 2)),
    ("nn.CircularPad1d", nn.CircularPad1d(2), (2, 4)),
    ("nn.PixelShuffle", nn.PixelShuffle(2), (8, 2, 3)),
    ("nn.PixelUnshuffle", nn.PixelUnshuffle(2), (2, 4, 6)),
    ("nn.ChannelShuffle", nn.ChannelShuffle(2), (4, 2, 3)),
    ("nn.Identity", nn.Identity(), (3, 4)),
    ("nn.Dropout", nn.Dropout(0.5), (3, 4)),
    ("nn.Dropout2d", nn.Dropout2d(0.5), (3, 4, 2)),
    ("F.dropout", lambda x: functional.dropout(x, training=False), (3, 4)),
    ("contiguous", lambda x: x.mT.contiguous().view(len(x), 12), (3, 4)),
    ("clone, detach", lambda x: x.clone().detach().data, (3, 4)),
    ("to", lambda x: x.to(torch.float64).double().type_as(C).cpu(), (3, 4)),
    ("zeros made inside", lambda x: torch.cat([x, torch.zeros(len(x), 1, 4).double()], 1), (3, 4)),
    ("zeros_like", lambda x: torch.stack([x, torch.zeros_like(x), torch.ones_like(x)], 1), (3, 4)),
    ("new_full", lambda x: torch.cat([x, x.new_full((len(x), 2, 4), 1.5)], 1), (3, 4)),
    ("written into zeros", _written, (3, 4)),
    ("written through a view", _through_a_view, (3, 4)),
    ("arange made inside", lambda x: x * torch.arange(4), (3, 4)),
    ("tensor made inside", lambda x: x + torch.tensor([1.0, 2, 3, 4], dtype=x.dtype), (3, 4)),
    ("meshgrid made inside", lambda x: x + torch.linspace(0, 1, 12).double().view(3, 4), (3, 4)),
)
def test_movement(make: Operation | nn.Module, shape: tuple[int, ...]) -> None:
    need_alike(make if isinstance(make, nn.Module) else Op(make), shape)


# ---------------------------------------------------------------- interpolation


@cases(
    *(
        (f"{mode}, {corners}, {name}", (mode, corners, settings), shape)
        for mode, shape in (
            ("linear", (2, 5)),
            ("bilinear", (2, 3, 4)),
            ("bicubic", (2, 5, 4)),
            ("trilinear", (1, 3, 2, 3)),
        )
        for corners in (False, True)
        for name, settings in (
            ("twice", {"scale_factor": 2}),
            ("7", {"size": 7}),
            ("2", {"size": 2}),
        )
    ),
    *(
        (f"{mode}, {name}, {len(shape) - 1} axes", (mode, None, settings), shape)
        for mode in ("nearest", "nearest-exact", "area")
        for shape in ((2, 5), (2, 3, 4), (1, 3, 2, 3))
        for name, settings in (("twice", {"scale_factor": 2}), ("7", {"size": 7}))
    ),
    ("scales of each axis", ("bilinear", False, {"scale_factor": (1.5, 0.6)}), (2, 4, 5)),
    (
        "scale recomputed",
        ("bilinear", False, {"scale_factor": 1.3, "recompute_scale_factor": True}),
        (2, 4, 5),
    ),
    ("antialiased", ("bilinear", False, {"size": 3, "antialias": True}), (2, 7, 6)),
    ("antialiased cubic", ("bicubic", False, {"size": 3, "antialias": True}), (2, 7, 6)),
)
def test_interpolation(
    make: tuple[str, bool | None, dict[str, Any]], shape: tuple[int, ...]
) -> None:
    mode, corners, settings = make
    need_alike(
        Op(lambda x: functional.interpolate(x, mode=mode, align_corners=corners, **settings)), shape
    )


def test_upsampling_modules() -> None:
    need_alike(nn.Upsample(scale_factor=2, mode="bicubic", align_corners=True), (1, 3, 3))
    need_alike(nn.UpsamplingNearest2d(scale_factor=3), (1, 3, 3))
    need_alike(nn.UpsamplingBilinear2d(size=(4, 5)), (1, 3, 3))
