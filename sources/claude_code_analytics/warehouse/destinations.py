"""Supported destinations, one row each: files, layout, settings, and how days are replaced there.

A destination is supported where dlt can replace what a condition selects (`delete-insert`, on Delta tables `cdc`) and
this project has tried, or parsed, the SQL. Every other destination is refused by name.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import dlt
from dlt.common.destination import DestinationCapabilitiesContext

from ..exceptions import ConfigurationError
from ..installation import install_command
from .schema import LOAD_ID, ROW_ID, Table


@dataclass(frozen=True)
class Destination:
    """One supported kind of destination; `name` is dlt's."""

    name: str
    evidence: str = "expected"  # `tested`, `stand-in` (a program in place of a cloud service), or its SQL is parsed
    notes: str = ""  # for the docs
    aliases: tuple[str, ...] = ()  # names that people try instead
    driver: str = ""  # module of a driver that is not always installed, and the requirement that brings it
    requirement: str = ""
    extra: str = ""  # of this project, which brings the requirement too
    file_format: str | None = None  # loader file format; None, or one that dlt does not support there: dlt's choice
    table_format: str | None = None  # where the destination is no database
    strategy: str = "delete-insert"  # dlt's merge strategy
    has_markers: bool = True  # the condition that selects the replaced rows can look into what is staged
    takes_turns: bool = False  # concurrent merges of a table wait for each other, by a lock in their own text
    shows_all_rows: str = ""  # statement after which a query that would leave out hidden rows fails
    counts_rows: bool = False  # only days with more staged rows than their marker says are searched for copies
    has_views: bool = True
    stores_nul: bool = True  # texts may hold the character U+0000
    primary_key: tuple[str, ...] = (ROW_ID,)  # rows that a resumed package staged twice are inserted once
    table_hints: Callable[[Table], dict[str, Any]] = lambda table: {}  # the destination's own, for the layout
    clustered_column: str | None = None  # gets dlt's `cluster` hint
    settings: Mapping[str, Any] = field(default_factory=dict)  # of the dlt destination, where the user set none
    load_workers: int | None = None  # tables written side by side, where more only cost memory
    reports_types: bool = False  # dlt reads back the exact types that it wrote

    def supported_file_format(self, capabilities: DestinationCapabilitiesContext) -> str | None:
        """Returns the loader file format, or None for dlt's choice."""
        return self.file_format if self.file_format in (capabilities.supported_loader_file_formats or ()) else None


def _bigquery_layout(table: Table) -> dict[str, Any]:
    # Months, not days: a day of 1,000 developers is 0.7 MB in all tables, and BigQuery bills at least 10 MB of each
    # table that a statement names. Its limit of 10,000 partitions (cloud.google.com/bigquery/quotas) is 800 years away.
    return {
        "x-bigquery-partition": {"date": "DATE_TRUNC({column_name}, MONTH)"},
        "x-bigquery-cluster-columns": list(table.clustered_by),
        "x-bigquery-table-description": table.description,
    }


def _databricks_layout(table: Table) -> dict[str, Any]:
    return {"x-databricks-table-comment": table.description}


SUPPORTED = (
    Destination(
        "duckdb",
        "tested",
        "the default; one file, one writing process",
        file_format="parquet",  # 20 times faster than dlt's default
        counts_rows=True,  # dlt's search sorts all rows: half of the merge's time and most of its memory
        load_workers=1,  # a file has one writer: more workers take more memory and no less time
        reports_types=True,
    ),
    Destination("motherduck", "expected", "DuckDB's SQL", aliases=("md",), file_format="parquet", reports_types=True),
    Destination(
        "postgres",
        "tested",
        "`INSERT` statements; concurrent merges of a table take turns",
        aliases=("postgresql", "pg"),
        driver="psycopg2",
        requirement="dlt[postgres]",
        extra="postgres",
        file_format="insert_values",  # dlt's CSV turns empty strings into NULL
        takes_turns=True,
        shows_all_rows="SET row_security = off",
        stores_nul=False,
        reports_types=True,
    ),
    Destination(
        "bigquery",
        "stand-in",
        "JSON lines, directly or staged; partitioned by month, clustered; no transactions",
        aliases=("bq",),
        driver="google.cloud.bigquery",
        requirement="dlt[bigquery]",
        extra="bigquery",
        file_format="jsonl",  # BigQuery takes no JSON column from Parquet
        table_hints=_bigquery_layout,
    ),
    Destination(
        "snowflake",
        "stand-in",
        "Parquet, directly or staged; clustered by date",
        driver="snowflake.connector",
        requirement="dlt[snowflake]",
        extra="snowflake",
        file_format="parquet",
        clustered_column="date",  # without the hint dlt drops a clustering key whenever a column is added
        settings={"use_timestamp_tz": True},  # dlt's TIMESTAMP_LTZ shows each reader's own time zone
    ),
    Destination(
        "filesystem",
        "tested",
        "Delta tables in a folder or a bucket",
        aliases=("delta", "deltalake", "s3", "gs", "gcs", "az", "azure", "abfss"),
        driver="deltalake",
        requirement="dlt[deltalake]",
        extra="delta",
        file_format="parquet",
        table_format="delta",
        strategy="cdc",  # in one commit: updates rows with the same key, deletes the others that the condition selects
        has_markers=False,  # a Delta predicate has no subqueries: it lists the days of each package
        has_views=False,
        primary_key=(ROW_ID, LOAD_ID),  # no earlier row has it: a row that is stored twice would be updated twice
        load_workers=2,  # dlt polls a finished job once a second, so two tables at once save time
    ),
    Destination(
        "redshift",
        "expected",
        "`INSERT` statements; staged: JSON lines",
        driver="psycopg2",
        requirement="dlt[postgres]",
        extra="postgres",
        file_format="jsonl",  # from a bucket Redshift reads JSON by column names, but Parquet by position
    ),
    Destination(
        "databricks",
        "expected",
        "Parquet, directly or staged",
        driver="databricks.sql",
        requirement="dlt[databricks]",
        table_hints=_databricks_layout,
    ),
)
NAMES = ", ".join(destination.name for destination in SUPPORTED)

# A pipeline without a destination only extracts.
NOWHERE = Destination("")


def kind_of(pipeline: Any) -> str:
    """Returns the type of a pipeline's destination as dlt names it; empty where it has none."""
    return pipeline.destination.destination_type.rsplit(".", 1)[-1] if pipeline and pipeline.destination else ""


def destination_of(pipeline: Any) -> Destination:
    """Returns the row of a pipeline's destination; raises ConfigurationError where it is not supported or installed."""
    kind = kind_of(pipeline)
    if not kind:
        return NOWHERE
    found = next((destination for destination in SUPPORTED if destination.name == kind), None)
    if found is None:
        raise ConfigurationError(
            f"destination {kind} is not supported: days that are read again could be doubled; use one of {NAMES}"
        )
    if found.table_format == "delta" and missing_driver(kind):
        raise ConfigurationError(
            f"on {kind} the tables are Delta tables, because days cannot be replaced in plain files; "
            f"install their writer: {missing_driver(kind)}"
        )
    return found


def set_default(pipeline: dlt.Pipeline, key: str, value: Any) -> None:
    """Sets a dlt setting that the user left open, for one pipeline: no other pipeline of the process sees it (D5d)."""
    own = f"{pipeline.pipeline_name}.{key}"
    if dlt.config.get(key) is None and dlt.config.get(own) is None:
        dlt.config[own] = value


def missing_driver(name: str) -> str:
    """Returns the command that installs a destination's driver; empty where it is installed, or none is needed."""
    found = next((each for each in SUPPORTED if each.name == name), NOWHERE)
    try:
        is_missing = bool(found.driver) and importlib.util.find_spec(found.driver) is None
    except ModuleNotFoundError:  # a package around the module
        is_missing = True
    return install_command(found.requirement, found.extra) if is_missing else ""


def similar_to(name: str) -> str:
    """Returns the supported destination that an unknown name seems to mean, or an empty text."""
    names = {other: each for each in SUPPORTED for other in (each.name, *each.aliases)}
    found = next((names[each] for each in get_close_matches(name.lower(), names, n=1)), NOWHERE)
    return f"{found.name} ({found.notes})" if found.table_format else found.name
