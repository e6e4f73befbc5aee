"""Terminal output of `summary`: headline numbers and a breakdown, within 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, JustifyMethod, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from claude_code_analytics.foreign_text import printable

from ..metrics.figures import Figures
from ..metrics.tables import Column, Table, rounded

WIDTH = 80
_GAP = 2
MOST_ROWS = 20

# Columns of the breakdowns that fit, with their titles here; the report and CSV have all.
_ACTIVITY = {
    "Sessions": "Sessions",
    "Commits": "Commits",
    "Accepted": "Accepted",
    "Billed by use": "Billed",
    "List value": "List value",
}
_COLUMNS = {
    "person": {"Person": "Person", "Active days": "Days", **_ACTIVITY},
    "team": {"Team": "Team", "Active people": "People", **_ACTIVITY},
    "model": {
        "Model": "Model",
        "Billed by use": "Billed",
        "Subscription list value": "List value",
        "Share of tokens": "Tokens",
        "Read from cache": "From cache",
    },
    "tool": {title: title for title in ("Tool", "Accepted", "Rejected", "Acceptance", "Change")},
}


def show(figures: Figures, by: str) -> None:
    """Prints headline numbers and a breakdown, one of `defaults.BREAKDOWNS`."""
    table = figures.table(by)
    parts: list[RenderableType] = [*_head(figures), _headlines(figures), Text(f"\nBy {by}", style="bold")]
    parts.append(_breakdown(table, _COLUMNS[by]) if table.rows else Text("no activity in this period"))
    if len(table.rows) > MOST_ROWS:
        parts.append(Text(f"and {len(table.rows) - MOST_ROWS:,} more; --csv lists all", style="dim"))
    Console(width=WIDTH, highlight=False).print(Group(*parts))


def as_json(figures: Figures, by: str) -> dict[str, Any]:
    """Returns the same for a program: money in US dollars, shares as fractions.

    Keys: `organization`, `first`, `last`, `is_complete`, `days_loaded`, `days_final`, `compared_with` (`first`, `last`,
    `is_complete`), `headlines` (by name: `value`, `before`, `change`; null where not known or not comparable; the
    change of a share is a difference), `by`, `rows` (by column title).
    """
    table = figures.table(by)
    return {
        "organization": figures.status.organization_id,
        "first": figures.period.first,
        "last": figures.period.last,
        "is_complete": figures.current.is_complete,
        "days_loaded": figures.current.loaded,
        "days_final": figures.current.final,
        "compared_with": {
            "first": figures.before.first,
            "last": figures.before.last,
            "is_complete": figures.earlier.is_complete,
        },
        "headlines": {
            each.name: {"value": each.value, "before": each.before, "change": each.change} for each in figures.headlines
        },
        "by": by,
        "rows": [dict(zip((column.title for column in table.columns), row, strict=True)) for row in table.rows],
    }


def _head(figures: Figures) -> list[RenderableType]:
    organization = printable(figures.status.organization_id)
    return [
        Text(f"{figures.period.first} to {figures.period.last} (UTC)", style="bold"),
        Text(f"Organization {organization}", style="dim"),
        Text(f"{figures.period_sentence}\n", style="dim"),
    ]


def _headlines(figures: Figures) -> RichTable:
    table = _plain_table()
    table.add_column("", no_wrap=True)
    for title in ("Period", "Before", "Change"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("", style="dim", overflow="fold")
    for each in figures.headlines:
        table.add_row(
            each.label,
            Text("unknown" if each.value is None else rounded(each.value, each.kind), style="bold"),
            rounded(each.before, each.kind),
            rounded(each.change, each.change_kind),
            each.note,
        )
    return table


def _breakdown(table: Table, titles: Mapping[str, str]) -> RichTable:
    shown = list(_shown_columns(table, titles))
    head = [titles[column.title] for _, column in shown]
    lines = [[printable(rounded(row[place], column.kind)) for place, column in shown] for row in table.rows[:MOST_ROWS]]
    made = _plain_table()
    for title, (_, column), width in zip(head, shown, _widths([head, *lines]), strict=True):
        justify: JustifyMethod = "right" if column.kind.is_number else "left"
        made.add_column(title, justify=justify, width=width, no_wrap=True)
    for line in lines:
        made.add_row(*map(Text, line))
    return made


def _shown_columns(table: Table, titles: Mapping[str, str]) -> Iterator[tuple[int, Column]]:
    """Yields the columns that have a title here and a value anywhere, each with its place."""
    for place, column in enumerate(table.columns):
        if column.title in titles and any(row[place] is not None for row in table.rows):
            yield place, column


def _widths(lines: Sequence[Sequence[str]]) -> list[int]:
    """Returns the widths of columns; the first one, of names, gives way to the numbers."""
    names, *numbers = (max(map(cell_len, cells)) for cells in zip(*lines, strict=True))
    return [min(names, WIDTH - sum(numbers) - _GAP * len(numbers)), *numbers]


def _plain_table() -> RichTable:
    return RichTable(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
