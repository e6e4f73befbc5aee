"""What the plan promises: windows that leave no day out and read none for nothing. Pure dates."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_code_analytics.dates import ONE_DAY, DayRange, Progress, days_to_read
from claude_code_pipelines.windows import Window, backfill_windows, load_windows, ranges

START = dt.date(2026, 1, 1)
days_from_start = st.integers(0, 120).map(lambda number: START + ONE_DAY * number)
sizes = st.integers(1, 40)


@st.composite
def progresses(draw: st.DrawFn) -> Progress:
    """How far loads came: the newest days may not have been final, as far back as a long pause made them."""
    cursor = draw(days_from_start)
    return Progress(cursor, max(START - ONE_DAY, cursor - ONE_DAY * draw(st.integers(0, 20))))


def executed(windows: list[Window], last: dt.date, progress: Progress | None) -> list[DayRange]:
    """What the source reads when it is given the windows one after the other, all days final."""
    read = []
    for window in windows:
        if not window.moves_cursor:
            read.append(window.days)
            continue
        found = days_to_read(
            start=window.days.first,
            last=last,
            progress=progress,
            lookback=window.lookback_days,
            max_days=len(window.days),
        )
        assert found is not None
        read.append(found)
        settled = progress.settled if progress else found.first - ONE_DAY
        if found.first <= settled + ONE_DAY:
            settled = max(settled, found.last)
        progress = Progress(max(progress.cursor, found.last) if progress else found.last, settled)
    return read


def days_of(windows: list[Window]) -> list[dt.date]:
    return [day for window in windows for day in window.days.days()]


@given(last=days_from_start, window_days=sizes)
def test_a_first_load_reads_each_day_once_from_the_start_on(last: dt.date, window_days: int) -> None:
    windows = load_windows(start=START, last=last, progress=None, lookback_days=7, window_days=window_days)

    assert days_of(windows) == DayRange(START, last).days()
    assert all(window.moves_cursor for window in windows)


@given(progress=progresses(), last=days_from_start, lookback=st.integers(0, 40), window_days=sizes)
def test_a_load_reads_all_from_the_lookback_on(
    progress: Progress, last: dt.date, lookback: int, window_days: int
) -> None:
    windows = load_windows(start=START, last=last, progress=progress, lookback_days=lookback, window_days=window_days)

    first = max(START, progress.cursor - ONE_DAY * lookback)
    assert sorted(set(days_of(windows))) == (DayRange(first, last).days() if first <= last else [])


@given(progress=progresses(), last=days_from_start, lookback=st.integers(0, 40), window_days=sizes)
def test_no_day_is_read_twice_in_one_load(progress: Progress, last: dt.date, lookback: int, window_days: int) -> None:
    windows = load_windows(start=START, last=last, progress=progress, lookback_days=lookback, window_days=window_days)

    assert max(Counter(days_of(windows)).values(), default=1) == 1


@given(progress=progresses(), last=days_from_start, lookback=st.integers(0, 40), window_days=sizes)
def test_no_window_is_larger_than_was_asked_for(
    progress: Progress, last: dt.date, lookback: int, window_days: int
) -> None:
    windows = load_windows(start=START, last=last, progress=progress, lookback_days=lookback, window_days=window_days)

    assert all(1 <= len(window.days) <= window_days for window in windows)


@given(progress=st.none() | progresses(), last=days_from_start, lookback=st.integers(0, 40), window_days=sizes)
def test_the_source_reads_exactly_the_days_of_each_window(
    progress: Progress | None, last: dt.date, lookback: int, window_days: int
) -> None:
    windows = load_windows(start=START, last=last, progress=progress, lookback_days=lookback, window_days=window_days)

    assert executed(windows, last, progress) == [window.days for window in windows]


@given(progress=progresses(), last=days_from_start, lookback=st.integers(0, 40), window_days=sizes)
def test_the_lookback_is_read_before_the_cursor_moves(
    progress: Progress, last: dt.date, lookback: int, window_days: int
) -> None:
    windows = load_windows(start=START, last=last, progress=progress, lookback_days=lookback, window_days=window_days)

    moves = [window.moves_cursor for window in windows]
    assert moves == sorted(moves)


@given(first=days_from_start, length=st.integers(0, 100), window_days=sizes)
def test_a_backfill_reads_each_day_once_and_leaves_the_cursor_alone(
    first: dt.date, length: int, window_days: int
) -> None:
    asked = DayRange(first, first + ONE_DAY * length)

    windows = backfill_windows(asked, window_days)

    assert days_of(windows) == asked.days()
    assert not any(window.moves_cursor for window in windows)


@given(st.sets(days_from_start))
def test_ranges_are_the_same_days_and_never_touch(days: set[dt.date]) -> None:
    found = ranges(sorted(days))

    assert [day for days_of_range in found for day in days_of_range.days()] == sorted(days)
    assert all(later.first > earlier.last + ONE_DAY for earlier, later in itertools.pairwise(found))


@pytest.mark.parametrize("huge", [10**6, 10**12])
def test_a_window_or_lookback_longer_than_any_calendar_is_as_good_as_the_longest(huge: int) -> None:
    last = START + ONE_DAY * 9
    progress = Progress(START + ONE_DAY * 4, START + ONE_DAY * 4)

    windows = load_windows(start=START, last=last, progress=progress, lookback_days=huge, window_days=huge)

    assert [window.days for window in windows] == [DayRange(START, last)]
    assert [window.days for window in backfill_windows(DayRange(START, last), huge)] == [DayRange(START, last)]


def test_a_lookback_and_new_days_that_fit_are_one_extract() -> None:
    cursor = START + ONE_DAY * 20

    windows = load_windows(
        start=START,
        last=cursor + ONE_DAY,
        progress=Progress(cursor, cursor - ONE_DAY),
        lookback_days=7,
        window_days=31,
    )

    assert windows == [Window(DayRange(cursor - ONE_DAY * 7, cursor + ONE_DAY), moves_cursor=True, lookback_days=7)]


def test_nothing_is_read_when_the_clock_has_gone_back_behind_the_lookback() -> None:
    cursor = START + ONE_DAY * 20

    windows = load_windows(start=START, last=START, progress=Progress(cursor, cursor), lookback_days=7, window_days=31)

    assert windows == []
