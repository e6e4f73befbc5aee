"""The planner: which days an incremental run reads, from what the proof says of each day (decisions D4, D5)."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_code_analytics.dates import ONE_DAY, DayRange, end_of
from claude_code_analytics.run.planner import Plan, days_to_read, is_settled
from claude_code_analytics.warehouse.proof import DayState
from support.world import NOW, TODAY

START = dt.date(2026, 9, 1)
LONG_AGO = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)


def day(number: int) -> dt.date:
    """A day of September."""
    return START + (number - 1) * ONE_DAY


def span(first: int, last: int) -> tuple[dt.date, ...]:
    return tuple(map(day, range(first, last + 1)))


def fetched(at: dt.datetime, *, held: bool = True) -> DayState:
    return DayState(fetched_at=at, is_held=held, problem=None if held else "rows of another load")


def plan(
    states: dict[dt.date, DayState],
    last: dt.date = TODAY,
    lookback_days: int = 7,
    max_days: int | None = None,
    first: dt.date = START,
) -> Plan:
    return days_to_read(states, first=first, last=last, lookback_days=lookback_days, max_days=max_days)


def all_held(at: dt.datetime = NOW, last: dt.date = TODAY) -> dict[dt.date, DayState]:
    return {each: fetched(at) for each in DayRange(START, last).days()}


def test_days_without_a_fetch_are_all_read_oldest_first() -> None:
    assert plan({}) == Plan(span(1, 20))


def test_held_days_that_are_settled_are_not_read_again() -> None:
    settled = {each: fetched(end_of(each) + 7 * ONE_DAY) for each in span(1, 19)}
    assert plan(settled).days == (TODAY,)


# Noon of the 20th is seven days after the end of the 12th, and six and a half after that of the 13th.
@pytest.mark.parametrize(("lookback_days", "first_read"), [(0, 20), (1, 19), (2, 18), (7, 13), (19, 1), (10**7, 1)])
def test_days_that_were_read_within_the_lookback_are_read_again(lookback_days: int, first_read: int) -> None:
    assert plan(all_held(), lookback_days=lookback_days).days == span(first_read, 20)


def test_a_day_read_before_it_was_final_is_read_again_without_any_lookback() -> None:
    before, after = (end_of(day(10)) + dt.timedelta(hours=hours) for hours in (5, 6))
    states = all_held()
    assert plan({**states, day(10): fetched(before)}, lookback_days=0).days == (day(10), TODAY)
    assert plan({**states, day(10): fetched(after)}, lookback_days=0).days == (TODAY,)


def test_after_a_pause_the_lookbacks_that_were_cut_short_are_finished() -> None:
    paused = all_held(dt.datetime(2026, 9, 10, 12, tzinfo=dt.timezone.utc), last=day(10))
    assert plan(paused).days == span(3, 20)


def test_a_larger_lookback_reads_older_days_again_once() -> None:
    daily = {each: fetched(end_of(each) + 3 * ONE_DAY) for each in span(1, 16)}
    assert plan(daily, last=day(16), lookback_days=3).days == ()
    assert plan(daily, last=day(16), lookback_days=4).days == span(1, 16)
    reread = {each: fetched(max(NOW, end_of(each) + 4 * ONE_DAY)) for each in span(1, 16)}
    assert plan(reread, last=day(16), lookback_days=4).days == ()


def test_a_day_that_is_not_held_is_read_however_old_it_is() -> None:
    states = {**all_held(LONG_AGO + 400 * ONE_DAY), day(2): fetched(NOW, held=False)}
    assert plan(states, lookback_days=0).days == (day(2),)


def test_days_outside_the_range_are_never_read() -> None:
    assert plan({START - ONE_DAY: fetched(NOW, held=False)}, first=day(19), last=day(19)).days == (day(19),)
    assert plan({}, first=TODAY + ONE_DAY) == Plan()
    assert plan({}, first=TODAY + ONE_DAY, max_days=3) == Plan()


# max_days


def test_a_first_run_of_few_days_begins_with_the_oldest_and_counts_the_rest() -> None:
    assert plan({}, max_days=3) == Plan(span(1, 3), waiting=span(4, 20))


def test_the_days_fetched_longest_ago_come_first_and_are_read_in_their_own_order() -> None:
    hours = {14: 3, 15: 1, 16: 2, 17: 4}
    states = {day(each): fetched(NOW + dt.timedelta(hours=hour), held=False) for each, hour in hours.items()}
    assert plan(states, first=day(14), last=day(17), max_days=2) == Plan((day(15), day(16)), (day(14), day(17)))
    assert plan(states, first=day(14), last=day(17), max_days=3).days == (day(14), day(15), day(16))


def test_a_day_never_fetched_counts_as_fetched_at_its_own_start() -> None:
    start_of_18th = dt.datetime(2026, 9, 18, tzinfo=dt.timezone.utc)
    earlier, later = (fetched(start_of_18th + dt.timedelta(hours=hours), held=False) for hours in (-1, 1))
    assert plan({day(17): earlier}, first=day(17), last=day(18), max_days=1).days == (day(17),)
    assert plan({day(17): later}, first=day(17), last=day(18), max_days=1).days == (day(18),)


@given(
    never_held=st.sets(st.integers(1, 20), max_size=4),
    lookback_days=st.integers(0, 10),
    max_days=st.integers(1, 8),
    hours_between_runs=st.integers(1, 30),
)
def test_no_day_starves_not_even_behind_days_that_can_never_be_held(
    never_held: set[int], lookback_days: int, max_days: int, hours_between_runs: int
) -> None:
    states: dict[dt.date, DayState] = {}
    now = NOW
    runs = 0
    while any(_is_due(each, states.get(each), lookback_days) for each in span(1, 20) if each.day not in never_held):
        wanted = plan(states, lookback_days=lookback_days, max_days=max_days)
        assert 1 <= len(wanted.days) <= max_days
        for each in wanted.days:
            states[each] = fetched(now, held=each.day not in never_held)
        now += dt.timedelta(hours=hours_between_runs)
        runs += 1
        settled_after = (lookback_days + 1) * 24 / hours_between_runs
        assert runs <= settled_after + 2 * (20 // max_days + 2), "a day starves"


def _is_due(each: dt.date, state: DayState | None, lookback_days: int) -> bool:
    return state is None or state.fetched_at is None or not is_settled(each, state.fetched_at, lookback_days)
