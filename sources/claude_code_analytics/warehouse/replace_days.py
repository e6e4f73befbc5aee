"""Replacement of days: the constant write disposition, day markers, and the hints of each table (decisions D2, D3).

Every fetched day stages one marker row in each record table. The write disposition deletes the (organization, day)
pairs that are staged and inserts every staged row that is no marker, so a package says itself which days it replaces,
and a day without records is emptied.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from string import Template
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.storages.load_package import commit_load_package_state

from ..dates import ranges
from ..exceptions import DestinationError, UnexpectedResponse
from .destinations import Destination
from .schema import LOAD_ID, ROW_ID, Column, Table

# `_dlt_id` of a marker row.
MARKER = "@day"

_SAFE_ID = re.compile(r"[A-Za-z0-9_.:-]+", re.ASCII)
_DELTA_KEY = "claude_code_replaced_days"


def marker_rows(table: Table, organizations: pa.Array, dates: pa.Array) -> pa.Table:
    """Builds one marker row for each organization and day.

    Args:
        table: A record table.
        organizations: Organization ids.
        dates: The days, as long as `organizations`.

    Returns:
        Rows of the table: columns that allow no NULL are filled, all others are NULL.
    """
    given = {"organization_id": organizations, "date": dates}
    fill = {"text": MARKER, "bigint": 0}

    def values(column: Column) -> pa.Array:
        if column.name in given:
            return given[column.name]
        if column.nullable:
            return pa.nulls(len(dates), column.field.type)
        return pa.repeat(pa.scalar(fill[column.data_type], column.field.type), len(dates))

    columns = [column for column in table.columns if column.name != LOAD_ID]
    schema = pa.schema([column.field for column in columns])
    return pa.Table.from_arrays([values(column) for column in columns], schema=schema)


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

    Args:
        table: The table.
        destination: Where it goes.
        capabilities: What dlt knows of the destination.
        extra_columns: dlt hints of the columns that no declaration names.
        delta_scope: On Delta, the condition of this package.
    """
    hints: dict[str, Any] = {
        "table_name": table.name,
        "columns": {
            **extra_columns,
            **{column.name: _column_hints(column, table, destination) for column in table.columns},
        },
        "file_format": destination.supported_file_format(capabilities),
        "table_format": destination.table_format,
        "write_disposition": "append",
        "additional_table_hints": {"description": table.description, **destination.table_hints(table)},
    }
    if table.counted_as is not None:
        hints["write_disposition"] = _replace_days(destination, capabilities, delta_scope)
        hints["primary_key"] = list(destination.primary_key)
    if table.parent:
        hints["references"] = [
            {"columns": ["_dlt_parent_id"], "referenced_table": table.parent, "referenced_columns": [ROW_ID]}
        ]
    return hints


def _column_hints(column: Column, table: Table, destination: Destination) -> dict[str, Any]:
    hints: dict[str, Any] = {
        "name": column.name,
        "data_type": column.data_type,
        "nullable": column.nullable,
        "description": column.description,
    }
    if column.precision is not None:
        hints["precision"] = column.precision
    if column.scale is not None:
        hints["scale"] = column.scale
    if table.counted_as is not None and column.name == destination.clustered_column:
        hints["cluster"] = True
    return hints


def _replace_days(
    destination: Destination, capabilities: DestinationCapabilitiesContext, delta_scope: str | None
) -> dict[str, Any]:
    def quoted(name: str) -> str:
        return str(capabilities.escape_identifier(capabilities.casefold_identifier(name)))

    disposition = {"disposition": "merge", "strategy": destination.strategy}
    if destination.replaced_rows is None:  # Delta: no markers are staged
        return {**disposition, "destination_scope": delta_scope}
    scope = Template(destination.replaced_rows).substitute(organization=quoted("organization_id"), date=quoted("date"))
    return {**disposition, "destination_scope": scope, "source_filter": f"{quoted(ROW_ID)} <> '{MARKER}'"}


def extend_delta_scope(pairs: Iterable[tuple[str, dt.date]]) -> str:
    """Extends the condition of the current load package by organizations and days, and returns all of it.

    A Delta predicate cannot look into what is staged, so the condition lists the days (decision D2). It is kept in the
    package's own state: a package that is aborted takes its days along.

    Raises:
        DestinationError: Another extracted package waits: dlt would use one condition for both.
        UnexpectedResponse: An organization id that must not go into SQL.
    """
    package = dlt.current.load_package_state()
    waiting = [each for each in dlt.current.pipeline().list_extracted_load_packages() if each != package["load_id"]]
    if waiting:
        raise DestinationError(
            f"package {waiting[0]} is extracted and not loaded yet; Delta tables take one package at a time: "
            "normalize and load it first"
        )
    state: dict[str, Any] = package["state"]  # type: ignore[assignment]  # dlt lets sources keep keys of their own
    replaced: dict[str, list[str]] = state.setdefault(_DELTA_KEY, {})
    for organization, day in pairs:
        if not _SAFE_ID.fullmatch(organization):
            raise UnexpectedResponse(
                f"the organization id {organization[:60]!r} cannot be put into a Delta predicate", day=day
            )
        days = replaced.setdefault(organization, [])
        if day.isoformat() not in days:
            days.append(day.isoformat())
    commit_load_package_state()
    return " OR ".join(
        f"({{table}}.organization_id = '{organization}' AND {{table}}.date >= DATE '{span.first}' "
        f"AND {{table}}.date <= DATE '{span.last}')"
        for organization, days in sorted(replaced.items())
        for span in ranges(sorted(map(dt.date.fromisoformat, days)))
    )
