"""Which UTC days a run reads, and which days are final. Pure arithmetic on dates.

A day is the unit of everything here (decision D1); ranges are inclusive at both ends.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pendulum

from .exceptions import ConfigurationError
from .settings import FINAL_AFTER

ONE_DAY = dt.timedelta(days=1)
Day = str | dt.date | dt.datetime
"""How a user may write a day: `YYYY-MM-DD`, a date, or a datetime (its UTC day; naive means UTC)."""


@dataclass(frozen=True)
class DayRange:
    """Days from `first` to `last`, both included.

    Attributes:
        first: The oldest day.
        last: The newest day; not before `first`.
    """

    first: dt.date
    last: dt.date

    def __len__(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1

    def days(self) -> list[dt.date]:
        """All days, oldest first."""
        return [self.first + ONE_DAY * number for number in range(len(self))]

    def windows(self, size: int) -> list[DayRange]:
        """The range cut into pieces of at most `size` days, oldest first."""
        starts = self.days()[::size]
        return [DayRange(start, min(start + ONE_DAY * (size - 1), self.last)) for start in starts]

    def after(self, day: dt.date) -> DayRange | None:
        """The days after `day`, or None where there are none."""
        return DayRange(max(self.first, day + ONE_DAY), self.last) if day < self.last else None

    def __str__(self) -> str:
        """The range as a person reads it: `2025-01-01` or `2025-01-01..2025-01-31`."""
        return f"{self.first}" if self.first == self.last else f"{self.first}..{self.last}"


def parse_day(value: Day, name: str) -> dt.date:
    """Reads a day that a user wrote.

    Args:
        value: The day.
        name: What the user calls it, for the error.

    Raises:
        ConfigurationError: Not a day.
    """
    if isinstance(value, dt.datetime):
        try:
            return value.astimezone(dt.timezone.utc).date() if value.tzinfo else value.date()
        except OverflowError:  # in UTC it lies before year 1 or after year 9999
            raise ConfigurationError(f"{name} is {value}; it must be a day such as 2025-01-31") from None
    if isinstance(value, dt.date):
        return value
    try:
        parsed = pendulum.parse(value.strip(), exact=True)
    except (ValueError, AttributeError):
        parsed = None
    if isinstance(parsed, dt.datetime):
        return parse_day(parsed, name)
    if not isinstance(parsed, dt.date):
        raise ConfigurationError(f"{name} is {value!r}; it must be a day such as 2025-01-31")
    return dt.date(parsed.year, parsed.month, parsed.day)


def checked_range(
    first: dt.date, last: dt.date, now: dt.datetime, names: tuple[str, str] = ("start_date", "end_date")
) -> DayRange:
    """A range that a user asked for.

    Args:
        first: First day.
        last: Last day.
        now: The time (UTC).
        names: What the user calls the two, for the error.

    Raises:
        ConfigurationError: It lies in the future, or ends before it starts.
    """
    for day, name in zip((first, last), names, strict=True):
        if day > now.date():
            raise ConfigurationError(f"{name} {day} lies in the future; today is {now.date()} (UTC)")
    if last < first:
        raise ConfigurationError(f"{names[1]} {last} lies before {names[0]} {first}; swap them")
    return DayRange(first, last)


def is_final(day: dt.date, asked_at: dt.datetime) -> bool:
    """Whether `day` is complete in an answer to a question asked at `asked_at` (aware UTC); see `FINAL_AFTER`."""
    return day <= last_final_day(asked_at)


def last_final_day(now: dt.datetime) -> dt.date:
    """The newest day that is final at `now` (aware UTC)."""
    return (now - FINAL_AFTER).date() - ONE_DAY


@dataclass(frozen=True)
class Progress:
    """How far incremental runs have come.

    Attributes:
        cursor: Newest day that was read.
        settled: Newest day such that it and all days before it were final when they were read last.
    """

    cursor: dt.date
    settled: dt.date


def days_to_read(
    *, start: dt.date, last: dt.date, progress: Progress | None, lookback: int, max_days: int | None
) -> DayRange | None:
    """The days of one incremental extract (decisions D4 and D5).

    Everything from `lookback` days before the cursor to `last`, where `max_days` allows it. Where it does not, new days
    come first, oldest first, preceded by days that were not final when they were read; the lookback waits for the
    extract that reaches `last` and takes what room that one has. Always moves on while there are new days, and leaves
    no gap.

    Args:
        start: First day that was configured; nothing before it is read.
        last: Newest day that may be read.
        progress: How far earlier runs came, or None on the first.
        lookback: Days before the cursor's day to read again.
        max_days: At most this many days, or None for no limit.

    Returns:
        The range, or None when there is nothing to read.
    """
    if progress is None:
        first = start
    else:
        first = progress.cursor - ONE_DAY * min(lookback, max((progress.cursor - start).days, 0))
        if max_days is not None and (last - first).days >= max_days:
            first = _first_of_too_many(last, progress, max_days, first)
    first = max(first, start)
    if first > last:
        return None
    if max_days is None or (last - first).days < max_days:
        return DayRange(first, last)
    return DayRange(first, first + ONE_DAY * (max_days - 1))


def _first_of_too_many(last: dt.date, progress: Progress, max_days: int, floor: dt.date) -> dt.date:
    """Where to begin when the lookback and the new days do not fit in one extract; never before `floor`."""
    new = progress.cursor + ONE_DAY
    unsettled = max(floor, min(new, progress.settled + ONE_DAY))
    if (last - unsettled).days < max_days:
        return last - ONE_DAY * (max_days - 1)
    moves_on = new > last or unsettled + ONE_DAY * (max_days - 1) >= new
    return unsettled if moves_on else new
