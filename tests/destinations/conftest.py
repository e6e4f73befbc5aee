"""Backends, each started once for a worker, and worlds whose warehouse is a dataset of one."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from claude_code_simulator import ScriptedOrganization
from destinations.bigquery_stand_in import BigQuery
from destinations.snowflake_stand_in import Snowflake
from support.backends import Backend, Missing
from support.backends.delta_files import DeltaFiles
from support.backends.duckdb_file import DuckDb
from support.backends.postgres_server import Postgres
from support.expected import RecordingApi
from support.serving import connect_on_this_machine
from support.tally import Tally
from support.world import TestClock, World

# Backends that are files in the folder of a test, and servers.
FILES: dict[str, Callable[[Path], Backend]] = {
    "duckdb": lambda folder: DuckDb(folder / "warehouse.duckdb"),
    "delta": DeltaFiles,
}
STAND_INS: dict[str, Callable[[], Backend]] = {"bigquery": BigQuery, "snowflake": Snowflake}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leaves every test of a backend to `python tests/destinations`, unless it is a smoke test."""
    for item in items:
        if "backend" in getattr(item, "fixturenames", ()) and not item.get_closest_marker("smoke"):
            item.add_marker(pytest.mark.matrix)


@pytest.fixture(scope="session")
def _stand_in() -> Iterator[Callable[[str], Backend]]:
    """Connects to a stand-in when it is first needed, until the worker is done."""
    started: dict[str, Backend | Missing] = {}

    def start(name: str) -> Backend:
        if name not in started:
            try:
                started[name] = STAND_INS[name]()
            except Missing as reason:
                started[name] = reason
        found = started[name]
        if isinstance(found, Missing):
            raise found
        return found

    yield start
    for each in started.values():
        if isinstance(each, Backend):
            each.close()


@pytest.fixture(params=[*FILES, "postgres", *STAND_INS])
def backend(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Backend:
    """A destination, with dlt's configuration leading there."""
    monkeypatch.setattr(socket.socket, "connect", connect_on_this_machine)
    found: Backend
    try:
        if request.param in FILES:
            found = FILES[request.param](tmp_path)
        elif request.param == "postgres":
            found = Postgres(request.getfixturevalue("postgres"))
        else:
            found = request.getfixturevalue("_stand_in")(request.param)
    except Missing as reason:
        pytest.skip(str(reason))
    for name, value in found.environment.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture
def make_world(backend: Backend, clock: TestClock, tmp_path: Path, tally: Tally) -> Iterator[Callable[..., World]]:
    """Makes worlds that share a dataset, and counts the rows that they compare.

    `organization` is an id; unknown options go to the API.
    """
    dataset = f"scenario_{uuid.uuid4().hex[:12]}"
    made: list[World] = []

    def make(
        organization: str | None = None, machine: str = "machine", name: str = "claude_code_analytics", **of_api: Any
    ) -> World:
        scripted = ScriptedOrganization(id=organization) if organization else ScriptedOrganization()
        api = RecordingApi(scripted, clock=clock, **of_api)
        world = World(
            tmp_path, clock=clock, api=api, name=name, backend=backend, machine=machine, dataset=dataset, pause=1.000001
        )
        made.append(world)
        return world

    yield make
    tally.add("rows compared", backend.name, sum(each.rows_compared for each in made))


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """One organization and an empty dataset."""
    return make_world()
