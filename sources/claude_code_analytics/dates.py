"""UTC days: ranges, finality, and the forms in which users, dlt and schedulers write a day (decisions D1, D13)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass

import pendulum

from .constants import FINAL_AFTER
from .exceptions import ConfigurationError

ONE_DAY = dt.timedelta(days=1)

# How a user may write a day: `YYYY-MM-DD`, a date, or a date-time (its UTC day; naive means UTC).
Day = str | dt.date | dt.datetime

_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ISO_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:?\d{2}.*", re.ASCII)


@dataclass(frozen=True)
class DayRange:
    """Days from `first` to `last`, both included."""

    first: dt.date
    last: dt.date

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def days(self) -> list[dt.date]:
        return [self.first + ONE_DAY * number for number in range(len(self))]

    def __str__(self) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first}..{self.last}"


def ranges(days: Iterable[dt.date]) -> list[DayRange]:
    """Folds days, oldest first, into the fewest ranges."""
    found: list[DayRange] = []
    for day in days:
        if found and day == found[-1].last + ONE_DAY:
            found[-1] = DayRange(found[-1].first, day)
        else:
            found.append(DayRange(day, day))
    return found


def list_ranges(days: Iterable[dt.date], most: int = 8) -> str:
    """Lists days for a person: `2025-01-01..2025-01-03, 2025-02-01 and 4 more`."""
    found = ranges(sorted(days))
    shown = ", ".join(map(str, found[:most]))
    return f"{shown} and {len(found) - most} more" if len(found) > most else shown


def parse_day(value: Day, name: str) -> dt.date:
    """Parses a day that a user, dlt or an orchestrator wrote into the setting `name`.

    The result is exactly a `datetime.date`: dlt cannot serialize pendulum's subclass of it.
    """
    moment: object = value
    if isinstance(value, str):
        text = value.strip()
        try:
            if _ISO_DAY.fullmatch(text):
                moment = dt.date.fromisoformat(text)
            elif _ISO_TIME.fullmatch(text):
                moment = pendulum.parse(text, exact=True)
        except ValueError:
            moment = None
    if isinstance(moment, dt.datetime):
        try:
            moment = moment.astimezone(dt.timezone.utc) if moment.tzinfo else moment
        except OverflowError:  # in UTC it lies before year 1 or after year 9999
            moment = None
    if not isinstance(moment, dt.date):
        raise ConfigurationError(f"{name} is {str(value)[:60]!r}; it must be a day such as 2025-01-31")
    return dt.date(moment.year, moment.month, moment.day)


def check_range(
    first: dt.date | None,
    last: dt.date | None,
    today: dt.date | None = None,
    names: tuple[str, str] = ("start_date", "end_date"),
) -> None:
    """Refuses a range that lies after `today` (UTC, by the API's clock), or ends before it starts."""
    for day, name in zip((first, last), names, strict=True):
        if day is not None and today is not None and day > today:
            raise ConfigurationError(f"{name} {day} is in the future; today is {today} (UTC)")
    if first is not None and last is not None and last < first:
        raise ConfigurationError(f"{names[1]} {last} is before {names[0]} {first}; swap them")


def end_of(day: dt.date) -> dt.datetime:
    """Returns the end of a UTC day (aware)."""
    return dt.datetime.combine(day, dt.time(), dt.timezone.utc) + ONE_DAY


def is_final(day: dt.date, fetched_at: dt.datetime) -> bool:
    """Returns whether a fetch at `fetched_at` (aware UTC) shows the whole day; see `FINAL_AFTER`."""
    return day <= last_final_day(fetched_at)


def last_final_day(now: dt.datetime) -> dt.date:
    """Returns the newest day that is final at `now` (aware UTC)."""
    return (now - FINAL_AFTER).date() - ONE_DAY
