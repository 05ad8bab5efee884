"""The field's networks: read as torch computes them, walked as the rational oracle walks them."""

import pytest
import torch
from torch import nn

import models
import nets
from splinecode import crossings

every_model = pytest.mark.parametrize("name", models.MODELS)
SHARE_MAXIMA = ("resnet", "densenet", "googlenet")
"""Models with overlapping pools: windows that share their maxima cross at one t, true ties."""

every_size = pytest.mark.parametrize("size", ["tiny", "normal"])


def randn(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


# ---------------------------------------------------------------- the modules themselves


@every_size
@every_model
def test_activity_survives_depth(name: str, size: str) -> None:
    module, shape = models.make(name, size)
    signs = []
    for part in module.modules():
        if isinstance(part, nn.ReLU | nn.ReLU6):
            part.register_forward_pre_hook(lambda _, z: signs.append(z[0] > 0))
    out = module(randn(16, *shape))
    assert len(out) == 16
    assert 0.1 < out.std() < 10
    assert all(0.05 < on.double().mean() < 0.98 for on in signs)


@every_model
def test_a_seed_makes_one_model_and_leaves_the_global_generator(name: str) -> None:
    state = torch.random.get_rng_state()
    once, again, other = (models.make(name, seed=seed)[0].state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(once[key], again[key]) for key in once)
    assert any(not torch.equal(once[key], other[key]) for key in once)


def test_models_are_of_the_dtype_asked_for_and_evaluate() -> None:
    module, _ = models.make("resnet", dtype=torch.float32)
    assert {parameter.dtype for parameter in module.parameters()} == {torch.float32}
    assert not any(part.training for part in module.modules())


def test_resnets_of_full_size_have_the_published_number_of_parameters() -> None:
    shape, classes = (3, 224, 224), 1000
    with torch.device("meta"):
        resnet18 = models.ResNet(shape, models.BasicBlock, (2, 2, 2, 2), 64, classes)
        resnet50 = models.ResNet(shape, models.Bottleneck, (3, 4, 6, 3), 64, classes)
    assert sum(parameter.numel() for parameter in resnet18.parameters()) == 11_689_512
    assert sum(parameter.numel() for parameter in resnet50.parameters()) == 25_557_032


# ---------------------------------------------------------------- read and walked


@every_size
@every_model
def test_a_network_computes_what_the_module_does(name: str, size: str) -> None:
    module, shape = models.make(name, size)
    network, x = nets.read(module, *shape), randn(4, *shape)
    torch.testing.assert_close(network(x), module(x).detach(), rtol=1e-11, atol=1e-11)


@every_model
def test_crossings_are_the_oracles_and_are_proven_on_demand(name: str) -> None:
    """The proven bound on t grows with depth: the deepest here reaches 1e-4, t itself is 1e-15."""
    module, shape = models.make(name)
    network, ends = nets.read(module, *shape), 2 * randn(2, *shape, seed=4)
    found, proven = crossings(network, *ends), crossings(network, *ends, certify=True)
    wanted = nets.oracle_of(network, *ends)
    nets.need_equal(found, wanted, largest_error=1e-3)
    nets.need_equal(proven, wanted, largest_error=1e-3)
    assert len(found.t) > 10
    assert name in SHARE_MAXIMA or not found.ambiguous.any()
    assert proven.certified.all()
