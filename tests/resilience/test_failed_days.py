"""Days that the API serves badly for ever: they are named, what was loaded of them stays, and all others are loaded."""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from claude_code_analytics import ApiError, ApiUnavailable, CredentialRefused, RequestRefused
from claude_code_pipelines import DaysNotHeld, LoadObserver
from claude_code_simulator import FaultScript, On, error_response
from support.days import MONDAY, TUESDAY, WEEK, days, september
from support.refusals import refused
from support.world import LEDGER, TODAY, TOOLS, USAGE, World

# By fault: how often its day is requested, and the reason.
OWN_FAULTS = {
    "cursor-records-of-another-day": (2, "the API returned records of 2026-09-14"),
    "cursor-absent": (2, "the API returned has_more but no next_page"),
    "status-404": (1, "the API returned 404 .*; if other days fail too, check base_url"),
    "body-of-nulls": (1, "record 1 is not an object"),
    "body-not-utf8": (2, "a page is not UTF-8"),
}
FAILING_REQUESTS = {
    "status-500": (7, "the API kept failing"),
    "break-read-timeout": (7, "api.anthropic.com did not respond in time"),
    "body-empty": (7, "the response is not"),
    "status-402": (1, "the API returned 402"),
    "status-403": (1, "the API refused this day: 403 .*; if other days fail too, use an Admin API key"),
}
MAX_DAYS = "SOURCES__CLAUDE_CODE_ANALYTICS__MAX_DAYS"


def fail(world: World, fault: str, *failed: dt.date) -> None:
    """Has the API serve these days badly from now on."""
    world.api.fault = FaultScript(*(On(fault, day=day, times=None) for day in failed))


def requests_for(world: World, day: dt.date) -> int:
    return sum(request.params.get("starting_at") == day.isoformat() for request in world.api.requests)


def by_load(world: World, reason: str) -> None:
    """Loads the week, less Tuesday, which is named with the reason."""
    with pytest.raises(DaysNotHeld, match=f"^1 day could not be read: {TUESDAY}; {TUESDAY}: {reason}") as caught:
        world.load()
    assert caught.value.days == caught.value.report.unread == [TUESDAY]
    assert caught.value.report.days == [day for day in WEEK if day != TUESDAY]


def by_run(world: World, reason: str) -> None:
    world.run()


def by_steps(world: World, reason: str) -> None:
    world.api.requests.clear()
    world.pipeline.extract(world.source())
    world.pipeline.normalize()
    world.pipeline.load()


Door = Callable[[World, str], None]


@pytest.mark.parametrize(
    ("door", "fault"),
    [
        *((by_load, fault) for fault in (*OWN_FAULTS, *FAILING_REQUESTS)),
        *((door, fault) for door in (by_run, by_steps) for fault in ("cursor-absent", "status-500")),
    ],
)
def test_a_day_that_cannot_be_read_stays_as_it_was_and_the_others_are_loaded(
    week: World, caplog: Any, door: Door, fault: str
) -> None:
    requests, reason = {**OWN_FAULTS, **FAILING_REQUESTS}[fault]
    week.write_days(MONDAY, TODAY, sessions=99)
    week.clock.move(minutes=1)
    fail(week, fault, TUESDAY)

    door(week, reason)

    assert requests_for(week, TUESDAY) == requests
    assert week.column("core_metrics__num_sessions") == [99, 3, 99, 99, 99, 99, 99]
    (error,) = (record.getMessage() for record in caplog.records if record.levelname == "ERROR")
    assert re.match(f"{TUESDAY}: {reason}", error)
    assert "\n" not in error
    if fault in FAILING_REQUESTS:  # its last fetch still stands
        assert len(week.rows(LEDGER, f"date = '{TUESDAY}'")) == 1
        assert week.status().days("inconsistent") == []
        return
    (row,) = week.rows(LEDGER, f"date = '{TUESDAY}' AND records IS NULL")
    assert (row["tool_actions"], row["models"], row["cells"], row["content_hash"]) == (None,) * 4
    assert (row["pages"], row["is_final"]) == (0, False)
    assert week.status().days("inconsistent") == [TUESDAY]


def test_a_day_that_could_not_be_read_is_read_by_the_next_load(week: World) -> None:
    week.clock.move(days=30)  # all days are settled
    fail(week, "cursor-absent", TUESDAY)
    with pytest.raises(DaysNotHeld):
        week.load()
    week.api.fault = None
    week.clock.move(days=30)
    week.load()
    assert week.days_requested()[0] == TUESDAY
    week.require_truth(WEEK)


def test_a_repeated_backfill_reads_only_the_days_that_it_could_not_read(world: World) -> None:
    world.write_days(MONDAY, TODAY)
    world.fail_on(TUESDAY)
    with pytest.raises(DaysNotHeld) as caught:
        world.backfill(MONDAY, TODAY, window_days=3)
    assert caught.value.report.windows == [(MONDAY, september(16)), tuple(days(17, 19)), (TODAY,)]
    world.fail_on()
    assert world.backfill(MONDAY, TODAY).resumed == 6
    assert world.days_requested() == [TUESDAY]
    world.require_truth(WEEK)


# The end of the load


class AtEachWrite(LoadObserver):
    """Lets something happen when a window was read and is not written."""

    def __init__(self, action: Callable[[], object]) -> None:
        self._action = action

    def writing(self, days: Any) -> None:
        self._action()


def test_a_failed_day_is_not_read_again_when_its_old_rows_are_damaged_meanwhile(week: World) -> None:
    week.clock.move(minutes=1)
    week.fail_on(TUESDAY, status=402)
    damage = AtEachWrite(lambda: week.sql(f"DELETE FROM {TOOLS} WHERE date = ?", TUESDAY))
    with pytest.raises(DaysNotHeld, match="1 day could not be read") as caught:
        week.load(observer=damage)
    assert caught.value.days == [TUESDAY]
    assert requests_for(week, TUESDAY) == 1


@pytest.mark.parametrize("fault", ["body-of-nulls", "status-402"])
def test_a_neighbours_damaged_day_that_cannot_be_read_any_more_is_named(week: World, fault: str) -> None:
    week.clock.move(minutes=1)
    fail(week, fault, MONDAY)
    damage = AtEachWrite(lambda: week.sql(f"DELETE FROM {TOOLS} WHERE date = ?", MONDAY))
    with pytest.raises(DaysNotHeld, match=f"^1 day could not be read: {MONDAY}; {MONDAY}: ") as caught:
        week.load(start=september(19), observer=damage)
    assert caught.value.days == [MONDAY]
    assert caught.value.report.days == days(19, 20)
    assert requests_for(week, MONDAY) == 1


def test_a_day_that_another_load_could_not_read_is_left_to_the_next_load(week: World) -> None:
    week.clock.move(minutes=1)
    failed = AtEachWrite(
        lambda: week.sql(
            f"INSERT INTO {LEDGER} SELECT * REPLACE (fetched_at + INTERVAL 30 SECOND AS fetched_at, NULL AS records) "
            f"FROM {LEDGER} WHERE date = ?",
            MONDAY,
        )
    )
    assert week.load(start=september(19), observer=failed).days == days(19, 20)
    assert week.status().days("inconsistent") == [MONDAY]


def test_days_of_both_kinds_are_named_with_the_first_reason(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.write_days(MONDAY, TODAY)
    world.fail_on(TUESDAY, september(16), status=404)
    write = world.pipeline.load

    def write_then_damage() -> Any:
        info = write()
        world.sql(f"DELETE FROM {TOOLS} WHERE date = ?", MONDAY)
        return info

    monkeypatch.setattr(world.pipeline, "load", write_then_damage)
    with pytest.raises(DaysNotHeld) as caught:
        world.load()
    assert str(caught.value).startswith(
        f"2 days could not be read: {TUESDAY}..2026-09-16; 1 day is not held: {MONDAY}; {TUESDAY}: the API returned 404"
    )
    assert caught.value.days == days(14, 16)


# Many days


def load_in_windows(world: World) -> None:
    world.load(start=september(1), window_days=2)


def run_all(world: World) -> None:
    world.run(start_date=september(1))


LIMITS = [(402, 3), (404, 10)]


@pytest.mark.parametrize(("status", "limit"), LIMITS)
def test_so_many_days_in_a_row_stop_a_load_across_windows_and_it_keeps_what_it_read(
    world: World, status: int, limit: int
) -> None:
    world.write_days(september(1), TODAY)
    world.fail_on(*days(4, 3 + limit), status=status)
    with pytest.raises(RequestRefused, match=f"^{september(3 + limit)}: the API returned {status}"):
        load_in_windows(world)
    assert world.column("date") == days(1, 3)

    world.fail_on(*days(4, 2 + limit), status=status)
    with pytest.raises(DaysNotHeld) as caught:
        load_in_windows(world)
    assert caught.value.days == days(4, 2 + limit)
    assert world.column("date") == [*days(1, 3), *days(3 + limit, 20)]


@pytest.mark.parametrize(("status", "limit"), LIMITS)
def test_so_many_days_in_a_row_stop_a_plain_run(world: World, status: int, limit: int) -> None:
    world.write_days(september(1), TODAY)
    world.fail_on(*days(4, 3 + limit), status=status)
    with refused(RequestRefused, match=f"{september(3 + limit)}: the API returned {status}"):
        run_all(world)
    world.fail_on(*days(4, 2 + limit), status=status)
    run_all(world)
    assert world.column("date") == [*days(1, 3), *days(3 + limit, 20)]


def test_a_success_in_between_begins_the_row_anew(world: World) -> None:
    world.write_days(september(1), TODAY)
    failed = [*days(1, 2), *days(4, 5), *days(7, 8)]
    world.fail_on(*failed, status=402)
    with pytest.raises(DaysNotHeld) as caught:
        load_in_windows(world)
    assert caught.value.days == failed


def test_the_days_in_a_row_that_stop_a_load_leave_no_trace_in_its_window(world: World) -> None:
    """They were held perhaps, and an API that refuses all days says nothing about any."""
    world.write_days(september(1), TODAY)
    world.load(start=september(1))
    world.clock.move(minutes=1)
    world.fail_on(*days(4, 20), status=404)
    with pytest.raises(RequestRefused, match="2026-09-13"):
        world.backfill(september(1), september(20))
    assert world.status().days("inconsistent") == []
    assert len(world.rows(LEDGER)) == 20 + 3


def test_the_order_of_the_plan_counts_and_not_the_order_of_the_responses(world: World) -> None:
    """The days in between succeed, and later than all those that fail."""
    world.write_days(MONDAY, TODAY)
    failed = {day.isoformat() for day in WEEK[::2]}
    responded, all_failed = [], threading.Event()

    def fault(request: httpx.Request, number: int) -> httpx.Response | None:
        day = request.url.params.get("starting_at")
        if day in failed:
            responded.append(day)
            if len(responded) == len(failed):
                all_failed.set()
            return error_response(402, "no")
        assert day is None or all_failed.wait(10)
        return None

    world.api.fault = fault
    with pytest.raises(DaysNotHeld) as caught, world.client(max_concurrent_days=len(WEEK)) as client:
        world.load(client=client)
    assert caught.value.days == WEEK[::2]
    assert world.column("date") == WEEK[1::2]


@pytest.mark.parametrize("at_once", [1, 4])
def test_an_outage_ends_a_load_soon(world: World, at_once: int) -> None:
    world.fail_on(*days(1, 20), status=503)
    with pytest.raises(ApiUnavailable, match="2026-09-03"), world.client(max_concurrent_days=at_once) as client:
        world.load(start=september(1), client=client)
    # some are read ahead, but after a failed day none before it had its turn
    assert set(world.days_requested()) <= set(days(1, 3 + at_once))
    assert max(requests_for(world, day) for day in days(1, 7)) == 7


def test_a_refused_credential_stops_at_once(week: World) -> None:
    week.clock.move(minutes=1)
    week.fail_on(TUESDAY, status=401)
    with pytest.raises(CredentialRefused), week.client(max_concurrent_days=1) as client:
        week.load(client=client)
    with refused(CredentialRefused):
        week.run()
    assert len(week.rows(LEDGER)) == 7


def test_a_credential_that_may_read_no_day_is_refused_and_leaves_no_trace(week: World) -> None:
    week.clock.move(minutes=1)
    week.fail_on(*WEEK, status=403)
    with pytest.raises(CredentialRefused, match="use an Admin API key"), week.client(max_concurrent_days=1) as client:
        week.load(client=client)
    assert set(week.days_requested()) <= set(WEEK[:4])  # one is read ahead
    assert len(week.rows(LEDGER)) == 7


# max_days


@pytest.mark.parametrize(
    ("status", "loaded", "waiting"),
    [(402, days(16, 18), 2), (404, [september(16)], 4)],
)
def test_days_whose_requests_fail_do_not_count_against_max_days(
    world: World, monkeypatch: pytest.MonkeyPatch, status: int, loaded: list[dt.date], waiting: int
) -> None:
    monkeypatch.setenv(MAX_DAYS, "3")
    world.write_days(MONDAY, TODAY)
    world.fail_on(*days(14, 15), status=status)
    with pytest.raises(DaysNotHeld) as caught:
        world.load()
    assert caught.value.days == days(14, 15)
    assert (caught.value.report.days, caught.value.report.waiting) == (loaded, waiting)


@pytest.mark.parametrize(("status", "loaded"), [(402, days(16, 18)), (404, [september(16)])])
def test_nor_do_they_in_a_plain_run(world: World, status: int, loaded: list[dt.date]) -> None:
    world.write_days(MONDAY, TODAY)
    world.fail_on(*days(14, 15), status=status)
    world.run(max_days=3)
    assert world.column("date", USAGE) == loaded
    assert world.cursor() == loaded[-1]


def test_no_day_is_read_in_the_place_of_those_that_stop_a_run(world: World) -> None:
    world.fail_on(*days(14, 16), status=402)
    with refused(ApiError, match="2026-09-16"):
        world.run(max_days=3)
    assert world.days_requested() == days(14, 16)
