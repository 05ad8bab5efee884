"""Figures inside a page: SVG in the page's colours, or PNG where that would be large."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from ..plots import style

MOST_SVG_BYTES = 1_200_000
_PNG_DPI = 130

_THEMED = {
    "#000000": "--ink",
    style.INK: "--ink",
    style.GREY: "--grey",
    style.LIGHT: "--light",
    style.PALE: "--pale",
    "#ffffff": "--card",
    **{colour: f"--cycle-{i}" for i, colour in enumerate(style.CYCLE[:-1])},
    **{colour: f"--fine-{i}" for i, colour in enumerate(style.FINENESS)},
}
_PATTERN = re.compile("|".join(re.escape(colour) for colour in _THEMED), re.IGNORECASE)
_VARIABLES = {colour.lower(): f"var({name})" for colour, name in _THEMED.items()}


def figure_html(axes: Any, name: str, label: str, themed: bool = True) -> str:
    """Return a figure as an element: inline SVG, or an image where the SVG would be large.

    Parameters
    ----------
    axes : Axes, or array of Axes of one figure
    name : str
        Goes before the SVG's ids, which must differ from those of other figures in the page.
    label : str, escaped
        What a screen reader says.
    themed : bool
        Take the page's colours; else stand on white paper.

    """
    figure: Figure = np.ravel(np.asarray(axes, dtype=object))[0].figure
    with rc_context({"svg.fonttype": "path", "svg.hashsalt": name}):
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    if len(text) <= MOST_SVG_BYTES:
        body = _inline(text, name, label)
        return _themed(body) if themed else body.replace("<svg ", '<svg class="paper" ', 1)
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=_PNG_DPI)
    data = base64.b64encode(image.getvalue()).decode()
    width = figure.get_figwidth() * 96
    source = f"data:image/png;base64,{data}"
    return f'<img src="{source}" style="max-width:{width:.0f}px" alt="{label}">'


def _inline(text: str, name: str, label: str) -> str:
    """Return the svg element alone, with ids of its own."""
    body = text[text.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", body)
    body = re.sub(r"^<svg[^>]*>", lambda found: _opening(found.group(), label), body)
    return body.replace("xlink:href", "href")


def _themed(body: str) -> str:
    return _PATTERN.sub(lambda found: _VARIABLES[found.group().lower()], body)


def _opening(tag: str, label: str) -> str:
    """Return the start of an svg element that is as wide as the figure, where the page is."""
    box = re.search(r'viewBox="[^"]*"', tag)
    width = re.search(r'width="([\d.]+)pt"', tag)
    assert box is not None
    assert width is not None
    pixels = float(width.group(1)) * 96 / 72
    return f'<svg {box.group()} style="max-width:{pixels:.0f}px" role="img" aria-label="{label}">'
