"""`backfill`: a closed range, read whole, that goes on where it was interrupted and otherwise begins anew."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from claude_code_analytics import ApiUnavailable
from support.days import days, september
from support.world import LEDGER, TODAY, World

ORGANIZATION = "9f8e7d6c-0000-4000-8000-000000000001"
NEIGHBOUR = "9f8e7d6c-0000-4000-8000-000000000002"
SETTING = "SOURCES__CLAUDE_CODE_ANALYTICS__"


def interrupt(world: World) -> None:
    """Backfills the first eleven days of September in windows of eight, and has the API fail from the ninth on."""
    world.fail_on(*days(9, 11))
    with pytest.raises(ApiUnavailable, match="2026-09-11"):
        backfill(world)
    world.fail_on()


def backfill(world: World, last: int = 11) -> int:
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


# Interrupted


def test_an_interrupted_backfill_goes_on_with_the_days_that_no_fetch_of_it_holds(world: World) -> None:
    world.load(start=september(9), end=september(11))  # held, but by a fetch before it began
    world.clock.move(minutes=1)
    interrupt(world)
    world.sql(f"DELETE FROM {LEDGER} WHERE date = ?", september(3))
    world.clock.move(hours=23)

    assert backfill(world) == 7

    assert world.days_requested() == [september(3), *days(9, 11)]
    world.require_truth(days(1, 11))
    assert backfill(world) == 0, "a finished backfill begins anew"
    assert world.days_requested() == days(1, 11)


def test_the_24_hours_count_from_its_beginning_however_often_it_is_interrupted(world: World) -> None:
    for hours in (20, 4):
        interrupt(world)
        world.clock.move(hours=hours)
    assert backfill(world) == 0
    assert world.days_requested() == days(1, 11)


def test_another_range_does_not_resume(world: World) -> None:
    interrupt(world)
    assert backfill(world, last=10) == 0
    assert world.days_requested() == days(1, 10)


def test_another_key_of_the_pseudonyms_begins_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING + "ACTOR_IDENTITY", "hash")
    monkeypatch.setenv(SETTING + "IDENTITY_KEY", "a long random text")
    interrupt(world)
    actors = set(world.column("actor__email_address"))
    monkeypatch.setenv(SETTING + "IDENTITY_KEY", "another long random text")

    assert backfill(world) == 0

    assert world.days_requested() == days(1, 11)
    assert not actors & set(world.column("actor__email_address"))


def test_another_organization_in_between_begins_anew(world: World) -> None:
    for organization in (ORGANIZATION, NEIGHBOUR):
        world.organization.id = organization
        world.write_days(september(1), september(11))
        interrupt(world)
    world.organization.id = ORGANIZATION
    assert backfill(world) == 0
    assert world.days_requested() == days(1, 11)


def restore_copy(world: World) -> None:
    world.backend.restore()


@pytest.mark.parametrize("accident", [restore_copy, pytest.param(World.lose_working_folder, marks=pytest.mark.slow)])
def test_after_an_accident_it_reads_all_days_that_it_cannot_know_of(
    world: World, accident: Callable[[World], object]
) -> None:
    world.backfill(september(1), september(2))
    world.backend.save()
    world.clock.move(minutes=1)
    interrupt(world)
    accident(world)

    assert backfill(world) == 0

    assert world.days_requested() == days(1, 11)
    world.require_truth(days(1, 11))
