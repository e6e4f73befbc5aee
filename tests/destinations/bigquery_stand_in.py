"""BigQuery: `bqemulator`, a server with BigQuery's REST API; `python tests/destinations` starts it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from unittest import mock

from destinations.servers import BIGQUERY_ADDRESS, COMMAND, PROJECT
from support.backends import Backend, Missing, tables_by_types
from support.expected import Tables

# Seconds that a request may take, and that it may be retried.
PATIENCE = 30


class BigQuery(Backend):
    """The stand-in of BigQuery."""

    name = "bigquery"

    def __init__(self) -> None:
        address = os.environ.get(BIGQUERY_ADDRESS)
        if address is None:
            raise Missing(f"the stand-in of BigQuery is not running: {COMMAND} bigquery starts it and runs this")
        from dlt.common.configuration.specs import GcpServiceAccountCredentials
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import bigquery

        self._patches = [
            # dlt logs in to Google and nowhere else; the stand-in needs no login
            mock.patch.object(
                GcpServiceAccountCredentials, "to_native_credentials", return_value=AnonymousCredentials()
            ),
            mock.patch.object(bigquery.Client, "query_and_wait", _checked(bigquery.Client.query_and_wait)),
        ]
        for patch in self._patches:
            patch.start()
        account = {"project_id": PROJECT, "private_key": "unused", "client_email": "nobody@example.test"}
        self.environment = {
            "BIGQUERY_EMULATOR_HOST": address,
            "DESTINATION__BIGQUERY__CREDENTIALS": json.dumps(account),
            "DESTINATION__BIGQUERY__HTTP_TIMEOUT": str(PATIENCE),
            "DESTINATION__BIGQUERY__RETRY_DEADLINE": str(PATIENCE),
            "DESTINATION__BIGQUERY__FILE_UPLOAD_TIMEOUT": str(PATIENCE),
            "NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION": "true",  # the stand-in does not decompress uploads
        }
        with mock.patch.dict(os.environ, {"BIGQUERY_EMULATOR_HOST": address}):
            self._client = bigquery.Client(project=PROJECT, credentials=AnonymousCredentials())

    def tables(self, dataset: str) -> Tables:
        listed = self._client.list_tables(f"{PROJECT}.{dataset}", timeout=PATIENCE)
        types = {
            (table.table_id, field.name): field.field_type
            for table in listed
            for field in self._client.get_table(table, timeout=PATIENCE).schema
        }

        def select(table: str) -> tuple[Iterable[str], Iterable[Sequence[Any]]]:
            rows = self._client.query(f"SELECT * FROM {self.qualified(dataset, table)}", timeout=PATIENCE).result()
            return [field.name for field in rows.schema], [row.values() for row in rows]

        return tables_by_types(types, select)

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self._client.query(sql, timeout=PATIENCE).result(timeout=PATIENCE)]

    def qualified(self, dataset: str, table: str) -> str:
        return f"`{PROJECT}.{dataset}.{table}`"

    def drop_column(self, dataset: str, table: str, column: str) -> None:
        super().drop_column(dataset, table, column)
        known = self._client.get_table(f"{PROJECT}.{dataset}.{table}", timeout=PATIENCE)
        known.schema = [field for field in known.schema if field.name != column]
        self._client.update_table(known, ["schema"], timeout=PATIENCE)

    def close(self) -> None:
        self._client.close()
        for patch in self._patches:
            patch.stop()


_ADDS = re.compile(r"ALTER TABLE `(\w+)`\.`(\w+)`\.`(\w+)`\s+(ADD COLUMN .*?)(?=ALTER TABLE|\Z)", re.DOTALL)
_ADDED = re.compile(r"ADD COLUMN `(\w+)` (\w+)")
_VIEW = re.compile(r"CREATE OR REPLACE VIEW (\S+) OPTIONS \(description = '((?:[^'\\]|\\.)*)'\)")


def _checked(query_and_wait: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps `query_and_wait`: sends what the stand-in understands, and raises what went wrong.

    The stand-in reports success for a failed statement, adds one column at a time, does not list columns that SQL
    added, and forgets the description of a view.
    """

    def run(client: Any, statement: str, **options: Any) -> Any:
        rows = query_and_wait(client, statement, **options)
        client.get_job(rows.job_id, timeout=PATIENCE).result(timeout=PATIENCE)
        return rows

    def checked(client: Any, query: str, **options: Any) -> Any:
        from google.cloud.bigquery import SchemaField

        if view := _VIEW.match(query):
            rows = run(client, query, **options)
            known = client.get_table(view[1].replace("`", ""), timeout=PATIENCE)
            known.description = view[2].replace("\\'", "'")
            client.update_table(known, ["description"], timeout=PATIENCE)
            return rows
        added = [(".".join(names), _ADDED.findall(columns)) for *names, columns in _ADDS.findall(query)]
        if not added:
            return run(client, query, **options)
        for table, columns in added:
            for name, kind in columns:
                rows = run(client, f"ALTER TABLE `{table}` ADD COLUMN `{name}` {kind}", **options)
            known = client.get_table(table, timeout=PATIENCE)
            known.schema = [*known.schema, *(SchemaField(name, kind) for name, kind in columns)]
            client.update_table(known, ["schema"], timeout=PATIENCE)
        return rows

    return checked
