"""Delta tables in a folder: written by dlt through `deltalake`, read back by it."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path
from typing import Any

from truth import Tables

from . import TABLES, Missing, decoded, in_utc, rows_of


class DeltaFiles:
    """A folder of Delta tables; see `Place`."""

    name = "filesystem"

    def __init__(self, folder: Path) -> None:
        if importlib.util.find_spec("deltalake") is None:
            raise Missing("deltalake is not installed: pip install --group dev brings it")
        self._folder = folder / "lake"
        self.environment = {
            "DESTINATION__FILESYSTEM__BUCKET_URL": str(self._folder),
            "LOAD__WORKERS": "4",  # half of the load's time: dlt looks for a finished table once a second
        }

    def tables(self, dataset: str) -> Tables:
        from deltalake import DeltaTable

        found = {}
        for table in TABLES:
            path = self._folder / dataset / table
            if DeltaTable.is_deltatable(str(path)):
                stored = DeltaTable(str(path)).to_pyarrow_table()
                rows = zip(*(column.to_pylist() for column in stored.columns), strict=True)
                found[table] = rows_of(stored.column_names, rows, _plain)
        return found

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """Delta tables have no SQL that changes them; these two are done by hand."""
        from deltalake import DeltaTable

        if dropped := re.fullmatch(r"DROP TABLE (\S+)", sql):
            shutil.rmtree(dropped[1])
        elif deleted := re.fullmatch(r"DELETE FROM (\S+) WHERE (.+)", sql):
            DeltaTable(deleted[1]).delete(deleted[2])
        else:
            raise NotImplementedError(sql)
        return []

    def qualified(self, dataset: str, table: str) -> str:
        return str(self._folder / dataset / table)

    def rename(self, dataset: str, table: str, name: str) -> None:
        """Leaves a file in the table's place, or a load would make the table anew."""
        old, new = (self._folder / dataset / each for each in (table, name))
        new.unlink(missing_ok=True)
        old.rename(new)
        if table in TABLES:
            old.touch()

    def close(self) -> None:
        pass


def _plain(name: str, value: Any) -> Any:
    return decoded(value) if name in _OBJECTS else in_utc(value)


_OBJECTS = ("labels", "origin")
"""The story's columns of objects and lists: Delta has no type for JSON, so they are text there."""
