"""Parts of the weekly bars: people by how they came, cost by model, with the legend of the last complete week. Pure."""

from __future__ import annotations

import datetime as dt
from typing import Any

from claude_code_analytics.dates import DayRange

from ..metrics.figures import Figures
from ..metrics.jumps import LOOK_BACK, jump_weeks
from ..metrics.tables import Column, Kind, Table, rounded
from .markup import escape
from .shapes import swatches


def people_parts(table: Table) -> Table:
    """Returns active people of each week as parts that add up to them, and lapsed ones below zero."""
    names = ("Retained", "Returning", "New", "Lapsed", "Not known which")
    columns = (table.columns[0], *map(Column, names), table.columns[-1])
    return _occurring(Table(table.name, columns, [_people_of(row) for row in table.rows]))


def _people_of(row: tuple[Any, ...]) -> tuple[Any, ...]:
    week, active, new, returning, retained, lapsed, complete = row
    parts = retained, returning, new
    unknown = (active or 0) - sum(part or 0 for part in parts)
    return week, *parts, lapsed and -lapsed, unknown, complete


def _occurring(table: Table) -> Table:
    """Returns the table without parts that are nowhere."""
    last = len(table.columns) - 1
    return table.picked([p for p in range(last + 1) if p in (0, last) or any(row[p] for row in table.rows)])


def cost_parts(table: Table) -> Table:
    """Returns the amount of each week by model, without the sum of all."""
    return table.picked([place for place in range(len(table.columns)) if place != 1])


def legend(table: Table, kind: Kind) -> str:
    """Returns the colours of the parts, each with its value in the last complete week."""
    complete = [row for row in table.rows if row[-1] == "yes"]
    values = complete[-1][1:-1] if complete else [None] * (len(table.columns) - 2)
    week = f"<span>Week of {complete[-1][0]:%-d %B %Y}:</span>" if complete else ""
    parts = (
        f"<span>{swatch} {escape(column.title)}{_valued(value, kind)}</span>"
        for swatch, column, value in zip(swatches(len(values)), table.columns[1:-1], values, strict=True)
    )
    return " ".join([week, *parts])


def _valued(value: Any, kind: Kind) -> str:
    return "" if value is None else f" <b>{rounded(abs(value), kind)}</b>"


def jump_weeks_shown(figures: Figures) -> list[dt.date]:
    """Returns the jumps of the trends, those of their first weeks left out: the weeks before them are not read."""
    first = min(figures.period.days.first, figures.since + LOOK_BACK)
    days = DayRange(first, figures.period.days.last)
    return [jump.week for jump in jump_weeks(figures.daily_costs, figures.calendar, days)]
