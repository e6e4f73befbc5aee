"""The time of a run is the API's, whatever the machine's clock shows; waits don't depend on either."""

from __future__ import annotations

import datetime as dt
from email.utils import format_datetime
from typing import Any

import pytest

from claude_code_analytics import ConfigurationError
from claude_code_analytics.api.clock import RunClock, monotonic_of, parse_http_date, utc_now


def header(moment: dt.datetime) -> str:
    return format_datetime(moment, usegmt=True)


class Machine:
    """A machine whose clock is wrong by `error`, and a monotonic clock that never is."""

    def __init__(self, error: dt.timedelta) -> None:
        self.true = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)
        self.error = error
        self.run = RunClock(lambda: self.true + self.error, lambda: self.true.timestamp())

    def respond(self) -> None:
        self.run.observe(header(self.true))


@pytest.mark.parametrize("seconds", [-1, 0, 0.9, 3])
def test_a_machine_that_agrees_within_seconds_keeps_its_own_time(seconds: float) -> None:
    machine = Machine(dt.timedelta(seconds=seconds))
    machine.respond()
    machine.true += dt.timedelta(minutes=5)
    assert machine.run.now() == machine.true + machine.error


@pytest.mark.parametrize("error", [{"hours": 24}, {"hours": -24}, {"hours": -1}, {"seconds": 4}, {"seconds": -2}])
def test_the_time_of_a_wrong_clock_is_the_header_carried_on(error: dict[str, float]) -> None:
    machine = Machine(dt.timedelta(**error))
    assert machine.run.now() == machine.true + machine.error  # before any response nothing better is known
    machine.respond()
    machine.true += dt.timedelta(minutes=5)
    assert machine.run.now() == machine.true


def test_a_moment_before_the_first_response_has_the_apis_time_behind_it() -> None:
    machine = Machine(dt.timedelta(hours=2))
    mark = machine.run.mark()
    machine.true += dt.timedelta(seconds=10)
    assert machine.run.at(mark) == machine.true - dt.timedelta(seconds=10) + machine.error
    machine.respond()
    assert machine.run.at(mark) == machine.true - dt.timedelta(seconds=10)


@pytest.mark.parametrize("error", [dt.timedelta(), dt.timedelta(hours=-5)])
def test_what_comes_after_the_first_response_changes_nothing(error: dt.timedelta) -> None:
    machine = Machine(error)
    machine.respond()
    machine.error = dt.timedelta(days=30)  # somebody sets the clock
    machine.true += dt.timedelta(seconds=10)
    machine.run.observe(header(machine.true - dt.timedelta(days=4)))  # a cache
    assert machine.run.now() == machine.true


@pytest.mark.parametrize("seconds", [24 * 3600 + 1, -24 * 3600 - 1, 40 * 86400])
def test_clocks_more_than_a_day_apart_are_refused_with_both_times(seconds: int) -> None:
    machine = Machine(dt.timedelta(seconds=seconds))
    with pytest.raises(ConfigurationError) as caught:
        machine.respond()
    for moment in (machine.true, machine.true + machine.error):
        assert f"{moment:%Y-%m-%d %H:%M:%S}" in str(caught.value)


@pytest.mark.parametrize(("seconds", "is_said"), [(3599, False), (-3599, False), (3600, True), (-3600, True)])
def test_a_difference_of_an_hour_is_said_once(seconds: int, is_said: bool, warnings_of: Any) -> None:
    machine = Machine(dt.timedelta(seconds=seconds))
    for _ in range(2):
        machine.respond()
    shown = f"{machine.true + machine.error:%Y-%m-%d %H:%M:%S}, the API's 2026-09-20 12:00:00 (UTC); the API's is used"
    assert warnings_of() == [f"the clock of this machine shows {shown}"] * is_said


@pytest.mark.parametrize(
    "odd", [None, "", "soon", "Wed, 99 Foo 2026", "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"]
)
def test_a_date_header_that_cannot_be_true_is_ignored(odd: str | None) -> None:
    machine = Machine(dt.timedelta(hours=2))
    machine.run.observe(odd)
    assert machine.run.now() == machine.true + machine.error
    machine.respond()
    assert machine.run.now() == machine.true


def test_waits_run_on_the_monotonic_clock_which_follows_an_injected_one(clock: Any) -> None:
    assert monotonic_of(clock)() == clock.now.timestamp()
    assert monotonic_of(utc_now)() != pytest.approx(utc_now().timestamp(), abs=1e6)


def test_a_date_without_a_zone_is_utc() -> None:
    assert parse_http_date("Sun, 20 Sep 2026 12:01:00") == dt.datetime(2026, 9, 20, 12, 1, tzinfo=dt.timezone.utc)
