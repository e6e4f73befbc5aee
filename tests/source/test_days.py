"""Which days a run reads: arithmetic that must neither leave a gap nor stand still."""

from __future__ import annotations

import datetime as dt

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_code_analytics import ConfigurationError
from claude_code_analytics.dates import DayRange, Progress, days_to_read, is_final, last_final_day, parse_day

START = dt.date(2026, 1, 1)
UTC = dt.timezone.utc


def day(number: int) -> dt.date:
    """Day number 0, 1, 2, ... of the year."""
    return START + dt.timedelta(days=number)


def span(first: int, last: int) -> DayRange:
    return DayRange(day(first), day(last))


def read(
    last: int, cursor: int | None = None, settled: int | None = None, lookback: int = 7, max_days: int | None = None
) -> DayRange | None:
    progress = None if cursor is None else Progress(day(cursor), day(cursor if settled is None else settled))
    return days_to_read(start=START, last=day(last), progress=progress, lookback=lookback, max_days=max_days)


def test_the_first_run_reads_from_the_start_to_the_last_day() -> None:
    assert read(last=40) == span(0, 40)


def test_later_runs_read_the_lookback_the_cursors_day_and_all_after_it() -> None:
    assert read(last=42, cursor=40, lookback=7) == span(33, 42)
    assert read(last=40, cursor=40, lookback=7) == span(33, 40)
    assert read(last=42, cursor=40, lookback=0) == span(40, 42)


def test_the_lookback_never_reaches_before_the_start() -> None:
    assert read(last=4, cursor=3, lookback=7) == span(0, 4)


def test_there_is_nothing_to_read_before_the_start() -> None:
    assert read(last=-1) is None
    assert read(last=-1, max_days=3) is None


def test_a_first_run_of_few_days_begins_with_the_oldest() -> None:
    assert read(last=40, max_days=10) == span(0, 9)


def test_while_it_catches_up_the_lookback_waits_for_the_last_window() -> None:
    assert read(last=40, cursor=9, max_days=10) == span(10, 19)
    assert read(last=40, cursor=29, max_days=10) == span(30, 39)
    assert read(last=40, cursor=39, max_days=10) == span(32, 40)


def test_the_last_window_gives_the_lookback_the_room_that_it_has() -> None:
    assert read(last=40, cursor=38, max_days=5) == span(36, 40)


def test_days_that_were_not_final_come_before_new_ones() -> None:
    assert read(last=60, cursor=40, settled=38, max_days=5) == span(39, 43)


def test_settled_days_that_do_not_let_it_move_on_are_left_for_later() -> None:
    assert read(last=60, cursor=40, settled=30, max_days=5) == span(41, 45)


def test_one_day_at_a_time_moves_on() -> None:
    assert read(last=60, cursor=40, max_days=1) == span(41, 41)
    assert read(last=60, cursor=40, settled=39, max_days=1) == span(41, 41)


def test_a_run_without_new_days_reads_again_what_was_not_final() -> None:
    assert read(last=40, cursor=40, settled=39, max_days=1) == span(40, 40)
    assert read(last=40, cursor=40, settled=38, max_days=1) == span(39, 39)
    assert read(last=40, cursor=40, settled=40, max_days=1) == span(40, 40)


def test_a_limit_beyond_all_calendars_is_no_limit() -> None:
    assert read(last=40, max_days=10**9) == span(0, 40)
    assert read(last=42, cursor=40, lookback=10**9) == span(0, 42)
    assert read(last=42, cursor=40, lookback=10**9, max_days=10**9) == span(0, 42)


@given(
    first_last=st.integers(0, 60),
    further=st.lists(st.integers(0, 20), max_size=6),
    lookback=st.integers(0, 40),
    max_days=st.integers(1, 15),
)
def test_windows_always_move_on_leave_no_gap_and_end(
    first_last: int, further: list[int], lookback: int, max_days: int
) -> None:
    progress: Progress | None = None
    loaded: set[dt.date] = set()
    last = first_last
    for more in [0, *further]:
        last += more
        while progress is None or progress.cursor < day(last):
            wanted = days_to_read(start=START, last=day(last), progress=progress, lookback=lookback, max_days=max_days)
            assert wanted is not None
            assert len(wanted) <= max_days
            assert progress is None or wanted.last > progress.cursor, "it must move on"
            loaded |= set(wanted.days())
            settled = progress.settled if progress else wanted.first - dt.timedelta(days=1)
            if wanted.first <= settled + dt.timedelta(days=1):
                settled = max(settled, min(wanted.last, day(last - 1)))
            progress = Progress(max(wanted.last, progress.cursor if progress else wanted.last), settled)
        assert loaded == set(span(0, last).days()), "it must leave no gap"


@given(first=st.integers(0, 400), length=st.integers(1, 100), size=st.integers(1, 120))
def test_windows_of_a_range_are_the_range(first: int, length: int, size: int) -> None:
    whole = span(first, first + length - 1)
    windows = whole.windows(size)
    assert [each for window in windows for each in window.days()] == whole.days()
    assert all(1 <= len(window) <= size for window in windows)


@pytest.mark.parametrize(
    ("asked_at", "final"),
    [
        (dt.datetime(2026, 1, 2, 5, 59, 59, 999999, UTC), False),
        (dt.datetime(2026, 1, 2, 6, 0, 0, 0, UTC), True),
        (dt.datetime(2026, 1, 1, 23, 0, 0, 0, UTC), False),
    ],
)
def test_a_day_is_final_six_hours_after_its_end(asked_at: dt.datetime, final: bool) -> None:
    assert is_final(START, asked_at) is final
    assert (last_final_day(asked_at) == START) is final


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-01",
        " 2026-01-01 ",
        "2026-01-01T23:59:59Z",
        "2026-01-01T20:00:00-03:00",
        "2026-01-02T01:00:00+02:00",
        dt.date(2026, 1, 1),
        dt.datetime(2026, 1, 1, 23),  # noqa: DTZ001  # naive means UTC
        dt.datetime(2026, 1, 2, 1, tzinfo=dt.timezone(dt.timedelta(hours=2))),
        pendulum.datetime(2026, 1, 1, 12),
    ],
)
def test_a_day_is_read_as_users_write_it(written: dt.date | str) -> None:
    assert parse_day(written, "start_date") == START


@pytest.mark.parametrize(
    "written",
    [
        "",
        "yesterday",
        "2026-02-30",
        "12:00",
        "P1D",
        "2026-01-01/2026-02-01",
        "9999-12-31T23:59:59-10:00",
        "0001-01-01T00:00:00+10:00",
        None,
        20260101,
        True,
    ],
)
def test_what_is_no_day_is_refused_in_a_sentence(written: object) -> None:
    with pytest.raises(ConfigurationError, match=r"start_date is .*; it must be a day such as 2025-01-31"):
        parse_day(written, "start_date")  # type: ignore[arg-type]


def test_a_range_reads_like_a_range() -> None:
    assert str(span(0, 30)) == "2026-01-01..2026-01-31"
    assert str(span(0, 0)) == "2026-01-01"
