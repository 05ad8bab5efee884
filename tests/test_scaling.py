"""Crossings along alpha x and x + beta d against exact arithmetic, bin by bin."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from nets import mlp, oracle_of
from splinecode import crossings, lens, plots, read_network
from splinecode.lens.lines.line_density import LineDensity, _fewest_bins
from splinecode.lens.lines.scan import shortest_halves

torch.manual_seed(5)
NET = mlp(4, 9, 7, 3)
NETWORK = read_network(NET, torch.zeros(1, 4, dtype=torch.float64))
X = 2 * torch.randn(9, 4, dtype=torch.float64)
D = torch.randn(4, dtype=torch.float64)
BINS = 8


def counted(a: torch.Tensor, b: torch.Tensor) -> list[list[int]]:
    """Crossings by bin and layer, in rational arithmetic."""
    counts = [[0] * len(NETWORK.layers) for _ in range(BINS)]
    for event in oracle_of(NETWORK, a, b).events:
        counts[int(Fraction(event.t) * BINS)][event.layer] += 1
    return counts


def need_counts(found: LineDensity, a: torch.Tensor, b: torch.Tensor) -> None:
    assert found.counts.tolist() == [counted(*ends) for ends in zip(a, b, strict=True)]
    assert found.counts.sum() == found.work["crossings"] > 0


def test_scaling_is_the_exact_crossings_of_a_ray() -> None:
    found = lens.scaling(NET, X, low=0.25, high=2.25, bins=BINS, batch_size=4)
    need_counts(found, 0.25 * X, 2.25 * X)
    np.testing.assert_allclose(found.edges, np.linspace(0.25, 2.25, BINS + 1))
    norm = X.norm(dim=1).numpy()
    np.testing.assert_allclose(found.length, norm)
    np.testing.assert_allclose(found.density, found.counts / (0.25 * norm[:, None, None]))
    np.testing.assert_allclose(found.layer_density(), found.density.mean(axis=0))
    mean = found.mean_density(resamples=50)
    np.testing.assert_allclose(mean.value, found.density.sum(axis=2).mean(axis=0))
    assert (mean.low <= mean.high).all()
    batched = lens.scaling(NETWORK, X.numpy(), low=0.25, high=2.25, bins=BINS)
    assert np.array_equal(batched.counts, found.counts)
    assert np.array_equal(batched.shell, found.shell)


@torch.no_grad()
def test_outputs_and_classes_along_the_ray() -> None:
    found = lens.scaling(NET, X, bins=BINS)
    for alpha, outputs in zip(found.edges, found.outputs.transpose(1, 0, 2), strict=True):
        np.testing.assert_allclose(outputs, NET(alpha * X), atol=1e-12)
    assert np.array_equal(found.predicted, NET(X).argmax(1))
    assert np.array_equal(found.classes, found.outputs.argmax(axis=2))
    for i in range(len(X)):
        mine = found.changes.input == i
        now = found.classes[i, 0]
        steps = zip(*(column[mine] for column in found.changes[1:]), strict=True)
        for at, before, after in steps:
            assert before == now
            now = after
            top = NET(at * X[i]).topk(2).values
            assert float(top[0] - top[1]) < 1e-9
        assert now == found.classes[i, -1]
    assert found.work["class changes"] == len(found.changes.at)
    kept = (found.classes == found.predicted[:, None]).mean(axis=0)
    np.testing.assert_array_equal(found.kept(), kept)
    bare = lens.scaling(NET, X, bins=BINS, outputs=False)
    assert bare.outputs is None
    assert np.array_equal(bare.classes, found.classes)


def test_directions_shared_and_own() -> None:
    found = lens.directions(NET, X, 3 * D, low=-2, high=1, bins=BINS)
    need_counts(found, X - 6 * D, X + 3 * D)
    np.testing.assert_allclose(found.length, [float(3 * D.norm())] * 9)
    assert np.array_equal(found.predicted, NET(X).argmax(1))
    own = lens.directions(NET, X, (3 * D).expand(9, 4), low=-2, high=1, bins=BINS)
    assert np.array_equal(own.counts, found.counts)
    away = lens.directions(NET, X, D, low=1, high=2, bins=BINS)
    assert (away.predicted, away.kept()) == (None, None)


def test_from_a_hidden_layer_on() -> None:
    name = NETWORK.layers[0].name
    hidden = NETWORK.values_at(X, name)
    found = lens.scaling(NET, X, start=name, bins=BINS)
    same = lens.scaling(NETWORK.restrict(start=name), hidden, bins=BINS)
    assert found.layers == ("3",)
    assert np.array_equal(found.counts, same.counts)
    np.testing.assert_allclose(found.length, hidden.norm(dim=1))
    d = torch.ones(9)
    assert lens.directions(NET, X, d, start=name, bins=BINS).counts.shape == (9, BINS, 1)


def test_a_ray_from_the_origin_of_a_net_without_biases_crosses_nothing() -> None:
    torch.manual_seed(0)
    net = mlp(4, 9, 7, 3, bias=False)
    for low in (0.0, 0.01):
        found = lens.scaling(net, X, low=low, bins=4)
        assert found.counts.sum() == 0
        assert np.isnan(found.shell).all()
        assert np.isnan(found.mean_shell()).all()
    assert "0 crossings" in str(found)
    plots.line_density(found)[0].figure.canvas.draw()
    assert lens.scaling(net, X, low=-1.0, high=1.0, bins=3).counts[:, 1].sum() > 0


def test_an_input_at_the_origin_has_no_density() -> None:
    x = X[:3].clone()
    x[1] = 0
    found = lens.scaling(NET, x, bins=BINS)
    assert np.isnan(found.density).all(axis=(1, 2)).tolist() == [False, True, False]
    rest = lens.scaling(NET, x[[0, 2]], bins=BINS)
    np.testing.assert_allclose(found.layer_density(), rest.layer_density())
    np.testing.assert_allclose(found.mean_density(resamples=0).value, rest.mean_density().value)
    nothing = lens.scaling(NET, 0 * x, bins=BINS)
    assert np.isnan(nothing.layer_density()).all()
    assert str(nothing)


def test_outputs_that_are_no_classes() -> None:
    scalar = nn.Sequential(NET, nn.Linear(3, 1).double()).eval()
    found = lens.scaling(scalar, X, bins=BINS)
    assert found.outputs.shape == (9, BINS + 1, 1)
    assert (found.classes, found.predicted, found.changes) == (None, None, None)
    assert len(found.tables()[0].header) == 2
    assert len(plots.line_density(found)) == 1


@given(st.lists(st.lists(st.integers(0, 20), max_size=9), max_size=4))
def test_the_shortest_half(groups: list[list[int]]) -> None:
    rows = [sorted(group) for group in groups]
    offsets = np.cumsum([0, *map(len, rows)])
    found = shortest_halves(np.array([t for row in rows for t in row], float), offsets)
    assert found.shape == (len(rows), 2)
    for row, (low, high) in zip(rows, found, strict=True):
        if not row:
            assert np.isnan([low, high]).all()
            continue
        holding = [
            (b - a, a)
            for a in row
            for b in row
            if 2 * sum(a <= t <= b for t in row) >= len(row) and a <= b
        ]
        assert (high - low, low) == min(holding)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=9))
def test_the_fewest_bins(counts: list[int]) -> None:
    begin, end = _fewest_bins(np.array(counts, float) / 3)
    if not any(counts):
        assert (begin, end) == (0, 0)
        return
    n = len(counts)
    runs = [(j - i, i) for i in range(n) for j in range(i + 1, n + 1)]
    holding = [run for run in runs if 2 * sum(counts[run[1] : sum(run)]) >= sum(counts)]
    assert (end - begin, begin) == min(holding)


def test_the_shell_of_every_input_holds_half_of_its_crossings() -> None:
    found = lens.scaling(NET, X, low=0.01, high=3.0, bins=BINS)
    every = crossings(NETWORK, 0.01 * X, 3.0 * X)
    alpha = 0.01 + 2.99 * every.t.numpy()
    for (begin, end), (low, high) in zip(
        pairwise(every.offsets.tolist()), found.shell, strict=True
    ):
        mine = alpha[begin:end]
        inside = ((mine >= low - 1e-12) & (mine <= high + 1e-12)).sum()
        assert inside == (len(mine) + 1) // 2
    low, high = found.mean_shell()
    assert 0.01 <= low < high <= 3


def test_figures_hold_the_numbers() -> None:
    found = lens.scaling(NET, X, bins=BINS)
    top, below = plots.line_density(found, title="Title")
    stairs = [patch.get_data().values for patch in top.patches if hasattr(patch, "get_data")]
    wanted = found.mean_density()
    for shown, values in zip(
        stairs, (wanted.high, wanted.value, *found.layer_density().T), strict=True
    ):
        np.testing.assert_allclose(shown, values)
    np.testing.assert_array_equal(below.lines[0].get_ydata(), found.kept())
    deep = read_network(mlp(4, *[5] * 9, 2), X[:1])
    assert len(plots.line_density(lens.directions(deep, X, D))) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"low": 1.0, "high": 1.0}, "low is 1.0 and high 1.0; wanted finite, low < high"),
        ({"high": np.inf}, "wanted finite"),
        ({"bins": 0}, "bins is 0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"start": "nothing"}, "'nothing', which is the name of no node"),
    ],
)
def test_errors(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        lens.scaling(NET, X, **options)


def test_errors_of_subjects_and_directions() -> None:
    with pytest.raises(TypeError, match="model is a str"):
        lens.scaling("net", X)
    with pytest.raises(ValueError, match="NaN or inf"):
        lens.scaling(NET, X * torch.nan)
    with pytest.raises(ValueError, match=r"direction has shape \(3,\); wanted \(4,\), or \(9, 4\)"):
        lens.directions(NET, X, D[:3])
    with pytest.raises(ValueError, match="direction is 0 in all components"):
        lens.directions(NET, X, 0 * D)
