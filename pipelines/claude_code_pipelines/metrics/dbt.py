"""The catalog as a dbt package: models with the SQL of the views, sources with freshness, descriptions and tests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import dlt

from claude_code_analytics import ConfigurationError
from claude_code_analytics.claude_code.report import CLAUDE_CODE
from claude_code_analytics.warehouse.destinations import destination_of

from ..dataset_names import dataset_name
from .catalog import MEASURES, VIEWS, View
from .dialects import transpiled

# Names of the package, of its source, and the prefix of its variables.
PACKAGE = "claude_code"

_TABLES = (*CLAUDE_CODE.tables, CLAUDE_CODE.ledger)
_VIEW_NAMES = frozenset(view.name for view in VIEWS)
_TOTAL = "claude_code_records"  # what the sums of every other view are compared with
# Columns that every row has. Others of a grain are NULL where the API sent nothing, or identities are dropped.
_NEVER_NULL = {"organization_id", "date", "week", "month", "cohort_week", "weeks_since", "_dlt_id"}
_QUOTED_JINJA = re.compile(r"""["`](\{\{.*?\}\})["`]""")

# 1.10 is the first that reads freshness under `config`, where dbt 2 expects it.
_PROJECT = f"""\
name: {PACKAGE}
config-version: 2
require-dbt-version: ">=1.10.0"
model-paths: [models]
test-paths: [tests]
models:
  {PACKAGE}:
    +materialized: view
"""

# A load a day, six hours late, is a warning. One that is missing is an error.
_SOURCES = """\
sources:
  - name: {package}
    description: Claude Code analytics, loaded day by day.
    database: "{{{{ var('{package}_database', target.database) }}}}"
    schema: "{{{{ var('{package}_schema', '{dataset}') }}}}"
    tables:
"""
_FRESHNESS = """\
        config:
          loaded_at_field: fetched_at
          freshness:
            warn_after: {count: 30, period: hour}
            error_after: {count: 48, period: hour}
"""

_ONE_ROW = """
SELECT {columns}, COUNT(*) AS found
FROM {view}
GROUP BY {columns}
HAVING COUNT(*) > 1 OR {missing}"""

# Sums of amounts may differ by what BigQuery rounds, a billionth of a dollar in each row.
_SUMS = """
SELECT COALESCE(a.organization_id, b.organization_id) AS organization_id, {both}
FROM (SELECT organization_id, {sums} FROM {view} GROUP BY organization_id) AS a
FULL JOIN (SELECT organization_id, {sums} FROM {total} GROUP BY organization_id) AS b
  ON b.organization_id = a.organization_id
WHERE {differs}"""

_ROWS = """
SELECT l.organization_id, l.date, l.{count} AS expected, COALESCE(t.found, 0) AS found
FROM (
  SELECT
    organization_id, date, {count},
    ROW_NUMBER() OVER (PARTITION BY organization_id, date ORDER BY fetched_at DESC, _dlt_load_id DESC) AS place
  FROM {ledger}
) AS l
LEFT JOIN (SELECT organization_id, date, COUNT(*) AS found FROM {table} GROUP BY organization_id, date) AS t
  ON t.organization_id = l.organization_id AND t.date = l.date
WHERE l.place = 1 AND l.{count} <> COALESCE(t.found, 0)"""


def dbt_package(pipeline: dlt.Pipeline) -> dict[PurePosixPath, str]:
    """Returns the files of the dbt package for a destination, without connecting and without credentials.

    Raises:
        ConfigurationError: The tables are files.
    """
    if not destination_of(pipeline).has_views:
        raise ConfigurationError("Delta tables have no views; `views --print` shows the SELECTs for your query engine")
    capabilities: Any = pipeline.destination.capabilities()

    def referred(name: str) -> str:
        call = f"ref('{name}')" if name in _VIEW_NAMES else f"source('{PACKAGE}', '{name}')"
        return str(capabilities.escape_identifier(f"{{{{ {call} }}}}"))

    def sql(select: str) -> str:
        text = transpiled(select, capabilities.sqlglot_dialect, referred, capabilities.casefold_identifier)
        return _QUOTED_JINJA.sub(r"\1", text) + "\n"

    return {
        PurePosixPath("dbt_project.yml"): _PROJECT,
        PurePosixPath("models/sources.yml"): _sources(dataset_name(pipeline)),
        PurePosixPath("models/models.yml"): _models(),
        **{PurePosixPath(f"models/{view.name}.sql"): sql(view.select) for view in VIEWS},
        **{PurePosixPath(f"tests/{name}.sql"): sql(select) for name, select in _tests()},
    }


def _sources(dataset: str) -> str:
    tables = (
        _described(table.name, table.description, {each.name: each.description for each in table.columns}, indent=4)
        + (_FRESHNESS if table is CLAUDE_CODE.ledger else "")
        for table in _TABLES
    )
    return _SOURCES.format(package=PACKAGE, dataset=dataset) + "".join(tables)


def _models() -> str:
    return "".join(["models:\n", *(_described(view.name, view.comment, view.meanings) for view in VIEWS)])


def _described(name: str, description: str, columns: Mapping[str, str], indent: int = 0) -> str:
    """Returns the YAML of a table and its columns, as an item of a list. YAML takes the texts of JSON."""
    lines = [f"  - name: {name}", f"    description: {json.dumps(description)}", "    columns:"]
    for column, meaning in columns.items():
        lines += [f"      - name: {column}", f"        description: {json.dumps(meaning)}"]
    return "".join(f"{' ' * indent}{line}\n" for line in lines)


def _tests() -> Iterator[tuple[str, str]]:
    """Yields the tests, which select what is wrong: name and SELECT."""
    for table in CLAUDE_CODE.tables:
        fill = {"table": table.name, "count": table.counted_as, "ledger": CLAUDE_CODE.ledger.name}
        yield f"{table.name}_has_the_rows_of_the_ledger", _ROWS.format(**fill)
    for view in VIEWS:
        if view.grain:
            yield f"{view.name}_has_one_row_each", _one_row(view)
        measures = [name for name in view.meanings if name in MEASURES]
        if measures and view.name != _TOTAL:
            yield f"{view.name}_sums_to_the_total", _sums(view, measures)


def _one_row(view: View) -> str:
    columns = ("organization_id", *view.grain)
    missing = [f"{name} IS NULL" for name in columns if name in _NEVER_NULL]
    return _ONE_ROW.format(view=view.name, columns=", ".join(columns), missing=" OR ".join(missing))


def _sums(view: View, measures: list[str]) -> str:
    def each(template: str) -> list[str]:
        return [template.format(name) for name in measures]

    return _SUMS.format(
        view=view.name,
        total=_TOTAL,
        sums=", ".join(each("SUM({0}) AS {0}")),
        both=", ".join(each("a.{0}, b.{0} AS total_{0}")),
        differs=" OR ".join(each("ABS(COALESCE(a.{0}, 0) - COALESCE(b.{0}, 0)) > 0.0001")),
    )
