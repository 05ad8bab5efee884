"""Figures hold the numbers they were given, and need no display."""

import io
import subprocess
import sys

import numpy as np
import pytest

from splinecode import plots

RNG = np.random.default_rng(0)
LAYERS = ["relu1", "pool1", "relu2"]


def png(axes: np.ndarray) -> bytes:
    file = io.BytesIO()
    axes[0].figure.savefig(file, format="png")
    return file.getvalue()


def densities(rows: int = 20) -> tuple[np.ndarray, np.ndarray]:
    return RNG.random((rows, 3)), RNG.random((rows, 3)) + 0.5


def test_density_by_layer_shows_means_of_finite_rows() -> None:
    same, different = densities()
    same[3] = np.nan
    axes = plots.density_by_layer({"endpoint": (same, different)}, LAYERS, title="Title")
    assert [ax.get_title(loc="left") for ax in axes] == LAYERS
    shown = [line.get_ydata()[0] for line in axes[1].lines]
    assert np.allclose(shown, [np.nanmean(same[:, 1]), different[:, 1].mean()])
    assert png(axes).startswith(b"\x89PNG")


def test_density_errors() -> None:
    same, different = densities()
    with pytest.raises(ValueError, match="counts is empty"):
        plots.density_by_layer({}, LAYERS)
    with pytest.raises(ValueError, match=r"\(exact, same class\) have shape \(20, 3\); wanted"):
        plots.density_by_layer({"exact": (same, different)}, LAYERS[:2])
    with pytest.raises(ValueError, match=r"\(exact, different classes\) have no row without NaN"):
        plots.density_by_layer({"exact": (same, different * np.nan)}, LAYERS)


def test_counts_by_method_shows_what_is_missed() -> None:
    exact = RNG.integers(1, 200, (30, 3))
    counts = {"endpoint": exact // 2, "16 steps": exact - 1, "exact": exact}
    axes = plots.counts_by_method(counts, LAYERS)
    left, right = axes
    labels = [label.get_text() for label in left.get_xticklabels()]
    assert labels[1] == "16 steps\nmean 3"
    shares = [line.get_ydata() for line in right.lines]
    assert np.allclose(shares[0], 1 - (exact // 2).sum(axis=0) / exact.sum(axis=0))
    assert png(axes).startswith(b"\x89PNG")


def test_counts_without_crossings_and_with_too_many() -> None:
    zero = np.zeros((2, 3), int)
    assert png(plots.counts_by_method({"endpoint": zero, "exact": zero}, LAYERS))
    assert png(plots.counts_by_method({"endpoint": zero + 90, "exact": zero}, LAYERS))


def test_counts_errors() -> None:
    zero = np.zeros((2, 3), int)
    with pytest.raises(ValueError, match="counts holds 1; wanted 2 to 6"):
        plots.counts_by_method({"exact": zero}, LAYERS)
    with pytest.raises(ValueError, match=r"counts\['exact'\] has shape \(1, 3\)"):
        plots.counts_by_method({"endpoint": zero, "exact": zero[:1]}, LAYERS)


def test_label_agreement_draws_each_metric() -> None:
    curves = {"Hamming": np.linspace(1, 0.5, 10), "Euclidean": np.linspace(1, 0.6, 10)}
    axes = plots.label_agreement({"relu1": curves, "relu2": curves}, chance=0.1)
    for ax in axes:
        for line, (metric, shares) in zip(ax.lines, curves.items(), strict=True):
            assert line.get_label() == metric
            assert line.get_xdata().tolist() == list(range(1, 11))
            assert np.array_equal(line.get_ydata(), shares)
    assert png(axes).startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="panels is empty"):
        plots.label_agreement({})
    with pytest.raises(ValueError, match="panel 'p' has 6 metrics; wanted at most 5"):
        plots.label_agreement({"p": {str(i): np.ones(3) for i in range(6)}})


def test_segment_crossings() -> None:
    t = np.array([0.25, 0.5, 0.75])
    axes = plots.segment_crossings(
        t,
        np.array([0, 2, 0]),
        np.array([1, -1, -1], np.int8),
        LAYERS,
        knots=np.array([0, *t, 1]),
        values=RNG.random((5, 10)),
        ends=(RNG.random((8, 8)), RNG.random((8, 8))),
        end_classes=(3, 7),
        title="Title",
    )
    assert len(axes[0].figure.axes) == 4
    raster = axes[1]
    drawn = [[path.vertices[0, 0] for path in lines.get_paths()] for lines in raster.collections]
    assert drawn == [[0.25], [0.5, 0.75]]
    assert [text.get_text() for text in raster.texts] == [
        "2 crossings",
        "0 crossings",
        "1 crossing",
    ]
    assert png(axes).startswith(b"\x89PNG")


def test_a_segment_without_crossings_or_ends() -> None:
    none = np.empty(0)
    axes = plots.segment_crossings(
        none, none.astype(int), none, LAYERS, knots=np.array([0.0, 1.0]), values=np.ones((2, 1))
    )
    assert png(axes).startswith(b"\x89PNG")


def test_segment_errors() -> None:
    one, knots = np.ones(1), np.array([0.0, 1.0])
    with pytest.raises(ValueError, match="t, layer and direction have shapes"):
        plots.segment_crossings(one, one, np.ones(2), LAYERS, knots=knots, values=np.ones((2, 1)))
    with pytest.raises(ValueError, match="knots and values have shapes"):
        plots.segment_crossings(one, one, one, LAYERS, knots=knots, values=np.ones((3, 1)))


def test_no_pyplot_and_no_matplotlib_unless_asked_for() -> None:
    code = (
        "import sys, splinecode, splinecode.lens\n"
        "assert not {'matplotlib', 'torch', 'sklearn'} & set(sys.modules)\n"
        "import splinecode.plots\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
