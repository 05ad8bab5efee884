"""Elements of the page. What comes from users is escaped here, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from ..tables import Table

_MOST_ROWS = 15
"""Longer tables are folded."""


def table_html(table: Table) -> str:
    """Return a table, whose first column names its row; a long one folded under its title."""
    title = _text(table.title)
    if len(table.rows) <= _MOST_ROWS:
        return _rows_html(table, title, f"<caption>{title}</caption>")
    summary = f"{title} ({len(table.rows):,} rows)"
    return f"<details><summary>{summary}</summary>{_rows_html(table, title, '')}</details>"


def _rows_html(table: Table, title: str, caption: str) -> str:
    head = "".join(f'<th scope="col">{_text(name)}</th>' for name in table.header)
    rows = []
    for first, *rest in table.rows:
        cells = "".join(f"<td>{_text(cell)}</td>" for cell in rest)
        rows.append(f'<tr><th scope="row">{_text(first)}</th>{cells}</tr>')
    body = "\n".join(rows)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{title}"><table>'
        f"{caption}<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>"
    )


def work_html(work: Mapping[str, int], seconds: float) -> str:
    """Say what was computed, and how long it took."""
    counts = [f"{number:,} {_text(name)}" for name, number in work.items()]
    return f'<p class="work">Computed: {", ".join(counts)}. {seconds:,.2f} s.</p>'


def paragraph(text: str, kind: str = "") -> str:
    """Return a paragraph of text, of a class of the style sheet."""
    attribute = f' class="{kind}"' if kind else ""
    return f"<p{attribute}>{_text(text)}</p>"


def viewer_html(kind: str, source: str) -> str:
    """Return the place of a viewer; its script fills it from the data with that id."""
    return (
        f'<div class="viewer" data-viewer="{kind}" data-source="{source}">'
        "<noscript>The interactive viewer needs JavaScript.</noscript></div>"
    )


def data_html(source: str, text: str) -> str:
    """Return the element with a viewer's data, which is JSON from `packing.script_json`."""
    return f'<script type="application/json" id="{source}">{text}</script>'


def _text(value: object) -> str:
    return escape(str(value), quote=True)
