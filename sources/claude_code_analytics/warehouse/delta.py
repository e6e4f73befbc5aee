"""Delta tables as a backend: queried in memory by DuckDB, the same SQL as everywhere.

dlt would query them through a DuckDB extension that DuckDB downloads.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.common.exceptions import DltException
from dlt.destinations.exceptions import DatabaseTransientException


class DeltaBackend:
    """Delta tables in a folder or a bucket, through dlt's job client for the filesystem; see `backend.Backend`."""

    reports_types = False

    def __init__(self, client: Any) -> None:
        self._client = client
        self._opened: dict[str, Any] = {}

    def table(self, name: str) -> str:
        self._open(name)
        return f'"{name}"'

    def column(self, name: str) -> str:
        return f'"{name}"'

    def query(self, sql: str, *parameters: Any) -> list[Any]:
        import duckdb  # only Delta tables need it here

        try:
            with duckdb.connect() as connection:
                connection.execute("SET TimeZone = 'UTC'")
                for name, table in self._opened.items():
                    if table is not None and f'"{name}"' in sql:
                        # not as a dataset: DuckDB 2.0 pushes filters on text into it that pyarrow 26 cannot compare
                        columns = [field.name for field in table.schema().fields if field.name in sql]
                        connection.register(name, table.to_pyarrow_table(columns=columns))
                return connection.execute(sql.replace("%s", "?"), list(parameters)).fetchall()
        except DltException:
            raise
        except Exception as error:
            raise DatabaseTransientException(error) from error

    def delete_later(self, table: str, column: str, moment: dt.datetime) -> None:
        # Delta compares with the column's own type only, which a text takes; a TIMESTAMP has nanoseconds
        self._open(table).delete(f"{column} > '{moment.isoformat()}'")

    def stored_columns(self, tables: Iterable[str], *, staging: bool = False) -> dict[str, dict[str, Any]]:
        if staging:  # Delta has no staging dataset
            return {}
        found: dict[str, dict[str, Any]] = {}
        for name in tables:
            table = self._open(name)
            if table is not None:
                found[name] = {field.name: {"name": field.name} for field in table.schema().fields}
        return found

    def known_columns(self, tables: Iterable[str]) -> dict[str, set[str]]:
        try:
            files = [path for path, _ in self._client._iter_stored_schema_files()]
        except DestinationUndefinedEntity:
            return {}
        texts = [self._client.fs_client.read_text(path, encoding="utf-8") for path in files]
        return columns_in([json.loads(text)["schema"] for text in texts], {table: table for table in tables})

    def add_missing(self, tables: Iterable[str], stored: dict[str, dict[str, Any]], *, staging: bool = False) -> None:
        """Does nothing: Delta tables and their columns are created as they are written."""

    def retype(self, table: str, column: Any, *, staging: bool = False) -> str:
        """Is never called: without exact types no change of one is seen."""
        raise NotImplementedError

    def _open(self, name: str) -> Any:
        if name not in self._opened:
            try:
                self._opened[name] = self._client.load_open_table("delta", name)
            except DestinationUndefinedEntity:
                self._opened[name] = None
            except DltException:
                raise
            except Exception as error:  # Delta's own errors, and those of the file system
                raise DatabaseTransientException(error) from error
        return self._opened[name]


def columns_in(schemas: Iterable[str], tables: Mapping[str, str]) -> dict[str, set[str]]:
    """Returns the columns of tables in dlt schemas as dlt stores them: as JSON, or as compressed JSON.

    `tables` has our names by those in the schemas.
    """
    found: dict[str, set[str]] = {table: set() for table in tables.values()}
    for text in schemas:
        schema = json.loads(text if text.startswith("{") else zlib.decompress(base64.b64decode(text)))
        for name, table in tables.items():
            found[table].update(schema["tables"].get(name, {}).get("columns", {}))
    return found
