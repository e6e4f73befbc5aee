"""The proof: what the warehouse holds of each organization and day, from one query over its own tables (decision D5).

A day is held when all rows that the record tables have of it carry the load id of its newest fetch in the ledger, and
the numbers of rows and of cells (values that are not NULL) are that fetch's. The planner, `load()` and `status` read
this one query.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import dlt

from ..dates import DayRange
from .altered_tables import complete_tables, stored_tables
from .backend import Backend, KnownColumns, StoredColumns, open_backend
from .fetches_ahead import remove_fetches_ahead
from .schema import LOAD_ID, Table, is_dlt_column

# The API's `Date` header has whole seconds, so another load's fetch may lie that far ahead of this load's clock.
CLOCK_TOLERANCE = dt.timedelta(seconds=2)

# What the proof reads of the ledger beside the counts of rows.
_LEDGER_COLUMNS = ("organization_id", "date", LOAD_ID, "fetched_at", "actor_identity", "is_final", "cells")

UNREADABLE = "its newest fetch could not be read"


@dataclass(frozen=True)
class DayState:
    """State of one organization's day in the warehouse; times are UTC."""

    fetched_at: dt.datetime | None = None  # the newest fetch; None where the ledger has no row
    load_id: str | None = None  # of that fetch
    is_final: bool = False  # that fetch was final
    is_held: bool = False  # the tables hold exactly what that fetch returned
    problem: str | None = "never fetched"  # why the day is not held
    has_changed: bool = False  # final fetches of the day differ in content
    records: int = 0  # of the newest fetch
    rows: tuple[int, ...] = ()  # that each record table has of the day, the root first
    actor_identity: str | None = None  # how the newest fetch treated actors

    def is_held_since(self, began: dt.datetime) -> bool:
        """Returns whether the day is held by a fetch that was made then or later."""
        return self.is_held and self.fetched_at is not None and self.fetched_at >= began


@dataclass(frozen=True)
class Proof:
    """States of all days that the ledger or a record table knows, by organization and day."""

    states: Mapping[tuple[str, dt.date], DayState] = field(default_factory=dict)
    stored: StoredColumns = field(default_factory=dict)
    known: KnownColumns = field(default_factory=dict)
    staged: StoredColumns = field(default_factory=dict)  # columns of the staging dataset, where tables were completed

    @cached_property
    def organizations(self) -> dict[str, dict[dt.date, DayState]]:
        """By organization, in alphabetical order, the states of its days."""
        found: dict[str, dict[dt.date, DayState]] = {name: {} for name in sorted({name for name, _ in self.states})}
        for (name, day), state in self.states.items():
            found[name][day] = state
        return found

    def of(self, organization: str) -> Mapping[dt.date, DayState]:
        return self.organizations.get(organization, {})


def read_proof(
    pipeline: dlt.Pipeline,
    schema_name: str,
    tables: Sequence[Table],
    ledger: Table,
    *,
    windows: Sequence[DayRange | None] = (None,),
    now: dt.datetime | None = None,
    completes_tables: bool = False,
    latest: dt.datetime | None = None,
) -> Proof:
    """Opens the destination behind a pipeline, and queries it for the proof, window by window; None is all days.

    Fetches later than `now` (by more than two seconds) are ignored: a load does not believe in its own future.
    `completes_tables` first adds what tables of an older version lack, and fetches after `latest` are removed. Raises
    ConfigurationError where tables were changed by hand, and DltException where the destination cannot be queried.
    """
    with open_backend(pipeline, schema_name, needs_all_rows=True) as backend:
        stored = stored_tables(backend, tables, ledger)
        staged = complete_tables(backend, tables, ledger, stored) if completes_tables else {}
        if latest and ledger.name in stored:
            remove_fetches_ahead(backend, ledger, latest)
        known = backend.known_columns([table.name for table in tables])
        states: dict[tuple[str, dt.date], DayState] = {}
        for window in windows:
            states |= ProofQuery(backend, tables, ledger, stored, known, now, window).read()
        return Proof(states, stored, known, staged)


@dataclass(frozen=True)
class ProofQuery:
    """The query for the proof of the days of a window, or of all.

    A table that is not among the `stored` ones holds nothing, and a missing column holds NULL.
    """

    backend: Backend
    tables: Sequence[Table]  # the record tables, the root first
    ledger: Table
    stored: StoredColumns
    known: KnownColumns
    now: dt.datetime | None  # None takes fetches of any time
    window: DayRange | None

    def read(self) -> dict[tuple[str, dt.date], DayState]:
        branches = [self._rows_of(table) for table in self.tables if table.name in self.stored]
        parameters: tuple[dt.datetime, ...] = ()
        if self.ledger.name in self.stored:
            branches.insert(0, self._newest_fetches())  # the union takes its types
            parameters = () if self.now is None else (self.now + CLOCK_TOLERANCE,)
        if not branches:
            return {}
        sums = ", ".join(f"SUM(n{place}) AS n{place}, SUM(r{place}) AS r{place}" for place in range(len(self.tables)))
        rows = self.backend.query(_PROOF.format(sums=sums, branches=" UNION ALL ".join(branches)), *parameters)
        return {(str(row[0]), _day(row[1])): _state(*row[2:]) for row in rows}

    def _newest_fetches(self) -> str:
        columns = self._expressions(self.ledger)
        counts = [columns[str(table.counted_as)] for table in self.tables]
        read = [columns[name] for name in _LEDGER_COLUMNS] + counts
        return _NEWEST_FETCHES.format(
            **columns,
            ledger=self.backend.table(self.ledger.name),
            read=", ".join(column for column in read if column != "NULL"),
            numbers=", ".join(f"{count} AS n{place}, 0 AS r{place}" for place, count in enumerate(counts)),
            root_count=counts[0],
            window=self._condition(),
            until="1 = 1" if self.now is None else f"{columns['fetched_at']} <= %s",
        )

    def _rows_of(self, table: Table) -> str:
        columns = self._expressions(table)
        grouped = [columns[name] for name in ("organization_id", "date", LOAD_ID)]
        numbers = [f"0 AS n{place}, 0 AS r{place}" for place in range(len(self.tables))]
        place = self.tables.index(table)
        numbers[place] = f"-COUNT(*) AS n{place}, COUNT(*) AS r{place}"
        return _ROWS.format(
            **columns,
            rows=self.backend.table(table.name),
            numbers=", ".join(numbers),
            cells=" + ".join(f"COUNT({column})" for column in self._counted(table)) or "0",
            grouped=", ".join(column for column in grouped if column != "NULL"),
            window=self._condition(),
        )

    def _counted(self, table: Table) -> list[str]:
        """Returns the columns whose values are cells: a column that somebody added makes no day unheld."""
        loaded = {*table.column_names, *self.known.get(table.name, ())}
        return [
            self.backend.column(name) for name in self.stored[table.name] if name in loaded and not is_dlt_column(name)
        ]

    def _expressions(self, table: Table) -> dict[str, str]:
        """Returns what stands for each column in SQL: its name, or NULL where an older version made the table."""
        stored = self.stored[table.name]
        names = [column.name for column in table.columns]
        return {name: self.backend.column(name) if name in stored else "NULL" for name in names}

    def _condition(self) -> str:
        """Returns the window in SQL, as literals: with those BigQuery and Snowflake skip other months."""
        if self.window is None:
            return "1 = 1"
        return f"{self.backend.column('date')} BETWEEN DATE '{self.window.first}' AND DATE '{self.window.last}'"


_PROOF = """
SELECT o, d,
  MAX(fetched_at) AS fetched_at, MAX(newest) AS newest, MAX(actor_identity) AS actor_identity,
  MAX(is_final) AS is_final, MAX(has_changed) AS has_changed,
  SUM(fetches) AS fetches, MIN(load_id) AS first_load, MAX(load_id) AS last_load,
  SUM(doubled) AS doubled, MAX(undecoded) AS undecoded, MAX(fetched_cells) AS fetched_cells, SUM(cells) AS cells, {sums}
FROM ({branches}) x
GROUP BY o, d
"""

# The newest fetch of each day. `fetches` is 1 unless its package had fetched the day before: a day that one package
# fetched twice holds the union of two responses. Rows that a resumed package appended twice count once.
_NEWEST_FETCHES = """
SELECT {organization_id} AS o, {date} AS d,
  {fetched_at} AS fetched_at, {_dlt_load_id} AS newest, {actor_identity} AS actor_identity,
  CASE WHEN {is_final} THEN 1 ELSE 0 END AS is_final,
  CASE WHEN low_hash <> high_hash THEN 1 ELSE 0 END AS has_changed,
  CASE WHEN first_fetch = {fetched_at} THEN 1 ELSE 0 END AS fetches,
  {_dlt_load_id} AS load_id, 0 AS doubled,
  CASE WHEN {root_count} IS NULL THEN 1 ELSE 0 END AS undecoded, {cells} AS fetched_cells, 0 AS cells, {numbers}
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
  0 AS undecoded, NULL AS fetched_cells, {cells} AS cells, {numbers}
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
    fetched_cells: int | None,
    cells: int,
    *counts: Any,
) -> DayState:
    differences, rows = [int(count or 0) for count in counts[0::2]], tuple(map(int, counts[1::2]))
    problems = {
        "rows without a ledger entry": newest is None,
        UNREADABLE: undecoded,
        "rows of another load": first_load != last_load,
        "row counts differ from the ledger": any(differences),
        # without a number, as an older version wrote it, the rows decide
        "values are lost or were added": fetched_cells is not None and int(fetched_cells) != int(cells),
        "rows are doubled": doubled,
        "fetched twice in one load package": fetches != 1,
    }
    problem = next((what for what, is_so in problems.items() if is_so), None)
    return DayState(
        fetched_at=_moment(fetched_at),
        load_id=newest,
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
