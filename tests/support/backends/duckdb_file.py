"""DuckDB: a file, open only while it is used, so that tests may copy and replace it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dlt
import duckdb

from support.backends import Backend, tables_by_types
from support.expected import Tables


class DuckDb(Backend):
    """A DuckDB file."""

    name = "duckdb"

    def __init__(self, file: Path) -> None:
        self.file = file
        self.environment = {"DESTINATION__DUCKDB__CREDENTIALS": f"duckdb:///{file}"}

    @property
    def destination(self) -> Any:
        return dlt.destinations.duckdb(str(self.file))

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Keeps the file open: dlt opens and closes it a dozen times, which is half of the time of a load."""
        with duckdb.connect(str(self.file)):
            yield

    def exists(self) -> bool:
        return self.file.exists()

    @contextmanager
    def connect(self, dataset: str | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """Opens the file, at a dataset if one is given."""
        with duckdb.connect(str(self.file)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            if dataset:
                connection.execute(f"USE {dataset}")
            yield connection

    def tables(self, dataset: str) -> Tables:
        with self.connect() as connection:
            listed = "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = ?"
            types = {(row[0], row[1]): row[2] for row in connection.execute(listed, [dataset]).fetchall()}

            def select(table: str) -> tuple[Iterable[str], Iterable[Sequence[Any]]]:
                found = connection.execute(f"SELECT * FROM {self.qualified(dataset, table)}")
                return [each[0] for each in found.description or []], found.fetchall()

            return tables_by_types(types, select)

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        with self.connect() as connection:
            return connection.execute(sql).fetchall()

    def save(self) -> None:
        shutil.copy(self.file, self.file.with_suffix(".saved"))

    def restore(self) -> None:
        shutil.copy(self.file.with_suffix(".saved"), self.file)

    @contextmanager
    def rejecting(self, dataset: str, table: str) -> Iterator[None]:
        """Has a table reject all rows: a view is in its place."""
        table = self.qualified(dataset, table)
        self.run(f"ALTER TABLE {table} RENAME TO kept; CREATE VIEW {table} AS SELECT * FROM {dataset}.kept")
        yield
        self.run(f"DROP VIEW {table}; ALTER TABLE {dataset}.kept RENAME TO {table.rpartition('.')[2]}")
