"""The figures of regions, groupings, scores and detectors hold their numbers."""

import io

import numpy as np
import pytest

from drawn_codes import make
from splinecode import Codes
from splinecode.lens import (
    code_similarity,
    monosemanticity,
    naswot,
    ood,
    regions,
    shared_regions,
    unit_statistics,
)

plots = pytest.importorskip("splinecode.plots")

RNG = np.random.default_rng(0)
CODES = make(RNG, 60, (3, 70)).codes
LABELS = RNG.integers(0, 3, 60)


def png(ax):
    file = io.BytesIO()
    ax.figure.savefig(file, format="png", dpi=40)
    return file.getvalue().startswith(b"\x89PNG")


def given_axes():
    from matplotlib.figure import Figure

    return Figure().subplots()


def test_regions():
    result = regions(CODES, labels=LABELS)
    left, right = plots.regions(result, title="Title")
    heights = [[bar.get_height() for bar in bars] for bars in left.containers]
    assert heights[0] == [part.distinct for part in result.each]
    assert heights[3] == [part.singletons for part in result.cumulative]
    assert right.lines[0].get_ydata()[0] == result.each[0].purity_shared.value
    assert right.lines[1].get_ydata()[0] == result.each[0].purity_shared.chance
    assert png(left)
    assert len(plots.regions(regions(CODES))) == 1
    ax = given_axes()
    assert plots.regions(result, ax=ax)[0] is ax
    assert png(ax)


def test_shared_regions():
    result = shared_regions(CODES[:40], CODES[20:])
    ax = plots.shared_regions(result)
    assert ax.lines[0].get_ydata().tolist() == [part.inputs_a / 40 for part in result.each]
    assert ax.lines[3].get_ydata().tolist() == [part.inputs_b / 40 for part in result.cumulative]
    assert png(ax)


def test_kernels_and_similarities():
    result = naswot(CODES[:20])
    ax = plots.naswot(result)
    assert np.allclose(ax.images[0].get_array(), result.kernel / 73)
    assert "20 distinct codes" in ax.get_title(loc="left")
    assert png(ax)
    assert png(plots.naswot(naswot(CODES[[0, 0]])))
    constant = Codes.concatenate([CODES[:1], CODES[:1]])
    for result in (code_similarity(CODES), code_similarity(CODES, CODES.layer(1))):
        ax = plots.code_similarity(result)
        assert ax.texts[0].get_text() == f"{result.alignment[0, 0]:.2f}"
        assert png(ax)
    assert [text.get_text() for text in plots.code_similarity(code_similarity(constant)).texts] == [
        "-"
    ] * 4


def test_unit_statistics():
    result = unit_statistics(CODES)
    rates, constant = plots.unit_statistics(result)
    assert rates.lines[1].get_ydata().tolist() == sorted(result.rates[3:])
    assert [bar.get_height() for bar in constant.containers[0]] == [
        result.dead[:3].mean(),
        result.dead[3:].mean(),
    ]
    assert png(rates)
    ax = given_axes()
    assert plots.unit_statistics(unit_statistics(make(RNG, 3, (0, 2)).codes), ax=ax)[0] is ax
    assert png(ax)


def test_ood():
    result = ood(CODES[:20], CODES[20:40], make(RNG, 30, (3, 70), 0.9).codes)
    scores, roc = plots.ood(result)
    assert scores.lines[0].get_xdata()[0] == result.detector.threshold + 0.5
    false, told = roc.lines[1].get_data()
    assert np.trapezoid(told[::-1], false[::-1]) == pytest.approx(result.auroc)
    assert png(scores)
    alike = CODES[np.zeros(9, int)]
    assert png(plots.ood(ood(alike, alike, alike), ax=given_axes())[0])


@pytest.mark.parametrize("labels", [None, LABELS])
def test_monosemanticity(labels):
    pytest.importorskip("hdbscan")
    pytest.importorskip("sklearn")
    values = RNG.normal(size=(60, 8))
    result = monosemanticity(
        CODES, labels=labels, activations=values, min_cluster_size=5, resamples=2, shuffles=3
    )
    axes = plots.monosemanticity(result, title="Title")
    drawn = [len(dots.get_offsets()) for dots in axes[0].collections]
    assert drawn == [len(grouping.groups) for grouping in result.groupings]
    if labels is not None:
        neurons = result["neurons"].agreement
        assert sorted(axes[0].collections[-1].get_offsets()[:, 0]) == sorted(neurons.purities)
        assert axes[1].lines[2].get_xdata()[-1] == neurons.ami
    bars = [bar.get_width() for bar in axes[2].containers[0]]
    assert bars == [grouping.noise for grouping in result.groupings]
    assert png(axes[0])
    assert png(plots.monosemanticity(result, ax=given_axes())[0])


@pytest.mark.parametrize("labels", [None, LABELS])
def test_no_stability_is_named_where_there_is_none(labels):
    pytest.importorskip("hdbscan")
    pytest.importorskip("sklearn")
    result = monosemanticity(CODES, labels=labels, min_cluster_size=5, resamples=0, shuffles=3)
    axes = plots.monosemanticity(result)
    assert len(axes) == (2 if labels is None else 3)
    shown = [text.get_text() for ax in axes for text in ax.get_legend().get_texts()]
    assert "in no group" in shown
    assert "stability" not in " ".join([*shown, *(ax.get_xlabel() for ax in axes)])
    if labels is None:
        drawn = axes[0].collections[0].get_offsets()[:, 0]
        assert sorted(drawn) == sorted(result.groupings[0].sizes / len(CODES))
    assert png(axes[0])
