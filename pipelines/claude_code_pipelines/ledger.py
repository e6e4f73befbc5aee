"""The ledger of days, read back: days that are loaded, missing, partial, or changed by the API since (D10)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import dlt
import pendulum

from claude_code_analytics import DestinationError
from claude_code_analytics.dates import DayRange, last_final_day
from claude_code_analytics.settings import DAYS_TABLE, RECORD_TABLES, TABLES, USAGE_TABLE

from .books import books
from .journal import open_windows
from .pipeline import analytics_schema


@dataclass(frozen=True)
class Entry:
    """One fetch of one day.

    Attributes:
        organization_id: Organization.
        date: The UTC day.
        fetched_at: When it was fetched (UTC).
        records: Records that the API gave.
        content_hash: Hash of the content.
        is_final: Whether the day was final when it was fetched.
    """

    organization_id: str
    date: dt.date
    fetched_at: dt.datetime
    records: int
    content_hash: str
    is_final: bool


@dataclass(frozen=True)
class Status:
    """What a warehouse holds.

    Attributes:
        organizations: Ids of the organizations that were loaded.
        first: First day asked about, or None when nothing is loaded.
        last: Last day asked about.
        loaded: Days that were fetched at least once.
        missing: Days between first and last that never were.
        partial: Days that were not final when they were fetched last; the next load reads them again.
        changed: Days whose content differed between two fetches although they were final at the first.
        damaged: Days that do not hold as many records as the API gave: somebody changed the table. A backfill of them
            puts them right.
        interrupted: Days that a load has begun to write and not finished; the next load reads them again. They may tell
            of two answers until then.
        records: Records of the loaded days, as of the last fetch.
        rows: Rows by table.
        last_fetch: When anything was fetched last (UTC).
    """

    organizations: tuple[str, ...] = ()
    first: dt.date | None = None
    last: dt.date | None = None
    loaded: tuple[dt.date, ...] = ()
    missing: tuple[dt.date, ...] = ()
    partial: tuple[dt.date, ...] = ()
    changed: tuple[dt.date, ...] = ()
    damaged: tuple[dt.date, ...] = ()
    interrupted: tuple[dt.date, ...] = ()
    records: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    last_fetch: dt.datetime | None = None


def read_entries(pipeline: dlt.Pipeline) -> list[Entry] | None:
    """All entries of the ledger; None when nothing was loaded yet, or when the ledger was removed: all is read again.

    Raises:
        DestinationError: The ledger could not be read, or the tables are not those any more that were loaded.
    """
    if not _has_ledger(pipeline):
        return None
    rows = _query(
        pipeline, DAYS_TABLE, "SELECT organization_id, date, fetched_at, records, content_hash, is_final FROM {table}"
    )
    return [
        Entry(organization, _day(date), pendulum.instance(fetched_at), records, content_hash, bool(is_final))
        for organization, date, fetched_at, records, content_hash, is_final in rows
    ]


def read_status(
    pipeline: dlt.Pipeline, now: dt.datetime, first: dt.date | None = None, last: dt.date | None = None
) -> Status:
    """What the warehouse behind `pipeline` holds.

    Args:
        pipeline: An opened pipeline.
        now: The time (UTC).
        first: First day to look at; by default the first that is loaded.
        last: Last day to look at; by default the newest that is final, or loaded.
    """
    entries = read_entries(pipeline)
    interrupted = {day for window in open_windows(pipeline) for day in window.days.days()}
    if not entries:
        return summarize([], {}, now, first, last, interrupted=interrupted)
    rows = {table: int(_query(pipeline, table, "SELECT COUNT(*) FROM {table}")[0][0]) for table in RECORD_TABLES}
    held = {_day(day): int(count) for day, count in _query(pipeline, USAGE_TABLE, _ROWS_BY_DAY)}
    return summarize(entries, rows, now, first, last, held, interrupted)


def summarize(
    entries: Iterable[Entry],
    rows: dict[str, int],
    now: dt.datetime,
    first: dt.date | None = None,
    last: dt.date | None = None,
    held: Mapping[dt.date, int] | None = None,
    interrupted: Iterable[dt.date] = (),
) -> Status:
    """The status that ledger entries amount to; see `read_status`.

    Args:
        entries: The ledger.
        rows: Rows by table.
        now: The time (UTC).
        first: First day to look at.
        last: Last day to look at.
        held: Records that the table has of each day, where they were counted.
        interrupted: Days that a load has begun to write and not finished.
    """
    by_day: defaultdict[dt.date, list[Entry]] = defaultdict(list)
    for entry in sorted(entries, key=lambda entry: entry.fetched_at):
        by_day[entry.date].append(entry)
    if not by_day and first is None:
        return Status(rows=rows, interrupted=tuple(sorted(interrupted)))
    first = first or min(by_day)
    last = last or max([last_final_day(now), *by_day])
    asked = DayRange(first, last).days() if first <= last else []
    loaded = [day for day in asked if day in by_day]
    newest = {day: {entry.organization_id: entry for entry in by_day[day]} for day in loaded}
    records = {day: sum(entry.records for entry in newest[day].values()) for day in loaded}
    return Status(
        organizations=tuple(sorted({entry.organization_id for day in loaded for entry in by_day[day]})),
        first=first,
        last=last,
        loaded=tuple(loaded),
        missing=tuple(day for day in asked if day not in by_day),
        partial=tuple(day for day in loaded if not all(entry.is_final for entry in newest[day].values())),
        changed=tuple(day for day in loaded if _has_changed(by_day[day])),
        damaged=tuple(day for day in loaded if held is not None and held.get(day, 0) != records[day]),
        interrupted=tuple(sorted(day for day in interrupted if first <= day <= last)),
        records=sum(records.values()),
        rows=rows,
        last_fetch=max((entry.fetched_at for day in loaded for entry in by_day[day]), default=None),
    )


def _has_changed(entries: list[Entry]) -> bool:
    """Whether any organization's day was fetched with other content after it was final."""
    seen: defaultdict[str, set[str]] = defaultdict(set)
    for entry in entries:
        if entry.is_final:
            seen[entry.organization_id].add(entry.content_hash)
    return any(len(hashes) > 1 for hashes in seen.values())


def _has_ledger(pipeline: dlt.Pipeline) -> bool:
    """Whether the ledger is there.

    Raises:
        DestinationError: It is, but somebody changed a table: what the ledger says of it is not true any more.
    """
    known = analytics_schema(pipeline)
    if known is None:
        return False
    stored = books(pipeline).columns()
    if not stored[DAYS_TABLE]:
        return False
    changes = []
    for table, schema in known.tables.items():
        if table not in TABLES:
            continue
        if not stored[table]:
            changes.append(f"table {table} is gone")
            continue
        for name, column in schema["columns"].items():
            wanted, found = column.get("data_type"), stored[table].get(name.lower())
            if wanted and name.lower() not in stored[table]:
                changes.append(f"{table}.{name} is gone")
            elif wanted and found and found != wanted:
                changes.append(f"{table}.{name} is {found} and was {wanted}")
    if changes:
        raise DestinationError(
            f"somebody changed the warehouse: {', '.join(changes[:_MOST_CHANGES])}. Put it back as it was, or remove "
            f"all tables {USAGE_TABLE}* and {DAYS_TABLE} and run the same command again: days are then read anew"
        )
    return True


_MOST_CHANGES = 3
_ROWS_BY_DAY = "SELECT date, COUNT(*) FROM {table} GROUP BY date"


def _query(pipeline: dlt.Pipeline, table: str, sql: str) -> list[Any]:
    return books(pipeline).ask(table, sql)


def _day(value: Any) -> dt.date:
    """A DATE as its driver gives it: some give text."""
    return value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value)[:10])
