"""The places that the story is told at, each started once for a worker, and a story in a dataset of its own."""

from __future__ import annotations

import _socket
import socket
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from places import Missing, Place
from places.bigquery_stand_in import BigQuery
from places.delta_files import DeltaFiles
from places.duckdb_file import DuckDb
from places.postgres_server import Postgres
from places.snowflake_stand_in import Snowflake
from results import COMPARED, WRONG
from story import Story

FOLDERS: dict[str, Callable[[Path], Place]] = {"duckdb": DuckDb, "delta": DeltaFiles}
"""Places that are files in the folder of a test."""
PLACES: dict[str, Callable[[], Place]] = {"postgres": Postgres, "bigquery": BigQuery, "snowflake": Snowflake}


@pytest.fixture(scope="session")
def _started() -> Iterator[Callable[[str], Place]]:
    """Starts a place when it is first asked for, and keeps it until the worker is done."""
    places: dict[str, Place | Missing] = {}

    def start(name: str) -> Place:
        if name not in places:
            try:
                places[name] = PLACES[name]()
            except Missing as reason:
                places[name] = reason
        found = places[name]
        if isinstance(found, Missing):
            pytest.skip(str(found))
        return found

    yield start
    for place in places.values():
        if not isinstance(place, Missing):
            place.close()


@pytest.fixture(params=[*FOLDERS, *PLACES])
def place(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    _started: Callable[[str], Place],
) -> Iterator[Place]:
    """A destination, with dlt's configuration leading there."""
    monkeypatch.setattr(socket.socket, "connect", _connect_on_this_machine)
    folder = FOLDERS.get(request.param)
    place = _made(folder, tmp_path) if folder else _started(request.param)
    for name, value in place.environment.items():
        monkeypatch.setenv(name, value)
    yield place
    if folder:
        place.close()


def _made(place: Callable[[Path], Place], folder: Path) -> Place:
    try:
        return place(folder)
    except Missing as reason:
        pytest.skip(str(reason))


def _connect_on_this_machine(self: socket.socket, address: Any) -> None:
    assert isinstance(address, (str, bytes)) or address[0] in ("127.0.0.1", "::1", "localhost"), address
    _socket.socket.connect(self, address)


@pytest.fixture
def make_story(
    place: Place, clock: Any, tmp_path: Path, record_property: Callable[[str, object], None]
) -> Iterator[Callable[..., Story]]:
    """Makes stories that share a dataset unless one is named; options as `Story` has them.

    What they compared goes into pytest's report.
    """
    dataset = f"story_{uuid.uuid4().hex[:12]}"
    made: list[Story] = []

    def make(**options: Any) -> Story:
        made.append(Story(place, options.pop("dataset", dataset), clock, tmp_path, **options))
        return made[-1]

    yield make
    record_property(COMPARED, sum(story.rows_compared for story in made))
    record_property(WRONG, sum(story.rows_wrong for story in made))


@pytest.fixture
def story(make_story: Callable[..., Story]) -> Story:
    """One organization and an empty dataset."""
    return make_story()
