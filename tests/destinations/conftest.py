"""Backends, each started once for a worker, and a scenario in a dataset of its own."""

from __future__ import annotations

import _socket
import socket
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from destinations.backends import Backend, Missing
from destinations.backends.bigquery_stand_in import BigQuery
from destinations.backends.delta_files import DeltaFiles
from destinations.backends.duckdb_file import DuckDb
from destinations.backends.postgres_server import Postgres
from destinations.backends.snowflake_stand_in import Snowflake
from destinations.scenario import Scenario
from support.tally import Tally
from support.world import TestClock

# Backends that are files in the folder of a test, and servers.
FILES: dict[str, Callable[[Path], Backend]] = {"duckdb": DuckDb, "delta": DeltaFiles}
SERVERS: dict[str, Callable[[], Backend]] = {"postgres": Postgres, "bigquery": BigQuery, "snowflake": Snowflake}


@pytest.fixture(scope="session")
def _start() -> Iterator[Callable[[str], Backend]]:
    """Starts a server when it is first needed, and keeps it until the worker is done."""
    started: dict[str, Backend | Missing] = {}

    def start(name: str) -> Backend:
        if name not in started:
            try:
                started[name] = SERVERS[name]()
            except Missing as reason:
                started[name] = reason
        found = started[name]
        if isinstance(found, Missing):
            pytest.skip(str(found))
        return found

    yield start
    for each in started.values():
        if isinstance(each, Backend):
            each.close()


# The rest of the suite loads into DuckDB.
@pytest.fixture(params=[pytest.param("duckdb", marks=pytest.mark.slow), "delta", *SERVERS])
def backend(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    _start: Callable[[str], Backend],
) -> Iterator[Any]:
    """A destination, with dlt's configuration leading there."""
    monkeypatch.setattr(socket.socket, "connect", _connect_on_this_machine)
    made = FILES.get(request.param)
    try:
        found = made(tmp_path) if made else _start(request.param)
    except Missing as reason:
        pytest.skip(str(reason))
    for name, value in found.environment.items():
        monkeypatch.setenv(name, value)
    yield found
    if made:
        found.close()


def _connect_on_this_machine(self: socket.socket, address: Any) -> None:
    assert isinstance(address, (str, bytes)) or address[0] in ("127.0.0.1", "::1", "localhost"), address
    _socket.socket.connect(self, address)


@pytest.fixture
def make_scenario(
    backend: Backend, clock: TestClock, tmp_path: Path, tally: Tally
) -> Iterator[Callable[..., Scenario]]:
    """Makes scenarios that share a dataset; options as `Scenario` takes them. Counts the rows that they compare."""
    dataset = f"scenario_{uuid.uuid4().hex[:12]}"
    made: list[Scenario] = []

    def make(**options: Any) -> Scenario:
        made.append(Scenario(tmp_path, backend, clock, dataset=dataset, **options))
        return made[-1]

    yield make
    tally.add("rows compared", backend.name, sum(each.rows_compared for each in made))


@pytest.fixture
def scenario(make_scenario: Callable[..., Scenario]) -> Scenario:
    """One organization and an empty dataset."""
    return make_scenario()
