"""The report in a real browser: opened from disk, without a network, by mouse and by keys."""

from __future__ import annotations

import io
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from nets import mlp, read
from partitions import Grid, grid
from splinecode import crossings, hamming, slice_2d, unpack
from splinecode.report import lens_report
from splinecode.report.page import page_html
from splinecode.report.path_data import path_data
from splinecode.report.section import Outcome, Section, Viewer
from splinecode.report.sections.model import About
from splinecode.report.slice_data import slice_data

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
EXTENT = (-1.0, 3.0, 0.0, 2.0)


def missing() -> str:
    """Why there is no browser, or ""."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "playwright is not installed"
    return "" if chromium() else "no chromium is on the PATH"


def chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def browser():
    why = missing()
    if why and os.environ.get("CI"):
        pytest.fail(f"{why}, and CI must run these tests")
    if why:
        pytest.skip(why)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def partition() -> Grid:
    return grid(7, 5, EXTENT)


@pytest.fixture(scope="module")
def walk():
    torch.manual_seed(1)
    network = read(mlp(4, 12, 12, 3), 4)
    a, b = torch.randn(2, 3, 4, dtype=torch.float64).numpy()
    return crossings(network, a, b)


@pytest.fixture(scope="module")
def report(partition, walk, tmp_path_factory) -> Path:
    """A page of two viewers over a slice and crossings that the tests know."""
    about = About((("fact", "value"),), partition.codes.layers, {"things": 1})
    names = ["first", "second", "third"]
    viewers = {
        "slice": Viewer("slice", lambda _: slice_data(partition)),
        "path": Viewer("path", lambda _: path_data(walk, names, [1.0, 2.0, 3.0])),
    }
    outcomes = [
        Outcome(Section(name, name, "What?", "So.", lambda _: about, viewer=viewer), about, "", 0)
        for name, viewer in viewers.items()
    ]
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page_html("Viewers", "Two.", outcomes, {"seed": "0"}), encoding="utf-8")
    return path


class Opened:
    """A page opened offline, and what it asked for or complained about."""

    def __init__(self, browser, path: Path, *, dark: bool = False, width: int = 1200) -> None:
        self.context = browser.new_context(
            offline=True,
            color_scheme="dark" if dark else "light",
            viewport={"width": width, "height": 900},
        )
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())
        viewers = self.page.locator("[data-viewer]").count()
        for i in range(viewers):
            self.page.locator("[data-viewer]").nth(i).wait_for()
        self.page.wait_for_function(
            "n => document.querySelectorAll('[data-ready]').length === n", arg=viewers
        )

    def canvas(self, viewer: str):
        """The canvas that takes the mouse, scrolled to the middle of the window."""
        found = self.page.locator(f"[data-viewer={viewer}] canvas").last
        found.evaluate("canvas => canvas.scrollIntoView({block: 'center', behavior: 'instant'})")
        return found

    def point(self, viewer: str, x: float, y: float) -> str:
        """Move the mouse to a share of the canvas; return what the readout says."""
        box = self.canvas(viewer).bounding_box()
        self.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        return self.readout(viewer)

    def readout(self, viewer: str) -> str:
        return self.page.locator(f"[data-viewer={viewer}] [role=status]").inner_text()

    def pixels(self, locator=None) -> np.ndarray:
        from matplotlib.image import imread

        shot = (locator or self.page).screenshot()
        return (imread(io.BytesIO(shot), format="png")[..., :3] * 255).round().astype(int)


@pytest.fixture
def opened(browser, report):
    found = Opened(browser, report)
    yield found
    assert found.complaints == []
    assert found.requests == [report.as_uri()]
    found.context.close()


def share(partition: Grid, u: float, v: float) -> tuple[float, float]:
    """Where a point is on the slice's canvas, from its upper left corner."""
    u0, u1, v0, v1 = partition.plane.extent
    return (u - u0) / (u1 - u0), 1 - (v - v0) / (v1 - v0)


def hex_code(partition: Grid, f: int, layer: int) -> tuple[str, int]:
    part = partition.codes.layer(layer)
    bits = unpack(part.words[f], part.n_bits)
    number = sum(1 << i for i, bit in enumerate(bits.tolist()) if bit)
    return f"{number:0{-(-part.n_bits // 4)}x}", int(bits.sum())


@pytest.mark.parametrize("f", [0, 17, 34])
def test_pointing_at_a_polygon_tells_what_the_slice_has(opened, partition, f):
    corners = partition.polygons[partition.offsets[f] : partition.offsets[f + 1]]
    u, v = partition.vertices[corners].mean(axis=0)
    text = opened.point("slice", *share(partition, u, v))
    assert f"Polygon {f}\n" in text
    assert "edge" not in text.split("\n")
    area = float(re.search(r"area\s+([\d.e-]+)", text).group(1))
    assert area == pytest.approx(partition.areas[f], rel=1e-4)
    at = [float(x) for x in re.search(r"\(([^)]+), ([^)]+)\)\s+area", text).groups()]
    assert at == pytest.approx([u, v], abs=0.02)
    for layer in (0, 1):
        digits, active = hex_code(partition, f, layer)
        assert f"{active} of {partition.codes.layers[layer].bits} active" in text
        assert digits in text.split("\n")
    told = dict(re.findall(r"(\d): (-?[\d.e-]+)", text))
    weights = np.arange(6).reshape(2, 3) - 1.5
    for output, value in told.items():
        assert float(value) == pytest.approx(np.array(at) @ weights[:, int(output)], abs=0.01)


def test_pointing_at_an_edge_tells_layer_and_unit(opened, partition):
    inner = np.flatnonzero(partition.edge_layer >= 0)
    for edge in (inner[0], inner[-1], inner[len(inner) // 2]):
        u, v = partition.vertices[partition.edges[edge]].mean(axis=0)
        text = opened.point("slice", *share(partition, u, v))
        name = partition.codes.layers[partition.edge_layer[edge]].name
        assert f"layer {name}, unit {partition.edge_unit[edge]}" in text


def test_the_slice_by_keys_and_zoomed(opened, partition):
    canvas = opened.canvas("slice")
    canvas.focus()
    assert "35 polygons" in opened.readout("slice")
    opened.page.keyboard.press("ArrowRight")
    before = opened.readout("slice")
    assert re.match(r"Polygon \d+\n", before)
    for _ in range(6):
        opened.page.keyboard.press("+")
    opened.page.wait_for_timeout(300)
    # The middle of the picture stays where it is: 1.6 ** 6 times as large.
    text = opened.point("slice", 0.5 + 0.1, 0.5)
    u = float(re.search(r"\((-?[\d.e-]+),", text).group(1))
    assert u == pytest.approx(1 + 4 * 0.1 / 1.6**6, abs=0.01)
    opened.page.keyboard.press("0")
    opened.page.wait_for_timeout(200)
    u = float(re.search(r"\((-?[\d.e-]+),", opened.point("slice", 0.6, 0.5)).group(1))
    assert u == pytest.approx(1.4, abs=0.01)


def test_dragging_and_the_wheel_move_the_slice(opened, partition):
    box = opened.canvas("slice").bounding_box()
    mouse = opened.page.mouse
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    mouse.move(*middle)
    mouse.down()
    mouse.up()
    mouse.wheel(0, -600)
    opened.page.wait_for_timeout(300)
    mouse.move(*middle)
    mouse.down()
    mouse.move(middle[0] + 80, middle[1], steps=4)
    mouse.up()
    opened.page.wait_for_timeout(300)
    text = opened.point("slice", 0.5, 0.5)
    u = float(re.search(r"\((-?[\d.e-]+),", text).group(1))
    assert u == pytest.approx(1 - 80 / box["width"] * 4 / np.e**2, abs=0.01)


def crossing(walk, s: int, i: int) -> dict[str, str]:
    """What the readout must say of crossing i of segment s."""
    at = int(walk.offsets[s]) + i
    t = walk.t[at]
    knots = walk.knots[walk.knot_offsets[s] : walk.knot_offsets[s + 1]]
    pieces = walk.codes(s)
    piece = int(np.searchsorted(knots[1:-1], t, side="right"))
    return {
        "t": float(t),
        "layer": walk.layers[walk.layer[at]].name,
        "unit": str(walk.unit[at]),
        "direction": "off → on" if walk.direction[at] > 0 else "on → off",
        "Hamming from start": str(int(hamming(pieces[:1], pieces[piece : piece + 1])[0])),
    }


def need_told(text: str, wanted: dict[str, str]) -> None:
    told = text.split("\n")
    for term, value in wanted.items():
        found = told[told.index(term) + 1]
        if term == "t":
            assert float(found) == pytest.approx(value, rel=1e-9)
        else:
            assert found == value


def test_pointing_at_a_crossing_tells_what_crossings_has(opened, walk):
    count = int(walk.count()[0])
    canvas = opened.canvas("path")
    layout = canvas.evaluate(
        """canvas => { const p = canvas.closest("[data-viewer]").view.parts;
        return { left: p.left, right: p.right, top: p.ticks.top, height: p.ticks.height }; }"""
    )
    box = canvas.bounding_box()
    row = layout["height"] / len(walk.layers)
    for i in (0, count // 2, count - 1):
        x = layout["left"] + walk.t[i] * (layout["right"] - layout["left"])
        y = layout["top"] + (walk.layer[i] + 0.5) * row
        text = opened.point("path", x / box["width"], y / box["height"])
        assert text.startswith(f"Crossing {i + 1} of {count}\n")
        need_told(text, crossing(walk, 0, i))


def test_the_path_by_keys_and_another_segment(opened, walk):
    opened.page.locator("[data-viewer=path] select").select_option("2")
    canvas = opened.canvas("path")
    canvas.focus()
    count = int(walk.count()[2])
    for i in range(3):
        opened.page.keyboard.press("ArrowRight")
        need_told(opened.readout("path"), crossing(walk, 2, i))
    opened.page.keyboard.press("End")
    need_told(opened.readout("path"), crossing(walk, 2, count - 1))
    opened.page.keyboard.press("ArrowRight")
    assert opened.readout("path").startswith(f"Crossing {count} of {count}\n")
    opened.page.keyboard.press("Home")
    need_told(opened.readout("path"), crossing(walk, 2, 0))


@pytest.mark.parametrize("dark", [False, True])
def test_pictures_have_colours_in_light_and_dark(browser, report, tmp_path, dark):
    found = Opened(browser, report, dark=dark)
    found.page.screenshot(path=tmp_path / "report.png", full_page=True)
    assert (tmp_path / "report.png").stat().st_size > 10_000
    page = found.pixels()
    assert (page[0, 0] < 60).all() if dark else (page[0, 0] > 200).all()
    for viewer in ("slice", "path"):
        shot = found.pixels(found.canvas(viewer))
        colours, counts = np.unique(shot.reshape(-1, 3), axis=0, return_counts=True)
        assert len(colours) > 50
        assert counts.max() < 0.97 * counts.sum()
        spread = colours.max(axis=1) - colours.min(axis=1)
        assert counts[spread > 60].sum() > 100  # more than greys
    assert found.complaints == []
    found.context.close()


@pytest.mark.parametrize("width", [360, 800])
def test_a_narrow_window_does_not_scroll_sideways(browser, report, width):
    found = Opened(browser, report, width=width)
    assert found.page.evaluate("document.documentElement.scrollWidth") <= width
    found.context.close()


def test_it_prints_on_white(browser, report):
    found = Opened(browser, report, dark=True)
    assert len(found.page.pdf()) > 10_000
    found.page.emulate_media(media="print")
    assert found.pixels()[0, 0].tolist() == [255, 255, 255]
    assert not found.page.locator("nav").is_visible()
    found.context.close()


def test_a_whole_report(browser, tmp_path):
    torch.manual_seed(0)
    labels = np.arange(40) % 2
    x = torch.randn(40, 4) + 2 * torch.tensor(labels)[:, None]
    names = ["model", "slice", "segments", "density", "units"]
    path = tmp_path / "report.html"
    lens_report(mlp(4, 9, 9, 2).float(), x, labels, output=path, analyses=names, quick=True)
    for dark in (False, True):
        found = Opened(browser, path, dark=dark, width=400)
        assert found.page.evaluate("document.documentElement.scrollWidth") <= 400
        assert found.page.locator("figure svg").count() == 4
        assert found.complaints == []
        assert found.requests == [path.as_uri()]
        found.context.close()


def test_every_polygon_of_an_exact_slice(browser, tmp_path):
    """The viewer finds each polygon at its middle, with its code, area and outputs."""
    torch.manual_seed(0)
    network = read(mlp(3, 16, 12, 2), 3)
    found = slice_2d(network, *torch.eye(3, dtype=torch.float64), (-1, 2, -1, 2))
    about = About((), network.layers, {})
    viewer = Viewer("slice", lambda _: slice_data(found))
    section = Section("slice", "S", "?", "", lambda _: about, viewer=viewer)
    path = tmp_path / "slice.html"
    path.write_text(page_html("T", "L", [Outcome(section, about, "", 0)], {}), encoding="utf-8")
    opened = Opened(browser, path)
    middles = found.centroids()
    shares = (middles + 1) / 3
    told = opened.page.evaluate(
        """points => { const { shape } = document.querySelector("[data-viewer]").view;
        return points.map(([x, y]) => { const f = shape.locate(x, y);
          return [f, shape.outputsAt(f, x, y), Array.from(shape.code(f)), shape.areas[f]]; }); }""",
        shares.tolist(),
    )
    large = found.areas > 1e-9 * found.plane.window_area
    assert large.sum() > 100
    face, outputs, words, areas = zip(*told, strict=True)
    assert np.array_equal(np.array(face)[large], np.flatnonzero(large))
    wanted = found.codes.words.view(np.uint32)
    assert np.array_equal(np.array(words, np.uint32)[large], wanted[large])
    assert np.allclose(np.array(areas)[large], found.areas[large], rtol=1e-5)
    exact = network(found.plane.points(middles))
    assert np.allclose(np.array(outputs)[large], exact[large], atol=1e-3)
    opened.context.close()
