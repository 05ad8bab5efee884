"""The demo, in small: what it prints, what it writes, and that its checks can fail."""

import argparse
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from splinecode import HammingNeighbors, cli, crossings, hamming, read_network, spline_codes
from splinecode.demo import figures, models, run
from splinecode.demo.counts import INSET, check, codes_at, exact_counts, sampled_counts
from splinecode.demo.neighbours import agreement_by_layer, chance
from splinecode.lens import same_and_different_pairs
from splinecode.lens.statistics.effects import cohens_d, mean
from splinecode.plots.style import STYLE
from splinecode.tables import aligned

FIGURES = {
    f"{net}-{what}.png"
    for net in ("mlp", "cnn")
    for what in ("neighbours", "density", "counts", "segment")
}


def options(output: Path, **changes: object) -> argparse.Namespace:
    return argparse.Namespace(**{"output": output, "pairs": 4, "seed": 0, "quick": True, **changes})


@pytest.fixture(scope="module", autouse=True)
def one_torch_thread() -> Iterator[None]:
    with models.one_torch_thread():
        yield


@pytest.fixture(scope="module")
def digits() -> models.Digits:
    return models.digits(seed=0)


@pytest.fixture(scope="module")
def cnn(digits: models.Digits) -> torch.nn.Sequential:
    return models.train("cnn", digits, epochs=1, seed=0)


# ---------------------------------------------------------------- the whole of it


def without_times(text: str) -> str:
    return re.sub(r"\[ *[\d.]+ s\]", "", text)


def test_the_demo_runs_and_runs_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(STYLE, "figure.dpi", 40)  # the pixels cost most of the time
    output = tmp_path / "deep" / "with spaces"
    arguments = ["demo", "--quick", "--pairs", "4", "--output", str(output)]
    assert cli.main(arguments) == 0
    first = without_times(capsys.readouterr().out)
    assert {path.name for path in output.iterdir()} == FIGURES
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in output.iterdir())
    assert all(str(output / name) in first for name in FIGURES)
    assert len(re.findall(r"in every layer: holds on all 8 segments", first)) == 2
    assert len(re.findall(r"to that at the other: holds on all 8 segments", first)) == 2
    assert len(re.findall(r"\d+ segments are marked ambiguous", first)) == 2
    assert re.search(r"relu1 +128 +\d", first)
    assert "FAILED" not in first

    monkeypatch.setattr(models, "NETS", {"mlp": models.mlp})  # the first half will do
    assert cli.main(arguments) == 0
    again = without_times(capsys.readouterr().out)
    assert again.split("figures")[0] == first.split("CNN")[0]
    assert {path.name for path in output.iterdir()} == FIGURES


def test_a_wrong_count_fails_the_demo(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "NETS", {"mlp": models.mlp})
    monkeypatch.setattr(sys.modules["splinecode.demo"], "draw", lambda found, data: {})
    module = sys.modules["splinecode.demo.study"]
    monkeypatch.setattr(module, "exact_counts", lambda found: exact_counts(found) - 2)
    assert run(options(tmp_path / "out")) == 1
    text = capsys.readouterr().out
    assert "in every layer: holds on 0 of 8 segments" in text
    assert "FAILED: 8 segments, 8 of them not ambiguous" in text


def test_written_files_have_ordinary_permissions(tmp_path: Path) -> None:
    ordinary = tmp_path / "ordinary"
    ordinary.touch()
    figure = Figure()
    figures.write_png(figure, tmp_path / "figure.png")
    assert stat.S_IMODE((tmp_path / "figure.png").stat().st_mode) == stat.S_IMODE(
        ordinary.stat().st_mode
    )


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "figure.png").write_bytes(b"old")
    with pytest.raises(AttributeError):
        figures.write_png(None, tmp_path / "figure.png")
    assert [path.name for path in tmp_path.iterdir()] == ["figure.png"]
    assert (tmp_path / "figure.png").read_bytes() == b"old"


def test_bad_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert run(options(tmp_path / "file")) == 2
    assert "file" in capsys.readouterr().err
    assert run(options(tmp_path / "out", pairs=10**9)) == 2
    assert "pairs of the same class" in capsys.readouterr().err
    assert run(options(tmp_path / "out", seed=-1)) == 2
    assert "non-negative" in capsys.readouterr().err
    for wrong in ("1", "many"):
        with pytest.raises(SystemExit):
            cli.main(["demo", "--pairs", wrong])
        assert "--pairs" in capsys.readouterr().err


# ---------------------------------------------------------------- its parts


def test_digits_are_split_by_class(digits: models.Digits) -> None:
    assert digits.images.shape == (1797, 1, 8, 8)
    assert digits.images.min() == 0
    assert digits.images.max() == 1
    shares = [digits.test[digits.labels == label].double().mean() for label in range(10)]
    assert all(0.19 < share <= 0.2 for share in shares)
    assert torch.equal(models.digits(0).test, digits.test)
    assert not torch.equal(models.digits(1).test, digits.test)


@pytest.mark.parametrize("name", list(models.NETS))
def test_training_is_deterministic_and_learns(name: str, digits: models.Digits) -> None:
    state = torch.random.get_rng_state()
    first, again = (models.train(name, digits, epochs=2, seed=5) for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), state)
    for ours, theirs in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    test = digits.test
    assert models.accuracy(first, digits.images[test], digits.labels[test]) > 0.6
    z = models.pre_activations(first, digits.images)
    codes = spline_codes(first, digits.images)
    assert list(z) == [layer.name for layer in codes.layers]
    for name_of_layer, values in z.items():
        assert torch.equal(codes.bits(name_of_layer), values > 0)


def test_counts_pass_their_checks_and_a_wrong_one_does_not(
    digits: models.Digits, cnn: torch.nn.Sequential
) -> None:
    network = read_network(cnn, digits.images[:4])
    ends = same_and_different_pairs(digits.labels, 6, seed=1).different
    a, b = (digits.images[ends[:, k]].double() for k in (0, 1))
    sampled = sampled_counts(network, a, b, (1, 8, 32), progress=False)
    found = crossings(network, a, b)
    counts = [*sampled.values(), exact_counts(found)]
    start, end = codes_at(network, a, b, INSET), codes_at(network, a, b, 1 - INSET)
    assert np.array_equal(counts[0], hamming(start, end, per_layer=True))
    assert check(counts, found, start, end).passed.all()
    counts[1][2, 0] = counts[-1][2, 0] + 2
    assert check(counts, found, start, end).ordered.tolist() == [i != 2 for i in range(6)]
    assert not check(counts, found, end, start).arrives.any()


def test_agreement_is_that_of_the_neighbours(
    digits: models.Digits, cnn: torch.nn.Sequential
) -> None:
    images, labels = digits.images[:200], digits.labels[:200]
    codes = spline_codes(cnn, images)
    found = agreement_by_layer(codes, models.pre_activations(cnn, images), labels, ranks=5)
    assert list(found) == ["relu1", "relu2", "relu3", "all layers"]
    indices = HammingNeighbors(5).fit(codes).kneighbors(return_distance=False)
    expected = (labels[indices] == labels[:, None]).double().mean(dim=0)
    assert np.allclose(found["all layers"]["Hamming, codes"], expected)
    assert all(shares.shape == (5,) for metrics in found.values() for shares in metrics.values())
    assert chance(torch.tensor([0, 0, 1])) == pytest.approx(1 / 3)


def test_statistics() -> None:
    values = np.array([1.0, 2.0, 3.0, np.nan])
    assert mean(values) == pytest.approx((2, 1.96 / 3**0.5))
    assert str(mean(values)) == "2.000 +- 1.132"
    assert cohens_d(values, values + 1) == pytest.approx(1)
    assert np.isnan(cohens_d(values[:1], values))
    assert np.isnan(cohens_d(np.ones(3), np.ones(3)))


def test_tables_are_aligned() -> None:
    assert aligned(("layer", "bits"), [("a", 1), ("long name", 1000)]) == (
        "  layer      bits\n  ---------  ----\n  a             1\n  long name  1000"
    )
