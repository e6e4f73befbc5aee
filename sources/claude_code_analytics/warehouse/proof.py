"""The proof: what the warehouse holds of each organization and day, from one query over its own tables (decision D5).

A day is held when all rows that the record tables have of it carry the load id of its newest fetch in the ledger, and
their numbers are that fetch's counts. The planner, `load()` and `status` read this one query.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import dlt

from .altered_tables import stored_tables
from .backend import Backend, StoredColumns, open_backend
from .destinations import destination_of
from .schema import LOAD_ID, Table

# The API's `Date` header has whole seconds, so another load's fetch may lie that far ahead of this load's clock.
CLOCK_TOLERANCE = dt.timedelta(seconds=2)

# What the proof reads of the ledger beside the counts.
_LEDGER_COLUMNS = ("organization_id", "date", LOAD_ID, "fetched_at", "actor_identity", "is_final")


@dataclass(frozen=True)
class DayState:
    """State of one organization's day in the warehouse.

    Attributes:
        fetched_at: When the newest fetch was made (UTC); None where the ledger has no row.
        is_final: Whether that fetch was final.
        is_held: Whether the tables hold exactly what that fetch returned.
        problem: Why the day is not held.
        has_changed: Whether final fetches of the day differ in content.
        records: Records of the newest fetch.
        rows: Rows that each record table has of the day, the root first.
        actor_identity: How the newest fetch treated actors.
    """

    fetched_at: dt.datetime | None = None
    is_final: bool = False
    is_held: bool = False
    problem: str | None = "never fetched"
    has_changed: bool = False
    records: int = 0
    rows: tuple[int, ...] = ()
    actor_identity: str | None = None

    def is_held_since(self, began: dt.datetime) -> bool:
        """Returns whether the day is held by a fetch that was made then or later."""
        return self.is_held and self.fetched_at is not None and self.fetched_at >= began


@dataclass(frozen=True)
class Proof:
    """States of all days in the warehouse, by organization and day.

    Attributes:
        states: All days that the ledger or a record table knows.
        stored: The columns of the tables that exist.
    """

    states: Mapping[tuple[str, dt.date], DayState] = field(default_factory=dict)
    stored: StoredColumns = field(default_factory=dict)

    @cached_property
    def organizations(self) -> dict[str, dict[dt.date, DayState]]:
        """By organization, in alphabetical order, the states of its days."""
        found: dict[str, dict[dt.date, DayState]] = {name: {} for name in sorted({name for name, _ in self.states})}
        for (name, day), state in self.states.items():
            found[name][day] = state
        return found

    def of(self, organization: str) -> Mapping[dt.date, DayState]:
        """Returns the states of an organization's days."""
        return self.organizations.get(organization, {})


def read_proof(
    pipeline: dlt.Pipeline, schema_name: str, tables: Sequence[Table], ledger: Table, **window: Any
) -> Proof:
    """Opens the destination behind a pipeline, and queries it for the proof; `window` as `query_proof` takes it.

    Raises:
        ConfigurationError: The tables were changed by hand.
        DltException: The destination cannot be queried.
    """
    with open_backend(pipeline, schema_name) as backend:
        stored = stored_tables(backend, tables, ledger, reports_types=destination_of(pipeline).reports_types)
        return query_proof(backend, tables, ledger, stored, **window)


def query_proof(
    backend: Backend,
    tables: Sequence[Table],
    ledger: Table,
    stored: StoredColumns,
    *,
    now: dt.datetime | None = None,
    first: dt.date | None = None,
    last: dt.date | None = None,
) -> Proof:
    """Queries the warehouse for the proof.

    Args:
        backend: The opened destination.
        tables: The record tables, the root first.
        ledger: Their ledger.
        stored: The tables that exist; the others hold nothing, and a column that is missing holds NULL.
        now: Fetches later than this (and two seconds) are ignored: a load does not believe in its own future. None
            takes all fetches.
        first: First day to look at; None for all.
        last: Last day to look at.
    """
    window = "1 = 1"
    if first and last:
        window = f"{backend.column('date')} BETWEEN DATE '{first}' AND DATE '{last}'"
    branches = [
        _rows_of(backend, table, place, len(tables), stored, window)
        for place, table in enumerate(tables)
        if table.name in stored
    ]
    parameters: tuple[dt.datetime, ...] = ()
    if ledger.name in stored:
        branches.insert(0, _newest_fetch(backend, tables, ledger, stored, window, now))  # the union takes its types
        parameters = () if now is None else (now + CLOCK_TOLERANCE,)
    if not branches:
        return Proof(stored=stored)
    sums = ", ".join(f"SUM(n{place}) AS n{place}, SUM(r{place}) AS r{place}" for place in range(len(tables)))
    rows = backend.query(_PROOF.format(sums=sums, branches=" UNION ALL ".join(branches)), *parameters)
    return Proof({(str(row[0]), _day(row[1])): _state(*row[2:12], counts=row[12:]) for row in rows}, stored)


def _expressions(backend: Backend, table: Table, stored: StoredColumns) -> dict[str, str]:
    """Returns what stands for each column in SQL: its name, or NULL where an older version made the table."""
    return {
        column.name: backend.column(column.name) if column.name in stored[table.name] else "NULL"
        for column in table.columns
    }


def _rows_of(backend: Backend, table: Table, place: int, tables: int, stored: StoredColumns, window: str) -> str:
    columns = _expressions(backend, table, stored)
    grouped = [columns[name] for name in ("organization_id", "date", LOAD_ID) if columns[name] != "NULL"]
    numbers = [f"0 AS n{other}, 0 AS r{other}" for other in range(tables)]
    numbers[place] = f"-COUNT(*) AS n{place}, COUNT(*) AS r{place}"
    return _ROWS.format(
        **columns,
        rows=backend.table(table.name),
        numbers=", ".join(numbers),
        grouped=", ".join(grouped),
        window=window,
    )


def _newest_fetch(
    backend: Backend,
    tables: Sequence[Table],
    ledger: Table,
    stored: StoredColumns,
    window: str,
    now: dt.datetime | None,
) -> str:
    columns = _expressions(backend, ledger, stored)
    counts = [columns[str(table.counted_as)] for table in tables]
    read = [columns[name] for name in _LEDGER_COLUMNS] + counts
    return _NEWEST_FETCH.format(
        **columns,
        ledger=backend.table(ledger.name),
        read=", ".join(column for column in read if column != "NULL"),
        numbers=", ".join(f"{count} AS n{place}, 0 AS r{place}" for place, count in enumerate(counts)),
        root_count=counts[0],
        window=window,
        until="1 = 1" if now is None else f"{columns['fetched_at']} <= %s",
    )


_PROOF = """
SELECT o, d,
  MAX(fetched_at) AS fetched_at, MAX(newest) AS newest, MAX(actor_identity) AS actor_identity,
  MAX(is_final) AS is_final, MAX(has_changed) AS has_changed,
  SUM(fetches) AS fetches, MIN(load_id) AS first_load, MAX(load_id) AS last_load,
  SUM(doubled) AS doubled, MAX(undecoded) AS undecoded, {sums}
FROM ({branches}) x
GROUP BY o, d
"""

# The newest fetch of each day. `fetches` is 1 unless its package had fetched the day before: a day that one package
# fetched twice holds the union of two responses. Rows that a resumed package appended twice count once.
_NEWEST_FETCH = """
SELECT {organization_id} AS o, {date} AS d,
  {fetched_at} AS fetched_at, {_dlt_load_id} AS newest, {actor_identity} AS actor_identity,
  CASE WHEN {is_final} THEN 1 ELSE 0 END AS is_final,
  CASE WHEN low_hash <> high_hash THEN 1 ELSE 0 END AS has_changed,
  CASE WHEN first_fetch = {fetched_at} THEN 1 ELSE 0 END AS fetches,
  {_dlt_load_id} AS load_id, 0 AS doubled,
  CASE WHEN {root_count} IS NULL THEN 1 ELSE 0 END AS undecoded, {numbers}
FROM (
  SELECT {read},
    ROW_NUMBER() OVER (
      PARTITION BY {organization_id}, {date} ORDER BY {fetched_at} DESC, {_dlt_load_id} DESC
    ) AS place,
    MIN({fetched_at}) OVER (PARTITION BY {organization_id}, {date}, {_dlt_load_id}) AS first_fetch,
    MIN(CASE WHEN {is_final} THEN {content_hash} END) OVER (PARTITION BY {organization_id}, {date}) AS low_hash,
    MAX(CASE WHEN {is_final} THEN {content_hash} END) OVER (PARTITION BY {organization_id}, {date}) AS high_hash
  FROM {ledger}
  WHERE {window} AND {until}
) l
WHERE place = 1
"""

# The rows of one table by day and load. `n0`, `n1`, ... are the rows of each table by the ledger less those in the
# table, `r0`, `r1`, ... those in the table. `doubled` finds a row that is there twice while another one is lost. Rows
# without a load id count as another load.
_ROWS = """
SELECT {organization_id} AS o, {date} AS d,
  NULL AS fetched_at, NULL AS newest, NULL AS actor_identity,
  0 AS is_final, 0 AS has_changed, 0 AS fetches,
  COALESCE({_dlt_load_id}, '') AS load_id, COUNT(*) - COUNT(DISTINCT {_dlt_id}) AS doubled,
  0 AS undecoded, {numbers}
FROM {rows}
WHERE {window}
GROUP BY {grouped}
"""


def _state(
    fetched_at: Any,
    newest: str | None,
    actor_identity: str | None,
    is_final: int,
    has_changed: int,
    fetches: int,
    first_load: str,
    last_load: str,
    doubled: int,
    undecoded: int,
    *,
    counts: Sequence[Any],
) -> DayState:
    differences, rows = [int(count or 0) for count in counts[0::2]], tuple(map(int, counts[1::2]))
    problems = {
        "rows without a ledger entry": newest is None,
        "its content did not decode": undecoded,
        "rows of another load": first_load != last_load,
        "row counts differ from the ledger": any(differences),
        "rows are doubled": doubled,
        "fetched twice in one load package": fetches != 1,
    }
    problem = next((what for what, is_so in problems.items() if is_so), None)
    return DayState(
        fetched_at=_moment(fetched_at),
        is_final=bool(is_final),
        is_held=problem is None,
        problem=problem,
        has_changed=bool(has_changed),
        records=differences[0] + rows[0] if newest is not None else 0,
        rows=rows,
        actor_identity=actor_identity,
    )


def _moment(value: Any) -> dt.datetime | None:
    if isinstance(value, str):
        value = dt.datetime.fromisoformat(value)
    if value is None:
        return None
    moment: dt.datetime = value if value.tzinfo else value.replace(tzinfo=dt.timezone.utc)
    return moment.astimezone(dt.timezone.utc)


def _day(value: Any) -> dt.date:
    """Returns a DATE as its driver returns it: some return text."""
    return value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value)[:10])
