"""The page: outcomes of sections as one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from string import Template

from .content import section_content
from .markup import paragraph
from .section import Outcome

_SCRIPTS = ("common.js", "slice_geometry.js", "slice_view.js", "path_view.js")


def page_html(title: str, lead: str, outcomes: Sequence[Outcome], notes: Mapping[str, str]) -> str:
    """Return the page.

    Parameters
    ----------
    title, lead : str
        The heading, and a sentence below it.
    outcomes : of sections in order, each with a result or a reason
    notes : mapping
        What the foot says: versions, seed, time.

    """
    contents = [section_content(outcome) for outcome in outcomes]
    return Template(_resource("report.html")).substitute(
        title=escape(title),
        lead=escape(lead),
        style=_resource("report.css"),
        contents="\n".join(map(_entry, outcomes)),
        sections="\n".join(content.body for content in contents),
        footer=paragraph("; ".join(f"{name} {value}" for name, value in notes.items())),
        data="\n".join(content.data for content in contents if content.data),
        script="\n".join([*map(_resource, _SCRIPTS), "lens.start();"]),
    )


@cache
def _resource(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _entry(outcome: Outcome) -> str:
    left_out = ' class="left-out"' if outcome.result is None else ""
    section = outcome.section
    return f'<li{left_out}><a href="#{section.name}">{escape(section.title)}</a></li>'
