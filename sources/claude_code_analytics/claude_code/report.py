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


@dataclass(frozen=True, repr=False)
class DailyReport:
    """A report that is read and replaced by UTC day."""

    name: str  # of the resource and of the root table
    tables: tuple[Table, ...]  # of the records, the root first
    ledger: Table
    fetch: Callable[[Session, dt.date], FetchedDay]
    # Returns None where a record is not as documented. Pure and thread-safe.
    shape_documented: Callable[[FetchedDay, str, Pseudonymizer], ShapedDay | None]
    # Shapes any day, or raises UndecodableDay.
    shape: Callable[[FetchedDay, Shaping], ShapedDay]

    def __repr__(self) -> str:
        return f"<report {self.name}>"  # as the default of a parameter it stands in help texts


CLAUDE_CODE = DailyReport(
    name=USAGE_TABLE,
    tables=(USAGE, TOOL_ACTIONS, MODEL_BREAKDOWN),
    ledger=DAYS,
    fetch=fetch_day,
    shape_documented=shape_documented,
    shape=shape,
)
