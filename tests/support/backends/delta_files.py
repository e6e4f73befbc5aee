"""Delta tables in a folder: written by dlt through `deltalake`, read back by it."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Any

from support.backends import Backend, Missing, decoded, in_utc, rows_of
from support.expected import TABLES, Tables

# The scenario's columns of objects and lists: Delta has no type for JSON, so they are text there.
_OBJECTS = ("labels", "origin")


class DeltaFiles(Backend):
    """A folder of Delta tables, which have no SQL: rows are changed through `deltalake`."""

    name = "filesystem"

    def __init__(self, folder: Path) -> None:
        if importlib.util.find_spec("deltalake") is None:
            raise Missing("deltalake is not installed: pip install --group dev installs it")
        self._folder = folder / "lake"
        self.environment = {
            "DESTINATION__FILESYSTEM__BUCKET_URL": str(self._folder),
            "LOAD__WORKERS": "4",  # half of a load's time: dlt polls a finished table once a second
        }

    def tables(self, dataset: str) -> Tables:
        from deltalake import DeltaTable

        found = {}
        for table in TABLES:
            path = self.qualified(dataset, table)
            if DeltaTable.is_deltatable(path):
                stored = DeltaTable(path).to_pyarrow_table()
                rows = zip(*(column.to_pylist() for column in stored.columns), strict=True)
                found[table] = rows_of(stored.column_names, rows, _plain)
        return found

    def qualified(self, dataset: str, table: str) -> str:
        return str(self._folder / dataset / table)

    def rename(self, dataset: str, table: str, name: str) -> None:
        """Leaves a file in the table's place: otherwise a load would create the table anew."""
        old, new = (Path(self.qualified(dataset, each)) for each in (table, name))
        new.unlink(missing_ok=True)
        old.rename(new)
        if table in TABLES:
            old.touch()

    def drop(self, dataset: str, table: str) -> None:
        shutil.rmtree(self.qualified(dataset, table))

    def drop_column(self, dataset: str, table: str, column: str) -> None:
        from deltalake import write_deltalake

        rest = self._open(dataset, table).to_pyarrow_table().drop_columns([column])
        write_deltalake(self.qualified(dataset, table), rest, mode="overwrite", schema_mode="overwrite")

    def delete(self, dataset: str, table: str, where: str) -> None:
        self._open(dataset, table).delete(where)

    def double(self, dataset: str, table: str, where: str) -> None:
        import duckdb
        from deltalake import write_deltalake

        rows = self._open(dataset, table).to_pyarrow_table()
        again = duckdb.sql(f"SELECT * FROM rows WHERE {where}").to_arrow_table().cast(rows.schema)
        write_deltalake(self.qualified(dataset, table), again, mode="append")

    def update(self, dataset: str, table: str, column: str, value: str, where: str) -> None:
        self._open(dataset, table).update({column: value}, predicate=where)

    def _open(self, dataset: str, table: str) -> Any:
        from deltalake import DeltaTable

        return DeltaTable(self.qualified(dataset, table))


def _plain(name: str, value: Any) -> Any:
    return decoded(value) if name in _OBJECTS else in_utc(value)
