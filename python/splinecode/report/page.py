"""The page: outcomes of sections as one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from string import Template

from .figures import figure_html
from .markup import data_html, paragraph, table_html, viewer_html, work_html
from .packing import script_json
from .section import Claim, Outcome

_SCRIPTS = ("common.js", "slice_geometry.js", "slice_view.js", "path_view.js")
_VERDICTS = {
    True: ("shown", "It shows here."),
    False: ("absent", "It does not show here."),
    None: ("open", "These numbers do not tell."),
}


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
    return Template(_resource("report.html")).substitute(
        title=escape(title),
        lead=escape(lead),
        style=_resource("report.css"),
        contents="\n".join(map(_entry, outcomes)),
        sections="\n".join(map(_section, outcomes)),
        footer=paragraph("; ".join(f"{name} {value}" for name, value in notes.items())),
        data="\n".join(filter(None, map(_data, outcomes))),
        script="\n".join([*map(_resource, _SCRIPTS), "lens.start();"]),
    )


@cache
def _resource(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _entry(outcome: Outcome) -> str:
    left_out = ' class="left-out"' if outcome.result is None else ""
    section = outcome.section
    return f'<li{left_out}><a href="#{section.name}">{escape(section.title)}</a></li>'


def _section(outcome: Outcome) -> str:
    section, result = outcome.section, outcome.result
    parts = [f"<h2>{escape(section.title)}</h2>", paragraph(section.question, "question")]
    if result is None:
        parts.append(paragraph(f"Left out: {outcome.reason}", "reason"))
    else:
        if section.claim is not None:
            parts.append(_claim(section.claim(result)))
        if section.viewer is not None:
            parts.append(viewer_html(section.viewer.kind, _source(outcome)))
        parts.append(_figure(outcome))
        tables = "\n".join(map(table_html, result.tables()))
        parts.append(f'<div class="tables">\n{tables}\n</div>')
        parts.append(work_html(result.work, outcome.seconds))
    body = "\n".join(filter(None, parts))
    return f'<section id="{section.name}">\n{body}\n</section>'


def _claim(claim: Claim | None) -> str:
    if claim is None:
        return ""
    kind, verdict = _VERDICTS[claim.shows]
    return (
        f'<div class="claim {kind}"><p>{escape(claim.paper)}</p>'
        f'<p><span class="verdict">{verdict}</span> {escape(claim.here)}</p></div>'
    )


def _figure(outcome: Outcome) -> str:
    section = outcome.section
    if section.figure is None:
        return paragraph(section.reading)
    label = escape(section.title)
    drawn = figure_html(section.figure(outcome.result), section.name, label, section.themed)
    return f"<figure>{drawn}<figcaption>{escape(section.reading)}</figcaption></figure>"


def _data(outcome: Outcome) -> str:
    viewer = outcome.section.viewer
    if viewer is None or outcome.result is None:
        return ""
    return data_html(_source(outcome), script_json(viewer.data(outcome.result)))


def _source(outcome: Outcome) -> str:
    return f"{outcome.section.name}-data"
