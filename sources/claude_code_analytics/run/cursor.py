"""dlt's incremental cursor: a hint for people and tools, the range that a user or a scheduler gave, and its types."""

from __future__ import annotations

import datetime as dt
from typing import Any

import dlt
from dlt.extract.incremental.context import get_interval_context

from ..dates import ONE_DAY, DayRange, parse_day


class Cursor:
    """The cursor of a running resource: dlt's incremental, ours or one that the user put in its place."""

    def __init__(self, incremental: Any) -> None:
        self._incremental = incremental

    @property
    def start(self) -> dt.date:
        return parse_day(self._incremental.initial_value, "the cursor's initial value")

    @property
    def day(self) -> dt.date | None:
        """The newest day that earlier runs read, where there were any."""
        value = self._incremental.get_state()["last_value"]
        return None if value is None else parse_day(value, "the cursor")

    def advance(self, day: dt.date) -> None:
        """Moves the cursor to a day, and lets rows of any day pass dlt's filter."""
        value: Any = day
        if isinstance(self._incremental.initial_value, str):  # the type is the user's choice
            value = day.isoformat()
        elif isinstance(self._incremental.initial_value, dt.datetime):
            value = dt.datetime.combine(day, dt.time(), dt.timezone.utc)
        self._incremental.advance(value)

    def closed_days(self, first_day: dt.date, end_date: dt.date | None) -> list[dt.date] | None:
        """Returns the days of a closed range, less those outside of the configured days; None if it is open.

        A range is closed by our `end_date`, a user's `end_value`, or a scheduler's interval.
        """
        if self._incremental.end_value is None:
            return None
        low, high = self._interval()
        first, last = parse_day(low, "the interval's start"), parse_day(high, "the interval's end")
        if self._incremental.range_end == "open" and _is_midnight(high):
            last -= ONE_DAY
        last = max(last, first)  # an interval within one day is that day
        first, last = max(first, first_day), min(last, end_date or last)
        return DayRange(first, last).days() if first <= last else []

    def _interval(self) -> tuple[Any, Any]:
        interval, context = dlt.current.interval(), get_interval_context()
        joins = self._incremental.allow_external_schedulers
        if joins is None and context is not None:
            joins = context.allow_external_schedulers
        return interval if joins and interval else (self._incremental.initial_value, self._incremental.end_value)


def _is_midnight(moment: Any) -> bool:
    """Returns whether a value is the start of a UTC day: a date, or a date-time at midnight."""
    in_utc = moment.astimezone(dt.timezone.utc) if isinstance(moment, dt.datetime) and moment.tzinfo else moment
    return not isinstance(in_utc, dt.datetime) or in_utc.time() == dt.time()
