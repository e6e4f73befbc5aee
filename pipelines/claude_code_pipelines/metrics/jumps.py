"""Weeks that cost far more than those before them (METRICS, R16). Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

from claude_code_analytics.dates import ONE_DAY, DayRange

from .periods import WEEK, Calendar, monday
from .sums import Row, grouped, total_of

# A jump is measured against the complete ones among eight weeks, and who stopped is looked for in them (METRICS, R18).
LOOK_BACK = 8 * WEEK
_FEWEST_WEEKS = 4
_TIMES, _SHARE = Decimal("1.5"), Decimal("0.05")
_NOTHING = Decimal(0)


@dataclass(frozen=True)
class JumpWeek:
    """A week that cost more than 1.5 times the median of the weeks before."""

    week: dt.date
    cost: Decimal
    median: Decimal
    before: tuple[dt.date, ...]

    @property
    def excess(self) -> Decimal:
        """Cost above the median."""
        return self.cost - self.median


def daily_costs(rows: Iterable[Row]) -> dict[dt.date, Decimal]:
    """Returns what all actors cost by day, from rows by day and type of actor."""
    return {day: total_of(its, "cost_usd") or _NOTHING for day, its in grouped(rows, lambda row: row["day"]).items()}


def jump_weeks(costs: Mapping[dt.date, Decimal], calendar: Calendar, days: DayRange) -> list[JumpWeek]:
    """Returns the jumps among the complete weeks within some days."""
    weekly = {week: _cost(costs, week) for week in {*map(monday, calendar.final)} if _is_complete(calendar, week)}
    found = []
    for week in sorted(weekly):
        if days.first <= week and week + WEEK - ONE_DAY <= days.last:
            before = tuple(each for each in weekly if week - LOOK_BACK <= each < week)
            jump = _jump(week, weekly, before)
            found += [jump] if jump else []
    return found


def _jump(week: dt.date, weekly: Mapping[dt.date, Decimal], before: tuple[dt.date, ...]) -> JumpWeek | None:
    if len(before) < _FEWEST_WEEKS:
        return None
    earlier = [weekly[each] for each in before]
    jump = JumpWeek(week, weekly[week], median(earlier), before)
    is_jump = jump.cost > _TIMES * jump.median and jump.excess >= _SHARE * sum(earlier)
    return jump if is_jump and jump.excess else None


def _cost(costs: Mapping[dt.date, Decimal], week: dt.date) -> Decimal:
    return sum((costs.get(day, _NOTHING) for day in DayRange(week, week + WEEK - ONE_DAY).days()), _NOTHING)


def _is_complete(calendar: Calendar, week: dt.date) -> bool:
    return calendar.are_final(DayRange(week, week + WEEK - ONE_DAY).days())
