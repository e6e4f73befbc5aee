"""The running month: its cost so far, and where it ends at the pace of the last four weeks (METRICS, R15). Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from claude_code_analytics.dates import ONE_DAY, DayRange

from .figures import Figures
from .headlines import change_of
from .periods import DEFAULT_DAYS, WEEK, before_month, choose, month_of
from .tables import Kind


@dataclass(frozen=True)
class Projection:
    """The cost at the month's end, at the pace of the last four weeks, and of the cheapest and dearest of them."""

    cost: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True)
class RunningMonth:
    """The cost of the month of today.

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


def running_month(figures: Figures) -> RunningMonth | None:
    """Returns the running month; None where the period is another one, or the newest days are older than a week."""
    calendar = figures.calendar
    month = month_of(calendar.today)
    if not figures.shows_running_month or calendar.newest < month.first - WEEK:
        return None
    final = [day for day in month.days() if day in calendar.final]
    before = month_of(before_month(month.first))
    final_before = [day for day in before.days() if day in calendar.final]
    change, cost_before = _against_the_same_days(figures, month) if final else (None, None)
    return RunningMonth(
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


def _against_the_same_days(figures: Figures, month: DayRange) -> tuple[float | None, Decimal | None]:
    """Returns the change against the same days of the month before, and their cost."""
    so_far = choose(figures.calendar, month=month.first)
    if not so_far.is_comparable:
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
