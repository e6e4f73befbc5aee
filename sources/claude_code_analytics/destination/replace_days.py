"""How dlt writes the tables: types and descriptions, keys, the rows to replace.

Decisions D2 and D3: a load deletes the days that it fetched and inserts what it fetched. dlt does that with `merge` /
`delete-insert` (`cdc` on Delta tables) and a `destination_scope` that names organizations and days; `_dlt_id` as
primary key makes rows that an interrupted load staged twice count once. What differs by destination stands in
`destinations.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..claude_code.columns import COLUMNS
from ..dates import DayRange
from ..exceptions import UnexpectedResponse
from ..settings import DAYS_TABLE, RECORD_TABLES, USAGE_TABLE
from .destinations import Target

IN_ONE_TRANSACTION = "/* CREATE */"
"""dlt 1.31 deletes and inserts in one transaction only where it takes the SQL for DDL, by looking for this word; else a
day that cannot be inserted stays deleted, and who reads meanwhile finds it empty. On BigQuery there is none even so."""

NOTHING = f"1 = 0 {IN_ONE_TRANSACTION}"
"""The scope that replaces nothing: dlt keeps the last scope in its schema, so it must be set even then."""

_ORGANIZATION_ID = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_FETCH = ("organization_id", "fetched_at")
"""What tells one fetch of a day from another."""


def scope(organizations: Iterable[str], days: DayRange, target: Target) -> str:
    """SQL that names the rows of records that a load replaces: these organizations on these days.

    Raises:
        UnexpectedResponse: An organization id that must not go into SQL.
    """
    ids = sorted(set(organizations))
    for found in ids:
        if not _ORGANIZATION_ID.fullmatch(found):
            raise UnexpectedResponse(
                f"the API named an organization {found[:60]!r}; an id with anything but letters, digits, - and _ is "
                "not put into SQL, so these days cannot be replaced",
                day=days.first,
            )
    if not ids:
        return NOTHING
    listed = ", ".join(f"'{found}'" for found in ids)
    return f"{target.column('organization_id')} IN ({listed}) AND {_on(days, target)} {IN_ONE_TRANSACTION}"


def ledger_scope(days: DayRange, target: Target) -> str:
    """SQL that names the ledger's rows that were staged before: what a load wrote before it was interrupted.

    By the ledger's key dlt would find the same rows, in the whole table: a warehouse leaves out partitions only by days
    that stand in the SQL. `cdc` finds them by the key and nothing else.
    """
    if target.strategy == "cdc":
        return NOTHING
    names = map(target.column, _FETCH)
    staged = " AND ".join(f"{name} IN (SELECT {name} FROM {{staging_table}})" for name in names)  # noqa: S608
    return f"{_on(days, target)} AND {staged} {IN_ONE_TRANSACTION}"


def _on(days: DayRange, target: Target) -> str:
    date = target.column("date")
    return f"{date} >= {target.day(days.first)} AND {date} <= {target.day(days.last)}"


def table_hints(table: str, *, replaced: str, extra_types: Mapping[str, str], target: Target) -> dict[str, Any]:
    """Arguments of `dlt.mark.make_hints` for one table.

    Args:
        table: Name of the table.
        replaced: The rows that the load replaces: `scope`, or `ledger_scope` for the ledger.
        extra_types: dlt types of the columns that no declaration names.
        target: Where the table goes.
    """
    columns: dict[str, Any] = {
        column.name: {
            "name": column.name,
            "data_type": column.data_type,
            "nullable": column.nullable,
            "description": column.description,
            **target.column_hints(table, column.name),
        }
        for column in COLUMNS[table]
    }
    if "estimated_cost__amount" in columns:
        columns["estimated_cost__amount"] |= {"precision": 38, "scale": 9}
    if "fetched_at" in columns:
        columns["fetched_at"] |= {"precision": 6}
    for name, data_type in extra_types.items():
        columns.setdefault(name, {"name": name, "data_type": data_type, "nullable": True})
    hints: dict[str, Any] = {
        "table_name": table,
        "columns": columns,
        "file_format": target.file_format,
        "table_format": target.table_format,
        "write_disposition": {"disposition": "merge", "strategy": target.strategy, "destination_scope": replaced},
        "primary_key": ["date", *_FETCH] if table == DAYS_TABLE else "_dlt_id",
        "additional_table_hints": target.table_hints(table),
    }
    if table in RECORD_TABLES and table != USAGE_TABLE:
        hints["references"] = [
            {"columns": ["_dlt_parent_id"], "referenced_table": USAGE_TABLE, "referenced_columns": ["_dlt_id"]}
        ]
    return hints
