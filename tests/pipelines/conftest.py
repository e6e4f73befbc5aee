"""The pipelines as a person runs them: a simulated API, a clock, and a DuckDB file in the current folder."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from claude_code_analytics import AnalyticsClient
from claude_code_pipelines import Loading, Warehouse, backfill, load
from claude_code_pipelines.windows import stored_progress
from claude_code_simulator import SimulatedApi, error_response, record

REPORT_PATH = "/v1/organizations/usage_report/claude_code"
FIRST_DAY = dt.date(2026, 8, 1)
"""Where loads begin unless a test says otherwise; the clock stands at noon of 2026-09-20."""


class KeptOpen:
    """Keeps a DuckDB file open in this process while a test runs: dlt opens and closes it a dozen times in a load, and
    where nobody else has it open that takes half of the load's time."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._connection: duckdb.DuckDBPyConnection | None = None
        self.keep()

    def keep(self) -> None:
        """Opens the file."""
        self._connection = self._connection or duckdb.connect(str(self.file))

    def release(self) -> None:
        """Closes the file, for a test that copies or loses it, or has another process open it."""
        if self._connection:
            self._connection.close()
        self._connection = None


class Office:
    """Runs loads one after the other, each with a new client as a new process would, and reads back what came of it."""

    def __init__(
        self, api: SimulatedApi, connect: Callable[..., AnalyticsClient], folder: Path, kept_open: KeptOpen
    ) -> None:
        self.api = api
        self.organization: Any = api.organization
        self.target = Warehouse()
        self._connect = connect
        self._folder = folder
        self._kept_open = kept_open

    def write(self, first: dt.date, last: dt.date, sessions: int = 1) -> None:
        """Has the API tell of one record on each of these days."""
        for number in range((last - first).days + 1):
            day = first + dt.timedelta(days=number)
            self.organization.days[day] = [record(day, sessions=sessions, organization_id=self.organization.id)]

    def load(self, **options: Any) -> Loading:
        """`load` with a new client; the log of requests begins anew."""
        self.api.requests.clear()
        with self._connect() as client:
            return load(self.target, **{"start": FIRST_DAY, "client": client, **options})

    def backfill(self, first: dt.date, last: dt.date, **options: Any) -> Loading:
        """`backfill` with a new client; the log of requests begins anew."""
        self.api.requests.clear()
        with self._connect() as client:
            return backfill(self.target, first, last, **{"client": client, **options})

    def fail_on(self, *days: dt.date) -> None:
        """Has the API fail on these days; on none to let it work again."""
        named = {day.isoformat() for day in days}
        self.api.fault = lambda request, number: (
            error_response(500, "Internal server error") if request.url.params.get("starting_at") in named else None
        )

    def days_asked(self) -> list[dt.date]:
        """Days that the last job asked for, in order; a day that it read twice is in it twice."""
        return sorted(
            dt.date.fromisoformat(asked.params["starting_at"])
            for asked in self.api.requests
            if asked.path == REPORT_PATH and asked.status == 200 and "page" not in asked.params
        )

    def truth(self, first: dt.date | None = None, last: dt.date | None = None) -> list[tuple[Any, ...]]:
        """Day, address and sessions of all that the API would tell of these days now."""
        return sorted(
            (day, told["actor"]["email_address"], told["core_metrics"]["num_sessions"])
            for day, records in self.organization.days.items()
            if (first or day) <= day <= (last or day)
            for told in records
        )

    def loaded(self, database: Path | None = None) -> list[tuple[Any, ...]]:
        """The same, as the warehouse has it."""
        return self.sql(
            "SELECT date, actor__email_address, core_metrics__num_sessions FROM claude_code_usage ORDER BY ALL",
            database,
        )

    def days_in_ledger(self) -> list[dt.date]:
        """Days of the ledger, one for each fetch."""
        return [row[0] for row in self.sql("SELECT date FROM claude_code_days ORDER BY ALL")]

    def sql(self, query: str, database: Path | None = None) -> list[tuple[Any, ...]]:
        """What a DuckDB file answers."""
        with duckdb.connect(str(database or self._kept_open.file)) as connection:
            connection.execute("USE claude_code")
            return connection.execute(query).fetchall()

    def cursor(self) -> str | None:
        """Newest day that incremental loads have read, as the warehouse would hand it to another machine."""
        progress = stored_progress(self.target.open())
        return str(progress.cursor) if progress else None

    def move_to_another_machine(self) -> None:
        """Loses dlt's working folder, and keeps the warehouse."""
        shutil.rmtree(self._folder / "dlt")

    def copy_file(self) -> None:
        """Makes a copy of the warehouse."""
        self._kept_open.release()
        shutil.copy(self._kept_open.file, self._folder / "copy")
        self._kept_open.keep()

    def go_back_to_the_copy(self) -> None:
        """Replaces the warehouse by the copy."""
        self._kept_open.release()
        shutil.copy(self._folder / "copy", self._kept_open.file)
        self._kept_open.keep()

    def lose_file(self) -> None:
        """Loses the warehouse, and keeps dlt's working folder."""
        self._kept_open.release()
        self._kept_open.file.unlink()
        self._kept_open.keep()


@pytest.fixture
def kept_open(tmp_path: Path) -> Iterator[KeptOpen]:
    """The DuckDB file of the current folder, kept open while the test runs."""
    kept = KeptOpen(tmp_path / "claude_code_analytics.duckdb")
    yield kept
    kept.release()


@pytest.fixture
def office(api: SimulatedApi, connect: Callable[..., AnalyticsClient], tmp_path: Path, kept_open: KeptOpen) -> Office:
    """An organization whose days a test writes down, and an empty warehouse in the current folder."""
    return Office(api, connect, tmp_path, kept_open)


@pytest.fixture
def days() -> Callable[[int, int], list[dt.date]]:
    """Days of September 2026, both ends included; negative numbers and 0 lie in August."""
    start = dt.date(2026, 8, 31)
    return lambda first, last: [start + dt.timedelta(days=number) for number in range(first, last + 1)]


@pytest.fixture
def ranges() -> Callable[[Iterable[Any]], list[str]]:
    """Windows as texts."""
    return lambda windows: [str(window.days) for window in windows]
