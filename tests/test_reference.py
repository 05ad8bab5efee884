"""The plain-PyTorch versions against the specification."""

from fractions import Fraction
from itertools import chain

import numpy as np
import pytest
import torch
from torch import nn

import nets
import oracle
from splinecode import Codes, lens, pack, reference, slice_2d


def codes(rows: int, bits: int, seed: int) -> torch.Tensor:
    return torch.rand(rows, bits, generator=torch.Generator().manual_seed(seed)) > 0.5


# ---------------------------------------------------------------- codes


def test_bool_codes() -> None:
    z = torch.tensor([[1.0, 0.0, -0.0, -1.0, float("nan")]])
    assert reference.bool_codes(z).tolist() == oracle.codes_of(z.tolist())


@pytest.mark.parametrize("units", [1, 7, 8, 9, 64, 100])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_pack_is_packbits(units: int, dtype: torch.dtype) -> None:
    z = torch.randn(2, 3, units, generator=torch.Generator().manual_seed(units)).to(dtype)
    packed = reference.pack_torch(z)
    expected = np.packbits((z > 0).numpy(), axis=-1, bitorder="little")
    assert packed.dtype == torch.uint8
    assert np.array_equal(packed.numpy(), expected)


def test_pack_takes_any_strides() -> None:
    z = torch.randn(16, 5, generator=torch.Generator().manual_seed(0)).T
    assert torch.equal(reference.pack_torch(z), reference.pack_torch(z.contiguous()))


# ---------------------------------------------------------------- Hamming distances


def test_distances() -> None:
    a, b = codes(3, 37, seed=0), codes(5, 37, seed=1)
    matrix = oracle.hamming_matrix(a.tolist(), b.tolist())
    assert reference.xor_matrix(a, b).tolist() == matrix
    assert reference.xor_matrix(a, b).dtype == torch.int32
    assert reference.paired(a, b[:3]).tolist() == [matrix[i][i] for i in range(3)]


@pytest.mark.parametrize("chunk", [1, 4, 100])
@pytest.mark.parametrize("k", [1, 5, 23])
def test_topk_distances_are_exact(chunk: int, k: int) -> None:
    queries, database = codes(4, 19, seed=0), codes(23, 19, seed=1)
    distances, indices = reference.pm1_topk(queries, database, k, chunk)
    assert (distances.dtype, indices.dtype) == (torch.int32, torch.int64)
    assert distances.tolist() == oracle.top_k(queries.tolist(), database.tolist(), k)[0]
    assert torch.equal(reference.xor_matrix(queries, database).gather(1, indices), distances)
    assert all(len(set(row)) == k for row in indices.tolist())


@pytest.mark.parametrize("k", [0, 4])
def test_topk_refuses_k_outside_the_database(k: int) -> None:
    with pytest.raises(ValueError, match=r"1\.\.3"):
        reference.pm1_topk(codes(1, 8, seed=0), codes(3, 8, seed=1), k)


# ---------------------------------------------------------------- segments


def mlp() -> tuple[nn.Sequential, tuple[int, ...]]:
    layers = [nn.Linear(3, 12), nn.ReLU(), nn.Linear(12, 12), nn.ReLU(), nn.Linear(12, 2)]
    return nn.Sequential(*layers).double(), (3,)


def cnn() -> tuple[nn.Sequential, tuple[int, ...]]:
    convs = [nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.Conv2d(2, 3, 2, stride=2), nn.ReLU()]
    head = [nn.Flatten(), nn.Linear(12, 6), nn.ReLU(), nn.Linear(6, 2)]
    return nn.Sequential(*convs, *head).double(), (1, 4, 4)


def oracle_nodes(model: nn.Sequential, shape: tuple[int, ...]) -> list[oracle.Node]:
    """The oracle's copy of a chain of torch modules, numbers taken exactly."""
    nodes = [oracle.Node(oracle.Input())]
    x = torch.zeros(1, *shape, dtype=torch.float64)
    for module in model:
        inner, x = x, module(x)
        if not isinstance(module, nn.Flatten):
            nodes.append(oracle.Node(oracle_step(module, inner[0]), (len(nodes) - 1,)))
    return nodes


def oracle_step(module: nn.Module, x: torch.Tensor) -> oracle.Step:
    if isinstance(module, nn.ReLU):
        zero, one = [Fraction(0)] * x.numel(), [Fraction(1)] * x.numel()
        return oracle.Pieces([zero], [zero, one], [zero, zero])
    weight, bias = oracle.exactly(module.weight), oracle.exactly(module.bias)
    if isinstance(module, nn.Linear):
        return oracle.Linear(weight, bias)
    window = (module.stride, module.padding, module.dilation)
    return oracle.Conv(weight, bias, *window, module.groups, tuple(x.shape))


def case(seed: int, build: str) -> tuple[nn.Sequential, torch.Tensor, torch.Tensor]:
    torch.manual_seed(seed)
    model, shape = {"mlp": mlp, "cnn": cnn}[build]()
    a, b = 2 * torch.randn(2, *shape, dtype=torch.float64)
    return model, a, b


def truth(model: nn.Sequential, a: torch.Tensor, b: torch.Tensor) -> oracle.OracleResult:
    ends = oracle.exactly(torch.stack([a, b]).flatten(1))
    return oracle.crossings(oracle_nodes(model, tuple(a.shape)), *ends)


@pytest.mark.parametrize("build", ["mlp", "cnn"])
@pytest.mark.parametrize("seed", range(3))
def test_exact_crossings(build: str, seed: int) -> None:
    model, a, b = case(seed, build)
    events = truth(model, a, b).events
    t, layer, unit = reference.exact_crossings(model, a, b)
    assert len(events) >= 10
    assert list(zip(layer.tolist(), unit.tolist(), strict=True)) == [
        (event.layer, event.unit) for event in events
    ]
    assert t.tolist() == pytest.approx([float(event.t) for event in events], abs=1e-12)


@pytest.mark.parametrize("build", ["mlp", "cnn"])
def test_sampled_crossings(build: str) -> None:
    """Between 2 points the endpoint distance, between many every crossing, however batched."""
    model, a, b = case(0, build)
    result = truth(model, a, b)
    first, last = (list(chain(*result.codes[piece])) for piece in (0, -1))
    assert reference.sampled_crossings(model, a, b, 2) == oracle.hamming(first, last)
    assert reference.sampled_crossings(model, a, b, 5000, batch=999) == len(result.events)


def test_exact_crossings_keeps_the_dtype() -> None:
    model, a, b = case(0, "mlp")
    t, layer, unit = reference.exact_crossings(model.float(), a.float(), b.float())
    assert (t.dtype, layer.dtype, unit.dtype) == (torch.float32, torch.int64, torch.int64)


def test_no_relu_no_crossings() -> None:
    a, b = torch.randn(2, 3)
    assert [len(part) for part in reference.exact_crossings(nn.Sequential(), a, b)] == [0, 0, 0]


def test_exact_crossings_refuses_other_modules_by_name() -> None:
    with pytest.raises(TypeError, match="GELU"):
        reference.exact_crossings(nn.Sequential(nn.GELU()), torch.zeros(2), torch.ones(2))


def test_one_unit_by_hand() -> None:
    a, b = torch.tensor([-1.0]), torch.tensor([2.0])
    t, layer, unit = reference.exact_crossings(nn.Sequential(nn.ReLU()), a, b)
    assert t.tolist() == pytest.approx([1 / 3])
    assert (layer.tolist(), unit.tolist()) == ([0], [0])


def test_boundary_density_is_the_analysis_without_packing() -> None:
    generator = torch.Generator().manual_seed(0)
    rows = torch.rand(9, 75, generator=generator) < 0.5
    x, pairs = torch.randn(9, 4, generator=generator), torch.tensor([[0, 1], [5, 2], [8, 0]])
    packed = Codes(torch.cat([pack(rows[:, :70]), pack(rows[:, 70:])], 1), {"a": 70, "b": 5})
    found = lens.boundary_density(packed, x, pairs=pairs, resamples=0)
    theirs = reference.boundary_density(rows, [70, 5], x, pairs, chunk=2)
    assert np.allclose(found.endpoint, theirs.numpy(), rtol=1e-12)


# ---------------------------------------------------------------- slices


@pytest.mark.parametrize("seed", range(3))
def test_slice_regions_are_the_exact_slice(seed: int) -> None:
    torch.manual_seed(seed)
    net = nets.mlp(3, 9, 7, 2)
    points = torch.randn(3, 3, dtype=torch.float64)
    found = reference.slice_regions(net, *points, (-1, 2, -1, 1))
    exact = slice_2d(nets.read(net, 3), *points, (-1, 2, -1, 1))
    assert found.regions == len(exact)
    assert len(found.edges) == len(exact.edges)
    wanted = sorted(map(tuple, exact.vertices.round(9).tolist()))
    assert np.allclose(sorted(map(tuple, found.vertices.numpy().round(9).tolist())), wanted)


def test_slice_regions_refuse_other_modules() -> None:
    with pytest.raises(TypeError, match="no rule for a GELU"):
        reference.slice_regions(nn.Sequential(nn.GELU()), *torch.randn(3, 2), (0, 1, 0, 1))
