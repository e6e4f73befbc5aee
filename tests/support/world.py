"""The one fixture world: an organization, the simulated API in front of it, a clock, and a warehouse loaded from it."""

from __future__ import annotations

import datetime as dt
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dlt
import duckdb
from dlt.common.pipeline import LoadInfo

from claude_code_analytics import AnalyticsClient, claude_code_analytics
from claude_code_analytics.dates import DayRange
from claude_code_pipelines import LoadReport, Status, backfill, load, read_status
from claude_code_simulator import ScriptedOrganization, error_response, record
from support.expected import Contents, RecordingApi, tables_in, wrong_days

NOW = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)
TODAY = NOW.date()
# Where loads begin unless a test says otherwise: the week up to NOW.
FIRST_DAY = dt.date(2026, 9, 14)
REPORT_PATH = "/v1/organizations/usage_report/claude_code"

USAGE = "claude_code_usage"
TOOLS = f"{USAGE}__tool_actions"
MODELS = f"{USAGE}__model_breakdown"
LEDGER = "claude_code_days"
RECORD_TABLES = (USAGE, TOOLS, MODELS)


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
    """An organization, the API in front of it, and a warehouse (a DuckDB file) that dlt loads from there.

    Args:
        folder: Folder of the file and of dlt's working folder.
        clock: The time, for API and client alike.
        organization: What the API returns; days that a test writes, unless given.
        api: An API to share with another world.
        name: Name of the dlt pipeline, so that two can load one file.
        database: The DuckDB file.
        machine: Name of dlt's working folder: two machines have one each.
        destination: Another dlt destination than the DuckDB file; `destinations.scenario` reads its tables back.
        dataset: The dataset.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: TestClock | None = None,
        organization: Any = None,
        api: RecordingApi | None = None,
        name: str = "claude_code_analytics",
        database: Path | None = None,
        machine: str = "machine",
        destination: Any = None,
        dataset: str = "claude_code",
    ) -> None:
        self.clock = clock or TestClock()
        self.api = api or RecordingApi(organization or ScriptedOrganization(), clock=self.clock)
        self.organization: Any = self.api.organization
        self.folder = folder
        self.name = name
        self.database = database or folder / "warehouse.duckdb"
        self.machine = folder / machine
        self.destination = destination
        self.dataset = dataset
        self._pipeline: dlt.Pipeline | None = None

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
            destination=self.destination or dlt.destinations.duckdb(str(self.database)),
            dataset_name=self.dataset,
            pipelines_dir=str(self.machine),
        )
        return self._pipeline

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
        if not {"api_key", "access_token"} & set(options):
            options["api_key"] = self.api.credentials.admin_key
        base = {"transport": self.api.transport, "clock": self.clock, "sleep": self.clock.sleep}
        return AnalyticsClient(**{**base, "chance": lambda: 0.5, **options})

    # The doors

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

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Keeps the file open: dlt opens and closes it a dozen times, which is half of the time of a load."""
        if self.destination is not None:
            yield
            return
        with duckdb.connect(str(self.database)):
            yield

    def lose_working_folder(self) -> None:
        """Goes on on another machine: dlt's working folder is gone, the warehouse is there."""
        shutil.rmtree(self.machine, ignore_errors=True)
        self.new_pipeline()

    def copy_database(self) -> Path:
        """Copies the warehouse as it is now."""
        return Path(shutil.copy(self.database, self.database.with_suffix(".copy")))

    def restore_database(self, copy: Path) -> None:
        """Puts an older copy of the warehouse in its place."""
        shutil.copy(copy, self.database)

    def copy_folder(self) -> Path:
        """Copies dlt's working folder as it is now."""
        return Path(shutil.copytree(self.machine, self.machine.with_suffix(".copy")))

    def restore_folder(self, copy: Path) -> None:
        """Puts a copy of dlt's working folder in its place."""
        shutil.rmtree(self.machine)
        shutil.copytree(copy, self.machine)
        self.new_pipeline()

    # What came of it

    def days_requested(self) -> list[dt.date]:
        """Returns the days that were requested since the last door was opened, each once, in order."""
        return sorted(
            {
                dt.date.fromisoformat(request.params["starting_at"])
                for request in self.api.requests
                if request.path == REPORT_PATH
            }
        )

    def sql(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Runs SQL in the warehouse."""
        with duckdb.connect(str(self.database)) as connection:
            connection.execute("SET TimeZone = 'UTC'; USE claude_code")
            return connection.execute(query, list(parameters)).fetchall()

    def rows(self, table: str = USAGE, where: str = "true") -> list[dict[str, Any]]:
        """Returns rows of a table, in an order that depends on nothing but them."""
        with duckdb.connect(str(self.database)) as connection:
            connection.execute("SET TimeZone = 'UTC'; USE claude_code")
            found = connection.execute(f"SELECT * FROM {table} WHERE {where} ORDER BY ALL")
            names = [column[0] for column in found.description or []]
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
        with duckdb.connect(str(self.database)) as connection:
            return Contents(tables_in(connection, "claude_code"))

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
        return contents
