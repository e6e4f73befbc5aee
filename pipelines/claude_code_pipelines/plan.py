"""Which windows a load walks through, decided before it starts. Pure: the same facts give the same plan."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from claude_code_analytics.days import ONE_DAY, DayRange, Progress


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
    first = max(start, progress.cursor - ONE_DAY * lookback_days)
    if first <= last and (last - first).days < window_days:
        return [Window(DayRange(first, last), moves_cursor=True, lookback_days=lookback_days)]
    again = _windows(first, min(progress.cursor, last), window_days)
    # The source begins with the cursor's day where that was not final when it was read.
    new = progress.cursor + ONE_DAY * (progress.settled >= progress.cursor)
    fresh = _windows(max(start, new), last, window_days) if progress.cursor < last else []
    return [
        *(Window(days, moves_cursor=False) for days in again),
        *(Window(days, moves_cursor=True) for days in fresh),
    ]


def backfill_windows(days: DayRange, window_days: int) -> list[Window]:
    """Windows of a closed range, oldest first."""
    return [Window(piece, moves_cursor=False) for piece in days.windows(window_days)]


def _windows(first: dt.date, last: dt.date, window_days: int) -> list[DayRange]:
    return DayRange(first, last).windows(window_days) if first <= last else []
