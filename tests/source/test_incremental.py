"""Days of an open run, moves of the cursor, and closed ranges (decisions D4, D5, D13)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import dlt
import pytest
from dlt.extract.incremental.context import get_interval_context

from claude_code_simulator import record
from support.days import MONDAY, TUESDAY, WEEK, back
from support.world import LEDGER, TODAY, USAGE, World

UTC = dt.timezone.utc


def days(first: int, last: int) -> list[dt.date]:
    """Returns the days from so many days before today to so many days before today."""
    return [back(number) for number in range(first, last - 1, -1)]


def run_with(world: World, date: Any, **arguments: Any) -> None:
    """Runs the source with a user's own incremental."""
    world.api.requests.clear()
    source = world.source(**{"start_date": None, **arguments})
    source.resources[USAGE].apply_hints(incremental=date)
    with world.kept_open():
        world.pipeline.run(source)


# The cursor


def test_the_cursor_moves_over_empty_days_and_never_back(world: World) -> None:
    world.run(lookback_days=2)
    assert world.cursor() == TODAY
    world.clock.move(days=3)
    world.run(lookback_days=2)
    assert world.days_requested() == days(2, -3)
    assert world.cursor() == back(-3)
    world.run(lookback_days=5, max_days=1)
    assert (world.days_requested(), world.cursor()) == ([back(5)], back(-3))


def test_a_closed_range_neither_reads_nor_moves_the_cursor(world: World) -> None:
    world.run(start_date=back(3))
    before = world.pipeline.state["sources"]
    world.write(back(60), record(back(60)))
    world.run(start_date=back(61), end_date=back(59), max_days=1)
    assert world.days_requested() == days(61, 59)
    assert len(world.rows()) == 1
    assert world.pipeline.state["sources"] == before
    world.run(start_date=back(3), lookback_days=1)
    assert world.days_requested() == days(1, 0)


def test_a_closed_range_alone_leaves_no_cursor_and_counts_as_read(world: World) -> None:
    world.run(start_date=back(2), end_date=TODAY, lookback_days=0)
    assert not world.pipeline.state.get("sources")
    world.run(start_date=back(4), lookback_days=0)
    assert world.days_requested() == [back(4), back(3), TODAY]


# The first day


def test_without_a_start_the_first_load_begins_in_2025_and_later_ones_with_the_dataset(world: World) -> None:
    world.clock.now = dt.datetime(2025, 1, 3, 12, tzinfo=UTC)
    world.run(start_date=None)
    assert world.days_requested() == [dt.date(2025, 1, number) for number in (1, 2, 3)]
    world.lose_working_folder()
    world.run(start_date="2024-12-31", end_date="2024-12-31")
    world.sql(f"DELETE FROM {LEDGER} WHERE date = DATE '2025-01-01'")
    world.run(start_date=None, lookback_days=0)
    assert world.days_requested() == [dt.date(2025, 1, 1), dt.date(2025, 1, 3)]


@pytest.mark.parametrize(("hour", "last"), [(5, 2)])
def test_without_today_the_last_day_is_the_last_final_one(world: World, hour: int, last: int) -> None:
    world.clock.now = world.clock.now.replace(hour=hour)
    world.run(start_date=back(3), include_today=False)
    assert world.days_requested()[-1] == back(last)
    assert all(world.column("is_final", LEDGER))


# A user's own incremental


@pytest.mark.parametrize(
    "first",
    [
        "2026-09-16T10:00:00Z",
        dt.datetime(2026, 9, 16, 23, tzinfo=UTC),
    ],
    ids=str,
)
def test_a_users_own_cursor_begins_where_it_says_in_its_own_type(world: World, first: Any) -> None:
    world.write_days(back(4), TODAY)
    for requested in (days(4, 0), [TODAY]):
        run_with(world, dlt.sources.incremental("date", initial_value=first, primary_key=()), lookback_days=0)
        assert world.days_requested() == requested
        assert world.cursor() == TODAY
    world.require_truth(days(4, 0))


@pytest.mark.parametrize(
    ("first", "end", "requested"),
    [
        ("2026-09-15", "2026-09-17", days(5, 4)),
        ("2026-09-15", "2026-09-15", [TUESDAY]),
        (dt.datetime(2026, 9, 15, 9, tzinfo=UTC), dt.datetime(2026, 9, 16, 9, tzinfo=UTC), days(5, 4)),
    ],
    ids=["text", "one day", "hours"],
)
def test_a_users_end_value_closes_the_range(world: World, first: Any, end: Any, requested: list[dt.date]) -> None:
    world.write_days(MONDAY, TODAY)
    run_with(world, dlt.sources.incremental("date", initial_value=first, end_value=end, primary_key=()))
    assert world.days_requested() == requested
    assert not world.pipeline.state.get("sources")
    world.require_truth(requested)


# Schedulers


@pytest.mark.parametrize(
    ("start", "end", "requested"),
    [
        ("2026-09-15T00:00:00Z", "2026-09-17T00:00:00Z", days(5, 4)),
        pytest.param("2026-09-15T08:00:00Z", "2026-09-15T09:00:00Z", [TUESDAY], marks=pytest.mark.slow),
        pytest.param("2026-09-15T23:00:00Z", "2026-09-16T01:00:00Z", days(5, 4), marks=pytest.mark.slow),
        ("2026-09-15T00:00:00-10:00", "2026-09-15T12:00:00-10:00", [TUESDAY]),
    ],
)
def test_a_schedulers_interval_is_a_closed_range_of_whole_days(
    world: World, monkeypatch: pytest.MonkeyPatch, start: str, end: str, requested: list[dt.date]
) -> None:
    world.write_days(MONDAY, TODAY)
    monkeypatch.setenv("DLT_INTERVAL_START", start)
    monkeypatch.setenv("DLT_INTERVAL_END", end)
    date = dlt.sources.incremental("date", initial_value=MONDAY, primary_key=(), allow_external_schedulers=True)
    run_with(world, date)
    assert world.days_requested() == requested
    assert not world.pipeline.state.get("sources")
    world.require_truth(requested)


def test_an_interval_is_ignored_unless_the_user_lets_schedulers_in(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DLT_INTERVAL_START", "2026-09-15T00:00:00Z")
    monkeypatch.setenv("DLT_INTERVAL_END", "2026-09-16T00:00:00Z")
    world.run()
    assert world.days_requested() == WEEK


def test_the_whole_process_may_let_schedulers_in(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_interval_context(), "allow_external_schedulers", True)  # dlt reads its variable once
    monkeypatch.setenv("DLT_INTERVAL_START", "2026-09-15T00:00:00Z")
    monkeypatch.setenv("DLT_INTERVAL_END", "2026-09-16T00:00:00Z")
    world.run()
    assert world.days_requested() == [TUESDAY]
