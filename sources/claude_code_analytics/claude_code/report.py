"""A daily report as data, and the Claude Code report: its tables, how a day is fetched, how it is shaped."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..constants import USAGE_TABLE
from ..warehouse.schema import Table
from .columns import DAYS, MODEL_BREAKDOWN, TOOL_ACTIONS, USAGE

if TYPE_CHECKING:
    from ..api.client import Session
    from .pages import FetchedDay
    from .tables import ShapedDay, Shaping


@dataclass(frozen=True, repr=False)
class DailyReport:
    """A report that is read and replaced by UTC day."""

    name: str  # of the resource and of the root table
    tables: tuple[Table, ...]  # of the records, the root first
    ledger: Table
    fetch: Callable[[Session, dt.date], FetchedDay]
    shape: Callable[[FetchedDay, Shaping], ShapedDay]  # raises UndecodableDay

    def __repr__(self) -> str:
        return f"<report {self.name}>"  # as the default of a parameter it stands in help texts


def _fetch(session: Session, date: dt.date) -> FetchedDay:
    from .pages import fetch_day  # here, like the next one, because most commands read only which tables there are

    return fetch_day(session, date)


def _shape(day: FetchedDay, shaping: Shaping) -> ShapedDay:
    from .tables import shape

    return shape(day, shaping)


CLAUDE_CODE = DailyReport(
    name=USAGE_TABLE,
    tables=(USAGE, TOOL_ACTIONS, MODEL_BREAKDOWN),
    ledger=DAYS,
    fetch=_fetch,
    shape=_shape,
)
