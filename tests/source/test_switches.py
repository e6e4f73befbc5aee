"""dlt's own switches do what `docs/dlt.md` says: one test for each row of its table."""

from __future__ import annotations

import re
from typing import Any

import pytest
from dlt.common.schema.exceptions import DataValidationError
from dlt.pipeline.exceptions import PipelineStepFailed

from claude_code_analytics import ConfigurationError, DestinationError
from claude_code_simulator import record
from support.days import CLOSED, MONDAY, TUESDAY, WEEK
from support.imports import ROOT
from support.refusals import refused
from support.world import MODELS, TODAY, USAGE, World, counts

# Row of the table -> the test that holds it, here or in `test_run_orders.py` and `test_incremental.py`.
ROWS = {
    "normalize.parquet_normalizer.add_dlt_load_id": "test_a_load_id_that_dlt_would_add_changes_nothing",
    "normalize.parquet_normalizer.add_dlt_id": "test_a_second_row_id_is_refused_and_leaves_nothing_behind",
    "schema_contract: tables": "test_frozen_tables",
    "schema_contract: columns": "test_a_new_field_under_a_contract",
    "schema_contract: data_type": "test_a_value_that_does_not_fit_under_a_contract",
    "write_disposition": "test_no_disposition_of_the_users_lets_markers_into_the_tables",
    "table_name, primary_key, merge_key, columns": "test_names_keys_and_columns_of_the_users_are_refused",
    "table_format, loader_file_format": "test_formats_of_the_users_are_ignored",
    "scheduler intervals (DLT_INTERVAL_START, DLT_INTERVAL_END, Airflow)": (
        "test_a_schedulers_interval_is_a_closed_range_of_whole_days"
    ),
    "an incremental of your own on date": "test_a_users_own_cursor_begins_where_it_says_in_its_own_type",
    "add_limit": "test_runs_that_a_limit_cuts_get_on_and_leave_no_half_day",
    "refresh": "test_a_pipeline_that_refreshes_is_refused_by_load_and_backfill",
    "dev_mode": "test_dev_mode_loads_everything_into_a_dataset_of_its_own",
    "schema.naming": "test_new_fields_load_again_and_again_under_every_naming",
    "load.raise_on_failed_jobs = false": "test_a_failed_job_fails_a_load_whatever_the_switch_says",
}
ADD = "NORMALIZE__PARQUET_NORMALIZER__ADD_DLT"


def test_each_row_of_the_docs_is_held_by_a_test() -> None:
    (table,) = re.findall(
        r"<!-- switches -->\n.*?\n.*?\n(.*?)<!-- end -->", (ROOT / "docs" / "dlt.md").read_text(), re.DOTALL
    )
    assert [line.split(" | ")[0].strip("| ").replace("`", "") for line in table.splitlines()] == list(ROWS)
    tests = "".join((ROOT / "tests" / "source" / f"test_{name}.py").read_text() for name in
                    ("switches", "run_orders", "incremental"))  # fmt: skip
    assert [test for test in ROWS.values() if f"def {test}(" not in tests] == []


def run_under(world: World, contract: Any, *records: dict[str, Any]) -> None:
    """Loads two days under a schema contract; the first has these records."""
    world.clock.move(seconds=10)
    world.write(MONDAY, *records)
    with world.kept_open():
        world.pipeline.run(world.source(**CLOSED), schema_contract=contract)


# The normalizer


def test_a_load_id_that_dlt_would_add_changes_nothing(week: World, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = week.columns()
    monkeypatch.setenv(f"{ADD}_LOAD_ID", "true")
    week.run()
    week.require_truth(WEEK)
    assert week.columns() == columns


@pytest.mark.parametrize("door", ["run", "load"])
def test_a_second_row_id_is_refused_and_leaves_nothing_behind(
    world: World, monkeypatch: pytest.MonkeyPatch, door: str
) -> None:
    world.write_days(MONDAY, TODAY)
    monkeypatch.setenv(f"{ADD}_ID", "true")
    with pytest.raises((PipelineStepFailed, ConfigurationError), match="switch it off"):
        getattr(world, door)()
    assert world.days_requested() == []
    monkeypatch.delenv(f"{ADD}_ID")
    getattr(world, door)()
    world.require_truth(WEEK)


# Schema contracts


@pytest.mark.parametrize("entity", ["tables", "columns", "data_type"])
@pytest.mark.parametrize("mode", ["discard_row", "discard_value"])
def test_a_contract_that_discards_anything_is_refused(world: World, entity: str, mode: str) -> None:
    with refused(ConfigurationError, match=f"discards what it does not know .{entity}: {mode}"):
        run_under(world, {entity: mode}, record(MONDAY))
    assert world.api.requests == []


def test_frozen_tables(world: World) -> None:
    with pytest.raises(PipelineStepFailed) as caught:
        run_under(world, {"tables": "freeze"}, record(MONDAY))
    assert isinstance(caught.value.__cause__.__cause__ or caught.value.__cause__, DataValidationError)
    for sessions in (1, 2):
        world.clock.move(seconds=10)
        contract = {"tables": "freeze"} if sessions == 2 else "evolve"
        run_under(world, contract, {**record(MONDAY, sessions=sessions), "new_field": "kept"})
        world.require_truth(CLOSED.values())
    assert world.column("new_field") == ["kept"]


def test_a_new_field_under_a_contract(world: World) -> None:
    run_under(world, {"columns": "freeze"}, {**record(MONDAY), "from_the_start": 1})
    new = {**record(MONDAY, sessions=2), "from_the_start": 2, "new_field": "x"}
    with pytest.raises(PipelineStepFailed, match=r"Column: `new_field`.*are frozen"):
        run_under(world, {"columns": "freeze"}, new)
    assert world.column("from_the_start") == [1]
    assert "new_field" not in world.columns()
    assert world.status().days("inconsistent") == []


def test_a_value_that_does_not_fit_under_a_contract(world: World) -> None:
    known = {**record(MONDAY), "customer_type": 7}
    run_under(world, "evolve", known)
    with pytest.raises(PipelineStepFailed, match=r"is_remote__v_text.*are frozen"):
        run_under(world, {"data_type": "freeze"}, {**known, "is_remote": "maybe"})
    run_under(world, {"data_type": "freeze"}, known)
    assert "is_remote__v_text" not in world.columns()
    assert world.column("customer_type__v_bigint") == [7]


def test_a_contract_on_columns_leaves_variants_alone(world: World) -> None:
    run_under(world, {"columns": "freeze"}, record(MONDAY))
    run_under(world, {"columns": "freeze"}, {**record(MONDAY), "is_remote": "maybe"})
    assert world.column("is_remote__v_text") == ["maybe"]


# What a user sets on the resource or the run


@pytest.mark.parametrize(
    "hint",
    [{"table_name": "mine"}, {"primary_key": "date"}, {"merge_key": "date"}, {"columns": {"date": {"x-pii": True}}}],
    ids=lambda hint: next(iter(hint)),
)
def test_names_keys_and_columns_of_the_users_are_refused(world: World, hint: dict[str, Any]) -> None:
    source = world.source()
    source.resources[USAGE].apply_hints(**hint)
    with refused(ConfigurationError, match=f"{next(iter(hint))} is .*leave it out"):
        world.pipeline.run(source)
    assert world.days_requested() == []


def test_formats_of_the_users_are_ignored(world: World) -> None:
    world.write_days(MONDAY, TODAY)
    with world.kept_open():
        for formats in ({"loader_file_format": "jsonl"}, {"table_format": "delta"}):
            world.clock.move(seconds=10)
            world.pipeline.run(world.source(), **formats)
            world.require_truth(WEEK)


# The pipeline


@pytest.mark.parametrize("door", ["load", "backfill"])
def test_a_pipeline_that_refreshes_is_refused_by_load_and_backfill(week: World, door: str) -> None:
    week.pipeline.refresh = "drop_sources"
    arguments = (MONDAY, TODAY) if door == "backfill" else ()
    with pytest.raises(ConfigurationError, match="each window would drop the one before"):
        getattr(week, door)(*arguments, window_days=3)
    week.require_truth(WEEK)


@pytest.mark.parametrize(
    "naming",
    [
        "snake_case",
        "direct",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("sql_cs_v1", "sql_ci_v1", "duck_case")),
    ],
)
def test_new_fields_load_again_and_again_under_every_naming(
    world: World, monkeypatch: pytest.MonkeyPatch, naming: str
) -> None:
    monkeypatch.setenv("SCHEMA__NAMING", naming)
    world.new_pipeline()
    for sessions, door in enumerate((world.run, world.load, world.run)):
        world.clock.move(seconds=10)
        world.write(TUESDAY, {**record(TUESDAY, sessions=sessions), "brandNew": "x", "Odd Name": sessions})
        door()
        world.require_truth(WEEK)
    assert len(world.columns()) == 18
    assert world.status().days("inconsistent") == []


def test_a_failed_job_fails_a_load_whatever_the_switch_says(week: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOAD__RAISE_ON_FAILED_JOBS", "false")
    before = counts(week)
    with week.backend.rejecting("claude_code", MODELS), pytest.raises(DestinationError):
        week.load()
    week.load()
    week.require_truth(WEEK)
    assert counts(week) == before


def test_an_interval_of_a_scheduler_does_not_reach_load(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLT_INTERVAL_START", "2026-09-15T00:00:00Z")
    monkeypatch.setenv("DLT_INTERVAL_END", "2026-09-16T00:00:00Z")
    monkeypatch.setenv("DLT_ALLOW_EXTERNAL_SCHEDULERS", "true")
    world.load()
    assert world.days_requested() == WEEK
