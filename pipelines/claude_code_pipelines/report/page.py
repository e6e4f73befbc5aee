"""The page of the report: head, answers, headline numbers, panels by section. One file that makes no request."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from importlib.resources import files
from itertools import starmap

from claude_code_analytics.constants import version
from claude_code_analytics.dates import DayRange

from ..metrics.answers import Answer, answers
from ..metrics.explanations import LEFT_OUT
from ..metrics.figures import Figures
from ..metrics.headlines import Headline, headlines
from ..metrics.periods import in_words
from ..metrics.sums import KEY, PERSON
from ..metrics.tables import Kind, Table
from .colours import colour_style
from .downloads import download_attributes
from .drawing import render
from .markup import ROW_HEAD, answer_html, body, cell, change_html, escape, framed, head, table_html, value_html
from .panels import SECTIONS, Panel, made

# Headline numbers that stand on the first screen beside the answers.
_TILES = ("sessions", "acceptance_rate", "commits", "pull_requests")

# Titles of all headline numbers.
_HEADS = (
    ("Number", Kind.TEXT),
    ("Period", Kind.COUNT),
    ("Before", Kind.COUNT),
    ("Change", Kind.COUNT),
    ("Counted", Kind.TEXT),
)


def page_of(figures: Figures) -> tuple[str, list[Table]]:
    """Returns the page and the tables that it shows."""
    panels = made(figures)
    style, script = colour_style() + _asset("style.css"), _asset("tables.js")
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
    title = f"Claude Code at {escape(figures.organization)}, {in_words(figures.period.days)}"
    html = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">
<title>{title}</title>
<style>{style}</style></head>
<body>
<header><p class="eyebrow">Claude Code at {escape(figures.organization)}</p><h1>{in_words(figures.period.days)}</h1>
<p class="meta">{_completeness(figures)}</p></header>
<main>
<dl class="answers">{"".join(map(_answer, answers(figures)))}</dl>
{_numbers(figures)}
{sections}
</main>
{_footer(figures)}
<script>{script}</script>
</body></html>
"""
    return html, [table for _, table in panels]


def _answer(each: Answer) -> str:
    return f"<div><dt>{escape(each.label)}</dt><dd>{answer_html(each.text)}</dd></div>"


def _numbers(figures: Figures) -> str:
    """Returns the few headline numbers that no answer says, and all of them, exact, with how they are counted."""
    found = headlines(figures)
    tiles = "".join(map(_tile, (each for each in found if each.name in _TILES)))
    rows = "".join(
        f"<tr>{ROW_HEAD}{escape(each.label)}<td>{cell(each.value, each.kind)}<td>{cell(each.before, each.kind)}"
        f"<td>{change_html(each.change, each.change_kind, falls=each.falls)}<td align=left>{escape(each.meaning)}"
        for each in found
    )
    who = "people" if figures.subject == PERSON else "API keys"
    title = "All numbers of the period, and how they are counted"
    table = framed(title, "".join(starmap(head, _HEADS)), body(rows), ' id="table-headlines"')
    return (
        f'<p class="who">What {who} did</p><dl class="headlines">{tiles}</dl>'
        f"<details><summary>{title}</summary>{table}</details>"
    )


def _tile(each: Headline) -> str:
    change = change_html(each.change, each.change_kind, falls=each.falls)
    return (
        f'<div><dt>{escape(each.label)}</dt><dd class="value">{value_html(each.value, each.kind)}</dd>'
        f'<dd class="change">{change}</dd><dd>{escape(each.note)}</dd></div>'
    )


def _panel(figures: Figures, panel: Panel, table: Table) -> str:
    title = f"{panel.title}, {_trend_days(figures, table)}" if panel.is_trend else panel.title
    attributes = download_attributes(table, figures) if panel.is_searched else ""
    caption = f"{title}: numbers" if panel.is_drawn else title
    ordered_by = figures.money if panel.is_searched else ""
    shown = table_html(table.shown(), caption, attributes, ordered_by=ordered_by, bars=panel.bars)
    parts = [
        f'<p class="sentence">{escape(panel.sentence(figures, table))}</p>',
        *_drawings(figures, panel, table),
        f"<details><summary>Numbers</summary>{shown}</details>" if panel.is_drawn else shown,
        f'<p class="note">{escape(panel.note_on(table))}</p>',
    ]
    if panel.is_folded:
        return f'<details class="panel"><summary>{title}</summary>{"".join(parts)}</details>'
    return f'<section class="panel"><h3>{title}</h3>{"".join(parts)}</section>'


def _trend_days(figures: Figures, table: Table) -> str:
    return in_words(DayRange(table.rows[0][0], figures.period.days.last))


def _drawings(figures: Figures, panel: Panel, table: Table) -> Iterator[str]:
    if panel.key is not None:
        yield f'<p class="legend">{panel.key(figures, table)}</p>'
    if panel.chart is not None:
        label = f'role="img" aria-label="{panel.title}: its numbers follow"'
        yield f"<figure {label}>{render(panel.chart(figures, table))}</figure>"
    elif panel.drawing is not None:
        yield f"<figure>{panel.drawing(figures, table)}</figure>"


def _completeness(figures: Figures) -> str:
    period = figures.period
    sentence = escape(period.sentence)
    if not period.is_complete:
        sentence = f'<span class="warn">{sentence}</span>'
    keys = "All activity comes from API keys, which may be people: the API names no person."
    hidden = "" if figures.request.names_people else "This page names no person."
    return " ".join(filter(None, (escape(period.note), sentence, keys if figures.subject == KEY else "", hidden)))


def _left_out(figures: Figures) -> str:
    facts = list(LEFT_OUT)
    if not figures.knows_people:
        facts.insert(0, "Identities are hashed or dropped in this dataset, so no person is listed.")
    return f'<h3>What the API leaves out</h3><ul class="facts">{"".join(f"<li>{escape(fact)}" for fact in facts)}</ul>'


def _footer(figures: Figures) -> str:
    fetched = figures.status.last_fetch
    read = f" from data fetched until {fetched:%Y-%m-%d %H:%M} UTC" if fetched else ""
    return (
        f"<footer><p>Made at {figures.made_at:%Y-%m-%d %H:%M} UTC{read}, by claude-code-analytics {escape(version())}."
        "</p></footer>"
    )


def _asset(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
