"""Orders and ways in which users run the source in pipelines of their own end with exact days (decisions D2, D5).

`test_state_machine.py` plays any order of runs, steps, refreshes, kills and losses. Here is what it has no rule for.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from claude_code_analytics import ConfigurationError
from claude_code_analytics.run import batches
from claude_code_simulator import record
from support.days import MONDAY, WEEK
from support.refusals import refused
from support.world import MODELS, RECORD_TABLES, TODAY, USAGE, World, counts

FIRST_HALF = {"start_date": WEEK[0], "end_date": WEEK[3]}
SECOND_HALF = {"start_date": WEEK[2], "end_date": WEEK[6]}  # overlaps the first


@pytest.fixture(autouse=True)
def _kept_open(request: pytest.FixtureRequest, world: World) -> Iterator[None]:
    if "week" in request.fixturenames:
        request.getfixturevalue("week")  # copied before it is opened
    with world.kept_open():
        yield


def restate(world: World, sessions: int) -> None:
    """Has the API return one record on each day, its numbers and those of its children changed."""
    world.clock.move(seconds=10)
    world.write_days(MONDAY, TODAY, sessions=sessions, tools={"edit_tool": (sessions, 0)})


# Several ranges and sources in one pipeline


def test_overlapping_ranges_of_one_run_double_and_lose_nothing(week: World) -> None:
    restate(week, 2)
    week.pipeline.run([week.source(**FIRST_HALF), week.source(**SECOND_HALF)])
    week.require_truth(WEEK)
    assert week.column("core_metrics__num_sessions") == [2] * 7


def test_a_day_restated_between_two_sources_of_one_run_is_not_mixed(world: World) -> None:
    restate(world, 1)
    second = world.source()

    def restating(items: Any) -> Any:
        restate(world, 2)
        return items

    first = world.source()
    first.resources[USAGE].add_map(restating)
    world.pipeline.run([first, second])
    assert counts(world) == (7, 7, 7)
    world.require_truth()


def test_runs_that_a_limit_cuts_get_on_and_leave_no_half_day(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "ROWS_PER_BATCH", 2)
    restate(world, 1)
    for runs in (1, 2):
        world.pipeline.run(world.source(lookback_days=0).add_limit(2))
        assert world.column("date") == WEEK[: 2 * runs]
        assert counts(world) == (2 * runs,) * 3
    world.run()
    world.require_truth(WEEK)


def test_an_older_package_loaded_over_newer_days_is_noticed_and_healed(world: World, tmp_path: Path) -> None:
    restate(world, 1)
    world.pipeline.extract(world.source())
    world.pipeline.normalize()
    restate(world, 2)
    later = World(tmp_path, clock=world.clock, api=world.api, database=world.database, machine="later")
    later.run()
    world.pipeline.load()
    assert world.column("core_metrics__num_sessions") == [1] * 7
    assert world.status().days("inconsistent") == WEEK
    later.run(lookback_days=0)
    assert later.days_requested() == WEEK
    world.require_truth(WEEK)


# Another dataset, a table that failed


def test_dev_mode_loads_everything_into_a_dataset_of_its_own(week: World) -> None:
    world = week
    world.clock.move(days=30)
    world.api.requests.clear()
    pipeline = dlt.pipeline(
        world.name,
        destination=world.backend.destination,
        dataset_name="claude_code",
        pipelines_dir=str(world.machine),
        dev_mode=True,
    )
    pipeline.run(world.source())
    assert world.days_requested()[:7] == WEEK
    assert pipeline.dataset_name != "claude_code"
    assert len(pipeline.dataset()[USAGE].fetchall()) == 7


def test_a_dataset_renamed_in_run_is_complete_after_the_next_run(week: World) -> None:
    week.clock.move(days=30)
    for _ in range(2):  # dlt queries the old dataset while it extracts, and loads into the new one
        week.pipeline.run(week.source(lookback_days=0), dataset_name="renamed")
    for table in RECORD_TABLES:
        assert week.sql(f"SELECT count(*) FROM renamed.{table}") == [(7,)]


def test_a_table_that_failed_without_an_error_is_healed(week: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOAD__RAISE_ON_FAILED_JOBS", "false")
    restate(week, 2)
    with week.backend.rejecting("claude_code", MODELS):
        assert week.run().has_failed_jobs
    assert week.status().days("inconsistent") == WEEK
    week.clock.move(days=30)
    week.run(lookback_days=0)
    week.require_truth(WEEK)
    assert week.status().days("inconsistent") == []


# What users do to the resource


def test_no_disposition_of_the_users_lets_markers_into_the_tables(world: World) -> None:
    for disposition in ("append", "replace"):
        source = world.source()
        source.resources[USAGE].apply_hints(write_disposition=disposition)
        if disposition == "append":
            world.pipeline.run(source)
        else:
            with refused(ConfigurationError, match="days are always replaced day by day"):
                world.pipeline.run(source)
            world.pipeline.drop_pending_packages()
    with refused(ConfigurationError, match="days are always replaced day by day"):
        world.pipeline.run(world.source(), write_disposition="replace")
    world.pipeline.drop_pending_packages()
    for table in RECORD_TABLES:
        assert world.sql(f"SELECT count(*) FROM {table} WHERE _dlt_id = '@day'") == [(0,)]


def test_a_users_step_may_change_rows_without_harm(world: World) -> None:
    name = "actor__email_address"

    def shout(table: pa.Table) -> pa.Table:
        if name not in table.column_names:
            return table
        return table.set_column(table.column_names.index(name), name, pc.utf8_upper(table[name]))

    for _ in range(2):
        restate(world, 1)
        source = world.source()
        source.resources[USAGE].add_map(shout)
        world.pipeline.run(source)
        assert world.column("actor__email_address") == ["ADA@EXAMPLE.TEST"] * 7
        assert counts(world) == (7, 7, 7)
    assert world.status().days("inconsistent") == []


def test_a_users_step_that_drops_rows_leaves_days_that_status_lists(world: World) -> None:
    world.write(MONDAY, record(MONDAY), record(MONDAY, customer_type="subscription"))

    def without_api(table: pa.Table) -> pa.Table:
        if "customer_type" not in table.column_names:
            return table
        return table.filter(pc.not_equal(table["customer_type"], "api").fill_null(True))

    source = world.source()
    source.resources[USAGE].add_map(without_api)
    world.pipeline.run(source)
    assert world.column("customer_type") == ["subscription"]
    assert world.status().days("inconsistent") == [MONDAY]
    world.run(lookback_days=0)
    world.require_truth([MONDAY])
