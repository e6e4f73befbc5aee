"""How a warehouse is asked and noted in besides dlt's loads: what every kind of it can do, and how by SQL.

What is asked and noted is for `ledger.py` and `journal.py`; a lake does the same in its own way, in `lake.py`.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Protocol

import dlt
from dlt.destinations.exceptions import DatabaseUndefinedRelation

from claude_code_analytics.settings import TABLES

from .errors import plain_errors
from .lake import Lake
from .pipeline import is_lake, schema_name

_TELLING_TYPES = ("duckdb", "motherduck")
"""Destinations of which dlt reads back the very types that it wrote."""
_BEING_WRITTEN = 1
"""Status of a note in dlt's table of loads."""


class Books(Protocol):
    """A warehouse, as far as it is asked and noted in. All methods raise `DestinationError`."""

    def columns(self) -> dict[str, dict[str, str | None]]:
        """The columns of this project's tables, in lower case; none where there is no table.

        With dlt's type where the warehouse gives back the very types that it was given, None elsewhere.
        """

    def ask(self, table: str, sql: str) -> list[Any]:
        """The rows that a query answers; `{table}` in it is the table's name."""

    def notes(self) -> list[tuple[str, str]]:
        """Load ids and texts of the notes that stand there."""

    def note(self, load_id: str, text: str) -> None:
        """Writes a note."""

    def strike_out(self, load_id: str) -> None:
        """Removes the note of a load, where there is one."""


def books(pipeline: dlt.Pipeline) -> Books:
    """The books of the warehouse behind a pipeline."""
    return Lake(pipeline) if is_lake(pipeline) else _Database(pipeline)


class _Database:
    """Books that are kept by SQL; notes stand in dlt's own table of loads, where only status 0 is a complete load.

    The text stands in `schema_name`: `load_id` has room for 64 characters, which all destinations but DuckDB insist on.
    """

    def __init__(self, pipeline: dlt.Pipeline) -> None:
        self._pipeline = pipeline

    def columns(self) -> dict[str, dict[str, str | None]]:
        with plain_errors(), self._pipeline.destination_client(schema_name(self._pipeline)) as client:
            tells_types = client.config.destination_type.endswith(_TELLING_TYPES)
            stored: Any = client.get_storage_tables(TABLES)  # type: ignore[attr-defined]  # of all SQL clients
            return {
                table: {
                    name.lower(): (column.get("data_type") or "of an unknown type") if tells_types else None
                    for name, column in columns.items()
                }
                for table, columns in stored
            }

    def ask(self, table: str, sql: str) -> list[Any]:
        with plain_errors():
            return self._execute(table, sql)

    def notes(self) -> list[tuple[str, str]]:
        with plain_errors():
            try:
                rows = self._execute(_LOADS, _NOTES, _BEING_WRITTEN)
            except DatabaseUndefinedRelation:
                return []  # nothing was ever loaded there
            return [(load_id, str(text)) for load_id, text in rows]

    def note(self, load_id: str, text: str) -> None:
        values = (load_id, text, _BEING_WRITTEN, dt.datetime.now(dt.timezone.utc))
        with plain_errors("the window could not be noted before it is written"):
            try:
                self._execute(_LOADS, _NOTE, *values)
                return
            except DatabaseUndefinedRelation:
                pass  # the first load of all; whatever fails from here on has nothing to do with that
            self._pipeline.sync_schema(schema_name(self._pipeline))
            self._execute(_LOADS, _NOTE, *values)

    def strike_out(self, load_id: str) -> None:
        with plain_errors():
            self._execute(_LOADS, _STRIKE_OUT, load_id, _BEING_WRITTEN)

    def _execute(self, table: str, sql: str, *values: Any) -> list[Any]:
        with self._pipeline.sql_client(schema_name(self._pipeline)) as client:
            return list(client.execute_sql(sql.format(table=client.make_qualified_table_name(table)), *values) or [])


_LOADS = "_dlt_loads"
_NOTES = "SELECT load_id, schema_name FROM {table} WHERE status = %s"
_NOTE = "INSERT INTO {table} (load_id, schema_name, status, inserted_at) VALUES (%s, %s, %s, %s)"
_STRIKE_OUT = "DELETE FROM {table} WHERE load_id = %s AND status = %s"
