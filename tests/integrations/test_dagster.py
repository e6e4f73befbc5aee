"""Assets, check and schedule of `claude_code_pipelines.dagster`, materialized in process against the simulated API."""

from __future__ import annotations

import datetime as dt
import re
import socket
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from filelock import FileLock

from claude_code_analytics import ConfigurationError
from claude_code_pipelines import Warehouse
from claude_code_pipelines.dagster import claude_code_definitions
from claude_code_pipelines.metrics.catalog import VIEWS
from claude_code_simulator import SampleOrganization, SimulatedApi, model_usage
from support.days import days, people, september
from support.imports import ROOT
from support.serving import connect_on_this_machine, serving
from support.world import LEDGER, RECORD_TABLES, USAGE, World

JOB = "claude_code_analytics"
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
CHECK = "every_day_is_held_and_final"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def target(world: World) -> Warehouse:
    return Warehouse(world.backend.destination, working_dir=str(world.machine))


def definitions(world: World, **options: Any) -> dg.Definitions:
    options = {"start": september(10), "client": world.client(), **options}
    found: dg.Definitions = claude_code_definitions(target(world), **options)
    return found


class Ran:
    """One run of the job, over a range of days of September."""

    def __init__(self, world: World, instance: dg.DagsterInstance, first: int, last: int, **options: Any) -> None:
        tags = dict(zip(RANGE, (str(september(first)), str(september(last))), strict=True))
        job = definitions(world, **options).resolve_job_def(JOB)
        self.result = job.execute_in_process(instance=instance, tags=tags, raise_on_error=False)

    @property
    def numbers(self) -> dict[tuple[str, int], dict[str, Any]]:
        """Metadata by asset and day, of all materializations."""
        found = [event.event_specific_data.materialization for event in self.events("ASSET_MATERIALIZATION")]
        return {
            (each.asset_key.path[-1], dt.date.fromisoformat(each.partition).day): {
                name: value.value for name, value in each.metadata.items()
            }
            for each in found
        }

    @property
    def failure(self) -> str:
        """What the run's failed step says."""
        (event,) = self.events("STEP_FAILURE")
        failure = event.event_specific_data.user_failure_data
        assert failure, event.event_specific_data.error
        return str(failure.description)

    @property
    def check(self) -> Any:
        (found,) = self.result.get_asset_check_evaluations()
        assert found.check_name == CHECK
        return found

    def events(self, kind: str) -> list[Any]:
        return [event for event in self.result.all_events if event.event_type_value == kind]


# Assets


def test_a_range_of_days_is_one_run_and_each_partition_has_its_own_numbers(
    world: World, instance: dg.DagsterInstance
) -> None:
    for day in (14, 15, 16, 20):
        models = [model_usage("m", cents=day)]
        world.write(september(day), *people(day - 13, september(day), tools={"edit": (1, 0)}, models=models))

    ran = Ran(world, instance, 14, 20)

    assert ran.result.success
    assert world.days_requested() == days(14, 20)
    names = {*RECORD_TABLES, LEDGER, *(view.name for view in VIEWS)}
    assert set(ran.numbers) == {(name, day.day) for name in names for day in days(14, 20)}
    count = "dagster/partition_row_count"
    for day, records, dollars in ((14, 1, 0.14), (16, 3, 0.48), (17, 0, 0.0)):
        numbers = {
            "records": records,
            "is_final": True,
            "api_cost_usd": dollars,
            "subscription_value_usd": 0.0,
        }
        assert ran.numbers[LEDGER, day] == numbers
        assert ran.numbers[USAGE, day] == {**numbers, count: records}
    assert ran.numbers[USAGE, 20]["is_final"] is False


def test_tables_and_views_are_assets_of_one_graph(world: World, instance: dg.DagsterInstance) -> None:
    world.write_days(september(14), september(14))
    (assets,) = definitions(world).assets or []
    specs = {spec.key.to_user_string(): spec for spec in assets.specs}

    assert Ran(world, instance, 14, 14).result.success
    assert specs.keys() == {f"claude_code/{name}" for name, *_ in world.sql("SHOW TABLES") if name[0] != "_"}
    depends = {name: {dep.asset_key.to_user_string() for dep in spec.deps} for name, spec in specs.items()}
    assert depends["claude_code/claude_code_actor_days"] == {"claude_code/claude_code_records"}
    assert set().union(*depends.values()) < specs.keys()
    assert assets.op.pool == JOB
    assert assets.backfill_policy == dg.BackfillPolicy.single_run()


def test_without_views_only_the_tables_are_assets(world: World, instance: dg.DagsterInstance) -> None:
    ran = Ran(world, instance, 14, 14, views=False)

    assert {name for name, _ in ran.numbers} == {*RECORD_TABLES, LEDGER}
    assert {name for name, *_ in world.sql("SHOW TABLES") if name[0] != "_"} == {*RECORD_TABLES, LEDGER}


def test_days_that_fail_are_named_in_one_line_and_the_others_are_materialized(
    world: World, instance: dg.DagsterInstance
) -> None:
    world.write_days(september(14), september(18))
    world.fail_on(september(16), status=404)

    ran = Ran(world, instance, 14, 18)

    assert ran.failure.startswith("1 day could not be read: 2026-09-16; ")
    assert "\n" not in ran.failure
    assert sorted({day for _, day in ran.numbers}) == [14, 15, 17, 18]
    assert ran.numbers[USAGE, 17]["records"] == 1


def test_a_first_day_that_fails_is_named_in_one_line(world: World, instance: dg.DagsterInstance) -> None:
    world.fail_on(september(14))

    ran = Ran(world, instance, 14, 14)

    assert ran.failure.startswith("1 day could not be read: 2026-09-14; ")
    assert ran.numbers == {}


# Partitions and schedule


def test_a_partition_exists_as_soon_as_its_day_is_final(world: World) -> None:
    (assets,) = definitions(world).assets or []
    partitions = assets.partitions_def

    for hour, minute, last in ((5, 59, 18), (6, 0, 19)):
        now = dt.datetime(2026, 9, 20, hour, minute, tzinfo=dt.timezone.utc)
        assert partitions.get_partition_keys(current_time=now) == [str(day) for day in days(10, last)]


def test_the_schedule_loads_the_newest_final_days_again(world: World, instance: dg.DagsterInstance) -> None:
    (schedule,) = definitions(world, lookback_days=2).schedules or []
    morning = dt.datetime(2026, 9, 20, 6, 30, tzinfo=dt.timezone.utc)

    assert schedule.cron_schedule == "30 6 * * *"
    assert schedule.execution_timezone == "UTC"
    ranges = []
    for number in (0, -8, -9, -10):
        context = dg.build_schedule_context(instance, morning + dt.timedelta(days=number))
        found = schedule.evaluate_tick(context)
        ranges += [sorted(value for name, value in run.tags.items() if "range" in name) for run in found.run_requests]
    assert ranges == [["2026-09-17", "2026-09-19"], ["2026-09-10", "2026-09-11"], ["2026-09-10", "2026-09-10"]]


def test_a_restated_day_gets_its_new_numbers(world: World, instance: dg.DagsterInstance) -> None:
    for count in (1, 3):
        world.write(september(14), *people(count, september(14)))
        assert Ran(world, instance, 13, 15).numbers[USAGE, 14]["records"] == count


# The check


def test_the_check_passes_once_every_day_is_held_and_final(world: World, instance: dg.DagsterInstance) -> None:
    found = Ran(world, instance, 10, 17).check
    assert (found.passed, found.metadata["missing"].value) == (False, "2026-09-18..2026-09-19")

    found = Ran(world, instance, 18, 19).check
    assert found.passed
    assert {name: value.value for name, value in found.metadata.items()} == {
        "final_until": "2026-09-19",
        **dict.fromkeys(("missing", "inconsistent", "partial"), ""),
    }

    world.clock.move(days=1)
    assert Ran(world, instance, 10, 10).check.metadata["missing"].value == "2026-09-20"


def test_the_check_sees_days_before_the_first_that_is_loaded_and_damaged_ones(
    world: World, instance: dg.DagsterInstance
) -> None:
    world.write_days(september(10), september(19))
    assert Ran(world, instance, 12, 19).check.metadata["missing"].value == "2026-09-10..2026-09-11"

    world.sql(f"DELETE FROM {USAGE} WHERE date = '2026-09-15'")
    found = Ran(world, instance, 10, 11).check
    assert (found.passed, found.metadata["inconsistent"].value) == (False, "2026-09-15")


def test_a_day_that_was_not_final_when_it_was_loaded_fails_the_check(
    world: World, instance: dg.DagsterInstance
) -> None:
    world.clock.now = dt.datetime(2026, 9, 20, 1, tzinfo=dt.timezone.utc)
    assert Ran(world, instance, 10, 19).check.passed  # the newest day that can be final is the 18th
    world.clock.move(hours=6)

    found = Ran(world, instance, 10, 10).check

    assert (found.passed, found.metadata["partial"].value) == (False, "2026-09-19")


# Mistakes, one line each


def test_a_partition_in_the_future_is_refused(world: World, instance: dg.DagsterInstance) -> None:
    assert Ran(world, instance, 21, 21).failure == "start_date 2026-09-21 is in the future; today is 2026-09-20 (UTC)"


def test_a_second_load_of_one_pipeline_is_refused(world: World, instance: dg.DagsterInstance) -> None:
    world.machine.mkdir()
    with FileLock(world.machine / f"{JOB}.lock"):
        ran = Ran(world, instance, 14, 14)

    assert ran.failure == f"another load of pipeline {JOB} is running; wait for it, then run again"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"target": "postgres"}, "target is of type str; it must be of type Warehouse"),
        ({"start": "2026-13-01"}, "start is '2026-13-01'; it must be a day such as 2025-01-31"),
        ({"lookback_days": -1}, "lookback_days is -1; it must be a whole number, 0 or more"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        claude_code_definitions(**{"target": Warehouse(), "start": "2026-01-01", **arguments})

    assert str(refused.value) == said


# The examples of docs/schedules.md


@pytest.mark.parametrize("number", [0, 1])
def test_the_examples_load_a_range(
    number: int, instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "docs" / "schedules.md").read_text()
    example = textwrap.dedent(re.findall(r"^ *```py\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)[number])
    monkeypatch.setattr(socket.socket, "connect", connect_on_this_machine)
    found: dict[str, Any] = {}
    with serving(SimulatedApi(SampleOrganization(developers=2))) as variables:
        for name in ("SOURCES__CLAUDE_CODE_ANALYTICS__BASE_URL", "ANTHROPIC_ADMIN_KEY"):
            monkeypatch.setenv(name, variables[name])
        exec(compile(example, "definitions.py", "exec", dont_inherit=True), found)  # noqa: S102
        dg.Definitions.validate_loadable(found["defs"])
        tags = dict(zip(RANGE, ("2026-10-05", "2026-10-07"), strict=True))
        job = found["defs"].get_implicit_global_asset_job_def()
        ran = job.execute_in_process(instance=instance, tags=tags)

    assert ran.success
    with duckdb.connect(str(tmp_path / "claude_code_analytics.duckdb"), read_only=True) as connection:
        loaded = connection.execute("SELECT date FROM claude_code.claude_code_days ORDER BY date").fetchall()
    assert loaded == [(dt.date(2026, 10, day),) for day in (5, 6, 7)]
