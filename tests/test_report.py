"""The report is one valid file that needs no network, and escapes what users name."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from typing import get_type_hints

import numpy as np
import pytest
import torch
from torch import nn

from splinecode import lens
from splinecode.analysis import Analysis
from splinecode.report import lens_report, section_names
from splinecode.report.build import run_section
from splinecode.report.page import page_html
from splinecode.report.section import Claim, Section, Subject, Viewer
from splinecode.report.sections import SECTIONS
from splinecode.report.sections.model import About

VOID = {"meta", "br", "input", "img", "link", "hr"}
CURVED = ["slice", "sampled_slice", "segments", "scaling", "density", "paths", "nearest", "units"]
DRAWN = ["segments", "density", "ood"]
EVIL = "<img src=x onerror=alert(1)> & \"'</script>"


class Checker(HTMLParser):
    """Fails on elements that do not close; gathers ids, links and resources."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.resources: list[str] = []
        self.text: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        for name, value in attrs:
            assert not name.startswith("on")
            if name == "id":
                self.ids.append(value)
            if name in ("href", "xlink:href") and value.startswith("#"):
                self.links.append(value[1:])
            elif name in ("src", "href", "data", "poster", "srcset", "action"):
                self.resources.append(value)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] not in (["script"], ["style"]):
            self.text.append(data)


def parsed(path) -> Checker:
    checker = Checker()
    checker.feed(path.read_text(encoding="utf-8"))
    checker.close()
    return checker


class Named(nn.Sequential):
    """A model whose layers have names that HTML would take for its own."""


def net(inputs: int = 6, outputs: int = 3, kink: type[nn.Module] = nn.ReLU) -> nn.Module:
    torch.manual_seed(0)
    made = Named()
    made.add_module("in", nn.Linear(inputs, 8))
    made.add_module("<b>relu</b>&$\\frac{$", kink())
    made.add_module("mid", nn.Linear(8, 8))
    made.add_module("last", kink())
    made.add_module("out", nn.Linear(8, outputs))
    return made.eval()


def data(n: int = 60, inputs: int = 6) -> tuple[torch.Tensor, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 3
    x = rng.normal(size=(n, inputs)) + labels[:, None]
    return torch.tensor(x, dtype=torch.float32), labels


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    x, labels = data()
    names = np.array([f"{EVIL} {label}" for label in labels])
    path = tmp_path_factory.mktemp("report") / "report.html"
    return lens_report(net(), x, names, output=path, title=EVIL, quick=True)


def test_the_page_is_well_formed_and_its_links_lead_somewhere(written):
    page = parsed(written)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert set(page.links) <= set(page.ids)


def test_nothing_is_fetched(written):
    page = parsed(written)
    assert all(resource.startswith("data:") for resource in page.resources)
    text = written.read_text(encoding="utf-8")
    assert not re.search(r"""(src|href|url\()\s*=?\s*["']?https?:""", text)
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_what_users_name_is_escaped(written):
    text = written.read_text(encoding="utf-8")
    assert "<img src=x" not in text
    assert "<b>relu</b>" not in text
    page = parsed(written)
    assert any(EVIL in part for part in page.text)
    assert text.count("</script>") == text.count("<script")


def test_every_section_is_there_with_a_result_or_a_reason(written):
    page = parsed(written)
    assert set(section_names()) <= set(page.ids)
    assert len(set(section_names())) == len(SECTIONS)
    text = written.read_text(encoding="utf-8")
    assert text.count("Left out: ") + text.count('class="work"') == len(SECTIONS)
    assert "failed" not in text
    assert not re.search("No (verdict|viewer|figure|tables):", text)


def test_a_curved_net_leaves_the_exact_sections_out_with_the_reason(tmp_path):
    x, labels = data()
    path = lens_report(
        net(kink=nn.GELU), x, labels, output=tmp_path / "a.html", analyses=CURVED, quick=True
    )
    text = "".join(parsed(path).text)
    assert text.count("Left out: ") == 4
    assert "exact analyses need a piecewise-linear network." in text
    assert "GELU" in text


@pytest.mark.parametrize("labels", [None, np.zeros(20, int)])
def test_without_labels_and_with_one_class(tmp_path, labels):
    x, _ = data(20)
    names = ["segments", "density", "regions"]
    path = lens_report(net(), x, labels, output=tmp_path / "a.html", analyses=names, quick=True)
    assert parsed(path).open == []
    text = "".join(parsed(path).text)
    assert text.count("Left out: ") == 1
    assert "it compares classes, and " in text


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_inputs_leave_out_what_needs_more(n):
    x, labels = data(3)
    subject = Subject(net(), x[:n], labels[:n], 0, True, False)
    for section in SECTIONS:
        outcome = run_section(section, subject)
        assert (outcome.result is None) == bool(outcome.reason)


def test_equal_inputs_and_a_network_of_dead_units():
    dead = net()
    with torch.no_grad():
        for part in dead:
            if isinstance(part, nn.Linear):
                part.bias[:] = -5
    for model, x in ((net(), torch.ones(30, 6)), (dead, data(30)[0] * 1e-3)):
        subject = Subject(model, x, np.arange(30) % 3, 0, True, False)
        for section in SECTIONS:
            if section.name != "monosemanticity":
                outcome = run_section(section, subject)
                if outcome.result is not None and section.claim is not None:
                    section.claim(outcome.result)
                if model is dead:
                    page = page_html("T", "L", [outcome], {})
                    assert page.count(f'id="{section.name}"') == 1


class Embedded(nn.Module):
    """A model of token ids."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.rest = nn.Embedding(20, 6), net()

    def forward(self, ids):
        return self.rest(self.table(ids).mean(1))


class Several(nn.Module):
    """A model that returns a tuple."""

    def __init__(self) -> None:
        super().__init__()
        self.rest = net()

    def forward(self, x):
        found = self.rest(x)
        return found, found


def still() -> nn.Module:
    """Return a network whose units never change."""
    model = net()
    with torch.no_grad():
        for part in model:
            if isinstance(part, nn.Linear):
                part.weight.zero_()
                part.bias[:] = -1
    return model


IDS = torch.arange(300).reshape(60, 5) % 20


@pytest.mark.parametrize(
    ("model", "x", "said"),
    [
        (Embedded(), IDS, ["TypeError: a has dtype int64; wanted a floating dtype."]),
        (Several(), data()[0], ["returns a tuple of 2", "TypeError: model returns no tensor"]),
        (still(), data()[0], ["No figure: ValueError: result has no distance between 0 and inf"]),
    ],
)
def test_what_fails_fails_alone(tmp_path, model, x, said):
    path = lens_report(model.eval(), x, data()[1], output=tmp_path / "a.html", quick=True)
    page = parsed(path)
    assert page.open == []
    text = "".join(page.text)
    for words in said:
        assert words in text
    assert "read as piecewise linear" in text
    assert text.count("Computed: ") + text.count("Left out: ") == len(SECTIONS)
    assert text.count("Computed: ") > 5


@pytest.mark.parametrize("part", ["run", "claim", "figure", "viewer", "tables"])
def test_any_part_of_a_section_may_fail(part):
    def fails(_):
        raise KeyError("a </p> b")

    class Broken(About):
        def tables(self):
            return fails(None)

    about = (Broken if part == "tables" else About)((), (), {"things": 7})
    parts = {"run": lambda _: about}
    if part == "viewer":
        parts["viewer"] = Viewer("slice", fails)
    elif part != "tables":
        parts[part] = fails
    section = Section("name", "Title", "What?", "So.", **parts)
    outcome = run_section(section, Subject(net(), data()[0], None, 0, True, False))
    page = page_html("T", "L", [outcome], {})
    assert "KeyError: &#x27;a &lt;/p&gt; b&#x27;." in page
    assert ("7 things" in page) == (part != "run")
    assert 'id="name-data"' not in page
    assert "data-viewer=" not in page.partition("<script")[0]


def test_sections_are_chosen_by_name(tmp_path):
    x, _ = data()
    path = lens_report(net(), x, output=tmp_path / "a.html", analyses=["model"])
    ids = parsed(path).ids
    assert "model" in ids
    assert "segments" not in ids
    for wrong in (["models"], [], "model"):
        with pytest.raises(ValueError, match="wanted some of model, "):
            lens_report(net(), x, output=tmp_path / "a.html", analyses=wrong)


def test_the_limit_draws_a_part_of_an_array_by_the_seed(tmp_path):
    x, labels = data(200)
    read = {}
    for seed in (0, 0, 1):
        path = lens_report(
            net(), x, labels, output=tmp_path / "a.html", limit=10, seed=seed, analyses=DRAWN
        )
        text = re.sub(r"[\d,.]+ s\b", "", path.read_text(encoding="utf-8"))
        read.setdefault(seed, text)
        assert read[seed] == text  # the same seed gives the same page, but for the times
    assert read[0] != read[1].replace("seed 1", "seed 0")


def test_loaders_and_float64_inputs(tmp_path):
    x, labels = data(32)
    batches = [(x[i : i + 8].double(), labels[i : i + 8]) for i in range(0, 32, 8)]
    path = lens_report(net(), batches, output=tmp_path / "a.html", analyses=["model"], limit=20)
    assert "20 inputs" in path.read_text(encoding="utf-8")


def test_errors_name_the_argument(tmp_path):
    x, labels = data()
    with pytest.raises(TypeError, match="model is a int; wanted a torch.nn.Module"):
        lens_report(3, x)
    with pytest.raises(ValueError, match=r"model is in training mode; wanted model.eval\(\)"):
        lens_report(net().train(), x)
    with pytest.raises(ValueError, match="limit is 1; wanted at least 2 inputs"):
        lens_report(net(), x, limit=1)
    with pytest.raises(FileNotFoundError, match="whose folder does not exist"):
        lens_report(net(), x, output=tmp_path / "no" / "a.html")
    with pytest.raises(ValueError, match="labels has shape"):
        lens_report(net(), x, labels[:3], output=tmp_path / "a.html")
    assert list(tmp_path.iterdir()) == []


def test_every_analysis_of_the_lens_has_a_section():
    exported = [getattr(lens, name) for name in lens.__all__]
    results = {kind for kind in exported if isinstance(kind, type) and issubclass(kind, Analysis)}
    shown = {get_type_hints(section.run)["return"] for section in SECTIONS}
    # These compare two sets of codes; a report is about one model and one data set.
    assert results - shown == {lens.SharedRegions, lens.CodeSimilarity}


def test_claims_say_what_the_numbers_show():
    for section in SECTIONS:
        assert isinstance(section, Section)
        assert section.question.endswith(("?", "."))
        assert re.fullmatch(r"[a-z_]+", section.name)
    assert Claim("The paper says.", None, "Here.").shows is None


@pytest.mark.parametrize("missing", ["torch", "matplotlib"])
def test_missing_extras_say_what_to_install(missing):
    # A None in sys.modules raises a plain ImportError; a finder raises what a missing package does.
    code = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {missing!r}:\n"
        "            raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "import splinecode.report\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert f"needs {missing}: pip install 'splinecode[lens]'" in done.stderr
