"""Days: how users write them, ranges, when a day is final, and when it is settled."""

from __future__ import annotations

import datetime as dt
import itertools

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_code_analytics import ConfigurationError
from claude_code_analytics.dates import (
    ONE_DAY,
    DayRange,
    check_range,
    end_of,
    is_final,
    last_final_day,
    list_ranges,
    parse_day,
    ranges,
)
from claude_code_analytics.run.planner import is_settled

START = dt.date(2026, 1, 1)
UTC = dt.timezone.utc


def span(first: int, last: int) -> DayRange:
    """Days number `first` to `last` of the year, from 0."""
    return DayRange(START + first * ONE_DAY, START + last * ONE_DAY)


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-01",
        " 2026-01-01 ",
        "2026-01-01T23:59:59Z",
        "2026-01-01 23:59",
        "2026-01-01T20:00:00-03:00",
        "2026-01-02T01:00:00+02:00",
        dt.date(2026, 1, 1),
        dt.datetime(2026, 1, 1, 23),  # noqa: DTZ001  # naive means UTC
        dt.datetime(2026, 1, 2, 1, tzinfo=dt.timezone(dt.timedelta(hours=2))),
        pendulum.datetime(2026, 1, 1, 12),
        pendulum.date(2026, 1, 1),
    ],
)
def test_a_day_is_read_as_users_write_it_and_becomes_a_plain_date(written: dt.date | str) -> None:
    assert parse_day(written, "start_date") == START
    assert type(parse_day(written, "start_date")) is dt.date


@pytest.mark.parametrize(
    "written",
    [
        "",
        "yesterday",
        "2026-01",
        "2026-02-30",
        "2026-01-01T25:00",
        "20260101",
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


@pytest.mark.parametrize(
    ("first", "last", "sentence"),
    [
        (2, 1, "end_date 2026-01-02 is before start_date 2026-01-03; swap them"),
        (11, None, "start_date 2026-01-12 is in the future; today is 2026-01-11"),
        (None, 11, "end_date 2026-01-12 is in the future; today is 2026-01-11"),
    ],
)
def test_a_range_that_cannot_be_is_refused_in_a_sentence(first: int | None, last: int | None, sentence: str) -> None:
    days = [None if number is None else START + number * ONE_DAY for number in (first, last)]
    with pytest.raises(ConfigurationError, match=sentence):
        check_range(*days, START + 10 * ONE_DAY)


def test_today_and_a_single_day_are_ranges_and_the_future_needs_a_clock() -> None:
    check_range(START, START, START)
    check_range(dt.date(9999, 1, 1), None)


@pytest.mark.parametrize(
    ("fetched_at", "final"),
    [
        (dt.datetime(2026, 1, 1, 23, 0, 0, 0, UTC), False),
        (dt.datetime(2026, 1, 2, 5, 59, 59, 999999, UTC), False),
        (dt.datetime(2026, 1, 2, 6, 0, 0, 0, UTC), True),
    ],
)
def test_a_day_is_final_six_hours_after_its_end(fetched_at: dt.datetime, final: bool) -> None:
    assert is_final(START, fetched_at) is final
    assert (last_final_day(fetched_at) == START) is final


@pytest.mark.parametrize(("lookback_days", "hours"), [(0, 6), (1, 24), (7, 168)])
def test_a_day_is_settled_once_it_was_read_after_both_six_hours_and_the_lookback(
    lookback_days: int, hours: int
) -> None:
    settled_at = end_of(START) + dt.timedelta(hours=hours)
    assert is_settled(START, settled_at, lookback_days)
    assert not is_settled(START, settled_at - dt.timedelta(microseconds=1), lookback_days)


def test_a_lookback_beyond_all_calendars_settles_nothing() -> None:
    assert not is_settled(START, dt.datetime.max.replace(tzinfo=UTC), 10**7)


def test_lists_of_days_are_shown_as_ranges_and_cut_short() -> None:
    odd = [START + number * ONE_DAY for number in range(0, 20, 2)]
    assert list_ranges([START + ONE_DAY, START, START + 4 * ONE_DAY]) == "2026-01-01..2026-01-02, 2026-01-05"
    assert list_ranges(odd).endswith("2026-01-15 and 2 more")


@given(st.sets(st.integers(0, 120)))
def test_ranges_are_the_same_days_and_never_touch(numbers: set[int]) -> None:
    days = [START + number * ONE_DAY for number in sorted(numbers)]
    found = ranges(days)
    assert [day for each in found for day in each.days()] == days
    assert all(later.first > earlier.last + ONE_DAY for earlier, later in itertools.pairwise(found))
