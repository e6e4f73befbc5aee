"""Datasets that released versions loaded, with this version's loads on top."""

from __future__ import annotations

import datetime as dt
import json
import lzma
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from claude_code_pipelines.metrics.views import create_views
from claude_code_simulator import record
from destinations.scenario import some_records
from support.backends import Backend
from support.expected import RecordingApi
from support.imports import ROOT
from support.world import RECORD_TABLES, TODAY, USAGE, TestClock, World

# Written by `python tests/upgrades` of each version.
VERSIONS = sorted(path for path in (ROOT / "tests" / "upgrades").iterdir() if re.match(r"\d", path.name))
DATASET = "claude_code"
ONE_DAY = dt.timedelta(days=1)


def restore_file(backend: Any, content: bytes) -> None:
    backend.file.write_bytes(content)


def restore_dump(backend: Backend, content: bytes) -> None:
    # lines with a backslash are commands to psql
    backend.run("\n".join(line for line in content.decode().splitlines() if not line.startswith("\\")))


RESTORE: dict[str, tuple[str, Callable[[Any, bytes], None]]] = {
    "duckdb": ("duckdb.xz", restore_file),
    "postgres": ("postgres.sql.xz", restore_dump),
}


@pytest.fixture(params=VERSIONS, ids=lambda path: path.name)
def upgraded(request: pytest.FixtureRequest, backend: Backend, clock: TestClock, tmp_path: Path) -> World:
    """A dataset of an earlier version, on a machine that never loaded it, and the API that it came from."""
    name, restore = RESTORE[backend.name]
    restore(backend, lzma.decompress((request.param / name).read_bytes()))
    world = World(tmp_path, clock=clock, backend=backend, dataset=DATASET, machine="new machine")
    for day, records in json.loads(lzma.decompress((request.param / "days.json.xz").read_bytes())).items():
        world.write(dt.date.fromisoformat(day), *records)
    return world


def records_of(world: World, columns: set[str] | None = None) -> dict[str, list[dict[str, Any]]]:
    """Returns the rows of the record tables, without what names the load; all columns unless some are given."""
    tables = world.backend.tables(world.dataset)
    return {
        name: sorted(
            (
                {key: row[key] for key in sorted(row) if key != "_dlt_load_id" and (not columns or key in columns)}
                for row in tables[name]
            ),
            key=str,
        )
        for name in RECORD_TABLES
    }


@pytest.mark.smoke
@pytest.mark.parametrize("backend", RESTORE, indirect=True)
def test_a_dataset_of_an_earlier_version_is_held_loaded_into_and_unchanged(
    upgraded: World, backend: Backend, clock: TestClock, tmp_path: Path
) -> None:
    first = min(upgraded.organization.days)
    known = {name for rows in records_of(upgraded).values() for row in rows for name in row}
    status = upgraded.status()
    assert status.has_gap is False
    assert (status.days("held")[0], status.days("changed"), status.days("inconsistent")) == (first, [], [])

    clock.move(days=1)
    upgraded.write(TODAY, *some_records(TODAY, 90))
    upgraded.write(TODAY + ONE_DAY, record(TODAY + ONE_DAY))
    upgraded.load(start=None)

    # settled days are not read again, and all is as in a dataset that had no other version; columns that came later are
    # NULL in old days
    assert upgraded.days_requested()[0] > first + 3 * ONE_DAY
    api = RecordingApi(upgraded.organization, clock=clock)
    fresh = World(tmp_path, clock=clock, api=api, name="fresh", backend=backend, dataset="fresh", machine="fresh")
    fresh.load(start=first)
    assert records_of(upgraded, known) == records_of(fresh, known)

    # nor do old days look changed when this version reads them again
    upgraded.backfill(first, TODAY)
    assert records_of(upgraded) == records_of(fresh)
    assert (upgraded.status().days("changed"), upgraded.status().has_gap) == ([], False)
    create_views(upgraded.pipeline)
    records = len(backend.tables(DATASET)[USAGE])
    assert backend.run(f"SELECT count(*) FROM {DATASET}.claude_code_records") == [(records,)]
