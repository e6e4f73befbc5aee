"""Backends of a `World`: how dlt is led to a destination, and how its tables are read back and changed by hand."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from support.expected import TABLES, Row, Tables


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

    @property
    def destination(self) -> Any:
        """dlt's destination; its name where the environment says the rest."""
        return self.name

    def kept_open(self) -> AbstractContextManager[object]:
        return nullcontext()

    def exists(self) -> bool:
        """Whether there is anything that can be read."""
        return True

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
        self.run(f"ALTER TABLE {self.qualified(dataset, table)} RENAME TO {name}")

    def drop(self, dataset: str, table: str) -> None:
        self.run(f"DROP TABLE {self.qualified(dataset, table)}")

    def drop_column(self, dataset: str, table: str, column: str) -> None:
        self.run(f"ALTER TABLE {self.qualified(dataset, table)} DROP COLUMN {column}")

    def delete(self, dataset: str, table: str, where: str) -> None:
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


def tables_by_types(
    types: Mapping[tuple[str, str], str], select: Callable[[str], tuple[Iterable[str], Iterable[Sequence[Any]]]]
) -> dict[str, list[Row]]:
    """Reads tables as plain values.

    Args:
        types: Types by table and column; JSON and VARIANT arrive as text.
        select: Returns the names of a table's columns and its rows.
    """
    found = {}
    for table in sorted({table for table, _ in types} & set(TABLES)):

        def plain(name: str, value: Any, table: str = table) -> Any:
            return decoded(value) if types.get((table, name)) in ("JSON", "VARIANT") else in_utc(value)

        found[table] = rows_of(*select(table), plain)
    return found


def decoded(value: Any) -> Any:
    """Decodes JSON that a driver returns as text."""
    return json.loads(value) if isinstance(value, str) else value


def in_utc(value: Any) -> Any:
    """Converts a time to UTC; leaves any other value alone."""
    return value.astimezone(dt.timezone.utc) if isinstance(value, dt.datetime) else value
