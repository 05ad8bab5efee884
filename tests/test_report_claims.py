"""The report says that something shows, or does not, only where it is more than noise."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from splinecode.lens import Grouping, scaling
from splinecode.lens.scores.detector import auroc
from splinecode.report.section import Subject
from splinecode.report.sections.lead import lead
from splinecode.report.sections.regions import MONOSEMANTICITY, REGIONS
from splinecode.report.sections.scaling import SCALING
from splinecode.report.sections.scores import OOD, reach

pytest.importorskip("sklearn")

CODES = ("codes, Hamming", "codes, Jaccard")
RIVALS = ("NMF directions", "PCA directions", "neurons")


def grouping(name: str, labels) -> Grouping:
    none = np.empty(0)
    found = np.asarray(labels, np.int64)
    return Grouping(name, found, (), np.bincount(found[found >= 0]), none, none, none, (), None)


def disturbed(labels, share: float, rng) -> np.ndarray:
    """Return the classes of labels, of which a share is drawn anew."""
    _, classes = np.unique(labels, return_inverse=True)
    drawn = rng.integers(0, 3, len(labels))
    return np.where(rng.random(len(labels)) < share, drawn, classes)


def claimed(labels, codes: float, rivals: float, rng):
    """Return the claim for groupings that are so far from the labels."""
    groupings = [
        *(grouping(name, disturbed(labels, codes, rng)) for name in CODES),
        *(grouping(name, disturbed(labels, rivals, rng)) for name in RIVALS),
    ]
    return MONOSEMANTICITY.claim(SimpleNamespace(groupings=groupings, labels=labels))


def test_groups_lead_by_more_than_noise() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 120)
    for codes, rivals, shows in ((0.1, 0.6, True), (0.6, 0.1, False), (0.3, 0.3, None)):
        claim = claimed(labels, codes, rivals, rng)
        assert claim.shows is shows
        assert claim.here.count("difference") == 2


def test_labels_without_a_pattern_give_no_verdict() -> None:
    rng = np.random.default_rng(1)
    found = [claimed(rng.integers(0, 3, 100), 1, 1, rng).shows for _ in range(4)]
    assert found.count(None) >= 3  # each verdict has a chance of less than 5 %


@pytest.mark.parametrize("n", [1, 3, 40])
def test_equal_labels_give_no_verdict(n: int) -> None:
    claim = claimed(np.full(n, "a"), 0.5, 0.5, np.random.default_rng(0))
    assert claim.shows is None
    assert "at best: not defined if noise" in claim.here


def test_a_side_without_groups_gives_no_verdict() -> None:
    labels = np.arange(60) % 3
    noise = [grouping("codes, Hamming", np.full(60, -1))]
    found = lead(noise, [grouping("neurons", labels)], labels, noise=False)
    assert found.shows is None
    assert found.text() == "not defined"
    # With noise as a group all of it is one group, which says nothing of the labels.
    assert lead(noise, [grouping("neurons", labels)], labels, noise=True).shows is False


def test_the_higher_score_is_the_best_whatever_the_names() -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 3, 90)
    sides = [grouping("a", labels), grouping("b", disturbed(labels, 0.5, rng))]
    found = lead(sides[::-1], sides, labels, noise=True)
    assert found.best == found.rival == ("a", 1.0)
    assert found.shows is None


def test_one_class_is_as_no_labels() -> None:
    pytest.importorskip("hdbscan")
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3)).eval()
    subject = Subject(net, torch.randn(60, 6), np.zeros(60), 0, True, False)
    assert subject.labels_or_none() is None
    found = MONOSEMANTICITY.run(subject)
    assert found.labels is None
    assert MONOSEMANTICITY.claim(found) is None
    assert REGIONS.run(subject).each[0].purity is None


def rays(n: int, bias: float, width: int = 32):
    """Return crossings on rays to unit vectors, the boundaries about a distance from the origin."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, width), nn.ReLU(), nn.Linear(width, 3)).eval()
    with torch.no_grad():
        net[0].weight.copy_(nn.functional.normalize(net[0].weight))
        net[0].bias.fill_(-bias)
    x = nn.functional.normalize(torch.randn(n, 6))
    return scaling(net, x)


def test_a_shell_is_on_one_side_by_more_than_noise() -> None:
    assert SCALING.claim(rays(100, 0.05)).shows is True
    assert SCALING.claim(rays(100, 1.3)).shows is False
    near = rays(100, 0.42)
    _, high = near.mean_shell()
    assert high <= 1  # by the mean alone it would be inside
    assert SCALING.claim(near).shows is None


def test_a_few_rays_give_no_verdict() -> None:
    claim = SCALING.claim(rays(5, 0.05))
    assert claim.shows is None
    assert "between" in claim.here
    assert SCALING.claim(rays(20, 1e6)) is None


def strangers(inside, outside):
    """Return the claim for scores."""
    inside, outside = np.asarray(inside), np.asarray(outside)
    area = auroc(inside, outside)
    return OOD.claim(SimpleNamespace(inside=inside, outside=outside, auroc=area, fpr_95=0.5))


def test_strangers_are_told_by_more_than_noise() -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 40, 200)
    assert strangers(scores[:100], scores[100:] + 30).shows is True
    assert strangers(scores, scores).shows is False
    assert strangers([1, 2], [3, 4]).shows is None
    few = strangers([1, 5, 6, 2, 9, 4], [7, 8, 5, 9, 5, 9])
    assert "AUROC 0.778 [" in few.here
    assert few.shows is None


def test_the_interval_of_an_area_is_that_of_its_placements() -> None:
    rng = np.random.default_rng(0)
    areas, reaches = [], []
    for _ in range(400):
        inside, outside = rng.normal(size=40), rng.normal(0.8, 1, 60)
        areas.append(auroc(inside, outside))
        reaches.append(reach(inside, outside))
    assert np.mean(reaches) == pytest.approx(1.96 * np.std(areas), rel=0.1)
