"""Figures hold the numbers they were given, and need no display."""

import inspect
import io
import subprocess
import sys

import numpy as np
import pytest
from matplotlib import rc_context

from splinecode import plots
from splinecode.plots import style

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


@pytest.mark.parametrize("name", plots.__all__)
def test_functions_take_a_title_and_say_what_they_return(name: str) -> None:
    function = getattr(plots, name)
    signature = inspect.signature(function)
    assert signature.parameters["title"].default == ""
    said = inspect.getdoc(function).partition("Returns\n")[2]
    wanted = {"Panels": "\naxes : array of Axes", "Axes": "\nax : Axes"}
    assert wanted[signature.return_annotation] in said


NAMES = [r"a$\frac{$", "_relu", r"\$x$", "$a$ $b$", "n$"]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_drawn_as_they_are(name: str) -> None:
    figure = style.figure_of(4, 3)
    drawn = figure.text(0, 0, style.literal(name))
    plain = figure.text(0, 0, name, parse_math=False)
    figure.canvas.draw()
    assert drawn.get_window_extent().bounds == plain.get_window_extent().bounds


def test_every_figure_takes_any_names() -> None:
    layers, rng = NAMES[:3], np.random.default_rng(0)
    one, knots = np.ones(1, int), np.array([0.0, 1.0])
    counts = rng.integers(5, 9, (4, 3))
    figures = [
        plots.density_by_layer({NAMES[0]: densities()}, layers),
        plots.counts_by_method({NAMES[0]: counts - 1, NAMES[1]: counts}, layers),
        plots.label_agreement({NAMES[0]: {name: np.ones(3) for name in layers}}),
        plots.segment_crossings(one, one, one, layers, knots=knots, values=np.ones((2, 1))),
    ]
    for axes in figures:
        assert png(axes).startswith(b"\x89PNG")
    assert len(figures[2][0].figure.legends[0].get_texts()) == 3


def test_a_title_stands_above_the_legend() -> None:
    with rc_context(style.STYLE):
        ax = style.axes_of(None, title="Title")
        for i in range(7):
            ax.plot([i], label=f"line {i}")
        style.legend_above(ax, 3)
    ax.figure.canvas.draw()
    title = next(text for text in ax.get_children() if getattr(text, "get_text", str)() == "Title")
    assert not title.get_window_extent().overlaps(ax.get_legend().get_window_extent())


def test_a_caption_stays() -> None:
    figure = style.figure_of(3, 2)
    style.caption(figure, "first")
    style.caption(figure, "second")
    assert figure.get_supxlabel() == "first"


def test_no_pyplot_and_no_matplotlib_unless_asked_for() -> None:
    code = (
        "import sys, splinecode, splinecode.lens\n"
        "assert not {'matplotlib', 'torch', 'sklearn'} & set(sys.modules)\n"
        "import splinecode.plots\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
