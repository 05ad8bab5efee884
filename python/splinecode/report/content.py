"""What a section shows of its result: claim, viewer, figure and tables, each for itself."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import NamedTuple

from ..analysis import Analysis
from .figures import figure_html
from .markup import data_html, paragraph, table_html, viewer_html, work_html
from .packing import script_json
from .section import Claim, Outcome, Section, failure

_VERDICTS = {
    True: ("shown", "It shows here."),
    False: ("absent", "It does not show here."),
    None: ("open", "These numbers do not tell."),
}


class Content(NamedTuple):
    """An element, and the element with the data of its viewer; "" without one."""

    body: str
    data: str = ""


def section_content(outcome: Outcome) -> Content:
    """Return the element of a section; a part that fails says so in its own place."""
    section, result = outcome.section, outcome.result
    parts = [f"<h2>{escape(section.title)}</h2>", paragraph(section.question, "question")]
    viewer = Content("")
    if result is None:
        parts.append(paragraph(f"Left out: {outcome.reason}", "reason"))
    else:
        viewer = _viewer(section, result)
        parts += [
            _part("verdict", lambda: _claim(section, result)),
            viewer.body,
            _part("figure", lambda: _figure(section, result)),
            _part("tables", lambda: _tables(result)),
            work_html(result.work, outcome.seconds),
        ]
    body = "\n".join(filter(None, parts))
    return Content(f'<section id="{section.name}">\n{body}\n</section>', viewer.data)


def _part(name: str, make: Callable[[], str]) -> str:
    try:
        return make()
    except Exception as error:
        return _failed(name, error)


def _failed(name: str, error: Exception) -> str:
    return paragraph(f"No {name}: {failure(error)}", "reason")


def _claim(section: Section, result: Analysis) -> str:
    claim: Claim | None = None if section.claim is None else section.claim(result)
    if claim is None:
        return ""
    kind, verdict = _VERDICTS[claim.shows]
    return (
        f'<div class="claim {kind}"><p>{escape(claim.paper)}</p>'
        f'<p><span class="verdict">{verdict}</span> {escape(claim.here)}</p></div>'
    )


def _viewer(section: Section, result: Analysis) -> Content:
    if section.viewer is None:
        return Content("")
    source = f"{section.name}-data"
    try:
        data = script_json(section.viewer.data(result))
    except Exception as error:
        return Content(_failed("viewer", error))
    return Content(viewer_html(section.viewer.kind, source), data_html(source, data))


def _figure(section: Section, result: Analysis) -> str:
    if section.figure is None:
        return paragraph(section.reading)
    label = escape(section.title)
    drawn = figure_html(section.figure(result), section.name, label, section.themed)
    return f"<figure>{drawn}<figcaption>{escape(section.reading)}</figcaption></figure>"


def _tables(result: Analysis) -> str:
    tables = "\n".join(map(table_html, result.tables()))
    return f'<div class="tables">\n{tables}\n</div>'
