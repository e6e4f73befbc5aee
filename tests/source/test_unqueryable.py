"""Destinations that cannot be queried: a plain run warns and follows its cursor (decision D4)."""

from __future__ import annotations

from typing import Any

import dlt
import pytest

from claude_code_analytics import ConfigurationError
from claude_code_pipelines import load
from support.plain import MONDAY, WEEK, back
from support.world import TODAY, World


def run_blindly(world: World, **arguments: Any) -> None:
    """Runs with a warehouse that cannot be opened until the days are read."""
    aside = world.database.with_suffix(".aside")
    if world.database.exists():
        world.database.rename(aside)
    world.database.write_bytes(b"no database" * 1000)
    world.api.requests.clear()
    try:
        world.pipeline.extract(world.source(**arguments))
    finally:
        world.database.unlink()
        if aside.exists():
            aside.rename(world.database)
    world.pipeline.normalize()
    world.pipeline.load()


def test_the_first_run_reads_all_days_and_says_why(world: World, warnings_of: Any) -> None:
    world.write_days(MONDAY, TODAY)
    run_blindly(world)
    assert world.days_requested() == WEEK
    (warning,) = warnings_of()
    assert "the destination cannot be queried for the days that it holds, so the cursor decides" in warning
    world.require_truth(WEEK)


def test_later_runs_read_the_lookback_the_cursors_day_and_all_after_it(world: World) -> None:
    lookback = 2
    world.run()
    world.clock.move(days=2)
    world.write_days(MONDAY, back(-2))
    run_blindly(world, lookback_days=lookback)
    days = [back(number) for number in range(lookback, -3, -1)]
    assert world.days_requested() == days
    assert world.cursor() == back(-2)
    world.require_truth(days)


def test_few_days_at_a_time_get_on_by_the_cursor(world: World) -> None:
    for days in (WEEK[0:2], WEEK[1:3], WEEK[2:4]):
        run_blindly(world, max_days=2, lookback_days=0)
        assert world.days_requested() == days


def test_what_the_cursor_skipped_is_read_once_the_warehouse_can_be_queried(world: World) -> None:
    world.write_days(MONDAY, TODAY)
    world.run()
    world.sql(f"DELETE FROM claude_code_usage WHERE date = DATE '{MONDAY}'")
    run_blindly(world, lookback_days=0)
    assert world.days_requested() == [TODAY]
    world.run(lookback_days=0)
    assert world.days_requested() == [MONDAY, TODAY]
    world.require_truth(WEEK)


def test_load_does_not_follow_a_cursor(world: World) -> None:
    world.database.write_bytes(b"no database" * 1000)
    pipeline = world.new_pipeline()
    with world.client() as client, pytest.raises(ConfigurationError):
        load(pipeline, start=MONDAY, client=client)
    assert world.days_requested() == []


def test_a_pipeline_without_a_destination_extracts_without_a_warning(world: World, warnings_of: Any) -> None:
    pipeline = dlt.pipeline("nowhere", pipelines_dir=str(world.machine))
    pipeline.extract(world.source())
    assert world.days_requested() == WEEK
    assert warnings_of() == []
