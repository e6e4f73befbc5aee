"""Output of `summary`: answers, headline numbers and a table, for a terminal, as Markdown and as JSON."""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, JustifyMethod, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from ..metrics.answers import answers
from ..metrics.changes import jumps, movers_table
from ..metrics.explanations import column_notes
from ..metrics.figures import Figures
from ..metrics.headlines import headlines
from ..metrics.pace import MonthToDate, ended_month, running_month
from ..metrics.periods import in_words
from ..metrics.seats import seats, stopped_earlier, who_stopped
from ..metrics.tables import Kind, Table, exact, rounded
from ..visible_text import visible

MOST_ROWS = 20
MOST_STOPPED = 8
# Columns that are named where there is no room for them.
MOST_NAMED = 7
_GAP = 2
_COLUMNS, _LINES = 80, 24
_FEWEST_COLUMNS, _MOST_COLUMNS = 60, 200
# Its lines are Unicode, which rich would replace by other ones: `visible_text.encodable` has plain ones.
_BOX = box.Box(str(box.SIMPLE_HEAD), ascii=True)
# A name that is cut shorter says nothing; columns give way before that, and on a wide terminal before half of it.
_SHORTEST_NAME = 30


def show(figures: Figures, by: str, table: Table) -> None:
    """Prints the answers, the headline numbers, a table of the period, and who stopped."""
    width = _width()
    parts: list[RenderableType] = [*_head(figures), _answers(figures, width), Text(), _headlines(figures, width)]
    parts += [Text(f"\nBy {by.replace(',', ' and ')}", style="bold"), *_printed(table, width), *_notes(table)]
    parts += _stopped(figures, width)
    # without a height, rich takes 80 columns on a terminal that can do little
    Console(width=width, height=_LINES, highlight=False).print(Group(*parts))


def _notes(table: Table) -> Iterator[RenderableType]:
    """Yields what has to be known of the columns that are there."""
    yield from map(_dim, column_notes(table))
    if any(column.title.endswith("*") for column in table.columns):
        yield _dim("* cut by the period: --start chooses a longer one")


def _stopped(figures: Figures, width: int) -> Iterator[RenderableType]:
    """Yields who stopped, and how many more there are."""
    table, earlier = who_stopped(figures), stopped_earlier(figures)
    if table is None or not (table.rows or earlier):
        return
    yield Text("\nNo activity in the period", style="bold")
    if table.rows:
        yield from _printed(replace(table, rows=table.rows[:MOST_STOPPED]), width, "--json")
    states = Counter(row[-1] for row in table.rows[MOST_STOPPED:])
    if states:
        counted = ", ".join(f"{number:,} {state}" for state, number in states.items())
        yield _dim(f"{sum(states.values()):,} more ({counted}): --json and the report list them")
    if earlier:
        yield _dim(earlier)


def _dim(text: str) -> Text:
    return Text(text, style="dim")


def _width() -> int:
    """Returns the columns of the terminal, as far as a table is readable in them; 80 in a pipe."""
    is_known = sys.stdout.isatty() or "COLUMNS" in os.environ
    columns = shutil.get_terminal_size((_COLUMNS, _LINES)).columns if is_known else _COLUMNS
    return min(max(columns, _FEWEST_COLUMNS), _MOST_COLUMNS)


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
    a difference), `running_month`, `ended_month` (the month before, until a day after it is final), `seats`, `movers`,
    `jumps`, `who_stopped`, `by`, `rows` (by key of the column; rows that complete the sums have names in brackets).
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
        "running_month": _month_json(running_month(figures)),
        "ended_month": _month_json(ended_month(figures)),
        "seats": asdict(found) if (found := seats(figures)) else None,
        "movers": _rows(movers_table(figures)),
        "jumps": [_jump_json(each) for each in jumps(figures)],
        "who_stopped": _rows(stopped) if (stopped := who_stopped(figures)) else None,
        "by": by,
        "rows": _rows(table),
    }


def _month_json(month: MonthToDate | None) -> dict[str, Any] | None:
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


def _headlines(figures: Figures, width: int) -> RichTable:
    table = _plain_table()
    table.add_column("", no_wrap=True)
    for title in ("Period", "Before", "Change"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("", style="dim", overflow="fold")
    has_room = width >= _COLUMNS
    for each in headlines(figures):
        table.add_row(
            each.label,
            Text("unknown" if each.value is None else rounded(each.value, each.kind), style="bold"),
            rounded(each.before, each.kind),
            rounded(each.change, each.change_kind),
            each.note if has_room else "",
        )
    return table


def _printed(table: Table, width: int, output: str = "--csv") -> Iterator[RenderableType]:
    if not table.data:
        yield Text("no activity in this period")
        return
    whole = table.shown()
    shown = _fitting(whole, width)
    made, cells = _plain_table(), _cells(shown)
    for column, size in zip(shown.columns, _widths(shown, width), strict=True):
        justify: JustifyMethod = "right" if column.kind.is_number else "left"
        made.add_column(column.title, justify=justify, width=size, no_wrap=True)
    last = len(cells) - 1 - bool(shown.total)
    for number, line in enumerate(cells):
        made.add_row(*map(Text, line), end_section=number == last and bool(shown.total))
    yield made
    left_out = [column.title for column in whole.columns if column not in shown.columns]
    if left_out:
        yield _dim(f"No room for {_named(left_out)}: use a wider terminal, or {output}")


def _named(titles: Sequence[str]) -> str:
    if len(titles) <= MOST_NAMED:
        return ", ".join(titles)
    return f"{', '.join(titles[: MOST_NAMED - 1])} and {len(titles) - MOST_NAMED + 1:,} more columns"


def _fitting(table: Table, width: int) -> Table:
    """Returns the table without the columns of most detail, as many as do not fit."""
    longest = max(_SHORTEST_NAME, width // 2 - 10)
    sizes = [
        min(size, longest) if column.kind is Kind.TEXT else size
        for size, column in zip(_sizes(table), table.columns, strict=True)
    ]
    kept = [*range(len(sizes))]
    while sum(sizes[place] for place in kept) + _GAP * (len(kept) - 1) > width:
        least = max(kept, key=lambda place: (table.columns[place].detail, place))
        if not table.columns[least].detail:
            break
        kept.remove(least)
    return table.picked(kept)


def _widths(table: Table, width: int) -> list[int]:
    """Returns the widths of columns; the widest of names gives way to the numbers."""
    sizes = _sizes(table)
    names = [place for place, column in enumerate(table.columns) if column.kind is Kind.TEXT]
    for _ in range(sum(sizes) + _GAP * (len(sizes) - 1) - width):
        widest = max(names, key=sizes.__getitem__)
        sizes[widest] = max(1, sizes[widest] - 1)
    return sizes


def _sizes(table: Table) -> list[int]:
    lines = [[column.title for column in table.columns], *_cells(table)]
    return [max(map(cell_len, cells)) for cells in zip(*lines, strict=True)]


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


def _plain_table() -> RichTable:
    return RichTable(box=_BOX, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
