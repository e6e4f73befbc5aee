"""HTML of tables and of numbers. Everything that comes from outside is escaped here."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from typing import Any

from claude_code_analytics.foreign_text import printable

from ..metrics.tables import NOTHING, Column, Kind, Table, exact, rounded
from .colours import shade
from .shapes import bar_of

# Rows of a table that are printed on paper: 5,000 people make a PDF of 12 MB.
PRINTED_ROWS = 500
# Smaller amounts need parts of cents.
_CENTS_FROM = 0.1
# Columns of a table on a telephone.
NARROW_COLUMNS = 4
# Attributes that HTML has retired keep a table readable where the host of the page removes its style.
_FRAME = ' rules="rows" cellpadding="4"'
_LEFT = " align=left"
ROW_HEAD = f"<th scope=row{_LEFT}>"


def escape(text: object) -> str:
    """Returns foreign text as HTML text, without control characters."""
    return html.escape(printable(str(text)))


def table_html(table: Table, caption: str, attributes: str = "", *, ordered_by: str = "", bars: str = "") -> str:
    """Returns a table; the rows that complete the sums stand below its own.

    Args:
        table: The table.
        caption: Caption.
        attributes: Further attributes.
        ordered_by: Key of the column that its rows are ordered by.
        bars: Key of a column of shares that are drawn beside their numbers.
    """
    heads = "".join(
        head(column.title, column.kind, ' aria-sort="descending"' if column.key == ordered_by else "")
        for column in table.columns
    )
    attributes = f' id="table-{table.name}" class="{_hidden(table.columns)}"{attributes}'
    return framed(caption, heads, _bodies(table, bars), attributes, len(table.rows))


def framed(caption: str, heads: str, bodies: str, attributes: str = "", rows: int = 0) -> str:
    """Returns a table with a caption around its rows."""
    note = f"Printed: the first {PRINTED_ROWS} of {rows:,} rows."
    printed = f' data-printed="{note}"' if rows > PRINTED_ROWS else ""
    return (
        f'<div class="scroll"{printed}><table{attributes}{_FRAME}><caption>{escape(caption)}</caption>'
        f"<thead align=right><tr>{heads}</tr></thead>{bodies}</table></div>"
    )


def _bodies(table: Table, bars: str) -> str:
    """Returns the rows, those of the rest and the total, each in an element of its own, so that they sort apart."""
    first, *others = (_side(column.kind) for column in table.columns)
    starts = [f"<th scope=row{first}>", *(f"<td{side}>" for side in others)]
    cells = [_bar_cell if column.key == bars else cell for column in table.columns]
    parts = (("tbody", table.rows), ("tbody class=rest", table.rest), ("tfoot", [table.total] if table.total else []))
    return "".join(
        body("\n".join(_row(starts, cells, table.columns, row) for row in its), tag)
        for tag, its in parts
        if its or tag == "tbody"
    )


def body(rows: str, tag: str = "tbody") -> str:
    return f"<{tag} align=right>{rows}</{tag.partition(' ')[0]}>"


def head(title: str, kind: Kind, attributes: str = "") -> str:
    return f'<th scope="col"{_side(kind)}{attributes}>{escape(title)}</th>'


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


def _hidden(columns: Sequence[Column]) -> str:
    """Returns the classes that hide columns on a telephone: those of most detail (`style.css`)."""
    by_detail = sorted(range(1, len(columns)), key=lambda place: columns[place].detail)
    return " ".join(f"n{place + 1}" for place in sorted(by_detail[NARROW_COLUMNS - 1 :]))


def _side(kind: Kind) -> str:
    return f"{_LEFT} nowrap" if kind is Kind.DAY else "" if kind.is_number else _LEFT


def heat_table(table: Table) -> str:
    """Returns cohorts as shares of their people; the shade follows the share, the number is in the cell."""
    heads = "".join(head(column.title, column.kind) for column in table.columns)
    rows = []
    for name, size, *active in table.rows:
        cells = "".join(
            "<td>" if number is None else f'<td bgcolor="{shade(number / size)}">{number / size:.0%}'
            for number in active
        )
        rows.append(f"<tr>{ROW_HEAD}{escape(name)}<td>{size:,}{cells}")
    return framed("Shares by weeks after the first", heads, body("".join(rows)), ' class="heat"')


_LEADING = re.compile(r"\$?\d(?:[\d,.]*\d)?(?: [MBTQ]\b)?%?")


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
