"""Output of `summary`: answers, headline numbers and a table, for a terminal, as Markdown and as JSON."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, JustifyMethod, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from ..metrics.answers import answers
from ..metrics.changes import jumps, movers_table
from ..metrics.figures import Figures
from ..metrics.headlines import headlines
from ..metrics.pace import running_month
from ..metrics.periods import in_words
from ..metrics.seats import seats, who_stopped
from ..metrics.tables import Kind, Table, exact, rounded
from ..visible_text import visible

MOST_ROWS = 20
MOST_STOPPED = 8
_GAP = 2
# A name that is cut shorter says nothing; columns give way before that.
_SHORTEST_NAME = 30


def show(figures: Figures, by: str, table: Table) -> None:
    """Prints the answers, the headline numbers, a table of the period, and who stopped."""
    width = _width()
    parts: list[RenderableType] = [*_head(figures), _answers(figures, width), Text(), _headlines(figures)]
    parts += [Text(f"\nBy {by.replace(',', ' and ')}", style="bold"), _printed(table, width)]
    if any(column.title.endswith("*") for column in table.columns):
        parts.append(Text("* cut by the period: --start chooses a longer one", style="dim"))
    stopped = who_stopped(figures)
    if stopped and stopped.rows:
        parts += [Text("\nNo activity in the period", style="bold"), _printed(_first(stopped, MOST_STOPPED), width)]
    Console(width=width, highlight=False).print(Group(*parts))


def _width() -> int:
    """Returns the columns of the terminal, 80 where there is none."""
    return max(40, shutil.get_terminal_size((80, 24)).columns) if os.isatty(1) or "COLUMNS" in os.environ else 80


def markdown(figures: Figures, by: str, table: Table) -> Iterator[str]:
    """Yields the lines of the same as Markdown."""
    yield f"## {_escaped(_title(figures))}"
    yield ""
    yield figures.period.sentence
    yield ""
    yield from (f"- **{_escaped(each.label)}**: {_escaped(each.text)}" for each in answers(figures))
    yield ""
    yield f"### By {by.replace(',', ' and ')}"
    yield ""
    shown = table.shown()
    yield _line(column.title for column in shown.columns)
    yield _line("---:" if column.kind.is_number else "---" for column in shown.columns)
    for row in _all_rows(shown):
        yield _line(exact(value, column.kind) for value, column in zip(row, shown.columns, strict=True))


def _line(cells: Any) -> str:
    return f"| {' | '.join(map(_escaped, cells))} |"


def _escaped(text: str) -> str:
    return visible(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def as_json(figures: Figures, by: str, table: Table) -> dict[str, Any]:
    """Returns the same for a program: money in US dollars, shares as fractions.

    Keys: `organization`, `organization_name`, `period`, `first`, `last`, `is_complete`, `days_loaded`, `days_final`,
    `compared_with` (`first`, `last`, `is_complete`), `cost_is` (the amount that is meant by cost),
    `headlines` (by name: `value`, `before`, `change`; null where not known or not comparable; the change of a share is
    a difference), `running_month`, `seats`, `movers`, `jumps`, `who_stopped`, `by`, `rows` (by key of the column; rows
    that complete the sums have names in brackets).
    """
    period = figures.period
    return {
        "organization": figures.organization_id,
        "organization_name": figures.name,
        "period": period.name,
        "first": period.days.first,
        "last": period.days.last,
        "is_complete": period.is_complete,
        "days_loaded": len(period.counted & period.calendar.loaded),
        "days_final": len(period.counted & period.calendar.final),
        "compared_with": {
            "first": period.before.first,
            "last": period.before.last,
            "is_complete": period.calendar.are_final(set(period.before.days()) - period.left_out),
        },
        "cost_is": figures.money,
        "headlines": {
            each.name: {"value": each.value, "before": each.before, "change": each.change}
            for each in headlines(figures)
        },
        "running_month": _month_json(figures),
        "seats": asdict(found) if (found := seats(figures)) else None,
        "movers": _rows(movers_table(figures)),
        "jumps": [_jump_json(each) for each in jumps(figures)],
        "who_stopped": _rows(stopped) if (stopped := who_stopped(figures)) else None,
        "by": by,
        "rows": _rows(table),
    }


def _month_json(figures: Figures) -> dict[str, Any] | None:
    month = running_month(figures)
    return None if month is None else {**asdict(month), "month": f"{month.month.first:%Y-%m}"}


def _jump_json(jump: Any) -> dict[str, Any]:
    causes = [asdict(each) for each in jump.causes]
    return {"week": jump.week.week, "cost": jump.week.cost, "median": jump.week.median, "causes": causes}


def _rows(table: Table) -> list[dict[str, Any]]:
    return [dict(zip((column.key for column in table.columns), row, strict=True)) for row in table.data]


def _title(figures: Figures) -> str:
    period = figures.period
    name = "" if period.name == f"{period.days.first:%B %Y}" else f" ({period.name})"
    return f"{figures.organization}, {in_words(period.days)}{name}"


def _head(figures: Figures) -> list[RenderableType]:
    note = f"{figures.period.note} " if figures.period.note else ""
    return [
        Text(visible(_title(figures)), style="bold"),
        Text(f"{note}{figures.period.sentence}", style="dim"),
        Text(),
    ]


def _answers(figures: Figures, width: int) -> RichTable:
    table = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False, width=width)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    for each in answers(figures):
        table.add_row(each.label, Text(visible(each.text)))
    return table


def _headlines(figures: Figures) -> RichTable:
    table = _plain_table()
    table.add_column("", no_wrap=True)
    for title in ("Period", "Before", "Change"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("", style="dim", overflow="fold")
    for each in headlines(figures):
        table.add_row(
            each.label,
            Text("unknown" if each.value is None else rounded(each.value, each.kind), style="bold"),
            rounded(each.before, each.kind),
            rounded(each.change, each.change_kind),
            each.note,
        )
    return table


def _first(table: Table, most: int) -> Table:
    others = len(table.rows) - most
    if others <= 0:
        return table
    fold = (f"({others:,} {'other' if others == 1 else 'others'})", *[None] * (len(table.columns) - 1))
    return Table(table.name, table.columns, table.rows[:most], [fold])


def _printed(table: Table, width: int) -> RenderableType:
    if not table.data:
        return Text("no activity in this period")
    shown = _fitting(table.shown(), width)
    cells = _cells(shown)
    made = _plain_table()
    widths = _widths([[column.title for column in shown.columns], *cells], width)
    for column, size in zip(shown.columns, widths, strict=True):
        justify: JustifyMethod = "right" if column.kind.is_number else "left"
        made.add_column(column.title, justify=justify, width=size, no_wrap=True)
    last = len(cells) - 1 - bool(shown.total)
    for number, line in enumerate(cells):
        made.add_row(*map(Text, line), end_section=number == last and bool(shown.total))
    return made


def _fitting(table: Table, width: int) -> Table:
    """Returns the table without the columns of most detail, as many as do not fit."""
    while True:
        sizes = [max(map(cell_len, cells)) for cells in zip(*_lines(table), strict=True)]
        name = min(sizes[0], _SHORTEST_NAME)
        details = [column.detail for column in table.columns]
        if name + sum(sizes[1:]) + _GAP * len(sizes[1:]) <= width or not max(details):
            return table
        gone = len(details) - 1 - details[::-1].index(max(details))
        table = table.picked([place for place in range(len(details)) if place != gone])


def _lines(table: Table) -> list[list[str]]:
    return [[column.title for column in table.columns], *_cells(table)]


def _cells(table: Table) -> list[list[str]]:
    return [
        [_cell(value, column.kind) for value, column in zip(row, table.columns, strict=True)]
        for row in _all_rows(table)
    ]


def _cell(value: Any, kind: Kind) -> str:
    """Returns a value for the eye; nothing where a text is not known."""
    return "" if value is None and kind is Kind.TEXT else visible(rounded(value, kind))


def _all_rows(table: Table) -> list[tuple[Any, ...]]:
    return [*table.data, *([table.total] if table.total else [])]


def _widths(lines: Sequence[Sequence[str]], width: int) -> list[int]:
    """Returns the widths of columns; the first one, of names, gives way to the numbers."""
    names, *numbers = (max(map(cell_len, cells)) for cells in zip(*lines, strict=True))
    return [max(1, min(names, width - sum(numbers) - _GAP * len(numbers))), *numbers]


def _plain_table() -> RichTable:
    return RichTable(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
