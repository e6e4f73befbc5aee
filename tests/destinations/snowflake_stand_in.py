"""Snowflake: `fakesnow`, a server for Snowflake's drivers; `python tests/destinations` starts it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Any
from unittest import mock

from destinations.servers import COMMAND, SNOWFLAKE_PORT
from support.backends import Backend, Missing, tables_by_types
from support.expected import Tables

DATABASE = "CONFORMANCE"
# Seconds that a request may take, retries included; without a bound the driver retries for minutes.
PATIENCE = 30


class Snowflake(Backend):
    """The stand-in of Snowflake."""

    name = "snowflake"

    def __init__(self) -> None:
        port = os.environ.get(SNOWFLAKE_PORT)
        if port is None:
            raise Missing(f"the stand-in of Snowflake is not running: {COMMAND} snowflake starts it and runs this")
        import snowflake.connector
        from dlt.destinations import snowflake as destination

        self._driver = snowflake.connector
        self._port = int(port)
        # the stand-in takes one statement at a time
        capabilities = destination._raw_capabilities

        def one_statement(of: Any) -> Any:
            found = capabilities(of)
            found.supports_multiple_statements = False
            return found

        self._patches = [mock.patch.object(destination, "_raw_capabilities", one_statement)]
        for patch in self._patches:
            patch.start()
        with closing(self._connect(database=None)) as connection:
            create = f"CREATE DATABASE IF NOT EXISTS {DATABASE}"
            try:
                connection.cursor().execute(create)
            except self._driver.ProgrammingError:  # another worker created it at the same moment
                connection.cursor().execute(create)
        where = f"host=localhost&port={port}&protocol=http&login_timeout={PATIENCE}&network_timeout={PATIENCE}"
        self.environment = {
            "DESTINATION__SNOWFLAKE__CREDENTIALS": f"snowflake://anybody:anything@fakesnow/{DATABASE}?{where}"
        }

    def tables(self, dataset: str) -> Tables:
        with closing(self._connect()) as connection:
            cursor = connection.cursor()
            cursor.execute(
                "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = %s",
                [dataset.upper()],
            )
            types = {(table.lower(), name.lower()): kind for table, name, kind in cursor.fetchall()}

            def select(table: str) -> tuple[Iterable[str], Iterable[Sequence[Any]]]:
                cursor.execute(f"SELECT * FROM {self.qualified(dataset, table)}")
                return [each[0] for each in cursor.description], cursor.fetchall()

            return tables_by_types(types, select)

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(self._connect()) as connection:
            return list(connection.cursor().execute(sql).fetchall())

    def rename(self, dataset: str, table: str, name: str) -> None:
        self.run(f"ALTER TABLE {self.qualified(dataset, table)} RENAME TO {self.qualified(dataset, name)}")

    def close(self) -> None:
        for patch in self._patches:
            patch.stop()

    def _connect(self, database: str | None = DATABASE) -> Any:
        return self._driver.connect(
            user="anybody", password="anything", account="fakesnow", host="localhost", port=self._port,
            protocol="http", database=database, timezone="UTC", login_timeout=PATIENCE, network_timeout=PATIENCE,
        )  # fmt: skip
