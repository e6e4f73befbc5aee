"""Periods as people think of them: the last days, ISO weeks or a month, each with what it is compared with. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from claude_code_analytics import ConfigurationError
from claude_code_analytics.dates import ONE_DAY, DayRange, list_ranges

# Four of each weekday.
DEFAULT_DAYS = 28
WEEK = 7 * ONE_DAY


@dataclass(frozen=True)
class Calendar:
    """The days of an organization by its ledger (METRICS, R6), and the UTC day of today."""

    loaded: frozenset[dt.date]
    final: frozenset[dt.date]
    today: dt.date

    @cached_property
    def newest(self) -> dt.date:
        """The newest final day, or without one the newest loaded day."""
        return max(self.final or self.loaded)

    def are_final(self, days: Iterable[dt.date]) -> bool:
        """Returns true if there are days, and all of them are loaded and final."""
        days = set(days)
        return bool(days) and days <= self.final


@dataclass(frozen=True)
class Period:
    """Days that are shown, and those that they are compared with.

    Attributes:
        days: The days shown.
        before: The days compared with.
        name: `28 days`, `October 2026`.
        name_before: What they are compared with, as it ends a sentence.
        left_out: Days on either side that do not count, because the other side lacks their like.
        is_comparable: Whether both sides are complete.
        is_running: Whether it is the month of today, so far.
        note: What the reader has to know about the choice.
    """

    days: DayRange
    before: DayRange
    name: str
    name_before: str
    calendar: Calendar
    left_out: frozenset[dt.date] = field(default_factory=frozenset)
    is_running: bool = False
    note: str = ""

    @cached_property
    def counted(self) -> frozenset[dt.date]:
        """The days that count."""
        return frozenset(self.days.days()) - self.left_out

    @cached_property
    def is_complete(self) -> bool:
        """True if all days are loaded and final."""
        return self.calendar.are_final(self.counted)

    @cached_property
    def is_comparable(self) -> bool:
        """True if this and the days before are complete."""
        return self.is_complete and self.calendar.are_final(set(self.before.days()) - self.left_out)

    @property
    def sentence(self) -> str:
        """Completeness of the period, and the days that it is compared with."""
        gaps = self.gaps
        if gaps:
            return f"{gaps}: no comparison with {self.name_before}."
        if not self.is_comparable:
            return f"All {len(self.counted)} days are final, but not all of {self.name_before}: no comparison."
        left_out = sorted({day.day for day in self.left_out})
        without = f" Day {', '.join(map(str, left_out))} is left out of both months: a gap." if left_out else ""
        return f"All {len(self.counted)} days are final. Changes are against {self.name_before}.{without}"

    @property
    def gaps(self) -> str:
        """The days that are not loaded or not final, in words; empty if there are none."""
        missing = self.counted - self.calendar.loaded
        partial = self.counted - missing - self.calendar.final
        counted = ((len(missing), "not loaded"), (len(partial), "not final"))
        gaps = [f"{number} {'is' if number == 1 else 'are'} {what}" for number, what in counted if number]
        return f"Of {len(self.counted)} days, {' and '.join(gaps)}" if gaps else ""

    def is_whole(self, bucket: DayRange) -> bool:
        """Returns true if a week or month lies within the period, and all its days are final."""
        return set(bucket.days()) <= self.counted and self.calendar.are_final(bucket.days())


def choose(
    calendar: Calendar,
    month: dt.date | None = None,
    weeks: int | None = None,
    first: dt.date | None = None,
    last: dt.date | None = None,
) -> Period:
    """Returns the period of a request, by default the 28 days that end with the newest final day (METRICS, R14).

    Args:
        calendar: The loaded and final days.
        month: First day of a month.
        weeks: Number of complete ISO weeks.
        first: First day.
        last: Last day.

    Raises:
        ConfigurationError: Two choices at once, or days that are not loaded or lie in the future.
    """
    if sum((month is not None, weeks is not None, first is not None or last is not None)) > 1:
        raise ConfigurationError("choose one period: --month, or --weeks, or --start with --end")
    try:
        if month is not None:
            period = _month(calendar, month)
        elif weeks is not None:
            period = _weeks(calendar, weeks)
        else:
            period = _days(calendar, first, last)
    except OverflowError:
        raise ConfigurationError(f"no period is before {first}; choose a later --start") from None
    if not period.counted & calendar.loaded:
        has = list_ranges(sorted(calendar.loaded), 3)
        days = period.days
        raise ConfigurationError(f"no day from {days.first} to {days.last} is loaded; the dataset has {has}")
    return period


def _days(calendar: Calendar, first: dt.date | None, last: dt.date | None) -> Period:
    last = last or calendar.newest
    first = first or last - ONE_DAY * (DEFAULT_DAYS - 1)
    if last < first:
        raise ConfigurationError(f"the last final day is {last}, before --start {first}; give an --end")
    days = DayRange(first, last)
    return _against_the_days_before(calendar, days, "1 day" if first == last else f"{len(days)} days")


def _weeks(calendar: Calendar, weeks: int) -> Period:
    last = monday(calendar.newest + ONE_DAY) - ONE_DAY
    name = "1 week" if weeks == 1 else f"{weeks} weeks"
    return _against_the_days_before(calendar, DayRange(last - WEEK * weeks + ONE_DAY, last), name)


def _against_the_days_before(calendar: Calendar, days: DayRange, name: str) -> Period:
    before = DayRange(days.first - ONE_DAY * len(days), days.first - ONE_DAY)
    return Period(days, before, name, f"the {name} before", calendar)


def _month(calendar: Calendar, month: dt.date) -> Period:
    running = calendar.today.replace(day=1)
    if month > running:
        raise ConfigurationError(f"{month:%Y-%m} is in the future; the running month is {running:%Y-%m}")
    if month < running:
        return _whole_month(calendar, month)
    final = [day for day in calendar.final if month <= day <= calendar.today]
    if not final:
        note = f"{month:%B %Y} has no final day yet, so the month before is shown."
        return _whole_month(calendar, before_month(month), note)
    return month_so_far(calendar, DayRange(month, max(final)))


def _whole_month(calendar: Calendar, month: dt.date, note: str = "") -> Period:
    before = month_of(before_month(month))
    name_before = f"{before.first:%B %Y} ({len(before)} days)"
    return Period(month_of(month), before, f"{month:%B %Y}", name_before, calendar, note=note)


def month_so_far(calendar: Calendar, days: DayRange) -> Period:
    """Returns the first days of a month against the same days of the month before (METRICS, R14)."""
    whole = month_of(before_month(days.first))
    before = DayRange(whole.first, whole.first + ONE_DAY * (min(len(days), len(whole)) - 1))
    gaps = {day.day for day in {*days.days(), *before.days()} - calendar.final}
    if min(calendar.loaded) > before.first:  # nothing to compare with: a gap lies between loaded days
        gaps = {day.day for day in set(days.days()) - calendar.final}
    return Period(
        days,
        before,
        f"{days.first:%B %Y} so far",
        f"the same days of {before.first:%B} ({len(before)} days)",
        calendar,
        frozenset(day for day in (*days.days(), *before.days()) if day.day in gaps),
        is_running=True,
    )


def monday(day: dt.date) -> dt.date:
    """Returns the Monday of a day's ISO week."""
    return day - dt.timedelta(days=day.weekday())


def month_of(day: dt.date) -> DayRange:
    """Returns the calendar month of a day."""
    first = day.replace(day=1)
    return DayRange(first, (first + 31 * ONE_DAY).replace(day=1) - ONE_DAY)


def before_month(month: dt.date) -> dt.date:
    """Returns the first day of the month before."""
    return (month.replace(day=1) - ONE_DAY).replace(day=1)


def in_words(days: DayRange) -> str:
    """Returns `3 to 30 November 2026`."""
    first, last = days.first, days.last
    if first == last:
        return f"{last:%-d %B %Y}"
    if first.year != last.year:
        return f"{first:%-d %B %Y} to {last:%-d %B %Y}"
    return f"{first:%-d %B} to {last:%-d %B %Y}" if first.month != last.month else f"{first:%-d} to {last:%-d %B %Y}"
