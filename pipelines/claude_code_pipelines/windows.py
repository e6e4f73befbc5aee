"""Which windows a load walks through, decided before it starts. Pure: the same facts give the same plan."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from claude_code_analytics.dates import ONE_DAY, DayRange, Progress


@dataclass(frozen=True)
class Window:
    """Days that are read and committed together.

    Attributes:
        days: The days.
        moves_cursor: Whether it is an incremental extract; otherwise it is a closed range.
        lookback_days: Lookback of an incremental extract.
    """

    days: DayRange
    moves_cursor: bool
    lookback_days: int = 0


def load_windows(
    *, start: dt.date, last: dt.date, progress: Progress | None, lookback_days: int, window_days: int
) -> list[Window]:
    """Windows of an incremental load, oldest first (decision D5).

    Where the lookback and the new days fit in one window they are one extract. Else the lookback comes first, as closed
    ranges: a load that is interrupted in between leaves the cursor where it was, so the next one reads it again.

    Args:
        start: First day that was configured.
        last: Newest day to read.
        progress: How far earlier loads came.
        lookback_days: Days before the cursor to read again.
        window_days: Most days in a window.
    """
    if progress is None:
        return [Window(days, moves_cursor=True) for days in _windows(start, last, window_days)]
    first = progress.cursor - ONE_DAY * min(lookback_days, max((progress.cursor - start).days, 0))
    first = max(first, start)
    if first <= last and (last - first).days < window_days:
        return [Window(DayRange(first, last), moves_cursor=True, lookback_days=lookback_days)]
    again = _windows(first, min(progress.cursor, last), window_days)
    fresh = _windows(max(start, progress.cursor + ONE_DAY), last, window_days)
    return [
        *(Window(days, moves_cursor=False) for days in again),
        *(Window(days, moves_cursor=True) for days in fresh),
    ]


def backfill_windows(days: DayRange, window_days: int) -> list[Window]:
    """Windows of a closed range, oldest first."""
    return [Window(piece, moves_cursor=False) for piece in _windows(days.first, days.last, window_days)]


def ranges(days: Iterable[dt.date]) -> list[DayRange]:
    """Days, oldest first, as the fewest ranges."""
    found: list[DayRange] = []
    for day in days:
        if found and day == found[-1].last + ONE_DAY:
            found[-1] = DayRange(found[-1].first, day)
        else:
            found.append(DayRange(day, day))
    return found


def _windows(first: dt.date, last: dt.date, window_days: int) -> list[DayRange]:
    if first > last:
        return []
    days = DayRange(first, last)
    return days.windows(min(window_days, len(days)))
