"""The page of the report: head, headline numbers, panels by section, definitions. One file that makes no request."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from importlib.resources import files

from claude_code_analytics.constants import version

from ..metrics.answers import answers
from ..metrics.explanations import LEFT_OUT
from ..metrics.figures import Figures
from ..metrics.headlines import Headline, headlines
from ..metrics.periods import in_words
from ..metrics.sums import KEY
from ..metrics.tables import Table
from . import charts
from .markup import PRINTED_ROWS, change_html, escape, table_html, value_html
from .panels import SECTIONS, Panel, made


def page_of(figures: Figures) -> tuple[str, list[Table]]:
    """Returns the page and the tables that it shows."""
    panels = made(figures)
    style, script = _asset("style.css"), _asset("tables.js")
    sections = "".join(
        f'<section id="{name}"><h2>{title}</h2>'
        + "".join(_panel(figures, panel, table) for panel, table in panels if panel.section == name)
        + (_left_out(figures) if name == "quality" else "")
        + "</section>"
        for name, title in SECTIONS.items()
        if any(panel.section == name for panel, _ in panels)
    )
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    title = f"Claude Code, {in_words(figures.period.days)}"
    html = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">
<title>{title}</title>
<style>{style}</style></head>
<body>
<header><p class="eyebrow">Claude Code in the organization</p><h1>{in_words(figures.period.days)}</h1>
<p class="meta">{_completeness(figures)}</p></header>
<main>
<ul class="facts">{"".join(f"<li>{escape(each.label)}: {escape(each.text)}" for each in answers(figures))}</ul>
<dl class="headlines">{"".join(map(_headline, headlines(figures)))}</dl>
{sections}
</main>
{_footer(figures)}
<script>{script}</script>
</body></html>
"""
    return html, [table for _, table in panels]


def _headline(each: Headline) -> str:
    return (
        f'<div><dt>{escape(each.label)}</dt><dd class="value">{value_html(each.value, each.kind)}</dd>'
        f'<dd class="change">{change_html(each.change, each.change_kind)}</dd><dd>{escape(each.note)}</dd></div>'
    )


def _panel(figures: Figures, panel: Panel, table: Table) -> str:
    if panel.is_drawn:
        numbers = f"<details><summary>Numbers</summary>{table_html(table)}</details>"
    else:
        numbers = table_html(table, tools=panel.searched)
    parts = [
        f"<h3>{panel.title}</h3>",
        f'<p class="sentence">{escape(panel.sentence(figures, table))}</p>',
        *_drawings(figures, panel, table),
        f'<p class="legend">{panel.key}</p>' if panel.key else "",
        numbers,
        f'<p class="note">{escape(panel.note)}</p>' if panel.note else "",
    ]
    long = " long" if len(table.rows) > PRINTED_ROWS / 2 and not panel.is_drawn else ""
    return f'<section class="panel{long}">{"".join(parts)}</section>'


def _drawings(figures: Figures, panel: Panel, table: Table) -> Iterator[str]:
    if panel.chart is not None:
        label = f'role="img" aria-label="{panel.title}: its numbers follow"'
        for name, width in (("wide", charts.WIDE), ("narrow", charts.NARROW)):
            yield f'<figure class="{name}" {label}>{charts.render(panel.chart(figures, table, width))}</figure>'
    elif panel.drawing is not None:
        yield f"<figure>{panel.drawing(figures, table)}</figure>"


def _completeness(figures: Figures) -> str:
    sentence = escape(figures.period.sentence)
    if not figures.period.is_complete:
        sentence = f'<span class="warn">{sentence}</span>'
    keys = (
        " All activity comes from API keys, which may be people: the API names no person."
        if figures.subject == KEY
        else ""
    )
    return f"{escape(figures.organization)}. {sentence}{keys}"


def _left_out(figures: Figures) -> str:
    facts = list(LEFT_OUT)
    if not figures.knows_people:
        facts.insert(0, "Identities are hashed or dropped in this dataset, so no person is listed.")
    return f'<h3>What the API leaves out</h3><ul class="facts">{"".join(f"<li>{escape(fact)}" for fact in facts)}</ul>'


def _footer(figures: Figures) -> str:
    definitions = "".join(
        f"<dt>{escape(each.label)}</dt><dd>{escape(each.meaning)}</dd>" for each in headlines(figures) if each.meaning
    )
    fetched = figures.status.last_fetch
    read = f" from data fetched until {fetched:%Y-%m-%d %H:%M} UTC" if fetched else ""
    return (
        f"<footer><p>How the numbers are counted</p><dl>{definitions}</dl>"
        f"<p>Made at {figures.made_at:%Y-%m-%d %H:%M} UTC{read}, by claude-code-analytics {escape(version())}.</p>"
        "</footer>"
    )


def _asset(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
