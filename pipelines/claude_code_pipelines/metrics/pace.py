"""Cost of the running month and of the one that just ended, and where it ends at the last pace (METRICS, R15). Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from claude_code_analytics.dates import ONE_DAY, DayRange

from .figures import Figures
from .measures import change_of
from .periods import DEFAULT_DAYS, WEEK, Period, before_month, choose, month_of, month_so_far
from .tables import Kind


@dataclass(frozen=True)
class Projection:
    """The cost at the month's end, at the pace of the last four weeks, and of the cheapest and dearest of them."""

    cost: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True)
class MonthToDate:
    """The cost of a month whose end is not known, or that has just ended.

    Attributes:
        month: All its days.
        days: Number of its final days.
        last: The newest of them.
        cost: Their cost.
        change: Against the same days of the month before; None if they are not comparable.
        cost_before: The cost of these same days.
        month_before: First day of the month before.
        whole_before: The cost of the final days of the whole month before.
        whole_before_days: Their number.
        projection: Where it ends; None where the last four weeks have a gap or no cost.
        budget: What it may cost.
    """

    month: DayRange
    days: int
    last: dt.date | None
    cost: Decimal
    change: float | None
    cost_before: Decimal | None
    month_before: dt.date
    whole_before: Decimal
    whole_before_days: int
    projection: Projection | None
    budget: float | None = None

    @property
    def is_final(self) -> bool:
        """True if all its days are final, so that the cost is that of the whole month."""
        return self.days == len(self.month)


def running_month(figures: Figures) -> MonthToDate | None:
    """Returns the month of today; None where the period is another one, or the newest days are older than a week."""
    running = month_of(figures.calendar.today)
    if not figures.shows_running_month or figures.calendar.newest < running.first - WEEK:
        return None
    return _to_date(figures, running)


def ended_month(figures: Figures) -> MonthToDate | None:
    """Returns the month before that of today, as long as no day after it is final; None where it is not spoken of."""
    running = month_of(figures.calendar.today)
    ended = month_of(before_month(running.first))
    is_shown = figures.shows_running_month or (figures.period.days == ended and not figures.period.is_complete)
    if not is_shown or not running.first - WEEK <= figures.calendar.newest < running.first:
        return None
    return _to_date(figures, ended)


def _to_date(figures: Figures, month: DayRange) -> MonthToDate:
    final, before = _final_days(figures, month), month_of(before_month(month.first))
    final_before = _final_days(figures, before)
    change, cost_before = _against_the_month_before(figures, month)
    return MonthToDate(
        month,
        len(final),
        max(final, default=None),
        figures.cost_of(final),
        change,
        cost_before,
        before.first,
        figures.cost_of(final_before),
        len(final_before),
        _projection(figures, final, month),
        figures.request.budget,
    )


def _final_days(figures: Figures, month: DayRange) -> list[dt.date]:
    return [day for day in month.days() if day in figures.calendar.final]


def to_date(figures: Figures, month: DayRange) -> Period | None:
    """Returns the final days of a month against the same days of the month before, a whole one against a whole one."""
    final = _final_days(figures, month)
    if not final:
        return None
    is_final = len(final) == len(month)
    days = DayRange(month.first, max(final))
    return choose(figures.calendar, month=month.first) if is_final else month_so_far(figures.calendar, days)


def _against_the_month_before(figures: Figures, month: DayRange) -> tuple[float | None, Decimal | None]:
    """Returns the change against the same days of the month before, and their cost."""
    so_far = to_date(figures, month)
    if so_far is None or not so_far.is_comparable:
        return None, None
    before = figures.cost_of(day for day in so_far.before.days() if day not in so_far.left_out)
    return change_of(Kind.MONEY, figures.cost_of(so_far.counted), before), before


def _projection(figures: Figures, final: Sequence[dt.date], month: DayRange) -> Projection | None:
    newest = figures.calendar.newest
    window = [newest - ONE_DAY * number for number in range(DEFAULT_DAYS)]
    weeks = [figures.cost_of(window[start : start + 7]) for start in range(0, DEFAULT_DAYS, 7)]
    mean = sum(weeks, Decimal(0)) / len(weeks)
    if not figures.calendar.are_final(window) or not mean:
        return None
    by_weekday = {
        weekday: figures.cost_of(day for day in window if day.weekday() == weekday) / len(weeks) for weekday in range(7)
    }
    remaining = sum((by_weekday[day.weekday()] for day in month.days() if day not in final), Decimal(0))
    cost = figures.cost_of(final)
    return Projection(cost + remaining, cost + remaining * min(weeks) / mean, cost + remaining * max(weeks) / mean)
