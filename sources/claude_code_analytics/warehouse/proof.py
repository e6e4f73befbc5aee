"""The proof: what the warehouse holds of each organization and day, from one query over its own tables (decision D5).

A day is held when all rows that the record tables have of it carry the load id of its newest fetch in the ledger, and
their numbers are that fetch's counts. The planner, `load()` and `status` read this one query.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ..constants import UNKNOWN_ORGANIZATION
from ..report import DailyReport
from .backend import Backend, StoredColumns

# The API's `Date` header has whole seconds, so another load's fetch may lie that far ahead of this load's clock.
CLOCK_TOLERANCE = dt.timedelta(seconds=2)

Fetch = tuple[str | None, dt.datetime | None, str | None]


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
        actor_identity: How that fetch treated actors.
        fetch: Load id, time and request id of the newest fetch: organizations that share it were read together.
    """

    fetched_at: dt.datetime | None = None
    is_final: bool = False
    is_held: bool = False
    problem: str | None = "never fetched"
    has_changed: bool = False
    records: int = 0
    actor_identity: str | None = None
    fetch: Fetch = (None, None, None)


@dataclass(frozen=True)
class Proof:
    """States of all days in the warehouse, by organization and day.

    Attributes:
        states: All days that the ledger or a record table knows.
        rows: Rows of each record table.
        stored: The columns of the tables that exist.
    """

    states: Mapping[tuple[str, dt.date], DayState] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    stored: StoredColumns = field(default_factory=dict)

    @cached_property
    def _by_organization(self) -> dict[str, dict[dt.date, DayState]]:
        found: dict[str, dict[dt.date, DayState]] = {}
        for (organization, day), state in self.states.items():
            found.setdefault(organization, {})[day] = state
        return found

    @cached_property
    def _by_day(self) -> dict[dt.date, list[tuple[str, DayState]]]:
        found: dict[dt.date, list[tuple[str, DayState]]] = {}
        for (organization, day), state in self.states.items():
            found.setdefault(day, []).append((organization, state))
        return found

    @cached_property
    def organizations(self) -> tuple[str, ...]:
        """Real organizations. Ids that were read together (one credential, two spellings) count as one.

        Its name is the id with the most days: every fetch has a ledger row for the credential's own organization.
        """
        by_days = sorted(self._by_organization, key=lambda name: (-len(self._by_organization[name]), name))
        fetches: dict[tuple[dt.date, Fetch], str] = {}
        found: list[str] = []
        for name in by_days:
            days = {(day, state.fetch) for day, state in self._by_organization[name].items() if state.fetched_at}
            if name == UNKNOWN_ORGANIZATION or any(fetches.get(day, name) != name for day in days):
                continue
            fetches.update(dict.fromkeys(days, name))
            found.append(name)
        return tuple(sorted(found))

    def spellings(self, organization: str) -> set[str]:
        """Returns the ids that were read together with an organization, itself included."""
        own = {(day, state.fetch) for day, state in self._by_organization.get(organization, {}).items()}
        return {
            name
            for (name, day), state in self.states.items()
            if name == organization or (state.fetched_at and (day, state.fetch) in own)
        }

    def of(self, organization: str | None) -> dict[dt.date, DayState]:
        """Returns the states of an organization's days.

        A day counts as held only if every id that its newest fetch covers is held too, and no rows of the day are left
        under `unknown`.

        Args:
            organization: The organization. None where the API did not name it: days with records then belong to the
                records' id, the others to `unknown`.
        """
        if organization is None:
            names = (UNKNOWN_ORGANIZATION, *self.organizations)
            return {day: state for name in names for day, state in self.of(name).items()}
        found = {}
        for day, state in self._by_organization.get(organization, {}).items():
            together = [other for _, other in self._by_day[day] if other.fetch == state.fetch and not other.is_held]
            problem = together[0].problem if together else None
            if day in self._unresolved_days and organization != UNKNOWN_ORGANIZATION:
                problem = problem or "rows under an unknown organization"
            found[day] = replace(state, is_held=False, problem=problem) if state.is_held and problem else state
        return found

    def first_day(self, organization: str | None) -> dt.date | None:
        """Returns the first day that the ledger or a table has of an organization, or of `unknown`."""
        ours = (organization, UNKNOWN_ORGANIZATION)
        return min((day for name, day in self.states if name in ours), default=None)

    def replaced_with(self, organization: str | None, day: dt.date) -> set[str]:
        """Returns the ids whose rows a new fetch of an organization's day replaces beside those in its records.

        That is `unknown` where it has the day, and each id that the day's newest fetch covered: where the records spell
        the organization's id in another way, an emptied day has no record that names it.
        """
        fetch = self.states[organization, day].fetch if organization and (organization, day) in self.states else None
        return {
            name
            for name, state in self._by_day.get(day, ())
            if name == UNKNOWN_ORGANIZATION or (state.fetched_at and state.fetch == fetch and name != organization)
        }

    @cached_property
    def _unresolved_days(self) -> set[dt.date]:
        """Days under `unknown` that no fetch of a real organization has replaced since."""
        return {
            day
            for day, state in self._by_organization.get(UNKNOWN_ORGANIZATION, {}).items()
            if not any(
                name != UNKNOWN_ORGANIZATION and other.fetched_at and other.fetch == state.fetch
                for name, other in self._by_day[day]
            )
        }

    @property
    def has_unresolved_days(self) -> bool:
        """True if days are left whose organization is not known."""
        return bool(self._unresolved_days)


def read_proof(
    backend: Backend,
    report: DailyReport,
    stored: StoredColumns,
    *,
    now: dt.datetime | None = None,
    first: dt.date | None = None,
    last: dt.date | None = None,
) -> Proof:
    """Queries the warehouse for the proof.

    Args:
        backend: The opened destination.
        report: The report whose tables are read.
        stored: The tables that exist; the others hold nothing.
        now: Fetches later than this (and two seconds) are ignored: a load does not believe in its own future. None
            takes all fetches.
        first: First day to look at; None for all.
        last: Last day to look at.
    """
    names = {
        column.name: backend.column(column.name)
        for table in (*report.tables, report.ledger)
        for column in table.columns
    }
    window = f"{names['date']} BETWEEN DATE '{first}' AND DATE '{last}'" if first and last else "1 = 1"
    branches = [_ROWS.format(**names, **each, window=window) for each in _counted_tables(backend, report, stored)]
    parameters: tuple[dt.datetime, ...] = ()
    if report.ledger.name in stored:
        until = "1 = 1"
        if now is not None:
            until, parameters = f"{names['fetched_at']} <= %s", (now + CLOCK_TOLERANCE,)
        counts = [names[str(table.counted_as)] for table in report.tables]
        newest_fetch = _NEWEST_FETCH.format(
            **names,
            ledger=backend.table(report.ledger.name),
            counts=", ".join(counts),
            numbers=", ".join(f"{count} AS n{place}, 0 AS r{place}" for place, count in enumerate(counts)),
            root_count=counts[0],
            window=window,
            until=until,
        )
        branches.insert(0, newest_fetch)  # its types are those of the union
    if not branches:
        return Proof(stored=stored)
    places = range(len(report.tables))
    sums = ", ".join(f"SUM(n{place}) AS n{place}, SUM(r{place}) AS r{place}" for place in places)
    rows = backend.query(_PROOF.format(sums=sums, branches=" UNION ALL ".join(branches)), *parameters)
    states = {(str(row[0]), _day(row[1])): _state(*row[2:13], counts=row[13:]) for row in rows}
    totals = {table.name: sum(int(row[14 + 2 * place]) for row in rows) for place, table in enumerate(report.tables)}
    return Proof(states, totals, stored)


def _counted_tables(backend: Backend, report: DailyReport, stored: StoredColumns) -> Iterator[dict[str, str]]:
    """Yields, for each record table that exists, what `_ROWS` needs: its name, and its counts in their own place."""
    for place, table in enumerate(report.tables):
        numbers = [f"0 AS n{other}, 0 AS r{other}" for other in range(len(report.tables))]
        numbers[place] = f"-COUNT(*) AS n{place}, COUNT(*) AS r{place}"
        if table.name in stored:
            yield {"rows": backend.table(table.name), "numbers": ", ".join(numbers)}


_PROOF = """
SELECT o, d,
  MAX(fetched_at) AS fetched_at, MAX(request_id) AS request_id, MAX(newest) AS newest,
  MAX(actor_identity) AS actor_identity, MAX(is_final) AS is_final, MAX(has_changed) AS has_changed,
  SUM(fetches) AS fetches, MIN(load_id) AS first_load, MAX(load_id) AS last_load,
  SUM(doubled) AS doubled, MAX(undecoded) AS undecoded, {sums}
FROM ({branches}) x
GROUP BY o, d
"""

# The newest fetch of each day. `fetches` is 1 unless its package had fetched the day before: a day that one package
# fetched twice holds the union of two responses. Rows that a resumed package appended twice count once.
_NEWEST_FETCH = """
SELECT {organization_id} AS o, {date} AS d,
  {fetched_at} AS fetched_at, {request_id} AS request_id, {_dlt_load_id} AS newest,
  {actor_identity} AS actor_identity,
  CASE WHEN {is_final} THEN 1 ELSE 0 END AS is_final,
  CASE WHEN low_hash <> high_hash THEN 1 ELSE 0 END AS has_changed,
  CASE WHEN first_fetch = {fetched_at} THEN 1 ELSE 0 END AS fetches,
  {_dlt_load_id} AS load_id, 0 AS doubled,
  CASE WHEN {root_count} IS NULL THEN 1 ELSE 0 END AS undecoded, {numbers}
FROM (
  SELECT {organization_id}, {date}, {_dlt_load_id}, {fetched_at}, {request_id}, {actor_identity}, {is_final}, {counts},
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

# The rows of one table by day and load. `doubled` finds a row that is there twice while another one is lost. Rows
# without a load id count as another load.
_ROWS = """
SELECT {organization_id} AS o, {date} AS d,
  NULL AS fetched_at, NULL AS request_id, NULL AS newest, NULL AS actor_identity,
  0 AS is_final, 0 AS has_changed, 0 AS fetches,
  COALESCE({_dlt_load_id}, '') AS load_id, COUNT(*) - COUNT(DISTINCT {_dlt_id}) AS doubled,
  0 AS undecoded, {numbers}
FROM {rows}
WHERE {window}
GROUP BY {organization_id}, {date}, {_dlt_load_id}
"""


def _state(
    fetched_at: Any,
    request_id: str | None,
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
    counts: tuple[Any, ...],
) -> DayState:
    differences, rows = counts[0::2], counts[1::2]
    problem = None
    if newest is None:
        problem = "rows without a ledger entry"
    elif undecoded:
        problem = "its content did not decode"
    elif first_load != last_load:
        problem = "rows of another load"
    elif any(differences):
        problem = "row counts differ from the ledger"
    elif doubled:
        problem = "rows are doubled"
    elif fetches != 1:
        problem = "fetched twice in one load package"
    moment = _moment(fetched_at)
    return DayState(
        fetched_at=moment,
        is_final=bool(is_final),
        is_held=problem is None,
        problem=problem,
        has_changed=bool(has_changed),
        records=int(differences[0] or 0) + int(rows[0]) if newest is not None else 0,
        actor_identity=actor_identity,
        fetch=(newest, moment, request_id),
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
