"""Every way in which users run the source in pipelines of their own ends with exact days (decisions D2, D5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from claude_code_analytics import ConfigurationError
from claude_code_analytics.run import batches
from claude_code_simulator import ScriptedOrganization, record
from support.plain import MONDAY, TUESDAY, WEEK, back, counts, people, refused
from support.world import MODELS, RECORD_TABLES, TODAY, USAGE, World

FIRST_HALF = {"start_date": WEEK[0], "end_date": WEEK[3]}
SECOND_HALF = {"start_date": WEEK[2], "end_date": WEEK[6]}  # overlaps the first


@pytest.fixture(autouse=True)
def _kept_open(world: World) -> Iterator[None]:
    with world.kept_open():
        yield


def restate(world: World, sessions: int) -> None:
    """Has the API return one record on each day, its numbers and those of its children changed."""
    world.clock.move(seconds=10)
    world.write_days(MONDAY, TODAY, sessions=sessions, tools={"edit_tool": (sessions, 0)})


@pytest.fixture
def other(world: World) -> World:
    """Another organization with a key of its own, that loads into the same dataset from the same machine."""
    made = World(
        world.folder, clock=world.clock, organization=ScriptedOrganization(id="other-org"), database=world.database
    )
    made.pipeline = world.pipeline
    made.write_days(MONDAY, TODAY)
    return made


# Several ranges and sources in one pipeline


def in_one_run(world: World) -> None:
    world.pipeline.run([world.source(**FIRST_HALF), world.source(**SECOND_HALF)])


def one_after_the_other(world: World) -> None:
    for part in (SECOND_HALF, FIRST_HALF):
        world.pipeline.run(world.source(**part))


def step_by_step(world: World) -> None:
    world.pipeline.extract(world.source(**FIRST_HALF))
    world.pipeline.extract(world.source(**SECOND_HALF))
    world.pipeline.normalize()
    world.pipeline.load()


@pytest.mark.parametrize("door", [in_one_run, step_by_step, pytest.param(one_after_the_other, marks=pytest.mark.slow)])
def test_overlapping_ranges_in_any_order_double_and_lose_nothing(world: World, door: Callable[[World], None]) -> None:
    for sessions in (1, 2):
        restate(world, sessions)
        door(world)
        world.require_truth(WEEK)
        assert world.column("core_metrics__num_sessions") == [sessions] * 7


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


def test_two_keys_in_one_pipeline_keep_their_days_apart(world: World, other: World) -> None:
    for sessions, together in ((1, True), (2, False)):
        restate(world, sessions)
        other.write(TUESDAY, *people(2 - sessions, TUESDAY, organization_id="other-org"))
        sources = [world.source(), other.source()]
        if together:
            world.pipeline.run(sources)
        else:
            for source in sources:
                world.pipeline.run(source)
        rows = world.sql(f"SELECT organization_id, count(*) FROM {USAGE} GROUP BY 1 ORDER BY 1")
        assert sorted(rows) == sorted([(world.organization.id, 7), ("other-org", 8 - sessions)])
    assert world.status().days("inconsistent") == []


# Cut short


@pytest.mark.parametrize("limit", [2, pytest.param(1, marks=pytest.mark.slow)])
def test_runs_that_a_limit_cuts_get_on_and_leave_no_half_day(
    world: World, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(batches, "ROWS_PER_BATCH", 2)
    restate(world, 1)
    for runs in (1, 2):
        world.pipeline.run(world.source(lookback_days=0).add_limit(limit))
        assert world.column("date") == WEEK[: limit * runs]
        assert counts(world) == (limit * runs,) * 3
    world.run()
    world.require_truth(WEEK)


# Killed between two steps


@pytest.mark.parametrize(
    ("killed_after", "range_"),
    [("normalize", {}), pytest.param("extract", {"start_date": back(1), "end_date": TODAY}, marks=pytest.mark.slow)],
)
def test_a_pending_package_meets_another_run_and_the_second_run_heals(
    world: World, killed_after: str, range_: dict[str, Any]
) -> None:
    restate(world, 1)
    world.run()
    restate(world, 2)
    world.pipeline.extract(world.source(**FIRST_HALF))
    if killed_after == "normalize":
        world.pipeline.normalize()
    world.new_pipeline()
    restate(world, 3)
    world.run(**range_)  # loads what waits, and reads nothing
    assert world.days_requested() == []
    assert world.column("core_metrics__num_sessions") == [2, 2, 2, 2, 1, 1, 1]
    world.require_truth()
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


# A warehouse that lost something


@pytest.mark.parametrize(
    "mode", ["drop_data", *(pytest.param(mode, marks=pytest.mark.slow) for mode in ("drop_sources", "drop_resources"))]
)
def test_a_refresh_reads_all_days_again(world: World, mode: Any) -> None:
    restate(world, 1)
    world.run()
    world.clock.move(days=30)
    restate(world, 2)
    world.api.requests.clear()
    world.pipeline.run(world.source(), refresh=mode)
    assert world.days_requested()[:7] == WEEK
    world.require_truth(WEEK)


def test_dev_mode_loads_everything_into_a_dataset_of_its_own(world: World) -> None:
    restate(world, 1)
    world.run()
    world.clock.move(days=30)
    world.api.requests.clear()
    pipeline = dlt.pipeline(
        world.name,
        destination=dlt.destinations.duckdb(str(world.database)),
        dataset_name="claude_code",
        pipelines_dir=str(world.machine),
        dev_mode=True,
    )
    pipeline.run(world.source())
    assert world.days_requested()[:7] == WEEK
    assert pipeline.dataset_name != "claude_code"
    assert pipeline.dataset()[USAGE].fetchall().__len__() == 7


def test_a_dataset_renamed_in_run_is_complete_after_the_next_run(world: World) -> None:
    restate(world, 1)
    world.run(lookback_days=0)
    world.clock.move(days=30)
    for _ in range(2):  # dlt queries the old dataset while it extracts, and loads into the new one
        world.pipeline.run(world.source(lookback_days=0), dataset_name="renamed")
    with duckdb.connect(str(world.database)) as connection:
        for table in RECORD_TABLES:
            assert connection.execute(f"SELECT count(*) FROM renamed.{table}").fetchall() == [(7,)]


def test_a_table_that_failed_without_an_error_is_healed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOAD__RAISE_ON_FAILED_JOBS", "false")
    restate(world, 1)
    world.run()
    world.sql(f"ALTER TABLE {MODELS} RENAME TO aside")
    world.sql(f"CREATE VIEW {MODELS} AS SELECT * FROM aside")
    restate(world, 2)
    info = world.run()
    assert info.has_failed_jobs
    assert world.status().days("inconsistent") == WEEK
    world.sql(f"DROP VIEW {MODELS}")
    world.sql(f"ALTER TABLE aside RENAME TO {MODELS}")
    world.clock.move(days=30)
    world.run(lookback_days=0)
    world.require_truth(WEEK)
    assert world.status().days("inconsistent") == []


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
