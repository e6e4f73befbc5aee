"""Tables that are not as this version declares them: of an older version, or altered by hand (decision D5).

Missing tables and columns are added. Another type is refused before anything is rounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dlt.common.schema.typing import TColumnSchema

from ..exceptions import ConfigurationError
from .backend import Backend, StoredColumns
from .schema import LOAD_ID, Column, Table

_MOST_SHOWN = 3

# Without these a table's rows belong to no day, or the ledger says nothing about a day. No load can fill them in.
_EVERYWHERE = ("organization_id", "date")
_IN_THE_LEDGER = (*_EVERYWHERE, "fetched_at", "content_hash", LOAD_ID)


@dataclass(frozen=True)
class _Change:
    """A change that no load can mend, and the column as it has to be, where a statement can restore its type."""

    table: str
    text: str
    declared: TColumnSchema | None = None


def stored_tables(backend: Backend, tables: Sequence[Table], ledger: Table) -> StoredColumns:
    """Reads which tables exist, and refuses other types, and missing columns without which a day cannot be told."""
    stored = backend.stored_columns([table.name for table in (*tables, ledger)])
    changes = [change for table in tables for change in _missing(table, _EVERYWHERE, stored)]
    changes += _missing(ledger, (*_IN_THE_LEDGER, str(tables[0].counted_as)), stored)
    if backend.reports_types:
        changes += [change for table in (*tables, ledger) for change in _other_types(table, stored)]
    _refuse(backend, changes)
    return stored


def complete_tables(backend: Backend, tables: Sequence[Table], ledger: Table, stored: StoredColumns) -> StoredColumns:
    """Adds tables and columns that this pipeline's schema has and the destination lacks, in the staging dataset too.

    Rows that are there already keep NULL in a new column until their day is fetched again. Returns the columns that
    the staging dataset had.
    """
    names = [table.name for table in tables]
    staged = backend.stored_columns(names, staging=True)
    if backend.reports_types:  # rows are rounded in the staging dataset first
        changes = [change for table in tables for change in _other_types(table, staged)]
        changes += [change for table in tables for change in _torn_types(table, stored, staged)]
        _refuse(backend, changes, staging=True)
    backend.add_missing([*names, ledger.name], stored)
    backend.add_missing(names, staged, staging=True)
    return staged


def _torn_types(table: Table, stored: StoredColumns, staged: StoredColumns) -> Iterator[_Change]:
    """Yields the unknown fields whose column has one type in the dataset and another in the staging dataset."""
    for name, column in staged.get(table.name, {}).items():
        found = stored.get(table.name, {}).get(name)
        if name not in table.column_names and found and found.get("data_type") != column.get("data_type"):
            kinds = f"{column.get('data_type')}, not {found.get('data_type')}"
            yield _Change(table.name, f"{table.name}.{name} is {kinds}", found)


def _refuse(backend: Backend, changes: Sequence[_Change], *, staging: bool = False) -> None:
    shown = changes[:_MOST_SHOWN]
    if not shown:
        return
    texts = ", ".join(change.text for change in shown)
    place = " in the staging dataset" if staging else ""
    statements = [backend.retype(change.table, change.declared, staging=staging) for change in shown if change.declared]
    remedy = "load into another dataset"
    if len(statements) == len(shown):
        remedy = (
            f"restore it with {' '.join(statements)} (drop views that read it before), and load these days again with "
            f"backfill, or {remedy}"
        )
    raise ConfigurationError(f"the tables were changed: {texts}{place}; {remedy}")


def _missing(table: Table, needed: Sequence[str], stored: StoredColumns) -> Iterator[_Change]:
    for name in needed if table.name in stored else ():
        if name not in stored[table.name]:
            yield _Change(table.name, f"{table.name}.{name} is missing")


def _other_types(table: Table, stored: StoredColumns) -> Iterator[_Change]:
    for column in table.columns:
        found = stored.get(table.name, {}).get(column.name)
        if found is None:
            continue
        declared = _type_text(column.data_type, column.precision, column.scale)
        actual = _type_text(found.get("data_type"), found.get("precision"), found.get("scale"))
        if actual != declared:
            yield _Change(table.name, f"{table.name}.{column.name} is {actual}, not {declared}", _declared(column))


def _declared(column: Column) -> TColumnSchema:
    hints: Any = {"name": column.name, "data_type": column.data_type}
    if column.data_type == "decimal":
        hints |= {"precision": column.precision, "scale": column.scale}
    declared: TColumnSchema = hints
    return declared


def _type_text(data_type: str | None, precision: int | None, scale: int | None) -> str:
    """Returns a type, of a decimal with its digits; those of other types are not compared."""
    if data_type != "decimal":
        return data_type or "of an unknown type"
    if precision is None:  # Postgres: a plain `numeric`
        return "decimal without a precision"
    return f"decimal({precision},{scale})"
