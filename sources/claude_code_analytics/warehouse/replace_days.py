"""Replacement of days: the constant write disposition, day markers, and the hints of each table (decisions D2, D3).

Every fetched day stages one marker row in each record table. The write disposition deletes the (organization, day)
pairs that are staged and inserts every staged row that is no marker, so a day without records is emptied.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from string import Template
from typing import Any

import dlt
import pyarrow as pa
import pyarrow.compute as pc
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.storages.exceptions import CurrentLoadPackageStateNotAvailable
from dlt.common.storages.load_package import commit_load_package_state

from ..dates import ranges
from ..exceptions import DestinationError, UnexpectedResponse
from .destinations import Destination
from .schema import ROW_ID, Column, Table

# The rows of a table whose (organization, day) is staged. `$organization` and `$date` become quoted column names, dlt
# fills in the two tables. DISTINCT, because DuckDB would keep all staged rows in memory. A correlated subquery over
# renamed columns: `date IN (..) AND organization_id IN (..)` deletes foreign days, and `{table}.date` matches nothing
# on the BigQuery stand-in, without an error.
STAGED_DAYS = (
    "EXISTS (SELECT 1 FROM (SELECT DISTINCT $organization AS o, $date AS d FROM {staging_table}) s "
    "WHERE s.o = $organization AND s.d = $date)"
)

# dlt 1.31 wraps delete and insert in one transaction only if the SQL looks like DDL, which it recognizes by the word
# CREATE. Otherwise a failed insert leaves the day deleted.
IN_ONE_TRANSACTION = " /* CREATE */"

# Postgres runs the whole text as one transaction anyway. The lock makes concurrent merges of a table take turns, so
# that the second DELETE sees what the first one committed and no row is doubled (DESIGN, D5b). It rests on dlt sending
# delete and insert as one multi-statement text. `$$$$` is `$$`, the quotes of a name that may hold a quote itself.
TAKING_TURNS = (
    "FALSE; SELECT pg_advisory_xact_lock(hashtext($$$${table}$$$$)), set_config('row_security', 'off', true); "
    "DELETE FROM {table} WHERE "
)

# A trigger or a rule can make a DELETE keep its rows, without an error. Inserted beside them, the new ones would be
# doubles. Tables without either are not searched: it took 0.35 s for 3 million rows. Row-level security does the same,
# and hides rows: where it applies, `row_security` makes the DELETE fail.
NOTHING_KEPT = (
    "; DO $$kept$$ BEGIN IF (SELECT relhastriggers OR relhasrules FROM pg_class "  # noqa: S608  # constants
    "WHERE oid = to_regclass($$$${table}$$$$)) THEN "
    f"IF EXISTS (SELECT 1 FROM {{table}} WHERE {STAGED_DAYS}) THEN "
    "RAISE insufficient_privilege USING MESSAGE = (SELECT 'a trigger or a rule keeps rows of ' || MIN($date) || "
    f"' from being deleted' FROM {{table}} WHERE {STAGED_DAYS}); END IF; END IF; END $$kept$$"
)

# `_dlt_id` of a marker row.
MARKER = "@day"

# An interrupted and resumed package can stage its rows twice. dlt drops copies by a window over all staged rows. This
# drops them before, and only of days that have more rows than their marker says. `$count` is the marker's column.
WITHOUT_COPIES = (
    "FALSE; DELETE FROM {staging_table} WHERE rowid IN (SELECT r FROM (SELECT rowid AS r, "  # noqa: S608  # constants
    "ROW_NUMBER() OVER (PARTITION BY $row_id, $organization, $date) AS n FROM {staging_table} "
    "WHERE ($organization, $date) IN (SELECT ($organization, $date) FROM {staging_table} "
    f"GROUP BY $organization, $date HAVING COUNT(*) FILTER ($row_id <> '{MARKER}') IS DISTINCT FROM "
    f"MAX($count) FILTER ($row_id = '{MARKER}'))) WHERE n > 1); DELETE FROM {{table}} WHERE "
)

_SAFE_ID = re.compile(r"[A-Za-z0-9_.:-]+", re.ASCII)
# Key of a load package's own state.
_REPLACED_DAYS = "claude_code_replaced_days"


class PackageDays:
    """Days that the current load package replaces, kept in its own state: one that is aborted takes them along.

    A package reads a day once. Read twice, also by two sources, it would hold the union of two responses.
    """

    def __init__(self) -> None:
        self.load_id = ""
        self._state: dict[str, Any] = {}
        with suppress(CurrentLoadPackageStateNotAvailable):  # outside of a pipeline
            package = dlt.current.load_package_state()
            self.load_id = package["load_id"]
            self._state = package["state"]  # type: ignore[assignment]  # sources may keep keys of their own

    @property
    def organizations(self) -> list[str]:
        return sorted(self._state.get(_REPLACED_DAYS, {}))

    def of(self, organization: str) -> list[dt.date]:
        days: Iterable[str] = self._state.get(_REPLACED_DAYS, {}).get(organization, ())
        return sorted(map(dt.date.fromisoformat, days))

    def add(self, organization: str, days: Iterable[dt.date]) -> None:
        replaced = self._state.setdefault(_REPLACED_DAYS, {})
        replaced[organization] = sorted({*replaced.get(organization, ()), *(day.isoformat() for day in days)})
        if self.load_id:
            commit_load_package_state()

    def delta_scope(self) -> str:
        """Returns the condition that selects these days on Delta, whose predicates cannot look into what is staged."""
        # dlt would use one condition for both
        waiting = [each for each in dlt.current.pipeline().list_extracted_load_packages() if each != self.load_id]
        if waiting:
            raise DestinationError(
                f"package {waiting[0]} is extracted and not loaded yet; Delta tables take one package at a time: "
                "normalize and load it first"
            )
        for organization in self.organizations:
            if not _SAFE_ID.fullmatch(organization):
                raise UnexpectedResponse(f"the organization id {organization[:60]!r} cannot go into a Delta predicate")
        return " OR ".join(
            f"({{table}}.organization_id = '{organization}' AND {{table}}.date >= DATE '{span.first}' "
            f"AND {{table}}.date <= DATE '{span.last}')"
            for organization in self.organizations
            for span in ranges(self.of(organization))
        )


def with_row_counts(table: Table, rows: pa.Table, counts: Mapping[tuple[str, dt.date], int]) -> pa.Table:
    """Writes the number of each day's rows into its marker, where there is a column for it."""
    if table.count_column not in rows.column_names:
        return rows
    place = rows.column_names.index(table.count_column)
    field, column = rows.schema.field(place), rows[table.count_column].combine_chunks()
    is_marker = pc.equal(rows[ROW_ID].combine_chunks(), MARKER)
    markers = rows.select(["organization_id", "date"]).filter(is_marker).to_pylist()
    numbers = [counts.get((each["organization_id"], each["date"]), 0) for each in markers]
    return rows.set_column(place, field, pc.replace_with_mask(column, is_marker, pa.array(numbers, field.type)))


def marker_rows(table: Table, organization: str, dates: pa.Array) -> pa.Table:
    """Builds one marker row of a record table for each day; columns that allow NULL are NULL."""
    given = {"organization_id": pa.repeat(organization, len(dates)), "date": dates}
    fill = {"text": MARKER, "bigint": 0}

    def values(column: Column) -> pa.Array:
        if column.name in given:
            return given[column.name]
        if column.nullable:
            return pa.nulls(len(dates), column.field.type)
        return pa.repeat(pa.scalar(fill[column.data_type], column.field.type), len(dates))

    return pa.Table.from_arrays([values(column) for column in table.shaped_columns], schema=table.shaped_schema)


def table_hints(
    table: Table,
    *,
    destination: Destination,
    capabilities: DestinationCapabilitiesContext,
    extra_columns: Mapping[str, Mapping[str, Any]],
    delta_scope: str | None,
) -> dict[str, Any]:
    """Returns the arguments of `dlt.mark.make_hints` for one table.

    They travel with each item. As hints of the resource a user's `apply_hints(write_disposition=...)` would replace
    them, and markers would land in the tables.
    """
    declared = {column.name: _column_hints(column, table, destination) for column in table.columns}
    hints: dict[str, Any] = {
        "table_name": table.name,
        "columns": {**extra_columns, **declared},
        "file_format": destination.supported_file_format(capabilities),
        "table_format": destination.table_format,
        "write_disposition": "append",
        "additional_table_hints": {"description": table.description, **destination.table_hints(table)},
    }
    if table.counted_as is not None:
        hints["write_disposition"] = _replace_days(table, destination, capabilities, delta_scope)
        hints["primary_key"] = list(destination.primary_key)
    if table.parent:
        hints["references"] = [
            {"columns": ["_dlt_parent_id"], "referenced_table": table.parent, "referenced_columns": [ROW_ID]}
        ]
    return hints


def _column_hints(column: Column, table: Table, destination: Destination) -> dict[str, Any]:
    # a column's fields are named as dlt's hints, its place in the record aside
    hints = {name: value for name, value in vars(column).items() if name != "path" and value is not None}
    if table.counted_as is not None and column.name == destination.clustered_column:
        hints["cluster"] = True
    return hints


def _replace_days(
    table: Table, destination: Destination, capabilities: DestinationCapabilitiesContext, delta_scope: str | None
) -> dict[str, Any]:
    def quoted(name: str) -> str:
        return str(capabilities.escape_identifier(capabilities.casefold_identifier(name)))

    disposition: dict[str, Any] = {"disposition": "merge", "strategy": destination.strategy}
    if not destination.has_markers:
        return {**disposition, "destination_scope": delta_scope}
    scope = STAGED_DAYS + IN_ONE_TRANSACTION
    if destination.takes_turns:
        scope = TAKING_TURNS + STAGED_DAYS + NOTHING_KEPT
    if destination.counts_rows and table.count_column:
        scope = WITHOUT_COPIES + scope
        disposition["deduplicated"] = True
    names = {"organization": "organization_id", "date": "date", "row_id": ROW_ID, "count": table.count_column or ""}
    scope = Template(scope).substitute({key: quoted(name) for key, name in names.items()})
    return {**disposition, "destination_scope": scope, "source_filter": f"{quoted(ROW_ID)} <> '{MARKER}'"}
