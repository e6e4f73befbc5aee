"""Columns that somebody changed by hand, noticed before anything is rounded or doubled (decision D5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..exceptions import ConfigurationError
from ..report import DailyReport
from .backend import Backend, StoredColumns
from .schema import Column, Table

_MOST_SHOWN = 3


def stored_tables(backend: Backend, report: DailyReport, *, reports_types: bool) -> StoredColumns:
    """Reads which tables of a report exist, and checks that they can take its rows.

    Args:
        backend: The opened destination.
        report: The report.
        reports_types: Whether the destination returns the exact types that dlt wrote.

    Returns:
        The columns of the tables that exist.

    Raises:
        ConfigurationError: A column is missing or has another type.
    """
    tables = (*report.tables, report.ledger)
    names = [table.name for table in tables]
    stored = backend.stored_columns(names)
    changes = [change for table in tables if table.name in stored for change in _changes(table, stored, reports_types)]
    if stored and reports_types:
        staged = backend.stored_columns(names, staging=True)
        changes += [
            f"{change} in the staging dataset"
            for table in report.tables
            if table.name in staged
            for change in _changes(table, staged, reports_types, only_types=True)
        ]
    if changes:
        raise ConfigurationError(
            f"the tables are not as this version loads them: {', '.join(changes[:_MOST_SHOWN])}. Undo the change, "
            f"load into another dataset, or drop all tables {report.tables[0].name}* and {report.ledger.name} and "
            "load again"
        )
    return stored


def _changes(table: Table, stored: StoredColumns, reports_types: bool, *, only_types: bool = False) -> list[str]:
    changes = []
    for column in table.columns:
        found = stored[table.name].get(column.name)
        if found is None:
            changes += [] if only_types else [f"{table.name}.{column.name} is missing"]
        elif reports_types and not _fits(column, found):
            changes.append(f"{table.name}.{column.name} is {_type_text(found)}, not {_type_text(_declared(column))}")
    return changes


def _fits(column: Column, found: Mapping[str, Any]) -> bool:
    if found.get("data_type") != column.data_type:
        return False
    if column.data_type != "decimal":
        return True
    return (found.get("precision"), found.get("scale")) == (column.precision, column.scale)


def _declared(column: Column) -> dict[str, Any]:
    return {"data_type": column.data_type, "precision": column.precision, "scale": column.scale}


def _type_text(column: Mapping[str, Any]) -> str:
    kind = str(column.get("data_type") or "of an unknown type")
    if kind != "decimal":
        return kind
    if column.get("precision") is None:  # Postgres: a plain `numeric`
        return "decimal without a precision"
    return f"{kind}({column['precision']},{column.get('scale')})"
