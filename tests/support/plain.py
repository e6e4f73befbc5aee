"""Small words for tests of all doors: days, records, refusals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

from claude_code_analytics import ClaudeCodeAnalyticsError
from claude_code_simulator import error_response, record
from support.world import FIRST_DAY, RECORD_TABLES, TODAY, World

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


def counts(world: World) -> tuple[int, ...]:
    """Returns the rows of the three record tables."""
    return tuple(world.sql(f"SELECT count(*) FROM {table}")[0][0] for table in RECORD_TABLES)


def refuse_organization(status: int = 403) -> Callable[[httpx.Request, int], httpx.Response | None]:
    """Builds a fault that refuses `organizations/me` and nothing else."""
    return lambda request, number: error_response(status, "not for you") if request.url.path.endswith("/me") else None


@contextmanager
def refused(kind: type[ClaudeCodeAnalyticsError], match: str | None = None) -> Iterator[Any]:
    """Expects a run to fail because of an error of this package, and dlt to pass its message on; yields that error."""
    with pytest.raises(PipelineStepFailed, match=match) as caught:
        yield caught
    chain: list[BaseException | None] = [caught.value]
    while chain[-1] is not None:
        chain.append(chain[-1].__cause__ or chain[-1].__context__)
    assert any(isinstance(error, kind) for error in chain), chain
