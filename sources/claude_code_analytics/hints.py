"""How dlt writes the tables: types and descriptions, keys, the days to replace, the file format for each destination.

Decisions D2 and D3: a load deletes the days that it fetched and inserts what it fetched. dlt does that with `merge` /
`delete-insert` and a `destination_scope` that names organizations and days; `_dlt_id` as primary key makes rows that an
interrupted load staged twice count once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from dlt.common.destination import DestinationCapabilitiesContext

from .columns import COLUMNS
from .days import DayRange
from .exceptions import DestinationError, UnexpectedAnswer
from .settings import DAYS_TABLE, RECORD_TABLES, USAGE_TABLE

FILE_FORMATS = {
    "duckdb": "parquet",
    "motherduck": "parquet",
    "snowflake": "parquet",
    "bigquery": "jsonl",
    "postgres": "insert_values",
}
"""Loader file format by type of destination; elsewhere dlt's own choice. Why: Parquet is 20 times faster than dlt's
default on DuckDB; BigQuery takes no JSON column from Parquet; Postgres' CSV turns empty texts into NULL."""

IN_ONE_TRANSACTION = "/* CREATE */"
"""dlt 1.31 deletes and inserts in one transaction only where it takes the SQL for DDL, by looking for this word; else a
day that cannot be inserted stays deleted, and who reads meanwhile finds it empty. On BigQuery there is none even so."""

NOTHING = f"1 = 0 {IN_ONE_TRANSACTION}"
"""The scope that replaces nothing: dlt keeps the last scope in its schema, so it must be set even then."""

_ORGANIZATION_ID = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def scope(organizations: Iterable[str], days: DayRange) -> str:
    """SQL that names the rows that a load replaces: these organizations on these days.

    `DATE '...'` literals and unquoted names are read the same by DuckDB, BigQuery, Snowflake and Postgres.

    Raises:
        UnexpectedAnswer: An organization id that must not go into SQL.
    """
    ids = sorted(set(organizations))
    for found in ids:
        if not _ORGANIZATION_ID.fullmatch(found):
            raise UnexpectedAnswer(
                f"the API named an organization {found[:60]!r}; an id with anything but letters, digits, - and _ is "
                "not put into SQL, so these days cannot be replaced",
                day=days.first,
            )
    if not ids:
        return NOTHING
    listed = ", ".join(f"'{found}'" for found in ids)
    wanted = f"organization_id IN ({listed}) AND date >= DATE '{days.first}' AND date <= DATE '{days.last}'"
    return f"{wanted} {IN_ONE_TRANSACTION}"


def table_hints(
    table: str, *, replaced: str, extra_types: Mapping[str, str], file_format: str | None
) -> dict[str, Any]:
    """Arguments of `dlt.mark.make_hints` for one table.

    Args:
        table: Name of the table.
        replaced: The `scope` of the load; the ledger is not replaced but merged on organization, day and time.
        extra_types: dlt types of the columns that no declaration names.
        file_format: Loader file format, or None for dlt's choice.
    """
    columns: dict[str, Any] = {
        column.name: {
            "name": column.name,
            "data_type": column.data_type,
            "nullable": column.nullable,
            "description": column.description,
        }
        for column in COLUMNS[table]
    }
    if "estimated_cost__amount" in columns:
        columns["estimated_cost__amount"] |= {"precision": 38, "scale": 9}
    if "fetched_at" in columns:
        columns["fetched_at"] |= {"precision": 6}
    for name, data_type in extra_types.items():
        columns.setdefault(name, {"name": name, "data_type": data_type, "nullable": True})
    hints: dict[str, Any] = {"table_name": table, "columns": columns, "file_format": file_format}
    if table == DAYS_TABLE:
        return hints | {
            "write_disposition": {"disposition": "merge", "strategy": "delete-insert"},
            "primary_key": ["organization_id", "date", "fetched_at"],
        }
    hints |= {
        "write_disposition": {"disposition": "merge", "strategy": "delete-insert", "destination_scope": replaced},
        "primary_key": "_dlt_id",
    }
    if table in RECORD_TABLES and table != USAGE_TABLE:
        hints["references"] = [
            {"columns": ["_dlt_parent_id"], "referenced_table": USAGE_TABLE, "referenced_columns": ["_dlt_id"]}
        ]
    return hints


def require_replaceable(destination: str, capabilities: DestinationCapabilitiesContext) -> None:
    """Refuses a destination that cannot replace days; dlt alone would append there and double the rows.

    Raises:
        DestinationError: It has no `delete-insert` merge.
    """
    if "delete-insert" not in (capabilities.supported_merge_strategies or ()):
        raise DestinationError(
            f"the destination {destination} cannot replace days, so re-read days would be doubled; use duckdb, "
            "motherduck, bigquery, snowflake, postgres, redshift, databricks, clickhouse or mssql"
        )
