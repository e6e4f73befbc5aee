"""The report as a workbook: a sheet about it, and one for each table, with typed cells."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any

from claude_code_analytics.constants import version

from ..extras import extra
from ..metrics.figures import Figures
from ..metrics.headlines import headlines
from ..metrics.measures import MEASURES
from ..metrics.tables import Kind, Table
from ..visible_text import visible

# By unit, how a spreadsheet shows a number. The cell has the number itself.
_FORMATS = {
    Kind.DAY: "yyyy-mm-dd",
    Kind.COUNT: "#,##0",
    Kind.NUMBER: "#,##0.00",
    Kind.MONEY: "$#,##0.00",
    Kind.SHARE: "0.0%",
    Kind.POINTS: "+0.0%;-0.0%;0.0%",
    Kind.CHANGE: "+0.0%;-0.0%;0.0%",
}
_WIDEST = 600  # pixels of a column

# A value and its unit.
_Cell = tuple[Any, Kind]
_Row = Sequence[_Cell]


def workbook_of(figures: Figures, tables: Sequence[Table]) -> bytes:
    """Returns the workbook of tables, without their totals: a pivot table would double them.

    Raises:
        ConfigurationError: The extra `report` is not installed.
    """
    content = BytesIO()
    with extra("xlsxwriter").Workbook(content, {"in_memory": True}) as book:
        book.set_properties({"title": "Claude Code", "created": figures.made_at.replace(tzinfo=None)})
        title = book.add_format({"bold": True})
        formats = {kind: book.add_format({"num_format": text}) for kind, text in _FORMATS.items()}
        for name, titles, rows in _sheets(figures, tables):
            sheet = book.add_worksheet(name)
            for place, text in enumerate(titles):
                sheet.write_string(0, place, visible(text), title)
            sheet.freeze_panes(1, 0)
            for number, row in enumerate(rows, 1):
                _write_row(sheet, number, row, formats)
            sheet.autofit(_WIDEST)
    return content.getvalue()


def _write_row(sheet: Any, number: int, row: _Row, formats: Mapping[Kind, Any]) -> None:
    for place, (value, kind) in enumerate(row):
        if isinstance(value, str):  # never `write`, which makes formulas and links of texts
            sheet.write_string(number, place, visible(value))
        elif isinstance(value, dt.date):
            sheet.write_datetime(number, place, value, formats[Kind.DAY])
        elif value is not None:
            sheet.write_number(number, place, value, formats.get(kind))


def _sheets(figures: Figures, tables: Sequence[Table]) -> Iterator[tuple[str, Sequence[str], Iterable[_Row]]]:
    """Yields the names, titles and rows of the sheets."""
    yield "About", ("About", "Claude Code"), _about(figures, tables)
    yield "Headlines", ("Number", "Period", "Before", "Change", "Covers"), _headlines(figures)
    for table in tables:
        kinds = [column.kind for column in table.columns]
        rows = ([*zip(row, kinds, strict=True)] for row in table.data)
        yield table.name.replace("_", " ").capitalize(), [column.title for column in table.columns], rows


def _about(figures: Figures, tables: Sequence[Table]) -> Iterator[_Row]:
    period, fetched = figures.period, figures.status.last_fetch
    facts = {
        "Organization": figures.organization,
        "Organization id": figures.organization_id,
        "First day": period.days.first,
        "Last day": period.days.last,
        "Completeness": period.sentence,
        "Compared from": period.before.first,
        "Compared to": period.before.last,
        "Data as of": f"{fetched:%Y-%m-%d %H:%M} UTC" if fetched else "",
        "Made at": f"{figures.made_at:%Y-%m-%d %H:%M} UTC",
        "Made by": f"claude-code-analytics {version()}",
        "Digits": "A spreadsheet keeps 15 digits of a number. report --csv writes all.",
        "Sums": "Rows in brackets complete the sums of a table. There are no total rows.",
    }
    shown = {column.key for table in tables for column in table.columns}
    definitions = {each.label: each.meaning for each in headlines(figures)}
    definitions |= {each.title: each.meaning for key, each in MEASURES.items() if key in shown}
    for name, value in (*facts.items(), *sorted(definitions.items())):
        if value:
            yield (name, Kind.TEXT), (value, Kind.TEXT)


def _headlines(figures: Figures) -> Iterator[_Row]:
    for each in headlines(figures):
        change = (each.change, each.change_kind)
        yield (each.label, Kind.TEXT), (each.value, each.kind), (each.before, each.kind), change, (each.note, Kind.TEXT)
