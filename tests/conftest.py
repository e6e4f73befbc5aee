"""What tests stand on: a world of their own for each, a clock that they set, and a warehouse that is loaded from a
simulated API. Nothing here reads the wall clock, sleeps, or reaches a network."""

from __future__ import annotations

import datetime as dt
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pytest
from dlt.common.configuration.container import Container
from dlt.common.pipeline import LoadInfo, PipelineContext
from dlt.common.runtime.run_context import RunContext, switched_run_context
from hypothesis import settings

from claude_code_analytics import AnalyticsClient, claude_code_analytics
from claude_code_simulator import LoggedRequest, Organization, ScriptedOrganization, SimulatedApi

pytest_plugins = ("tally",)

REPORT_PATH = "/v1/organizations/usage_report/claude_code"
NOW = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)
FIRST_DAY = dt.date(2026, 9, 14)
"""Where loads begin unless a test says otherwise: the week up to `NOW`."""

settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
settings.register_profile("searching", parent=settings.get_profile("repeatable"), derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

_FOREIGN_SETTINGS = ("SOURCES__", "DESTINATION__", "EXTRACT__", "NORMALIZE__", "LOAD__", "RUNTIME__", "DLT_")


class Clock:
    """The time, as a test sets it; to sleep is to set it later. Safe to share between threads."""

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


def _connected(api: SimulatedApi, clock: Clock, **options: Any) -> AnalyticsClient:
    if not {"api_key", "access_token"} & set(options):
        options["api_key"] = api.credentials.admin_key
    return AnalyticsClient(
        **{"transport": api.transport, "clock": clock, "sleep": clock.sleep, "chance": lambda: 0.5, **options}
    )


class Warehouse:
    """An organization, the API in front of it, and a DuckDB file that a dlt pipeline loads from there.

    Args:
        folder: Where the file and dlt's working folder are.
        clock: The time, for the API and the client alike.
        organization: What the API tells about; days that a test writes down, unless given.
        name: Of the pipeline, so that two can write into one file.
        database: The DuckDB file.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        organization: Organization | None = None,
        name: str = "warehouse",
        database: Path | None = None,
    ) -> None:
        self.clock = clock
        self.organization: Any = organization or ScriptedOrganization()
        self.api = SimulatedApi(self.organization, clock=clock)
        self.database = database or folder / f"{name}.duckdb"
        self.pipeline = dlt.pipeline(
            name,
            destination=dlt.destinations.duckdb(str(self.database)),
            dataset_name="claude_code",
            pipelines_dir=str(folder / "pipelines"),
        )

    def write(self, day: dt.date, *records: dict[str, Any]) -> None:
        """Has the API say this about a day from now on."""
        self.organization.days[day] = list(records)

    def client(self, **options: Any) -> AnalyticsClient:
        """A client of the simulated API, on the test's clock."""
        return _connected(self.api, self.clock, **options)

    def source(self, **arguments: Any) -> Any:
        """The source, reading from the simulated API."""
        arguments.setdefault("start_date", FIRST_DAY)
        client = arguments.pop("client", None) or self.client()
        return claude_code_analytics(client=client, **arguments)

    def load(self, **arguments: Any) -> LoadInfo:
        """One run of the pipeline; the log of requests begins anew.

        The file is kept open meanwhile: dlt opens and closes it a dozen times, which is half of the time of a load.
        """
        self.api.requests.clear()
        with duckdb.connect(str(self.database)):
            return self.pipeline.run(self.source(**arguments))

    def requests(self) -> list[LoggedRequest]:
        """The questions of the last run about days."""
        return [request for request in self.api.requests if request.path == REPORT_PATH]

    def days_asked(self) -> list[dt.date]:
        """The days that the last run asked for, each once, in order."""
        return sorted({dt.date.fromisoformat(request.params["starting_at"]) for request in self.requests()})

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        """What the warehouse answers."""
        with duckdb.connect(str(self.database)) as connection:
            connection.execute("SET TimeZone = 'UTC'; USE claude_code")
            return connection.execute(query).fetchall()

    def rows(self, table: str = "claude_code_usage", where: str = "true") -> list[dict[str, Any]]:
        """Rows of a table as dictionaries, in an order that depends on nothing but them."""
        with duckdb.connect(str(self.database)) as connection:
            connection.execute("SET TimeZone = 'UTC'; USE claude_code")
            found = connection.execute(f"SELECT * FROM {table} WHERE {where} ORDER BY ALL")  # noqa: S608
            names = [column[0] for column in found.description or []]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def column(self, name: str, table: str = "claude_code_usage") -> list[Any]:
        """The values of one column, in order of day and value."""
        return [row[0] for row in self.sql(f"SELECT {name} FROM {table} ORDER BY date, {name}")]  # noqa: S608

    def columns(self, table: str = "claude_code_usage") -> dict[str, str]:
        """Names and types of the columns, as the warehouse has them."""
        return {row[0]: row[1] for row in self.sql(f"DESCRIBE {table}")}

    def cursor(self) -> dt.date | None:
        """Where the incremental cursor stands."""
        resources = self.pipeline.state["sources"]["claude_code_analytics"]["resources"]
        found = resources["claude_code_usage"]["incremental"]["date"]["last_value"]
        return dt.date.fromisoformat(str(found)[:10])


@pytest.fixture(autouse=True)
def _own_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Gives each test a folder, an environment and a dlt of its own, and no network."""
    for name in list(os.environ):
        if name.startswith(_FOREIGN_SETTINGS) or name in ("ANTHROPIC_ADMIN_KEY", "API_KEY", "ACCESS_TOKEN"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(socket.socket, "connect", _refuse_to_connect)
    context = RunContext(str(tmp_path))
    context._global_dir = str(tmp_path / "dlt")
    with switched_run_context(context):
        yield
        Container()[PipelineContext].deactivate()


def _refuse_to_connect(self: socket.socket, address: object) -> None:
    message = f"a test tried to reach {address}"
    raise AssertionError(message)


@pytest.fixture
def clock() -> Clock:
    """The test's clock; it stands at noon of 2026-09-20 (UTC) until it is moved."""
    return Clock()


@pytest.fixture
def api(clock: Clock) -> SimulatedApi:
    """The API in front of an organization whose days a test writes down: `api.organization.days`."""
    return SimulatedApi(ScriptedOrganization(), clock=clock)


@pytest.fixture
def connect(api: SimulatedApi, clock: Clock) -> Callable[..., AnalyticsClient]:
    """Makes a client of the simulated API on the test's clock; options as `AnalyticsClient` has them."""
    return lambda **options: _connected(api, clock, **options)


@pytest.fixture
def make_warehouse(tmp_path: Path, clock: Clock) -> Callable[..., Warehouse]:
    """Makes a warehouse; `name`, `organization` and `database` as in `Warehouse`."""

    def make(**arguments: Any) -> Warehouse:
        return Warehouse(tmp_path, clock, **arguments)

    return make


@pytest.fixture
def warehouse(make_warehouse: Callable[..., Warehouse]) -> Warehouse:
    """An empty organization, the API in front of it and an empty warehouse."""
    return make_warehouse()


@pytest.fixture
def warnings_of(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Tells what the connector has logged as warnings so far."""
    caplog.set_level(logging.INFO, "claude_code_analytics")
    return lambda: [
        record.getMessage()
        for record in caplog.records
        if record.name == "claude_code_analytics" and record.levelno >= logging.WARNING
    ]
