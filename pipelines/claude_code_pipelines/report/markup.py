"""HTML of tables and of drawings that are no chart. Everything that comes from outside is escaped here."""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Mapping, Sequence
from typing import Any

from claude_code_analytics.foreign_text import printable

from ..metrics.periods import monday
from ..metrics.tables import NOTHING, Column, Kind, Table, exact, rounded

# Rows of a table that are printed on paper: 5,000 people make a PDF of 12 MB.
PRINTED_ROWS = 50
_LEFT = " class=l"


def escape(text: object) -> str:
    """Returns foreign text as HTML text, without control characters."""
    return html.escape(printable(str(text)))


def table_html(table: Table, *, tools: bool = False) -> str:
    """Returns a table with exact values.

    Args:
        table: The table.
        tools: Whether the page's script adds search, sorting and download.
    """
    heads = "".join(f'<th scope="col"{_side(column)}>{escape(column.title)}</th>' for column in table.columns)
    starts = [f"<td{_side(column)}>" for column in table.columns]
    kinds = [column.kind for column in table.columns]
    body = "\n".join(_row(starts, kinds, row) for row in table.data)
    foot = f"<tfoot>{_row(starts, kinds, table.total)}</tfoot>" if table.total else ""
    more = len(table.rows) - PRINTED_ROWS
    note = f'<p class="paper">Printed: the first {PRINTED_ROWS} of {len(table.rows):,} rows.</p>' if more > 0 else ""
    attribute = " data-tools" if tools else ""
    return (
        f'<div class="scroll"><table id="table-{table.name}"{attribute}><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody>{foot}</table></div>{note}"
    )


def _row(starts: Sequence[str], kinds: Sequence[Kind], row: Sequence[Any]) -> str:
    # Closing tags of cells and rows are optional in HTML, and a seventh of a long table.
    cells = (start + _cell(value, kind) for start, value, kind in zip(starts, row, kinds, strict=True))
    return f"<tr>{''.join(cells)}"


def _cell(value: Any, kind: Kind) -> str:
    return escape(value) if kind is Kind.TEXT and value is not None else exact(value, kind)


def _side(column: Column) -> str:
    return "" if column.kind.is_number else _LEFT


def heat_table(table: Table) -> str:
    """Returns cohorts as shares of their people; the shade follows the share, the number is in the cell."""
    heads = "".join(f'<th scope="col">{escape(column.title)}</th>' for column in table.columns[2:])
    rows = []
    for name, size, *active in table.rows:
        cells = "".join(
            '<td class="h">' if number is None else f'<td class="h h{round(10 * number / size)}">{number / size:.0%}'
            for number in active
        )
        rows.append(f'<tr><th scope="row" class=l>{escape(name)}</th><td>{size:,}{cells}')
    return (
        '<div class="scroll"><table class="heat"><thead><tr><th scope="col" class=l>First week</th>'
        f'<th scope="col">People</th>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


# Side of a day in the calendar and its gap, in CSS pixels.
_DAY, _STEP = 10, 12
# Marks of days beside their colour: a shape for each kind, drawn in a box of 10 x 10.
MARKS = {
    "held": '<rect width="10" height="10" rx="2" class="held"/>',
    "changed": '<rect width="10" height="10" rx="2" class="held"/><circle cx="5" cy="5" r="2" class="hole"/>',
    "partial": '<rect x=".75" y=".75" width="8.5" height="8.5" rx="2" class="partial"/>',
    "inconsistent": '<rect width="10" height="10" rx="2" class="bad"/><path d="M2.5 2.5l5 5m0-5l-5 5" class="cut"/>',
    "missing": '<path d="M2 2l6 6m0-6l-6 6" class="gone"/>',
}


def calendar(states: Mapping[dt.date, str]) -> str:
    """Returns a calendar of days, one column for each week, as SVG."""
    first = monday(min(states))
    weeks = (max(states) - first).days // 7 + 1
    marks, months = [], []
    for day, kind in sorted(states.items()):
        x, y = 28 + (day - first).days // 7 * _STEP, 18 + day.weekday() * _STEP
        marks.append(f'<g transform="translate({x},{y})"><title>{day}: {kind}</title>{MARKS[kind]}</g>')
        if day.day == 1:
            months.append(f'<text x="{x}" y="10">{day:%b}</text>')
    names = "".join(
        f'<text x="0" y="{27 + row * _STEP}">{name}</text>' for row, name in ((0, "Mo"), (3, "Th"), (6, "Su"))
    )
    width, height = 28 + weeks * _STEP, 18 + 7 * _STEP
    return (
        f'<svg class="calendar" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="State of each day">{"".join(months)}{names}{"".join(marks)}</svg>'
    )


def key_of(kind: str) -> str:
    """Returns the mark of a kind of day for a legend."""
    return f'<svg class="key" viewBox="0 0 10 10" width="12" height="12" aria-hidden="true">{MARKS[kind]}</svg>'


def change_html(change: float | None, kind: Kind) -> str:
    """Returns a change with an arrow. It has no colour: more is not better."""
    if change is None:
        return ""
    text = rounded(change, kind)
    if text[1:] in ("0%", "0.0 points"):
        return "unchanged"
    return f"{'▼' if text.startswith('-') else '▲'} {escape(text.lstrip('+-'))}"


def value_html(value: object, kind: Kind) -> str:
    """Returns a headline number, rounded; in words where there is none."""
    text = rounded(value, kind)
    return '<span class="none">not reported</span>' if text == NOTHING else escape(text)
