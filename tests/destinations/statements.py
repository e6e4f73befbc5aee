"""Every statement that a load, `status` and `views` run on a destination, made by dlt without a connection.

A program for a process of its own, because it puts dummy modules in the place of missing drivers: dlt's code for a
destination cannot be imported without them, though none is called before something connects. Prints JSON: by
destination, its dialect, the file formats and the statements with their purpose.
"""

from __future__ import annotations

import datetime as dt
import importlib.abc
import importlib.machinery
import json
import os
import re
import sys
import tempfile
import types
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

DRIVERS = ("azure", "databricks", "google", "googleapiclient", "psycopg2", "requests_oauthlib", "snowflake")
FIRST, LAST = dt.date(2026, 9, 13), dt.date(2026, 9, 20)
NOW = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)
TABLES = (
    "claude_code_usage",
    "claude_code_usage__tool_actions",
    "claude_code_usage__model_breakdown",
    "claude_code_days",
)


class _Anything(type):
    """A class that has every attribute, of the same kind."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Anything(name, (_Thing,), {"__module__": cls.__module__})

    def __getitem__(cls, item: object) -> Any:
        return cls

    def __or__(cls, other: object) -> Any:
        return Any

    __ror__ = __or__


class _Thing(Exception):
    """An instance of any driver's class, errors included."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments)


class _Credentials:
    """Credentials of which only the database's name is used."""

    project_id = "my-project"
    database = "analytics"

    def __init__(self, destination: str) -> None:
        self.catalog = "main" if destination == "databricks" else None

    def __getattr__(self, name: str) -> None:
        return None


class _NothingLoaded:
    """A backend of an empty dataset."""

    reports_types = False

    def stored_columns(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        return {}

    def known_columns(self, *arguments: Any) -> dict[str, Any]:
        return {}

    def add_missing(self, *arguments: Any, **options: Any) -> None:
        pass


class _DummyModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds a module for each driver that is not installed, with every name that is imported from it."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: object = None) -> Any:
        if fullname.partition(".")[0] in DRIVERS:
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        module = types.ModuleType(spec.name)
        module.__path__ = []
        module.__getattr__ = lambda name: getattr(_Anything(spec.name, (), {}), name)  # type: ignore[method-assign]
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        pass


def statements_for(name: str, folder: str) -> dict[str, Any]:
    """Returns the statements for one destination, and the file formats; `+filesystem` in the name adds staging."""
    import dlt

    from claude_code_analytics import AnalyticsClient, claude_code_analytics
    from claude_code_analytics.warehouse import proof
    from claude_code_simulator import ScriptedOrganization, SimulatedApi, record

    organization = ScriptedOrganization()
    organization.days[LAST] = [record(LAST, email="dev@example.test", effort={"level": 1})]
    api = SimulatedApi(organization, clock=lambda: NOW)
    client = AnalyticsClient(api_key=api.credentials.admin_key, transport=api.transport, clock=lambda: NOW)
    destination, _, staging = name.partition("+")
    factory = getattr(dlt.destinations, destination)
    pipeline = dlt.pipeline(
        f"to_{name}".replace("+", "_"),
        destination=factory(),
        staging=dlt.destinations.filesystem(f"{folder}/bucket") if staging else None,
        dataset_name="claude_code",
        pipelines_dir=folder,
    )
    # the destination cannot be reached from here, so nothing is proven
    with patch.object(proof, "open_backend", lambda *_, **__: nullcontext(_NothingLoaded())):
        pipeline.extract(claude_code_analytics(start_date=FIRST, end_date=LAST, client=client))
    pipeline.normalize()
    job_client = _unconnected(factory(), pipeline.default_schema, pipeline)
    package = pipeline.get_load_package_info(pipeline.list_normalized_load_packages()[0])
    files = {job.job_file_info.table_name: job.job_file_info.file_format for job in package.jobs["new_jobs"]}
    return {
        "dialect": job_client.capabilities.sqlglot_dialect,
        "files": {table: files[table] for table in TABLES},
        "statements": [*_of_dlt(job_client), *_of_this_project(pipeline, job_client)],
    }


def _of_dlt(job_client: Any) -> Iterator[dict[str, str]]:
    for table in TABLES:
        columns = job_client.schema.get_table_columns(table)
        grown = dict(list(columns.items())[:-1])
        for purpose, stored in (("create", {}), ("alter", grown)):
            for sql in job_client._build_schema_update_sql([(table, stored)])[0]:
                yield {"for": purpose, "table": table, "sql": sql.strip()}
    for table in TABLES[:3]:
        for job in job_client._create_merge_followup_jobs([job_client.prepare_load_table(table)]):
            text = re.sub(r"DO (\$\w*\$).*?\1", "", Path(job.new_file_path()).read_text())  # sqlglot parses no PL/pgSQL
            for sql in filter(str.strip, re.split("[\n;]", text)):
                yield {"for": "merge", "table": table, "sql": sql.strip()}


def _of_this_project(pipeline: Any, job_client: Any) -> Iterator[dict[str, str]]:
    from claude_code_analytics.claude_code.report import CLAUDE_CODE
    from claude_code_analytics.dates import DayRange
    from claude_code_analytics.warehouse.backend import SqlBackend
    from claude_code_analytics.warehouse.proof import ProofQuery
    from claude_code_pipelines.defaults import PROGRAM
    from claude_code_pipelines.metrics import views
    from claude_code_pipelines.metrics.catalog import VIEWS

    executed: list[str] = []
    sql_client = job_client.sql_client
    sql_client.open_connection = sql_client.close_connection = lambda: None
    sql_client.begin_transaction = nullcontext
    sql_client.execute_sql = lambda sql, *arguments, **named: executed.append(sql) or []
    pipeline.sql_client = lambda *arguments, **named: sql_client
    pipeline.destination_client = lambda *arguments, **named: job_client

    tables, ledger = CLAUDE_CODE.tables, CLAUDE_CODE.ledger
    stored = {table.name: {name: {} for name in table.column_names} for table in (*tables, ledger)}
    backend = SqlBackend(job_client, reports_types=False)
    ProofQuery(backend, tables, ledger, stored, {}, NOW, DayRange(FIRST, LAST)).read()
    proof = executed.pop()
    views.create_views(pipeline)
    fold = sql_client.capabilities.casefold_identifier
    older = [(fold(view.name), f"an older version [{PROGRAM} 000000000000]") for view in VIEWS]
    sql_client.execute_sql = lambda sql, *arguments, **named: executed.append(sql) or older
    views.create_views(pipeline)
    of_views = [sql for sql in executed if not sql.startswith("SET LOCAL")]  # sqlglot does not parse it
    yield {"for": "proof", "table": "", "sql": proof.strip()}
    for sql in of_views:
        for each in sql.split(";\n"):
            purpose = "look" if each.strip().startswith("SELECT") else "view"
            yield {"for": purpose, "table": "", "sql": each.strip()}


def _unconnected(factory: Any, schema: Any, pipeline: Any) -> Any:
    """Returns dlt's job client for the destination, not connected."""
    from claude_code_analytics.warehouse.destinations import SUPPORTED

    config = factory.spec()
    config._bind_dataset_name(pipeline.dataset_name, default_schema_name=schema.name)
    config.destination_type = factory.destination_type
    config.credentials = _Credentials(factory.destination_name)
    kind = factory.destination_type.rsplit(".", 1)[-1]
    settings = next(each.settings for each in SUPPORTED if each.name == kind)
    for key, value in {"project_id": None, "location": "US", **settings}.items():
        if hasattr(config, key):
            setattr(config, key, value)
    capabilities = factory.capabilities(config, naming=schema.naming)
    return factory.client_class(schema, config, capabilities)


def main() -> None:
    sys.meta_path.append(_DummyModules())
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update({"RUNTIME__DLTHUB_TELEMETRY": "false", "DLT_DATA_DIR": folder, "RUNTIME__LOG_LEVEL": "ERROR"})
        os.chdir(folder)
        sys.stdout.write(json.dumps({name: statements_for(name, folder) for name in sys.argv[1:]}))


if __name__ == "__main__":
    main()
