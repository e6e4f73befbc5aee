"""The one fixture world: an organization, the simulated API in front of it, a clock, and a warehouse loaded from it."""

from __future__ import annotations

import datetime as dt
import shutil
import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import dlt
from dlt.common.pipeline import LoadInfo

from claude_code_analytics import AnalyticsClient, claude_code_analytics
from claude_code_analytics.dates import DayRange
from claude_code_pipelines import LoadReport, Status, backfill, load, read_status
from claude_code_simulator import ScriptedOrganization, error_response, record
from support.backends import Backend
from support.backends.duckdb_file import DuckDb
from support.expected import (  # noqa: F401  # tests import all of them from here
    LEDGER,
    MODELS,
    RECORD_TABLES,
    REPORT_PATH,
    TABLES,
    TOOLS,
    USAGE,
    Contents,
    RecordingApi,
    wrong_days,
)

NOW = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)
TODAY = NOW.date()
# Where loads begin unless a test says otherwise: the week up to NOW.
FIRST_DAY = dt.date(2026, 9, 14)


class TestClock:
    """The time, as a test sets it; sleeping sets it later. Safe to share between threads."""

    __test__ = False  # not a test class

    def __init__(self, now: dt.datetime = NOW) -> None:
        self.now = now
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def __call__(self) -> dt.datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.now += dt.timedelta(seconds=seconds)

    def move(self, **span: float) -> None:
        """Goes forward (or back) by a `timedelta`."""
        self.now += dt.timedelta(**span)


class World:
    """An organization, the API in front of it, and a warehouse that dlt loads from there.

    Args:
        folder: Folder of the DuckDB file and of dlt's working folder.
        clock: The time, for API and client alike.
        organization: What the API returns; days that a test writes, unless given.
        api: An API to share with another world.
        name: Name of the dlt pipeline, so that two can load one warehouse.
        backend: The warehouse; a DuckDB file unless given.
        database: Another DuckDB file than the one in the folder.
        machine: Name of dlt's working folder: two machines have one each.
        dataset: The dataset.
        pause: Seconds that pass before each client is made.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: TestClock | None = None,
        organization: Any = None,
        api: RecordingApi | None = None,
        name: str = "claude_code_analytics",
        backend: Backend | None = None,
        database: Path | None = None,
        machine: str = "machine",
        dataset: str = "claude_code",
        pause: float = 0.0,
    ) -> None:
        self.clock = clock or TestClock()
        self.api = api or RecordingApi(organization or ScriptedOrganization(), clock=self.clock)
        self.organization: Any = self.api.organization
        self.folder = folder
        self.name = name
        self.backend: Any = backend or DuckDb(database or folder / "warehouse.duckdb")
        self.machine = folder / machine
        self.dataset = dataset
        self.pause = pause
        self.rows_compared = 0
        self._pipeline: dlt.Pipeline | None = None

    @property
    def database(self) -> Path:
        """The DuckDB file."""
        file: Path = self.backend.file
        return file

    @property
    def pipeline(self) -> dlt.Pipeline:
        """The pipeline, made when it is first needed."""
        return self._pipeline or self.new_pipeline()

    @pipeline.setter
    def pipeline(self, pipeline: dlt.Pipeline) -> None:
        self._pipeline = pipeline

    def new_pipeline(self) -> dlt.Pipeline:
        """Makes the pipeline anew, as a new process would."""
        self._pipeline = dlt.pipeline(
            self.name,
            destination=self.backend.destination,
            dataset_name=self.dataset,
            pipelines_dir=str(self.machine),
        )
        return self._pipeline

    def become(self, loaded: World) -> None:
        """Copies everything that another world has: its days, what its API returned, warehouse and working folder."""
        self.organization.days = {day: list(records) for day, records in loaded.organization.days.items()}
        self.api.remember(loaded.api)
        shutil.copy(loaded.database, self.database)
        shutil.copytree(loaded.machine, self.machine)
        for state in self.machine.glob("*/state.json"):  # dlt notes there where it ran
            state.write_text(state.read_text().replace(str(loaded.folder), str(self.folder)))
        self.new_pipeline()

    # The organization

    def write(self, day: dt.date, *records: dict[str, Any]) -> None:
        """Has the API return these records for a day from now on; none for an empty day."""
        self.organization.days[day] = list(records)

    def write_days(self, first: dt.date, last: dt.date, **fields: Any) -> None:
        """Has the API return one record on each of these days."""
        for day in DayRange(first, last).days():
            self.write(day, record(day, organization_id=self.organization.id, **fields))

    def fail_on(self, *days: dt.date, status: int = 500) -> None:
        """Has the API fail on these days; on none to let it work again."""
        named = {day.isoformat() for day in days}
        self.api.fault = lambda request, number: (
            error_response(status, "Internal server error") if request.url.params.get("starting_at") in named else None
        )

    def client(self, **options: Any) -> AnalyticsClient:
        """Makes a client of the simulated API, on the test's clock."""
        self.clock.move(seconds=self.pause)
        if not {"api_key", "access_token"} & set(options):
            options["api_key"] = self.api.credentials.admin_key
        base = {"transport": self.api.transport, "clock": self.clock, "sleep": self.clock.sleep}
        return AnalyticsClient(**{**base, "chance": lambda: 0.5, **options})

    # Loads

    def source(self, **arguments: Any) -> Any:
        """Makes the source, reading from the simulated API."""
        client = arguments.pop("client", None) or self.client()
        return claude_code_analytics(client=client, **{"start_date": FIRST_DAY, **arguments})

    def run(self, **arguments: Any) -> LoadInfo:
        """Runs the plain pipeline once; the log of requests begins anew."""
        self.api.requests.clear()
        with self.kept_open():
            return self.pipeline.run(self.source(**arguments))

    def load(self, **options: Any) -> LoadReport:
        """Runs `load` with a new client; the log of requests begins anew."""
        self.api.requests.clear()
        with self.client() as client, self.kept_open():
            return load(self.pipeline, **{"start": FIRST_DAY, "client": client, **options})

    def backfill(self, first: dt.date, last: dt.date, **options: Any) -> LoadReport:
        """Runs `backfill` with a new client; the log of requests begins anew."""
        self.api.requests.clear()
        with self.client() as client, self.kept_open():
            return backfill(self.pipeline, first, last, **{"client": client, **options})

    def status(self, **range_of: dt.date) -> Status:
        """Reads the status by the test's clock."""
        return read_status(self.pipeline, self.clock.now, **range_of)

    # The machine and the file

    def kept_open(self) -> AbstractContextManager[object]:
        """Keeps the warehouse open."""
        kept: AbstractContextManager[object] = self.backend.kept_open()
        return kept

    def lose_working_folder(self) -> None:
        """Goes on on another machine: dlt's working folder is gone, the warehouse is there."""
        shutil.rmtree(self.machine, ignore_errors=True)
        self.new_pipeline()

    def save(self) -> None:
        """Copies warehouse and working folder as they are now."""
        self.backend.save()
        shutil.rmtree(self.machine.with_suffix(".saved"), ignore_errors=True)
        shutil.copytree(self.machine, self.machine.with_suffix(".saved"))

    def restore(self) -> None:
        """Puts the copies in their places."""
        self.backend.restore()
        shutil.rmtree(self.machine)
        shutil.copytree(self.machine.with_suffix(".saved"), self.machine)
        self.new_pipeline()

    # What came of it

    def days_requested(self) -> list[dt.date]:
        """Returns the days that were requested since the last load began, each once, in order."""
        return sorted(
            {
                dt.date.fromisoformat(request.params["starting_at"])
                for request in self.api.requests
                if request.path == REPORT_PATH
            }
        )

    def sql(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Runs SQL in the DuckDB file."""
        with self.backend.connect(self.dataset) as connection:
            found: list[tuple[Any, ...]] = connection.execute(query, list(parameters)).fetchall()
            return found

    def rows(self, table: str = USAGE, where: str = "true") -> list[dict[str, Any]]:
        """Returns rows of a table, in an order that depends on nothing but them."""
        with self.backend.connect(self.dataset) as connection:
            found = connection.execute(f"SELECT * FROM {table} WHERE {where} ORDER BY ALL")
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def column(self, name: str, table: str = USAGE) -> list[Any]:
        """Returns the values of one column, in order of day and value."""
        return [row[0] for row in self.sql(f"SELECT {name} FROM {table} ORDER BY date, {name}")]

    def columns(self, table: str = USAGE) -> dict[str, str]:
        """Returns names and types of the columns."""
        return {row[0]: row[1] for row in self.sql(f"DESCRIBE {table}")}

    def cursor(self) -> dt.date | None:
        """Returns the incremental cursor; None where no run has moved it."""
        source = self.pipeline.state.get("sources", {}).get("claude_code_analytics", {})
        found = source.get("resources", {}).get(USAGE, {}).get("incremental", {}).get("date", {}).get("last_value")
        return None if found is None else dt.date.fromisoformat(str(found)[:10])

    def contents(self) -> Contents:
        """Returns everything that the warehouse holds."""
        return Contents(self.backend.tables(self.dataset), self.api.places)

    def require_truth(self, days: Iterable[dt.date] = ()) -> Contents:
        """Compares every loaded day with what the API returned at its last fetch, value by value.

        Args:
            days: Days that must be loaded, and be as the API would return them now.
        """
        contents = self.contents()
        wrong = wrong_days(contents, self.api)
        assert not wrong, wrong
        for day in days:
            assert day in contents.ledger, f"{day} was never loaded"
            assert contents.ledger[day] == self.api.last[day], f"{day} was returned anew, and that is not what is held"
        self.rows_compared += sum(contents.rows.values())
        return contents


def counts(world: World) -> tuple[int, ...]:
    """Returns the rows of the three record tables."""
    return tuple(world.sql(f"SELECT count(*) FROM {table}")[0][0] for table in RECORD_TABLES)
