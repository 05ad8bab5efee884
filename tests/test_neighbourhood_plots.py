"""Figures of paths, plateaus, local complexity and features hold the numbers of their results."""

import io

import numpy as np
import pytest
import torch
from torch import nn

from splinecode import lens, plots, read_network, slice_2d, spline_codes
from splinecode.plots.style import layer_looks, literal

NAMED = (r"$\frac{$", "_b$")


def net() -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = (nn.Linear(4, 9), nn.ReLU(), nn.Linear(9, 8), nn.ReLU(), nn.Linear(8, 3))
        return nn.Sequential(*layers).double().eval()


def points() -> np.ndarray:
    a, b = np.random.default_rng(0).normal(size=(2, 2, 4)) * 2
    return lens.curves.slerp_norm(a, b, 12)


def need_png(figure) -> None:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=50)
    assert file.getvalue().startswith(b"\x89PNG")


def test_paths() -> None:
    result = lens.path_analysis(net(), points())
    above, below = plots.paths(result, path=1, title="Title")
    sampled, exact = (patch.get_data().values for patch in above.patches)
    lengths = result.step_length[1]
    assert np.allclose(sampled * lengths, result.transitions[1].sum(axis=1))
    assert np.allclose(exact * lengths, result.exact[1].sum(axis=1))
    assert above.lines[0].get_xdata()[0] == result.first_exact[1]
    assert np.allclose(below.lines[1].get_ydata(), 100 * result.from_start[1, :, 1] / 8)
    need_png(above.figure)
    with pytest.raises(IndexError, match="path 2 of 2"):
        plots.paths(result, path=2)


@pytest.mark.parametrize("exact", [True, False])
def test_paths_without_transitions(exact: bool) -> None:
    still = np.ones((1, 3, 4))
    axes = plots.paths(lens.path_analysis(net(), still, exact=exact))
    need_png(axes[0].figure)


@pytest.mark.parametrize("jacobian", ["exact", "estimate", "none"])
def test_plateaus(jacobian: str) -> None:
    result = lens.plateaus(net(), points(), jacobian=jacobian, probes=3, share=0.9)
    axes = plots.plateaus(result, path=-1)
    assert np.allclose(axes[0].lines[0].get_ydata(), result.relative_distance[1])
    assert np.allclose(axes[1].patches[0].get_data().values, result.sensitivity[1])
    beside = [ax for ax in axes[0].figure.axes if ax not in axes]
    assert len(beside) == (jacobian != "none")
    if beside:
        assert np.allclose(beside[0].lines[0].get_ydata(), result.jacobian[1])
    need_png(axes[0].figure)
    with pytest.raises(IndexError, match="path 9 of 2"):
        plots.plateaus(result, path=9)


def test_local_complexity() -> None:
    model, x = net(), torch.from_numpy(points()[0])
    one = lens.local_complexity(model, x, radius=0.5, directions=3)
    ax = plots.local_complexity(one, title="Title")
    assert ax.get_title(loc="left") == "Title"
    assert np.allclose(ax.lines[0].get_ydata(), one.counts[0].mean(axis=0))
    need_png(ax.figure)
    several = lens.local_complexity(model, x, radius=0.5, directions=3, checkpoints=[model] * 3)
    ax = plots.local_complexity(several, steps=[1, 10, 1000], ax=None)
    assert ax.get_xscale() == "log"
    assert [line.get_label() for line in ax.lines] == ["1", "3", "all layers"]
    assert np.allclose(ax.lines[2].get_ydata(), several.total.mean(axis=1))
    need_png(ax.figure)
    need_png(plots.local_complexity(several).figure)
    single = lens.local_complexity(model, x[:1], radius=0.5, directions=3, checkpoints=[model] * 2)
    need_png(plots.local_complexity(single).figure)
    with pytest.raises(ValueError, match="steps holds 2 numbers; wanted 3, rising"):
        plots.local_complexity(several, steps=[1, 2])
    with pytest.raises(ValueError, match="wanted 3, rising"):
        plots.local_complexity(several, steps=[1, 3, 2])


def test_spline_features() -> None:
    x = torch.from_numpy(points().reshape(-1, 4))
    result = lens.spline_features(net(), x)
    axes = plots.spline_features(result, labels=np.arange(24) % 2, title="Title")
    assert len(axes) == 7
    first, second = (line.get_ydata() for line in axes[0].lines)
    assert np.allclose(first, np.median(result.features[::2, :, 0], axis=0))
    assert np.allclose(second, np.median(result.features[1::2, :, 0], axis=0))
    need_png(axes[0].figure)
    with pytest.raises(ValueError, match=r"labels has shape \(3,\); wanted \(24,\)"):
        plots.spline_features(result, labels=[1, 2, 3])
    with pytest.raises(ValueError, match="labels has 24 classes"):
        plots.spline_features(result, labels=np.arange(24))


def test_nearest_boundaries() -> None:
    result = lens.nearest_boundaries(net(), points()[0])
    ax = plots.nearest_boundaries(result, title="Title")
    assert ax.get_title(loc="left") == "Title"
    assert [line.get_label() for line in ax.lines] == ["1", "3", "any layer (exact)"]
    assert np.allclose(ax.lines[2].get_xdata(), np.sort(result.least))
    need_png(ax.figure)
    still = net()
    with torch.no_grad():
        still[0].weight.zero_()
    with pytest.raises(ValueError, match="no distance between 0 and inf"):
        plots.nearest_boundaries(lens.nearest_boundaries(still, points()[0]))


def test_modules_of_any_name() -> None:
    model = nn.Sequential()
    for name, part in zip((r"$\frac{$", "_relu", "mid$", r"a$\b$", "out"), net(), strict=True):
        model.add_module(name, part)
    model.eval()
    x = torch.from_numpy(points()[0])
    codes = spline_codes(model, x)
    near = lens.nearest_boundaries(model, x)
    several = lens.local_complexity(model, x, radius=0.5, directions=3, checkpoints=[model] * 2)
    named = np.array(NAMED)[np.arange(len(x)) % 2]
    for axes in (
        plots.paths(lens.path_analysis(model, points())),
        plots.plateaus(lens.plateaus(model, points(), probes=3)),
        plots.local_complexity(lens.local_complexity(model, x, radius=0.5, directions=3)),
        plots.local_complexity(several),
        plots.nearest_boundaries(near),
        plots.spline_features(lens.spline_features(model, x), labels=named),
        plots.boundary_density(lens.boundary_density(model, x, pairs=[[0, 1], [2, 3]])),
        plots.line_density(lens.scaling(model, x)),
        plots.regions(lens.regions(codes)),
        plots.shared_regions(lens.shared_regions(codes, codes)),
        plots.unit_statistics(lens.unit_statistics(codes)),
        plots.code_similarity(lens.code_similarity(codes)),
        plots.slice_2d(slice_2d(read_network(model, x[:2]), x[0], x[1], x[2]), color_by="layer"),
    ):
        need_png(np.ravel(np.asarray(axes, object))[0].figure)
    labels = [text.get_text() for text in plots.nearest_boundaries(near).get_legend().get_texts()]
    assert labels == [literal("_relu"), literal(r"a$\b$"), "any layer (exact)"]


def test_looks_differ() -> None:
    looks = layer_looks(28)
    assert len({(look["color"], look["linestyle"]) for look in looks}) == 28
