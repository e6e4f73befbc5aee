"""Queries against a destination beside dlt's loads: the `Backend` interface and its SQL implementation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

import dlt
from dlt.common.exceptions import DltException
from dlt.common.schema.typing import TColumnSchema
from dlt.destinations.exceptions import DatabaseTransientException

from .delta import DeltaBackend
from .destinations import destination_named, kind_of

# By table, the columns that the destination has, as dlt describes them; no entry where there is no table.
StoredColumns = dict[str, dict[str, TColumnSchema]]


# Columns that Postgres pads with blanks, which dlt takes for any text.
_PADDED = """
SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s AND data_type = 'character'
"""


class Backend(Protocol):
    """A destination, as far as it is queried."""

    def table(self, name: str) -> str:
        """Returns a table's name as it is written in SQL."""

    def column(self, name: str) -> str:
        """Returns a column's name as it is written in SQL."""

    def query(self, sql: str, *parameters: Any) -> list[Any]:
        """Runs a query; `%s` in it are parameters."""

    def stored_columns(self, tables: Iterable[str], *, staging: bool = False) -> StoredColumns:
        """Returns the columns of tables that exist, by their names in dlt's schema."""


@contextmanager
def open_backend(pipeline: dlt.Pipeline, schema_name: str | None) -> Iterator[Backend]:
    """Opens the destination behind a pipeline.

    Args:
        pipeline: The pipeline.
        schema_name: The dlt schema of the tables; it decides the dataset where a pipeline has one for each schema. A
            schema that the pipeline does not know yet counts as none.

    Raises:
        DltException: The destination cannot be reached.
    """
    known = schema_name if schema_name in pipeline.schema_names else None
    with ExitStack() as opened:
        try:
            client: Any = opened.enter_context(pipeline.destination_client(known))  # type: ignore[arg-type]  # None: any
        except DltException:
            raise
        except Exception as error:  # dlt passes the drivers' own errors on where a connection fails
            raise DatabaseTransientException(error) from error
        is_delta = destination_named(kind_of(pipeline)).table_format == "delta"
        yield DeltaBackend(client) if is_delta else SqlBackend(client)


class SqlBackend:
    """A database, queried through dlt's own connection.

    Args:
        client: dlt's job client, opened.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._sql = client.sql_client
        self._naming = client.schema.naming

    def table(self, name: str) -> str:
        """Returns a table's qualified and quoted name."""
        return str(self._sql.make_qualified_table_name(self._naming.normalize_tables_path(name)))

    def column(self, name: str) -> str:
        """Returns a column's quoted name."""
        return str(self._sql.escape_column_name(self._naming.normalize_path(name)))

    def query(self, sql: str, *parameters: Any) -> list[Any]:
        """Runs a query."""
        return list(self._sql.execute_sql(sql, *parameters) or [])

    def stored_columns(self, tables: Iterable[str], *, staging: bool = False) -> StoredColumns:
        """Returns the columns of tables that exist."""
        if staging:
            with self._client.with_staging_dataset():
                return self.stored_columns(tables)
        names = {self._naming.normalize_tables_path(table): table for table in tables}
        # where dlt folds the case (Snowflake: to upper), its schema has lower case; elsewhere the case is the schema's
        keeps_case = self._client.capabilities.casefold_identifier is str
        found: StoredColumns = {
            names[table]: {name if keeps_case else name.lower(): column for name, column in columns.items()}
            for table, columns in self._client.get_storage_tables(list(names))
            if columns
        }
        if self._client.capabilities.sqlglot_dialect == "postgres":
            for table, name in self.query(_PADDED, self._sql.dataset_name):
                if names.get(table) in found:
                    found[names[table]][name] = {**found[names[table]][name], "data_type": "character"}  # type: ignore[typeddict-item]
        return found
