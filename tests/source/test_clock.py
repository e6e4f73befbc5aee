"""A wrong clock on a machine harms nothing: days and times are the API's (decision D13)."""

from __future__ import annotations

import datetime as dt
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from claude_code_analytics import ConfigurationError
from support.days import MONDAY, WEEK, back
from support.refusals import refused
from support.world import LEDGER, TODAY, TestClock, World


@pytest.fixture(autouse=True)
def _dated(world: World) -> None:
    """Has every response carry the API's `Date`."""

    def dated(response: httpx.Response) -> httpx.Response:
        response.headers["date"] = format_datetime(world.clock.now, usegmt=True)
        return response

    world.api.fault = lambda request, number: dated


def wrong_client(world: World, **ahead: float) -> Any:
    """Makes a client on a machine whose clock is so far ahead."""
    machine = TestClock(world.clock.now + dt.timedelta(**ahead))
    return world.client(clock=machine, sleep=machine.sleep)


@pytest.mark.parametrize("ahead", [{"hours": -13}, {"hours": 23}], ids=str)
def test_a_machine_clock_that_is_wrong_harms_no_day(world: World, ahead: dict[str, float]) -> None:
    world.write_days(MONDAY, TODAY, sessions=1)
    world.run(client=wrong_client(world, **ahead))
    assert world.days_requested() == WEEK
    assert {moment.replace(microsecond=0) for moment in world.column("fetched_at", LEDGER)} == {world.clock.now}
    assert world.column("is_final", LEDGER) == [True] * 6 + [False]
    assert world.cursor() == TODAY
    world.clock.move(days=1)
    world.write_days(MONDAY, TODAY, sessions=2)
    world.run(lookback_days=1)  # with the right clock
    assert world.days_requested() == [back(1), TODAY, back(-1)]
    world.require_truth(WEEK)
    world.run(client=wrong_client(world, **ahead), lookback_days=0)
    assert world.days_requested() == [back(-1)]


def test_a_clock_that_agrees_within_seconds_keeps_its_microseconds(world: World) -> None:
    machine = TestClock(world.clock.now + dt.timedelta(seconds=2, microseconds=5))
    world.run(start_date=TODAY, client=world.client(clock=machine, sleep=machine.sleep))
    assert world.column("fetched_at", LEDGER) == [machine.now]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"start_date": "2026-09-21"}, "start_date 2026-09-21 is in the future; today is 2026-09-20"),
        ({"end_date": "2026-09-21"}, "end_date 2026-09-21 is in the future"),
    ],
)
def test_days_in_the_future_are_refused_when_the_source_runs_by_the_apis_clock(
    world: World, arguments: dict[str, Any], sentence: str
) -> None:
    source = world.source(**arguments, client=wrong_client(world, hours=23))
    with refused(ConfigurationError, match=sentence):
        world.pipeline.run(source)
    assert world.days_requested() == []
