"""DuckDB: a file that stays open, because dlt opens and closes it a dozen times in a load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from destinations.backends import TABLES, Backend, decoded, in_utc, rows_of
from support.expected import Tables


class DuckDb(Backend):
    """A DuckDB file."""

    name = "duckdb"

    def __init__(self, folder: Path) -> None:
        file = folder / "scenario.duckdb"
        self._connection = duckdb.connect(str(file))
        self._connection.execute("SET TimeZone = 'UTC'")
        self.environment = {"DESTINATION__DUCKDB__CREDENTIALS": f"duckdb:///{file}"}

    def tables(self, dataset: str) -> Tables:
        listed = "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = ?"
        types = {(row[0], row[1]): row[2] for row in self._connection.execute(listed, [dataset]).fetchall()}
        found = {}
        for table in sorted({table for table, _ in types} & set(TABLES)):

            def convert(name: str, value: Any, table: str = table) -> Any:
                return decoded(value) if types[table, name] == "JSON" else in_utc(value)

            cursor = self._connection.execute(f"SELECT * FROM {self.qualified(dataset, table)}")
            found[table] = rows_of([each[0] for each in cursor.description or []], cursor.fetchall(), convert)
        return found

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql).fetchall()

    def close(self) -> None:
        self._connection.close()
