"""`backfill`: a closed range, read whole, that goes on where it was interrupted and otherwise begins anew."""

# the tests' own tables

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from claude_code_analytics import ApiUnavailable, ConfigurationError
from claude_code_pipelines import DaysNotHeld
from support.world import LEDGER, TODAY, World

ORGANIZATION = "9f8e7d6c-0000-4000-8000-000000000001"
NEIGHBOUR = "9f8e7d6c-0000-4000-8000-000000000002"
SETTING = "SOURCES__CLAUDE_CODE_ANALYTICS__"


def september(day: int) -> dt.date:
    return dt.date(2026, 9, day)


def days(first: int, last: int) -> list[dt.date]:
    return [september(day) for day in range(first, last + 1)]


def interrupt(world: World) -> None:
    """Backfills the first ten days of September in windows of eight, and has the API fail on the ninth."""
    world.fail_on(september(9))
    with pytest.raises(ApiUnavailable, match="2026-09-09"):
        backfill(world)
    world.fail_on()


def backfill(world: World, last: int = 10) -> int:
    """Backfills the range, and returns how many days of it an interrupted one had loaded."""
    return world.backfill(september(1), september(last), window_days=8).resumed


@pytest.fixture
def world(world: World) -> World:
    world.write_days(september(1), TODAY)
    return world


def test_a_backfill_reads_every_day_of_its_range_again_and_leaves_the_cursor_alone(world: World) -> None:
    world.load(start=september(1))
    world.write_days(september(2), september(4), sessions=99)

    report = world.backfill(september(2), september(4), window_days=2)

    assert world.days_requested() == report.days == days(2, 4)
    assert [len(window) for window in report.windows] == [2, 1]
    assert world.cursor() == TODAY
    world.require_truth(days(2, 4))


def test_a_backfill_alone_leaves_no_cursor_and_no_gap_for_the_next_load(world: World) -> None:
    world.backfill(september(5), september(8))
    assert world.cursor() is None
    world.load(start=september(1))
    assert world.days_requested() == [*days(1, 4), *days(9, 20)]
    world.require_truth(days(1, 20))


@pytest.mark.parametrize(
    ("first", "last", "sentence"),
    [
        (2, 1, "end 2026-09-01 lies before start 2026-09-02; swap them"),
        (1, 21, "end_date 2026-09-21 lies in the future; today is 2026-09-20"),
    ],
)
def test_a_range_that_cannot_be_is_refused_before_any_day_is_requested(
    world: World, first: int, last: int, sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        world.backfill(september(first), september(last))
    assert world.days_requested() == []


# Interrupted


@pytest.mark.parametrize("hours", [0, 23])
def test_an_interrupted_backfill_of_the_same_range_goes_on_where_it_stopped(world: World, hours: int) -> None:
    interrupt(world)
    world.clock.move(hours=hours)

    assert backfill(world) == 8

    assert world.days_requested() == days(9, 10)
    world.require_truth(days(1, 10))


def test_after_24_hours_it_begins_anew(world: World) -> None:
    interrupt(world)
    world.clock.move(hours=24)
    assert backfill(world) == 0
    assert world.days_requested() == days(1, 10)


def test_the_24_hours_count_from_its_beginning_however_often_it_is_interrupted(world: World) -> None:
    for _ in range(2):
        interrupt(world)
        world.clock.move(hours=20)
    assert backfill(world) == 0


def test_days_that_were_loaded_before_it_began_are_not_skipped(world: World) -> None:
    world.load(start=september(9), end=september(10))
    world.clock.move(minutes=1)
    interrupt(world)
    assert backfill(world) == 8
    assert world.days_requested() == days(9, 10)


def test_days_that_are_held_no_more_are_not_skipped(world: World) -> None:
    interrupt(world)
    world.sql(f"DELETE FROM {LEDGER} WHERE date = ?", september(3))
    assert backfill(world) == 7
    assert world.days_requested() == [september(3), *days(9, 10)]


def test_a_finished_backfill_begins_anew(world: World) -> None:
    interrupt(world)
    backfill(world)
    assert backfill(world) == 0
    assert world.days_requested() == days(1, 10)


def test_another_range_does_not_resume(world: World) -> None:
    interrupt(world)
    assert backfill(world, last=9) == 0
    assert world.days_requested() == days(1, 9)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"ACTOR_IDENTITY": "drop"}),
        (
            {"ACTOR_IDENTITY": "hash", "IDENTITY_KEY": "a long random text"},
            {"ACTOR_IDENTITY": "hash", "IDENTITY_KEY": "another long random text"},
        ),
    ],
    ids=["mode", "key"],
)
def test_a_changed_treatment_of_actors_begins_anew(
    world: World, monkeypatch: pytest.MonkeyPatch, before: dict[str, str], after: dict[str, str]
) -> None:
    for name, value in before.items():
        monkeypatch.setenv(SETTING + name, value)
    interrupt(world)
    actors = set(world.column("actor__email_address"))
    for name, value in after.items():
        monkeypatch.setenv(SETTING + name, value)

    assert backfill(world) == 0

    assert world.days_requested() == days(1, 10)
    assert not actors & set(world.column("actor__email_address"))


def test_another_organization_in_between_begins_anew(world: World) -> None:
    for organization in (ORGANIZATION, NEIGHBOUR):
        world.organization.id = organization
        world.write_days(september(1), september(10))
        interrupt(world)
    world.organization.id = ORGANIZATION
    assert backfill(world) == 0
    assert world.days_requested() == days(1, 10)


def lose_file(world: World) -> None:
    world.database.unlink()


def restore_copy(world: World) -> None:
    world.restore_database(world.database.with_suffix(".copy"))


@pytest.mark.parametrize("accident", [lose_file, restore_copy, World.lose_working_folder])
def test_after_an_accident_it_reads_all_days_that_it_cannot_know_of(
    world: World, accident: Callable[[World], object]
) -> None:
    world.backfill(september(1), september(2))
    world.copy_database()
    world.clock.move(minutes=1)
    interrupt(world)
    accident(world)

    assert backfill(world) == 0

    assert world.days_requested() == days(1, 10)
    world.require_truth(days(1, 10))


@pytest.mark.parametrize("is_torn", [False, True], ids=["whole package", "torn package"])
def test_a_backfill_that_was_killed_while_it_wrote_goes_on_too(world: World, is_torn: bool) -> None:
    interrupt(world)
    if is_torn:
        Path(world.machine / world.name / "normalize" / "extracted" / "1800000000.1" / "new_jobs").mkdir(parents=True)
    else:
        world.pipeline.extract(world.source(start_date=september(9), end_date=september(10)))
    world.new_pipeline()

    assert backfill(world) == 8
    assert world.days_requested() == days(9, 10)
    world.require_truth(days(1, 10))


def test_a_backfill_with_a_day_that_does_not_decode_goes_on_with_that_day(world: World) -> None:
    world.api.fault = lambda request, number: (
        httpx.Response(200, content=b'{"data":[17],"has_more":false,"next_page":null}')
        if request.url.params.get("starting_at") == "2026-09-03"
        else None
    )
    with pytest.raises(DaysNotHeld, match="2026-09-03"):
        backfill(world)
    world.api.fault = None
    assert backfill(world) == 9
    assert world.days_requested() == [september(3)]
    world.require_truth(days(1, 10))
