"""The time of day is the API's, whatever the machine's clock shows; waits don't depend on either."""

from __future__ import annotations

import datetime as dt
from email.utils import format_datetime
from typing import Any

import pytest

from claude_code_analytics.api.clock import ApiClock, parse_http_date, utc_now


def header(moment: dt.datetime) -> str:
    return format_datetime(moment, usegmt=True)


class Machine:
    """A machine whose clock is wrong by `error`, and a monotonic clock that never is."""

    def __init__(self, error: dt.timedelta) -> None:
        self.true = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)
        self.error = error
        self.suspended = 0.0
        self.api = ApiClock(lambda: self.true + self.error, lambda: self.true.timestamp() - self.suspended)

    def respond(self) -> None:
        self.api.observe(header(self.true))


@pytest.mark.parametrize("seconds", [-1, 0, 0.9, 3])
def test_a_machine_that_agrees_within_seconds_keeps_its_own_time(seconds: float) -> None:
    machine = Machine(dt.timedelta(seconds=seconds))
    machine.respond()
    assert machine.api.now() == machine.true + machine.error


@pytest.mark.parametrize("error", [{"days": 30}, {"hours": -1}, {"seconds": 4}, {"seconds": -2}])
def test_the_time_of_a_wrong_clock_is_the_header_carried_on(error: dict[str, float]) -> None:
    machine = Machine(dt.timedelta(**error))
    assert machine.api.now() == machine.true + machine.error  # before any response nothing better is known
    machine.respond()
    machine.true += dt.timedelta(minutes=5)
    assert machine.api.now() == machine.true


def test_a_clock_that_is_set_right_or_wrong_meanwhile_is_noticed() -> None:
    machine = Machine(dt.timedelta(days=30))
    machine.respond()
    machine.error = dt.timedelta()
    machine.true += dt.timedelta(seconds=10)
    machine.respond()
    assert machine.api.now() == machine.true
    machine.error = dt.timedelta(hours=-5)
    machine.respond()
    assert machine.api.now() == machine.true


def test_a_machine_that_was_suspended_takes_the_time_of_the_next_response() -> None:
    machine = Machine(dt.timedelta(days=30))
    machine.respond()
    for error in (dt.timedelta(days=30), dt.timedelta()):
        machine.error = error
        machine.true += dt.timedelta(hours=1)
        machine.suspended += 3600
        assert machine.api.now() < machine.true
        machine.respond()
        assert machine.api.now() == machine.true
    machine.true += dt.timedelta(hours=1)  # right by now, so it is no longer carried on from the header
    machine.suspended += 3600
    assert machine.api.now() == machine.true


@pytest.mark.parametrize(
    "odd", [None, "", "soon", "Wed, 99 Foo 2026", "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"]
)
def test_a_date_header_that_cannot_be_true_is_ignored(odd: str | None) -> None:
    machine = Machine(dt.timedelta())
    machine.api.observe(odd)
    assert machine.api.now() == machine.true


def test_waits_run_on_the_monotonic_clock_which_follows_an_injected_one(clock: Any) -> None:
    machine = Machine(dt.timedelta(days=30))
    before = machine.api.monotonic()
    machine.error -= dt.timedelta(hours=1)
    assert machine.api.monotonic() == before
    assert ApiClock(clock).monotonic() == clock.now.timestamp()
    assert ApiClock().monotonic() != pytest.approx(utc_now().timestamp(), abs=1e6)


def test_a_date_without_a_zone_is_utc() -> None:
    assert parse_http_date("Sun, 20 Sep 2026 12:01:00") == dt.datetime(2026, 9, 20, 12, 1, tzinfo=dt.timezone.utc)
