"""Backends of the scenario: how dlt is led to a destination, and how its tables are read back and changed by hand."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from support.expected import LEDGER, MODELS, TOOLS, USAGE, Row, Tables

TABLES = (USAGE, TOOLS, MODELS, LEDGER)
COMMAND = "python tests/destinations"


class Missing(Exception):
    """A backend is not available here: the reason, and what to do, in one sentence."""


class Backend:
    """A running destination. Its statements are SQL unless a subclass overrides them.

    Attributes:
        name: dlt's name of the destination.
        environment: Environment variables that lead dlt there.
    """

    name: str
    environment: Mapping[str, str]

    def tables(self, dataset: str) -> Tables:
        """Returns the rows of all tables of a dataset as plain values, without tables that do not exist."""
        raise NotImplementedError

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """Runs one statement of the destination's SQL."""
        raise NotImplementedError

    def close(self) -> None:
        """Stops what was started."""

    def qualified(self, dataset: str, table: str) -> str:
        """Returns a table's name as the destination's SQL writes it."""
        return f"{dataset}.{table}"

    def rename(self, dataset: str, table: str, name: str) -> None:
        """Renames a table."""
        self.run(f"ALTER TABLE {self.qualified(dataset, table)} RENAME TO {name}")

    def drop(self, dataset: str, table: str) -> None:
        """Drops a table."""
        self.run(f"DROP TABLE {self.qualified(dataset, table)}")

    def drop_column(self, dataset: str, table: str, column: str) -> None:
        """Drops a column."""
        self.run(f"ALTER TABLE {self.qualified(dataset, table)} DROP COLUMN {column}")

    def delete(self, dataset: str, table: str, where: str) -> None:
        """Deletes rows."""
        self.run(f"DELETE FROM {self.qualified(dataset, table)} WHERE {where}")

    def double(self, dataset: str, table: str, where: str) -> None:
        """Inserts rows once more."""
        table = self.qualified(dataset, table)
        self.run(f"INSERT INTO {table} SELECT * FROM {table} WHERE {where}")

    def update(self, dataset: str, table: str, column: str, value: str, where: str) -> None:
        """Sets a column to a value, given as SQL."""
        self.run(f"UPDATE {self.qualified(dataset, table)} SET {column} = {value} WHERE {where}")


def rows_of(names: Iterable[str], rows: Iterable[Sequence[Any]], convert: Callable[[str, Any], Any]) -> list[Row]:
    """Returns rows by lower-case column name, each value converted to a plain one."""
    columns = [name.lower() for name in names]
    return [{name: convert(name, value) for name, value in zip(columns, row, strict=True)} for row in rows]


def decoded(value: Any) -> Any:
    """Decodes JSON that a driver returns as text."""
    return json.loads(value) if isinstance(value, str) else value


def in_utc(value: Any) -> Any:
    """Converts a time to UTC; leaves any other value alone."""
    return value.astimezone(dt.timezone.utc) if isinstance(value, dt.datetime) else value
