"""Days of the tests, most of them of the week up to `NOW`, and records of a day."""

from __future__ import annotations

import datetime as dt
from typing import Any

from claude_code_simulator import record
from support.world import FIRST_DAY, TODAY

MONDAY = FIRST_DAY
TUESDAY = MONDAY + dt.timedelta(days=1)
# A closed range of two days.
CLOSED: dict[str, Any] = {"start_date": MONDAY, "end_date": TUESDAY}
# The seven days that an open run of `World` covers.
WEEK = [MONDAY + dt.timedelta(days=number) for number in range(7)]


def september(day: int) -> dt.date:
    """Returns a day of September 2026, of which the clock shows the 20th."""
    return dt.date(2026, 9, day)


def days(first: int, last: int) -> list[dt.date]:
    """Returns days of September 2026."""
    return [september(day) for day in range(first, last + 1)]


def noon(day: int) -> dt.datetime:
    """Returns noon of a day of September 2026."""
    return dt.datetime(2026, 9, day, 12, tzinfo=dt.timezone.utc)


def back(days: int) -> dt.date:
    """Returns the day so many days before today."""
    return TODAY - dt.timedelta(days=days)


def people(count: int, day: dt.date = MONDAY, **fields: Any) -> list[dict[str, Any]]:
    """Builds the records of so many people."""
    return [record(day, email=f"dev{number}@example.test", **fields) for number in range(count)]
