"""Events of a load: the observer that follows it, its report, and the error for days that are not held."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from claude_code_analytics import ClaudeCodeAnalyticsError, DestinationError
from claude_code_analytics.dates import list_ranges


class LoadObserver:
    """Follows a load while it runs; this one ignores every event. Methods are called in the load's own threads."""

    def planned(self, days: Sequence[dt.date]) -> None:
        """The load is about to read these days."""

    def fetched(self, day: dt.date, records: int) -> None:
        """A day was read for the first time."""

    def failed(self, day: dt.date, reason: str) -> None:
        """A day could not be read; the load goes on without it. `reason` is one line."""

    def waiting(self, until: dt.datetime) -> None:
        """The API's rate limit was hit: all requests wait until then (UTC)."""

    def writing(self, days: Sequence[dt.date]) -> None:
        """A window was read whole and is being written."""

    def committed(self, days: Sequence[dt.date]) -> None:
        """These days are in the warehouse and proven."""

    def repeating(self, days: Sequence[dt.date], seconds: float) -> None:
        """These days were written and are not held; they are read again after a wait (seconds)."""


@dataclass
class LoadReport:
    """Result of a load.

    Attributes:
        windows: The days of each window that was committed.
        records: Records in them.
        rows: Rows written, by table.
        waiting: Days that need reading too and wait for a later load because of `max_days`.
        resumed: Days that an interrupted backfill of the same range had loaded already.
        unread: Days that could not be read. What the warehouse had of them stays.
        destination: The warehouse as dlt names it, without passwords.
        dataset: The dataset of the tables, by the name that it has there.
    """

    windows: list[tuple[dt.date, ...]] = field(default_factory=list)
    records: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    resumed: int = 0
    unread: list[dt.date] = field(default_factory=list)
    destination: str = ""
    dataset: str = ""

    @property
    def days(self) -> list[dt.date]:
        """All committed days, oldest first."""
        return sorted(day for window in self.windows for day in window)

    def __add__(self, later: LoadReport) -> LoadReport:
        """Returns the result of both loads, of one warehouse."""
        return LoadReport(
            windows=self.windows + later.windows,
            records=self.records + later.records,
            rows=self.rows + later.rows,
            waiting=later.waiting,
            resumed=self.resumed + later.resumed,
            unread=sorted({*self.unread, *later.unread}),
            destination=later.destination or self.destination,
            dataset=later.dataset or self.dataset,
        )


class DaysNotHeld(ClaudeCodeAnalyticsError):
    """Days that could not be read, or that the warehouse does not hold at the end of a load. All others stay loaded.

    Run again: the next load reads these days. The message ends with the reason of the first one.

    Attributes:
        days: The days of both kinds, oldest first.
        report: What the load did.
    """

    def __init__(self, not_held: Sequence[dt.date], report: LoadReport, reason: str) -> None:
        self.days = sorted({*not_held, *report.unread})
        self.report = report
        kinds = {"could not be read": report.unread, f"{'is' if len(not_held) == 1 else 'are'} not held": not_held}
        found = [
            f"{len(days)} {'day' if len(days) == 1 else 'days'} {kind}: {list_ranges(days)}"
            for kind, days in kinds.items()
            if days
        ]
        super().__init__("; ".join([*found, reason]))


class LoadIsRunning(DestinationError):
    """Another load runs in the same working folder. It is no mistake: the command can be run again later."""
