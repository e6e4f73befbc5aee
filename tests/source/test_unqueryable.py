"""Destinations that cannot be queried for the proof: the run fails with a sentence; without one, all days are read."""

from __future__ import annotations

from typing import Any

import dlt
import pytest

from claude_code_analytics import DestinationError
from claude_code_pipelines import load
from support.days import MONDAY, WEEK
from support.refusals import refused
from support.world import World


def test_a_run_that_cannot_be_proven_fails_before_a_day_is_read(world: World) -> None:
    world.database.write_bytes(b"no database" * 1000)
    with refused(DestinationError, match="cannot be queried for the days that it holds, so nothing was requested"):
        world.pipeline.extract(world.source())
    with world.client() as client, pytest.raises(Exception, match="not a valid DuckDB database"):
        load(world.new_pipeline(), start=MONDAY, client=client)
    assert world.days_requested() == []


@pytest.mark.parametrize("door", ["extract", "list"])
def test_without_a_destination_all_days_are_read_and_that_is_said_once(
    world: World, warnings_of: Any, door: str
) -> None:
    if door == "extract":
        dlt.pipeline("nowhere", pipelines_dir=str(world.machine)).extract(world.source())
    else:
        tables = list(world.source())
        assert sum(table.num_rows for table in tables if "fetched_at" in table.column_names) == len(WEEK)
    assert world.days_requested() == WEEK
    (warning,) = warnings_of()
    assert "there is no destination, so all days of the range are read" in warning
