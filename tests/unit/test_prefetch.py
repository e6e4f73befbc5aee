"""Days are read side by side and ahead, and come in order, whatever becomes of them."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable

import pytest

from claude_code_analytics.api import prefetch
from claude_code_analytics.api.prefetch import Prefetcher

FIRST = dt.date(2026, 9, 1)
WAIT = 10.0


def days_of(count: int, start: int = 0) -> list[dt.date]:
    return [FIRST + dt.timedelta(days=start + number) for number in range(count)]


def alive() -> None:
    """Does nothing."""


def settle() -> None:
    """Waits until no day is being read."""
    while threads := [thread for thread in threading.enumerate() if thread.name.startswith("prefetch")]:
        threads[0].join(WAIT)
        assert not threads[0].is_alive()


class Reading:
    """Reads days as their text; those in `held` only when they are released."""

    def __init__(self, *held: dt.date) -> None:
        self.begun: list[dt.date] = []
        self.gates = {day: threading.Event() for day in held}

    def __call__(self, day: dt.date) -> str:
        self.begun.append(day)
        if day in self.gates:
            assert self.gates[day].wait(WAIT)
        return day.isoformat()


def prefetcher(read: Callable[[dt.date], str], size: int = 1, at_once: int = 3) -> Prefetcher[str]:
    return Prefetcher(read, at_once=at_once, size_of=lambda text: size)


def test_days_come_in_the_order_requested_however_late_the_first_is() -> None:
    reading = Reading(FIRST)
    results = prefetcher(reading).results(days_of(10), reading.gates[FIRST].set)  # released by the heartbeat
    assert list(results) == [day.isoformat() for day in days_of(10)]


def test_no_more_days_than_allowed_are_read_at_once() -> None:
    reading = Reading(*days_of(3))
    results = prefetcher(reading).results(days_of(10), lambda: [gate.set() for gate in reading.gates.values()])
    first = next(results)
    assert (first, set(reading.begun[:3])) == (FIRST.isoformat(), set(days_of(3)))
    assert len(list(results)) == 9


def test_expected_days_are_read_ahead_after_those_requested_and_only_once() -> None:
    reading = Reading()
    reader = prefetcher(reading, at_once=1)
    reader.expect(days_of(6))
    assert list(reader.results(days_of(3, start=3), alive)) == [day.isoformat() for day in days_of(3, start=3)]
    settle()
    assert reading.begun == [*days_of(3, start=3), *days_of(3)]
    assert len(list(reader.results(days_of(3), alive))) == 3
    assert len(reading.begun) == 6


def test_no_day_is_begun_while_as_many_bytes_as_allowed_are_held() -> None:
    reading = Reading()
    reader = prefetcher(reading, size=prefetch.BYTES_AHEAD // 2, at_once=1)
    results = reader.results(days_of(10), alive)
    next(results)
    settle()
    assert reading.begun == days_of(3)
    assert len(list(results)) == 9


def test_an_error_is_raised_when_its_day_has_its_turn_and_nothing_further_is_begun() -> None:
    reading = Reading()

    def read(day: dt.date) -> str:
        if day == FIRST + dt.timedelta(days=2):
            raise OSError("broken")
        return reading(day)

    results = prefetcher(read, at_once=1).results(days_of(60), alive)
    assert [next(results), next(results)] == [day.isoformat() for day in days_of(2)]
    with pytest.raises(OSError, match="broken"):
        next(results)
    assert reading.begun == days_of(2)


def test_the_heartbeat_can_give_up_a_wait() -> None:
    reading = Reading(FIRST)

    def give_up() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        next(prefetcher(reading).results(days_of(3), give_up))
    reading.gates[FIRST].set()


def test_stop_forgets_everything() -> None:
    reading = Reading(FIRST)
    reader = prefetcher(reading, at_once=1)
    reader.expect(days_of(5))
    results = reader.results([FIRST], lambda: [reader.stop(), reading.gates[FIRST].set()])
    assert list(results) == [FIRST.isoformat()]
    settle()
    assert reading.begun == [FIRST]


def test_its_threads_keep_no_process_alive() -> None:
    def read(day: dt.date) -> str:
        return str(threading.current_thread().daemon)

    assert list(prefetcher(read).results(days_of(2), alive)) == ["True", "True"]
