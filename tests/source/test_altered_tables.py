"""Tables of another version, or altered by hand: what is missing is added, another type is refused (decision D5)."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from typing import Any

import dlt
import pytest
from click.testing import CliRunner

from claude_code_analytics import ConfigurationError
from claude_code_analytics.claude_code.report import CLAUDE_CODE, DailyReport
from claude_code_analytics.config import resolve_config
from claude_code_analytics.run.resource import daily_resource
from claude_code_analytics.warehouse.schema import Column, Table
from claude_code_pipelines import status
from claude_code_pipelines.cli import commands
from claude_code_pipelines.metrics import reader
from claude_code_simulator import record
from support.days import MONDAY, TUESDAY, WEEK
from support.refusals import refused
from support.world import LEDGER, MODELS, TABLES, TODAY, USAGE, World

HARMLESS = (
    f"ALTER TABLE {USAGE} ADD COLUMN team VARCHAR DEFAULT 'x'",
    "DROP SCHEMA claude_code_staging CASCADE",
    "DROP TABLE _dlt_loads; DROP TABLE _dlt_version; DROP TABLE _dlt_pipeline_state",
)
# Changes that no load can mend, and what the message says of them.
REFUSED = {
    f"ALTER TABLE {USAGE} DROP COLUMN date": f"{USAGE}.date is missing",
    f"ALTER TABLE {LEDGER} DROP COLUMN content_hash": "content_hash is missing",
    f"ALTER TABLE {MODELS} ALTER estimated_cost__amount TYPE DOUBLE": "is double, not decimal(38,9)",
    f"ALTER TABLE {MODELS} ALTER estimated_cost__amount TYPE DECIMAL(18,2)": "is decimal(18,2), not decimal(38,9)",
    f"USE claude_code_staging; ALTER TABLE {MODELS} ALTER estimated_cost__amount TYPE DECIMAL(18,2)": (
        "not decimal(38,9) in the staging dataset"
    ),
    f"ALTER TABLE {USAGE} ALTER date TYPE TIMESTAMP": "is timestamp, not date",
}
# Columns that somebody dropped, and whether their days are still held.
DROPPED = {
    (USAGE, "terminal_type"): False,
    (USAGE, "_dlt_id"): False,
    (MODELS, "_dlt_load_id"): False,
    (LEDGER, "actor_identity"): True,
}


def with_column(table: Table, name: str, data_type: str) -> Table:
    return dataclasses.replace(table, columns=(*table.columns, Column(name, data_type, "Of a newer version.")))


NEWER = dataclasses.replace(
    CLAUDE_CODE,
    tables=(with_column(CLAUDE_CODE.tables[0], "effort", "text"), *CLAUDE_CODE.tables[1:]),
    ledger=with_column(CLAUDE_CODE.ledger, "cost_center", "text"),
)


@pytest.fixture
def world(week: World) -> World:
    """A week that is loaded and settled."""
    week.clock.move(days=20)
    return week


def plain(world: World, report: DailyReport) -> None:
    @dlt.source(name="claude_code_analytics")
    def source() -> Any:
        return daily_resource(report, resolve_config(start_date=MONDAY, end_date=MONDAY), world.client())

    with world.kept_open():
        world.pipeline.run(source())


def load(world: World, report: DailyReport) -> None:
    world.backfill(MONDAY, MONDAY, report=report)


slow = pytest.mark.slow
DOORS = pytest.mark.parametrize("door", [plain, pytest.param(load, marks=slow)])


# Versions


@pytest.mark.parametrize(
    ("door", "is_lost"),
    [(plain, True), (load, False), pytest.param(plain, False, marks=slow), pytest.param(load, True, marks=slow)],
)
def test_a_column_of_a_newer_version_is_added_and_an_older_one_loads_beside_it(
    world: World, door: Callable[[World, DailyReport], None], is_lost: bool
) -> None:
    for report in (NEWER, CLAUDE_CODE):
        if is_lost:
            world.lose_working_folder()
        world.write(MONDAY)
        world.clock.move(seconds=5)
        door(world, report)
        assert (world.columns()["effort"], world.columns(LEDGER)["cost_center"]) == ("VARCHAR", "VARCHAR")
        world.require_truth([MONDAY, TODAY])
        assert world.status(last=TODAY).has_gap is False
    world.run(lookback_days=0, end_date=None, max_days=100)
    assert MONDAY not in world.days_requested()


def test_readers_of_a_newer_version_read_a_dataset_of_an_older_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "CLAUDE_CODE", NEWER)
    monkeypatch.setattr(reader, "CLAUDE_CODE", NEWER)
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(world.database))
    assert world.status(last=TODAY).days("held") == WEEK[:-1]
    for table, column in (
        (USAGE, "core_metrics__pull_requests_by_claude_code"),
        (MODELS, "estimated_cost__amount"),
        (LEDGER, "tool_actions"),
    ):
        world.sql(f"ALTER TABLE {table} DROP COLUMN {column}")  # as if this version had declared it
    with world.client() as client:
        for command in (["status"], ["summary", "--json"], ["summary", "--by", "person", "--json"]):
            shown = CliRunner().invoke(commands, command, obj=client)
            assert shown.exit_code == 0, shown.output
    figures = json.loads(shown.stdout)["headlines"]
    assert figures["sessions"]["value"] == 18  # of the six final days
    assert "pull_requests" not in figures


# Hands


@DOORS
def test_dropped_columns_are_added_and_days_that_are_not_held_any_more_are_fetched_again(
    world: World, door: Callable[[World, DailyReport], None]
) -> None:
    world.save()
    for (table, column), is_held in DROPPED.items():
        world.restore()
        world.sql(f"ALTER TABLE {table} DROP COLUMN {column}")
        assert world.status(last=TODAY).days("inconsistent") == ([] if is_held else WEEK)
        world.clock.move(seconds=5)
        door(world, CLAUDE_CODE)
        assert column in world.columns(table)
        assert world.status(last=TODAY).days("inconsistent") == ([] if is_held else WEEK[1:])
        if not is_held:
            world.run(lookback_days=0)
            world.require_truth(WEEK)


@DOORS
def test_dropped_tables_are_created_again(world: World, door: Callable[[World, DailyReport], None]) -> None:
    for schema, table in (("claude_code", MODELS), ("claude_code_staging", USAGE), ("claude_code", LEDGER)):
        world.sql(f"DROP TABLE {schema}.{table}")
        world.clock.move(seconds=5)
        door(world, CLAUDE_CODE)
        world.clock.move(seconds=5)
        world.run(lookback_days=0)
        world.require_truth(WEEK)


def test_a_column_that_only_the_staging_dataset_has_left_rounds_nothing(world: World) -> None:
    for door in (world.load, world.run):
        world.write(TUESDAY, {**record(TUESDAY), "new": 5})
        world.backfill(TUESDAY, TUESDAY)
        world.sql("DROP SCHEMA claude_code CASCADE; CREATE SCHEMA claude_code")
        world.lose_working_folder()
        world.write(TUESDAY, {**record(TUESDAY), "new": 1.5})
        door()
        assert (world.column("new")[1], world.column("new__v_double")[1]) == (None, 1.5)
        world.sql("DROP SCHEMA claude_code CASCADE; DROP SCHEMA claude_code_staging CASCADE; CREATE SCHEMA claude_code")
        world.lose_working_folder()


def test_changes_that_touch_no_day_do_no_harm(world: World) -> None:
    for change in HARMLESS:
        world.sql(change)
        world.write(TUESDAY)
        world.backfill(TUESDAY, TUESDAY)
        world.require_truth([TUESDAY, TODAY])
        assert world.status(last=TODAY).has_gap is False


def test_columns_that_cannot_take_the_rows_are_refused_before_anything_is_written(world: World) -> None:
    world.save()
    for change, message in REFUSED.items():
        world.restore()
        world.sql(change)
        before = {table: world.rows(table) for table in TABLES}
        with refused(ConfigurationError) as error:
            world.run(start_date=TODAY)
        assert message in str(error.value)
        assert {table: world.rows(table) for table in TABLES} == before
        with pytest.raises(ConfigurationError) as raised:
            world.load()
        line = str(raised.value)
        assert "\n" not in line
        assert line.endswith("load into another dataset")
        assert "drop " not in line.lower().replace("drop views that read it before", "")
        statements = re.findall(r"ALTER TABLE [^;]+;", line)
        assert len(statements) == ("missing" not in message)
        for statement in statements:
            world.sql(statement)
            world.run(start_date=TODAY)
