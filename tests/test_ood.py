"""Out-of-distribution scores against loops, and rates against scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawn_codes import make, to_library
from splinecode.lens import fit_ood, ood, ood_scores
from splinecode.lens.scores.detector import accepting, auroc

RNG = np.random.default_rng(0)
BANK = make(RNG, 30, (5, 64), 0.2)
LABELS = np.arange(30) % 3
INSIDE, OUTSIDE = make(RNG, 21, (5, 64), 0.2), make(RNG, 9, (5, 64), 0.6)


def least(bits, bank, rows):
    return [
        min(int((x != bank[i]).sum()) for i in rows_of_x)
        for x, rows_of_x in zip(bits, rows, strict=True)
    ]


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_scores_are_least_distances(library):
    if library == "torch":
        pytest.importorskip("torch")
    bank, codes = (to_library(part.codes, library) for part in (BANK, INSIDE))
    bits, known = (np.concatenate(part.layers, axis=1) for part in (INSIDE, BANK))
    assert ood_scores(bank, codes).tolist() == least(bits, known, [range(30)] * 21)
    classes = RNG.integers(0, 3, 21)
    rows = [np.flatnonzero(c == LABELS) for c in classes]
    assert ood_scores(bank, codes, LABELS, classes).tolist() == least(bits, known, rows)
    mask = np.arange(69) % 2 == 0
    found = ood_scores(bank, codes, LABELS.astype(str), classes.astype(str), mask=mask)
    assert found.tolist() == least(bits[:, mask], known[:, mask], rows)


def test_a_detector_accepts_its_percentile():
    for percentile in (0, 50, 95, 100):
        found = fit_ood(BANK.codes, INSIDE.codes, percentile=percentile)
        scores = found.score(INSIDE.codes)
        accepted = ~found.is_out(INSIDE.codes)
        assert accepted.mean() >= percentile / 100
        assert (scores < found.threshold).mean() < max(percentile / 100, 1e-9)
        assert accepted.tolist() == (scores <= found.threshold).tolist()
    by_class = fit_ood(BANK.codes, INSIDE.codes, LABELS, np.zeros(21, int))
    assert (by_class.score(INSIDE.codes, np.zeros(21, int)) >= scores).all()


@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=30),
    st.lists(st.integers(0, 6), min_size=1, max_size=30),
)
def test_auroc_is_that_of_all_pairs_and_of_scikit_learn(inside, outside):
    inner, outer = np.array(inside), np.array(outside)
    wins = sum((o > i) + 0.5 * (o == i) for o in outside for i in inside)
    assert auroc(inner, outer) == pytest.approx(wins / (len(inside) * len(outside)))
    metrics = pytest.importorskip("sklearn.metrics")
    truth = np.repeat([0, 1], [len(inside), len(outside)])
    assert auroc(inner, outer) == pytest.approx(
        metrics.roc_auc_score(truth, np.concatenate([inner, outer]))
    )


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(0, 20))
def test_the_threshold_is_the_least_that_accepts_enough(scores, twentieths):
    values = np.array(scores)
    enough = [
        t for t in sorted(scores) if 20 * sum(s <= t for s in scores) >= twentieths * len(scores)
    ]
    assert accepting(values, twentieths / 20) == enough[0]


def test_the_report_holds_what_it_says():
    found = ood(BANK.codes, INSIDE.codes, OUTSIDE.codes)
    assert (len(found.calibration), len(found.inside), len(found.outside)) == (10, 11, 9)
    together = np.sort(np.concatenate([found.calibration, found.inside]))
    assert together.tolist() == sorted(ood_scores(BANK.codes, INSIDE.codes))
    assert found.outside.tolist() == ood_scores(BANK.codes, OUTSIDE.codes).tolist()
    assert found.auroc == auroc(found.inside, found.outside) > 0.9
    assert found.accepted_outside == (found.outside <= found.detector.threshold).mean()
    limit = accepting(found.inside, 0.95)
    assert (found.inside <= limit).mean() >= 0.95
    assert found.fpr_95 == (found.outside <= limit).mean()
    assert "AUROC" in str(found)
    seen = ood(BANK.codes, BANK.codes, OUTSIDE.codes)
    assert seen.work["inside codes at distance 0"] == len(seen.inside) == 15


def test_classes_are_split_with_their_inputs():
    bits = np.concatenate(INSIDE.layers, axis=1)
    classes = RNG.integers(0, 3, 21), np.zeros(9, int)
    found = ood(BANK.codes, INSIDE.codes, OUTSIDE.codes, LABELS, classes=classes)
    known = np.concatenate(BANK.layers, axis=1)
    wanted = least(bits, known, [np.flatnonzero(c == LABELS) for c in classes[0]])
    assert sorted([*found.calibration, *found.inside]) == sorted(wanted)


def test_a_model_and_a_loader_with_labels():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(2, 40), torch.nn.ReLU()).eval()
    x, y = torch.randn(60, 2), torch.arange(60) % 2
    found = ood([(x[:40], y[:40])], x[40:], 30 + x[:5], model=net, classes=(y[40:], y[:5]))
    assert found.detector.labels.tolist() == y[:40].tolist()
    assert found.work["codes of the bank"] == 40
    assert found.bits == 40


def test_predicted_classes_are_those_of_the_model():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(2, 9), torch.nn.ReLU(), torch.nn.Linear(9, 3)).eval()
    net.requires_grad_(False)
    x = torch.randn(90, 2)
    of = net(x).argmax(dim=1)
    wanted = ood(x[:60], x[60:80], x[80:], of[:60], model=net, classes=(of[60:80], of[80:]))
    found = ood(x[:60], x[60:80], [x[80:]], of[:60], model=net, classes="predicted")
    assert found.inside.tolist() == wanted.inside.tolist()
    assert found.outside.tolist() == wanted.outside.tolist()
    assert len(net._forward_hooks) == 0
    with pytest.raises(ValueError, match="classes is 'labels'; wanted 'predicted'"):
        ood(x, x, x, of, model=net, classes="labels")
    with pytest.raises(ValueError, match="classes is 'predicted' but inside are codes"):
        ood(BANK.codes, INSIDE.codes, OUTSIDE.codes, LABELS, classes="predicted")


def test_bad_input_is_refused():
    bank, codes = BANK.codes, INSIDE.codes
    with pytest.raises(TypeError, match="bank is a list; wanted Codes, or inputs and model="):
        ood([1], codes, codes)
    with pytest.raises(ValueError, match="inside has 1 codes; wanted at least 2"):
        ood(bank, codes[:1], codes)
    with pytest.raises(ValueError, match="outside has 0 codes"):
        ood(bank, codes, codes[:0])
    with pytest.raises(ValueError, match=r"classes of outside have shape \(3,\); wanted \(21,\)"):
        ood(bank, codes, codes, LABELS, classes=(np.zeros(21), np.zeros(3)))
    with pytest.raises(ValueError, match="classes were given without labels"):
        ood_scores(bank, codes, classes=np.zeros(21))
    with pytest.raises(ValueError, match=r"classes has shape \(2,\); wanted \(21,\)"):
        ood_scores(bank, codes, LABELS, [1, 2])
    with pytest.raises(ValueError, match=r"classes holds \[7\], of which the bank has no code"):
        ood_scores(bank, codes, LABELS, np.full(21, 7))
    with pytest.raises(ValueError, match="percentile is 101"):
        fit_ood(bank, codes, percentile=101)
    with pytest.raises(TypeError, match="held_out is a list"):
        fit_ood(bank, [1])
