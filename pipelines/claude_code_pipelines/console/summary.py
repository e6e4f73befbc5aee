"""The words at the end: what was loaded and where to, what a warehouse holds, what the API said to a credential."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from claude_code_analytics.claude_code.pages import FetchedDay
from claude_code_analytics.dates import DayRange
from claude_code_analytics.settings import TABLES

from ..ledger import Status
from ..load import Loading
from ..windows import ranges

EMPTY_IS_SUSPICIOUS = (
    "not one record came back, which is suspicious. The API reports Claude Code on the Claude API only: not on "
    "Amazon Bedrock, Google Cloud, Microsoft Foundry or Claude Platform on AWS; not Claude Enterprise organizations, "
    "which have an API of their own; and people who sign in with a Claude subscription are reported to be missing"
)
_MOST_RANGES = 8


def loaded(loading: Loading, dataset: str) -> Iterator[str]:
    """What a load that is done has done, line by line."""
    if not loading.committed:
        yield "nothing to load"
        return
    yield f"loaded {_count(loading.days, 'day')} ({_extent(loading)}), {_count(loading.records, 'record')}"
    for table in TABLES:
        yield f"  {table:<36}{loading.rows.get(table, 0):>12,} rows"
    yield f"into {loading.destination}, dataset {dataset}"
    if not loading.records:
        yield f"warning: {EMPTY_IS_SUSPICIOUS}"


def stopped(loading: Loading) -> str:
    """What is committed of a load that was stopped."""
    if not loading.committed:
        return "nothing was committed; run the same command again"
    return (
        f"committed: {_count(loading.days, 'day')}, {_extent(loading)}; run the same command again to go on from there"
    )


def status_lines(status: Status) -> Iterator[str]:
    """A warehouse's status for a person."""
    if not status.loaded:
        asked = f" of {status.first} to {status.last}" if status.first else ""
        yield f"nothing{asked} is loaded yet"
        return
    all_days = _count(len(status.loaded) + len(status.missing), "day")
    yield f"{len(status.loaded)} of {all_days} loaded, {status.first} to {status.last}"
    yield f"organization {', '.join(status.organizations)}, {_count(status.records, 'record')}"
    if status.last_fetch:
        yield f"last fetch {status.last_fetch:%Y-%m-%d %H:%M:%S} UTC"
    for title in ("missing", "partial", "changed", "damaged", "interrupted"):
        yield f"{title + ':':<13}{_ranges(getattr(status, title))}"
    if status.damaged:
        yield "the damaged days hold more or fewer records than the API gave; a backfill puts them right"
    if status.interrupted:
        yield "the interrupted days are being written, or a load of them was stopped; the next load reads them again"
    for table, rows in status.rows.items():
        yield f"  {table:<36}{rows:>12,} rows"


def status_json(status: Status) -> dict[str, Any]:
    """A warehouse's status for a program: days as `YYYY-MM-DD`, times as RFC 3339."""
    return {key: _plain(value) for key, value in asdict(status).items()}


def checked(organization: str | None, days: Sequence[FetchedDay]) -> Iterator[str]:
    """What the API's answers to a credential mean, line by line."""
    yield f"the credential works: the API answered for {days[0].date} to {days[-1].date}"
    yield f"organization {organization or 'not told'}"
    records = [record for day in days for record in day.records()]
    if not records:
        yield f"warning: {EMPTY_IS_SUSPICIOUS}"
        return
    customers = Counter(str(record.get("customer_type")) for record in records)
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in customers.most_common())
    yield f"{_count(len(records), 'record')} by customer_type: {kinds}"


def _extent(loading: Loading) -> str:
    first = min(window.days.first for window in loading.committed)
    last = max(window.days.last for window in loading.committed)
    return str(DayRange(first, last))


def _ranges(days: Iterable[dt.date]) -> str:
    """Days as ranges: `2025-01-01..2025-01-03, 2025-02-01`."""
    found = ranges(days)
    shown = ", ".join(map(str, found[:_MOST_RANGES]))
    return f"{shown} and {len(found) - _MOST_RANGES} more" if len(found) > _MOST_RANGES else shown or "none"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _plain(value: Any) -> Any:
    if isinstance(value, (dt.date, dt.datetime)):
        return value.isoformat()
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
