"""HTML of tables and of drawings that are no chart. Everything that comes from outside is escaped here."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from claude_code_analytics.foreign_text import printable

from ..metrics.periods import monday
from ..metrics.tables import NOTHING, Column, Kind, Table, exact, rounded

# Rows of a table that are printed on paper: 5,000 people make a PDF of 12 MB.
PRINTED_ROWS = 50
# Smaller amounts need parts of cents.
_CENTS_FROM = 0.1
# Columns of a table on a telephone.
NARROW_COLUMNS = 4
_LEFT = " class=l"


def escape(text: object) -> str:
    """Returns foreign text as HTML text, without control characters."""
    return html.escape(printable(str(text)))


def table_html(table: Table, *, tools: bool = False, ordered_by: str = "", bars: str = "") -> str:
    """Returns a table; the rows that complete the sums stand below its own.

    Args:
        table: The table.
        tools: Whether the page's script adds search, sorting and download.
        ordered_by: Key of the column that its rows are ordered by.
        bars: Key of a column of shares that are drawn beside their numbers.
    """
    heads = "".join(_head(column, ordered_by) for column in table.columns)
    more = len(table.rows) - PRINTED_ROWS
    note = f'<p class="paper">Printed: the first {PRINTED_ROWS} of {len(table.rows):,} rows.</p>' if more > 0 else ""
    attribute = " data-tools" if tools else ""
    return (
        f'<div class="scroll"><table id="table-{table.name}" class="{_hidden(table.columns)}"{attribute}>'
        f"<thead><tr>{heads}</tr></thead>{_bodies(table, bars)}</table></div>{note}"
    )


def _bodies(table: Table, bars: str) -> str:
    """Returns the rows, those of the rest and the total, each in an element of its own, so that they sort apart."""
    starts = [f"<td{_side(column)}>" for column in table.columns]
    cells = [_bar_cell if column.key == bars else cell for column in table.columns]
    parts = (("tbody", table.rows), ("tbody class=rest", table.rest), ("tfoot", [table.total] if table.total else []))
    rows = (
        (tag, "\n".join(_row(starts, cells, table.columns, row) for row in its))
        for tag, its in parts
        if its or tag == "tbody"
    )
    return "".join(f"<{tag}>{text}</{tag.partition(' ')[0]}>" for tag, text in rows)


def _head(column: Column, ordered_by: str) -> str:
    order = ' aria-sort="descending"' if column.key == ordered_by else ""
    return f'<th scope="col"{_side(column)}{order}>{escape(column.title)}</th>'


def _row(starts: Sequence[str], cells: Sequence[Cell], columns: Sequence[Column], row: Sequence[Any]) -> str:
    # Closing tags of cells and rows are optional in HTML, and a seventh of a long table.
    parts = zip(starts, cells, row, columns, strict=True)
    return f"<tr>{''.join(start + write(value, column.kind) for start, write, value, column in parts)}"


Cell = Callable[[Any, Kind], str]


def _text_cell(value: Any, kind: Kind) -> str:
    return "" if value is None else escape(value)


def _money_cell(value: Any, kind: Kind) -> str:
    # The API's amounts have parts of cents: eleven digits push a column off the page. CSV files have them all.
    return exact(value if value is None else round(value, 2 if abs(value) >= _CENTS_FROM else 4), kind)


def _bar_cell(value: Any, kind: Kind) -> str:
    return f"{bar_of(value)}{exact(value, kind)}"


_CELLS: dict[Kind, Cell] = {Kind.TEXT: _text_cell, Kind.MONEY: _money_cell}


def cell(value: Any, kind: Kind) -> str:
    """Returns a value for a table: exact, but amounts in cents."""
    return _CELLS.get(kind, exact)(value, kind)


def bar_of(share: float | None) -> str:
    """Returns a share as a bar."""
    filled = "" if share is None else f'<rect width="{min(max(share, 0), 1) * 120:.1f}" height="8" class="held"/>'
    return f'<svg class="bar" width="120" height="8" aria-hidden="true"><rect width="120" height="8"/>{filled}</svg>'


def _hidden(columns: Sequence[Column]) -> str:
    """Returns the classes that hide columns on a telephone: those of most detail (`style.css`)."""
    by_detail = sorted(range(1, len(columns)), key=lambda place: columns[place].detail)
    return " ".join(f"n{place + 1}" for place in sorted(by_detail[NARROW_COLUMNS - 1 :]))


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


_LEADING = re.compile(r"\$?\d(?:[\d,.]*\d)?(?: [MBTQ]\b)?%?")
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


def swatch(part: int) -> str:
    """Returns the colour of a part of a chart for a legend."""
    return (
        '<svg class="key" viewBox="0 0 10 10" width="12" height="12" aria-hidden="true">'
        f'<rect width="10" height="10" rx="2" class="c{part}"/></svg>'
    )


def change_html(change: float | None, kind: Kind, *, falls: bool = False) -> str:
    """Returns a change, and whether less is better. It has no colour: more is not better."""
    if change is None:
        return ""
    shown = escape(rounded(change, kind)) if change else "unchanged"
    return f"{shown} <small>(less is better)</small>" if falls else shown


def value_html(value: object, kind: Kind) -> str:
    """Returns a headline number, rounded; in words where there is none."""
    text = rounded(value, kind)
    return '<span class="none">not reported</span>' if text == NOTHING else escape(text)


def answer_html(text: str) -> str:
    """Returns a line with the number that it begins with set large; a line without one as it is."""
    found = _LEADING.match(text)
    if found is None:
        return escape(text)
    return f"<b>{escape(found[0])}</b> {escape(text[found.end() :].lstrip(', '))}"
