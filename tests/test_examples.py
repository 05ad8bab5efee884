"""The examples at --quick settings: they run, state a verdict each, and write their figures."""

import runpy
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from splinecode.demo.models import one_torch_thread

pytest.importorskip("hdbscan")

EXAMPLES = Path(__file__).parent.parent / "examples"
BOTH = ("digits", "breast_cancer")
FIGURES = {
    "semantic_boundaries": {f"semantic_boundaries_{name}.png" for name in BOTH},
    "scaling_shell": {f"scaling_shell_{name}.png" for name in BOTH},
    "monosemantic_clusters": {f"monosemantic_clusters_{name}.png" for name in BOTH},
    "grokking": {"grokking.png"},
    "plateaus": {"plateaus.png"},
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with one_torch_thread():
        yield


@pytest.fixture
def on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))


@pytest.mark.usefixtures("on_path")
@pytest.mark.parametrize("name", FIGURES)
def test_runs(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", [f"{name}.py", "--quick", "--output", str(tmp_path / "new")])
    runpy.run_path(str(EXAMPLES / f"{name}.py"))
    printed = capsys.readouterr().out
    verdicts = [line for line in printed.splitlines() if line.strip().startswith("=>")]
    assert len(verdicts) == printed.count("finding: ") >= 1
    assert all("SHOW" in line and "--quick" in line for line in verdicts)
    assert {path.name for path in (tmp_path / "new").iterdir()} == FIGURES[name]


@pytest.mark.parametrize("name", FIGURES)
def test_cells_and_index(name: str) -> None:
    lines = (EXAMPLES / f"{name}.py").read_text().splitlines()
    assert lines.count("# %% Settings") == 1
    assert f"`{name}.py`" in (EXAMPLES / "README.md").read_text()


@pytest.mark.usefixtures("on_path")
class TestCommon:
    def test_interval_is_students(self) -> None:
        from common import interval

        found = interval([1.0, 2.0, 3.0])
        assert found.value == 2
        assert found.high - 2 == pytest.approx(4.302653 / np.sqrt(3))
        assert found.low == pytest.approx(4 - found.high)
        assert not found.above_0
        assert interval([2.0, 2.0]) == (2, 2, 2)

    def test_one_net_has_no_interval(self) -> None:
        from common import interval

        found = interval([5.0])
        assert found.value == 5
        assert np.isnan(found.low)
        assert not found.above_0

    def test_ratios_are_averaged_as_logarithms(self) -> None:
        from common import ratio_interval

        found = ratio_interval([0.5, 2.0])
        assert found.value == pytest.approx(1)
        assert found.low == pytest.approx(1 / found.high)

    def test_a_finding_needs_every_condition(self, capsys: pytest.CaptureFixture[str]) -> None:
        from common import Report, verdict

        verdict(Report(), "f", [("a", 1, True), ("b", 2, False)], quick=False)
        verdict(Report(), "f", [("a", 1, True)], quick=False)
        lines = capsys.readouterr().out.splitlines()
        assert [line for line in lines if "=>" in line] == [
            "  => DID NOT SHOW UP",
            "  => SHOWED UP",
        ]

    def test_splits_do_not_overlap(self) -> None:
        from common import breast_cancer, digits

        for load, n in ((digits, 1797), (breast_cancer, 569)):
            data, again = load(3), load(3)
            assert len(data.x) + len(data.test_x) == len(data.y) + len(data.test_y) == n
            assert torch.equal(data.test_x, again.test_x)
            assert len(torch.unique(data.y)) == len(torch.unique(data.test_y)) == data.classes
            assert not torch.equal(data.test_x, load(4).test_x)
        assert breast_cancer(0).x.mean(dim=0).abs().max() < 1e-5


@pytest.mark.usefixtures("on_path")
class TestLanguage:
    def test_verbs_agree(self) -> None:
        from tiny_language import KIND, VERBS, WORDS, text

        words = [WORDS[i] for i in text(5000, 0)]
        after = [(words[i], words[i + 1]) for i in range(len(words) - 1) if words[i] in KIND]
        assert len(after) > 500
        assert all(verb in VERBS[KIND[noun]] for noun, verb in after)

    def test_no_token_sees_later_ones(self) -> None:
        from tiny_language import Transformer, text

        model = Transformer().eval()
        words = text(24, 1).view(2, 12)
        other = words.clone()
        other[:, 7:] = (other[:, 7:] + 1) % 60
        with torch.no_grad():
            before, after = model(words), model(other)
        assert torch.equal(before[:, :7], after[:, :7])
        assert not torch.equal(before[:, 7:], after[:, 7:])

    @pytest.mark.parametrize("blocks", [0, 1, 4])
    def test_the_rest_of_a_model_ends_where_the_model_does(self, blocks: int) -> None:
        from tiny_language import FromResidual, Transformer, text

        model = Transformer().eval()
        words = text(36, 2).view(3, 12)
        stream = model.residual(words, blocks).detach().requires_grad_()
        scores = FromResidual(model, blocks)(stream)
        assert torch.equal(scores, model(words)[:, -1])
        (slope,) = torch.autograd.grad(scores.sum(), stream)
        assert not slope[:, :-1].any()
        assert slope[:, -1].any()

    def test_prompts_differ_in_the_kind_of_their_last_noun(self) -> None:
        from tiny_language import KIND, WORDS, prompts

        first, second = prompts(40, 5)
        assert first.shape == second.shape == (40, 6)
        assert torch.equal(first[:, :-1], second[:, :-1])
        for a, b in zip(first[:, -1], second[:, -1], strict=True):
            assert KIND[WORDS[a]] != KIND[WORDS[b]]

    def test_training_learns(self) -> None:
        from tiny_language import trained

        losses = [loss for *_, loss in trained((0, 30), 0, words=5_000)]
        assert losses[1] < losses[0] - 1
