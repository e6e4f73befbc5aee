"""A daily report as data, and the Claude Code report: its tables, how a day is fetched, how it is shaped."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from ..api.client import Session
from ..constants import USAGE_TABLE
from ..privacy import Pseudonymizer
from ..warehouse.schema import Table
from .columns import DAYS, MODEL_BREAKDOWN, TOOL_ACTIONS, USAGE
from .pages import FetchedDay, fetch_day
from .tables import ShapedDay, Shaping, shape, shape_documented


@dataclass(frozen=True)
class DailyReport:
    """A report that is read and replaced by UTC day.

    Attributes:
        name: Name of the resource and of the root table.
        tables: Record tables, the root first.
        ledger: Table of the fetches.
        fetch: Reads all pages of a day.
        shape_documented: Shapes a day whose records are all as documented; else returns None. Pure and thread-safe.
        shape: Shapes any day; raises `UndecodableDay`.
    """

    name: str
    tables: tuple[Table, ...]
    ledger: Table
    fetch: Callable[[Session, dt.date], FetchedDay]
    shape_documented: Callable[[FetchedDay, str, Pseudonymizer], ShapedDay | None]
    shape: Callable[[FetchedDay, Shaping], ShapedDay]

    @property
    def all_tables(self) -> tuple[Table, ...]:
        return (*self.tables, self.ledger)


CLAUDE_CODE = DailyReport(
    name=USAGE_TABLE,
    tables=(USAGE, TOOL_ACTIONS, MODEL_BREAKDOWN),
    ledger=DAYS,
    fetch=fetch_day,
    shape_documented=shape_documented,
    shape=shape,
)
