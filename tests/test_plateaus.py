"""Plateaus against loops, and Jacobian norms against whole Jacobians."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import oracle
from splinecode.lens import curves, plateaus
from splinecode.lens.paths.jacobians import jacobian_norms


def net(seed: int = 0, outputs: int = 3) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = (nn.Linear(4, 9), nn.ReLU(), nn.Linear(9, 8), nn.GELU(), nn.Linear(8, outputs))
        return nn.Sequential(*layers).double().eval()


def paths(seed: int = 0, n: int = 7) -> torch.Tensor:
    a, b = torch.from_numpy(np.random.default_rng(seed).normal(size=(2, 3, 4)) * 2)
    return curves.slerp_norm(a, b, n)


class Step(nn.Module):
    """A ramp of slope 1 from x = 0.4 to 0.6, flat elsewhere: ReLU(x - 0.4) - ReLU(x - 0.6)."""

    def __init__(self) -> None:
        super().__init__()
        self.relu = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        both = self.relu(torch.cat([x - 0.4, x - 0.6], dim=1))
        return both[:, :1] - both[:, 1:]


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(2, 9), st.sampled_from([0.0, 0.3, 0.8]))
def test_against_loops(seed: int, n: int, share: float) -> None:
    model, points = net(seed % 5), paths(seed, n)
    found = plateaus(model, points, share=share, jacobian="none")
    with torch.no_grad():
        hidden = model[0](points)
        bits = [hidden > 0, model[2](hidden.relu()) > 0]
        y = model(points)
    for p in range(3):
        lengths, change = [], []
        for i in range(n - 1):
            lengths.append(float((points[p, i + 1] - points[p, i]).norm()))
            change.append(float((y[p, i + 1] - y[p, i]).norm()))
            for layer in range(2):
                one, two = bits[layer][p, i].tolist(), bits[layer][p, i + 1].tolist()
                assert found.transitions[p, i, layer] == oracle.hamming(one, two)
        most = share * sum(change) / sum(lengths)
        flat = [c <= most * length for c, length in zip(change, lengths, strict=True)]
        best, longest = (0, 0), 0.0
        for i in range(n - 1):
            for j in range(i + 1, n):
                if all(flat[i:j]) and sum(lengths[i:j]) > longest * (1 + 1e-12):
                    best, longest = (i, j), sum(lengths[i:j])
        assert tuple(found.plateau[p]) == best
        assert np.isclose(found.plateau_share[p], longest / sum(lengths))
        assert np.allclose(found.output_change[p], change)
        assert np.allclose(found.sensitivity[p], np.divide(change, lengths))
        from_a, from_b = ((y[p] - y[p, end]).norm(dim=1) for end in (0, -1))
        assert np.allclose(found.relative_distance[p], from_a / (from_a + from_b))
    assert found.jacobian is None


def test_a_step_has_plateaus_on_both_sides() -> None:
    x = curves.linear(torch.zeros(1, 1), torch.ones(1, 1), 51)
    found = plateaus(Step().eval(), x)
    assert found.plateau.tolist() == [[0, 20]]
    assert np.isclose(found.plateau_share[0], 0.4)
    assert np.allclose(found.jacobian[0, :20], 0)
    assert np.allclose(found.jacobian[0, 21:30], 1)
    assert found.on_plateau().sum() == 20
    assert "1 of 1 paths of 50 steps have a plateau" in str(found)


def test_a_linear_map_has_no_plateau_and_a_constant_is_one() -> None:
    linear = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2)).double().eval()
    points = curves.linear(
        *torch.randn(2, 2, 4, generator=torch.Generator().manual_seed(0)).double(), 9
    )
    found = plateaus(linear, points, layers="0")
    assert found.plateau.tolist() == [[0, 0]] * 2
    assert not found.plateau_share.any()
    with torch.no_grad():
        linear[1].weight.zero_()
    still = plateaus(linear, points, layers="0")
    assert still.plateau.tolist() == [[0, 8]] * 2
    assert not still.jacobian.any()
    assert np.isnan(still.relative_distance).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("outputs", [1, 3])
def test_exact_jacobian_norms(outputs: int) -> None:
    model, x = net(outputs=outputs), paths().flatten(0, 1)
    norms = jacobian_norms(model, x, batch_size=5)
    whole = [torch.autograd.functional.jacobian(model, one[None]).norm() for one in x]
    assert np.allclose(norms.norm, torch.stack(whole))
    assert not norms.error.any()


def test_estimated_jacobian_norms() -> None:
    model, x = net(outputs=40), paths().flatten(0, 1)
    exact = jacobian_norms(model, x).norm
    rough = jacobian_norms(model, x, probes=400, seed=1)
    assert (abs(rough.norm - exact) < 5 * rough.error).all()
    assert (rough.error < 0.1 * exact).all()
    again = jacobian_norms(model, x, probes=400, seed=1)
    assert np.array_equal(again.norm, rough.norm)
    auto = plateaus(model, paths(), probes=4)
    assert auto.jacobian_error.any()
    assert auto.work["backward passes of a point"] == 21 * 4
    assert not plateaus(model, paths(), probes=4, jacobian="exact").jacobian_error.any()


@pytest.mark.parametrize(
    ("outputs", "jacobian", "probes", "passes"),
    [
        *((1, "estimate", n, n) for n in (2, 16)),
        *((3, "estimate", n, n) for n in (2, 16)),
        (3, "exact", 2, 3),
        (3, "auto", 2, 2),
        (3, "auto", 3, 3),
        (3, "none", 2, None),
    ],
)
def test_backward_passes_are_counted(
    outputs: int, jacobian: str, probes: int, passes: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, grad = [], torch.autograd.grad
    monkeypatch.setattr(
        torch.autograd, "grad", lambda y, *a, **b: done.append(y) or grad(y, *a, **b)
    )
    found = plateaus(net(outputs=outputs), paths(), jacobian=jacobian, probes=probes, batch_size=8)
    assert found.work.get("backward passes of a point") == (None if passes is None else 21 * passes)
    assert sum(len(y) for y in done) == 21 * (passes or 0)


def test_backward_passes_of_dead_and_constant_networks() -> None:
    dead = net()
    with torch.no_grad():
        dead[0].bias.fill_(-1e3)
    found = plateaus(dead, paths(), jacobian="estimate", probes=32)
    assert found.work["backward passes of a point"] == 21 * 32
    assert not found.jacobian.any()


class Constant(nn.Module):
    """An output with a graph that does not lead to the input, or with none."""

    def __init__(self, *, trained: bool) -> None:
        super().__init__()
        self.relu, self.weight = nn.ReLU(), nn.Parameter(torch.ones(2), requires_grad=trained)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.relu(x)
        return self.weight.expand(len(x), 2) * 2


@pytest.mark.parametrize("jacobian", ["exact", "estimate"])
@pytest.mark.parametrize("trained", [False, True])
def test_an_output_that_does_not_depend_on_the_input(jacobian: str, trained: bool) -> None:
    found = plateaus(Constant(trained=trained).eval(), paths(), jacobian=jacobian)
    assert found.jacobian.tolist() == [[0] * 7] * 3
    wanted = {"exact": 2, "estimate": 64}[jacobian] * 21 if trained else 0
    assert found.work["backward passes of a point"] == wanted


def test_modules_that_change_their_input_and_callers_without_grad() -> None:
    model = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(4, 2)).double().eval()
    points = paths()
    before = points.clone()
    with torch.inference_mode():
        found = plateaus(model, points)
    assert found.jacobian.shape == (3, 7)
    assert torch.equal(points, before)


def test_steps_of_no_length() -> None:
    points = torch.ones(1, 4, 4).double()
    found = plateaus(net(), points)
    assert np.isnan(found.sensitivity).all()
    assert np.isnan(found.hamming_per_length).all()
    assert found.plateau_share.tolist() == [0]
    assert "-" in str(found)


def test_numpy_points_and_images() -> None:
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2)).eval()
    a, b = np.random.default_rng(0).normal(size=(2, 2, 1, 4, 4)).astype(np.float32)
    found = plateaus(model, curves.linear(a, b, 5))
    assert found.transitions.shape == (2, 4, 1)
    assert found.hamming_per_length.shape == (2, 4, 1)


class Transposed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.relu = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.relu(x).mT


class Named(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.relu = nn.ReLU()

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"logits": self.relu(x)}


def test_errors() -> None:
    model, points = net(), paths()
    with pytest.raises(TypeError, match="model is a str"):
        plateaus("net", points)
    with pytest.raises(TypeError, match="model returns no tensor; wrap it"):
        plateaus(Named().eval(), points)
    with pytest.raises(ValueError, match="model returns 4 rows for 21 points; wanted one each"):
        plateaus(Transposed().eval(), points)
    with pytest.raises(ValueError, match=r"points has shape \(7, 4\)"):
        plateaus(model, points[0])
    with pytest.raises(TypeError, match="points has dtype torch.int64"):
        plateaus(model, points.long())
    with pytest.raises(ValueError, match="points holds NaN"):
        plateaus(model, points * np.nan)
    with pytest.raises(ValueError, match="share is 2"):
        plateaus(model, points, share=2)
    with pytest.raises(ValueError, match="jacobian is 'fast'"):
        plateaus(model, points, jacobian="fast")
    with pytest.raises(ValueError, match="probes is 1"):
        plateaus(model, points, probes=1)
    assert not model._forward_hooks
