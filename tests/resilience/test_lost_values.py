"""Loads that share dlt's staging tables and do not know each other's columns: what is lost is seen and mended (D5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from dlt.load.load import Load

from claude_code_pipelines.warehouse import active_pipeline_kept
from claude_code_simulator import record
from support.days import MONDAY, TUESDAY
from support.world import MODELS, USAGE, World

# What only the second load knows: a field, a nested field, a value of an unexpected type; and how it is stored.
UNKNOWN = {"effort": "high", "core_metrics": {"num_sessions": 3, "reviews": 2}, "is_remote": "maybe"}
STORED = {"effort": "high", "core_metrics__reviews": 2, "is_remote__v_text": "maybe"}


@pytest.fixture
def other(world: World) -> World:
    """A second worker, on another machine, that loads other days into the same dataset."""
    return World(
        world.folder, clock=world.clock, api=world.api, database=world.database, machine="second", name="second"
    )


def held_before_its_merge(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], Any]) -> None:
    """Has `meanwhile` happen after the next load staged its first table, and before that is merged."""
    original = Load.create_followup_jobs
    left = [meanwhile]

    def held(self: Load, *arguments: Any, **options: Any) -> Any:
        if left:  # the first load that gets here; the other one gets here within it
            action = left.pop()
            with active_pipeline_kept():
                action()
        return original(self, *arguments, **options)

    monkeypatch.setattr(Load, "create_followup_jobs", held)


@pytest.fixture
def days(world: World) -> None:
    world.write(MONDAY, record(MONDAY))
    world.write(TUESDAY, {**record(TUESDAY), **UNKNOWN})


@pytest.mark.usefixtures("days")
def test_a_load_mends_the_neighbours_days_that_its_late_merge_damaged(
    world: World, other: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    held_before_its_merge(monkeypatch, lambda: other.backfill(TUESDAY, TUESDAY))
    report = world.backfill(MONDAY, MONDAY)
    assert world.rows(where=f"date = '{TUESDAY}'")[0].items() >= STORED.items()
    assert world.status().days("inconsistent") == []
    assert report.days == [MONDAY, TUESDAY]


@pytest.mark.usefixtures("days")
def test_a_plain_run_heals_what_two_plain_runs_lost(
    world: World, other: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = {"start_date": TUESDAY, "end_date": TUESDAY}
    held_before_its_merge(monkeypatch, lambda: other.run(**closed))
    world.run(start_date=MONDAY, end_date=MONDAY)
    assert world.status().organizations[0].problems[TUESDAY] == "values are lost or were added"
    world.clock.move(seconds=5)
    world.run(start_date=MONDAY, lookback_days=0)
    assert world.rows(where=f"date = '{TUESDAY}'")[0].items() >= STORED.items()
    assert world.status().days("inconsistent") == []


def test_columns_of_others_make_no_day_unheld(world: World) -> None:
    world.write(MONDAY, record(MONDAY))
    world.backfill(MONDAY, MONDAY)
    world.sql(f"ALTER TABLE {USAGE} ADD COLUMN team VARCHAR DEFAULT 'x'")
    world.sql(f"ALTER TABLE {MODELS} ADD COLUMN price DOUBLE")
    for _ in range(2):
        world.sql(f"UPDATE {MODELS} SET price = 1.5")
        assert world.status().days("inconsistent") == []
        world.backfill(MONDAY, MONDAY)
        assert world.column("team") == ["x"]


def test_a_value_that_became_null_is_seen(world: World) -> None:
    world.write(MONDAY, record(MONDAY))
    world.backfill(MONDAY, MONDAY)
    world.sql(f"UPDATE {MODELS} SET tokens__output = NULL")
    assert world.status().organizations[0].problems == {MONDAY: "values are lost or were added"}
    world.clock.move(seconds=5)
    world.run(start_date=MONDAY, lookback_days=0)
    world.require_truth([MONDAY])
