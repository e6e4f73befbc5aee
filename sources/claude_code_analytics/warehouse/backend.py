"""The destination beside dlt's loads: queried, and given the columns it lacks. `Backend` and its SQL implementation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from typing import Any, Protocol

import dlt
from dlt.common.exceptions import DltException
from dlt.common.schema.typing import TColumnSchema
from dlt.destinations.exceptions import DatabaseTransientException, DatabaseUndefinedRelation

from .delta import DeltaBackend, columns_in
from .destinations import destination_of

# By table, the columns in any version of the dlt schemas that the destination keeps.
KnownColumns = Mapping[str, AbstractSet[str]]

# By table, the columns that the destination has, as dlt describes them; no entry where there is no table.
StoredColumns = dict[str, dict[str, TColumnSchema]]


class Backend(Protocol):
    """A destination, as far as it is queried."""

    reports_types: bool  # `stored_columns` returns the exact types that dlt wrote

    def table(self, name: str) -> str:
        """Returns a table's name as it is written in SQL."""

    def column(self, name: str) -> str:
        """Returns a column's name as it is written in SQL."""

    def query(self, sql: str, *parameters: Any) -> list[Any]:
        """Runs a query; `%s` in it are parameters."""

    def delete_later(self, table: str, column: str, moment: dt.datetime) -> None:
        """Deletes the rows of a table whose time in `column` is later."""

    def stored_columns(self, tables: Iterable[str], *, staging: bool = False) -> StoredColumns:
        """Returns the columns of tables that exist, by their names in dlt's schema."""

    def known_columns(self, tables: Iterable[str]) -> KnownColumns:
        """Returns the columns of tables in all stored versions of dlt schemas.

        All: each pipeline stores its own, so the newest need not have the column that another one added.
        """

    def add_missing(self, tables: Iterable[str], stored: StoredColumns, *, staging: bool = False) -> None:
        """Creates what dlt's schema has of these tables and the destination lacks: whole tables, or columns.

        dlt itself compares the two only when its schema changes. `stored` is what `stored_columns` returned.
        """

    def retype(self, table: str, column: TColumnSchema, *, staging: bool = False) -> str:
        """Returns the statement that gives an existing column the type in `column`."""


@contextmanager
def open_backend(pipeline: dlt.Pipeline, schema_name: str | None, *, needs_all_rows: bool = False) -> Iterator[Backend]:
    """Opens the destination behind a pipeline, or raises DltException where it cannot be reached.

    The dlt schema of the tables decides the dataset where a pipeline has one for each schema. With `needs_all_rows`,
    queries fail that row-level security would hide rows from.
    """
    known = schema_name if schema_name in pipeline.schema_names else None
    with ExitStack() as opened:
        try:
            client: Any = opened.enter_context(pipeline.destination_client(known))  # type: ignore[arg-type]  # None: any
        except DltException:
            raise
        except Exception as error:  # dlt passes the drivers' own errors on where a connection fails
            raise DatabaseTransientException(error) from error
        destination = destination_of(pipeline)
        if needs_all_rows and destination.shows_all_rows:
            client.sql_client.execute_sql(destination.shows_all_rows)
        is_delta = destination.table_format == "delta"
        yield DeltaBackend(client) if is_delta else SqlBackend(client, reports_types=destination.reports_types)


class SqlBackend:
    """A database, queried through dlt's own connection: its job client, opened."""

    def __init__(self, client: Any, *, reports_types: bool) -> None:
        self.reports_types = reports_types
        self._client = client
        self._sql = client.sql_client
        self._naming = client.schema.naming

    def table(self, name: str) -> str:
        return str(self._sql.make_qualified_table_name(self._naming.normalize_tables_path(name)))

    def column(self, name: str) -> str:
        return str(self._sql.escape_column_name(self._naming.normalize_path(name)))

    def query(self, sql: str, *parameters: Any) -> list[Any]:
        return list(self._sql.execute_sql(sql, *parameters) or [])

    def delete_later(self, table: str, column: str, moment: dt.datetime) -> None:
        self.query(f"DELETE FROM {self.table(table)} WHERE {self.column(column)} > %s", moment)  # noqa: S608  # names

    def stored_columns(self, tables: Iterable[str], *, staging: bool = False) -> StoredColumns:
        names = {self._naming.normalize_tables_path(table): table for table in tables}
        # where dlt folds the case (Snowflake: to upper), its schema has lower case; elsewhere the case is the schema's
        keeps_case = self._client.capabilities.casefold_identifier is str
        with self._dataset(staging):
            found = {
                names[table]: {name if keeps_case else name.lower(): column for name, column in columns.items()}
                for table, columns in self._client.get_storage_tables(list(names))
                if columns
            }
            if found:
                self._require_absent(table for table in names.values() if table not in found)
            return found

    def _require_absent(self, tables: Iterable[str]) -> None:
        """Raises DatabaseException where a table is only hidden: Postgres lists none that the user has no right on."""
        for table in tables:
            with suppress(DatabaseUndefinedRelation):
                self.query(f"SELECT 1 FROM {self.table(table)} WHERE 1 = 0")  # noqa: S608  # names

    def known_columns(self, tables: Iterable[str]) -> KnownColumns:
        versions = self._sql.make_qualified_table_name(self._client.schema.version_table_name)
        column = self._sql.escape_column_name(self._naming.normalize_identifier("schema"))
        try:
            schemas = [str(text) for (text,) in self.query(f"SELECT {column} FROM {versions}")]  # noqa: S608  # names
        except DatabaseUndefinedRelation:
            schemas = []
        return columns_in(schemas, {self._naming.normalize_tables_path(table): table for table in tables})

    def add_missing(self, tables: Iterable[str], stored: StoredColumns, *, staging: bool = False) -> None:
        names = {self._naming.normalize_tables_path(table): stored.get(table, {}) for table in tables}
        missing = self._missing_columns(names)
        if self._client.schema.is_modified or not any(missing.values()):  # dlt compares a modified schema itself
            return
        with self._dataset(staging):
            if not self._client.is_storage_initialized():  # dlt creates a dataset whole
                return
            for name in filter(names.get, missing):
                self._add_nullable(name, [column for column in missing[name] if not column.get("nullable", True)])
            self._client.update_stored_schema(only_tables=list(missing), force=True)

    def retype(self, table: str, column: TColumnSchema, *, staging: bool = False) -> str:
        with self._dataset(staging):
            name, kind = self.column(str(column["name"])), self._client.type_mapper.to_destination_type(column, {})
            return f"ALTER TABLE {self.table(table)} ALTER COLUMN {name} TYPE {kind} USING CAST({name} AS {kind});"

    def _dataset(self, staging: bool) -> AbstractContextManager[Any]:
        return self._client.with_staging_dataset() if staging else nullcontext()

    def _missing_columns(self, names: StoredColumns) -> dict[str, list[TColumnSchema]]:
        """Returns, by table of dlt's schema, the columns that are not among the stored ones."""
        schema = self._client.schema
        case_sensitive = self._client.capabilities.generates_case_sensitive_identifiers()
        return {
            name: schema.get_new_table_columns(name, columns, case_sensitive=case_sensitive)
            for name, columns in names.items()
            if name in schema.tables
        }

    def _add_nullable(self, table: str, columns: Sequence[TColumnSchema]) -> None:
        """Adds columns that allow no NULL to a table that has rows. They have no value in them, so they have to.

        No database adds such a column as dlt declares it. Rows without a value make their days unheld, so they are
        replaced.
        """
        for column in columns:
            kind = self._client.type_mapper.to_destination_type(column, self._client.prepare_load_table(table))
            name = self._sql.escape_column_name(column["name"])
            self._sql.execute_sql(f"ALTER TABLE {self._sql.make_qualified_table_name(table)} ADD COLUMN {name} {kind}")
