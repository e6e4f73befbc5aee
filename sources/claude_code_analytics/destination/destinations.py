"""The facts about destinations: the files that each takes, how its SQL is written, how its tables are laid out.

A destination is served when two things hold: dlt can replace what a condition of ours names there (`delete-insert`, on
Delta tables `cdc`), and this module knows how its SQL writes a day. What is not known is refused: a condition that
another dialect reads in another way would delete other days.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
from dataclasses import dataclass
from typing import Any

from dlt.common.destination import DestinationCapabilitiesContext

from ..claude_code.columns import TABLE_DESCRIPTIONS
from ..exceptions import DestinationError
from ..settings import DAYS_TABLE, MODEL_BREAKDOWN_TABLE, RECORD_TABLES, TABLES, TOOL_ACTIONS_TABLE, USAGE_TABLE

SERVED = (
    "duckdb",
    "motherduck",
    "ducklake",
    "bigquery",
    "snowflake",
    "postgres",
    "redshift",
    "databricks",
    "clickhouse",
    "mssql",
    "synapse",
    "fabric",
    "filesystem",
)
"""Types of destination that are served, as the sentence of a refusal names them."""

TABLE_FORMATS = {"filesystem": "delta"}
"""dlt's format of the tables by type of destination, where that is not a database. Plain files are only added to, and
dlt deletes nothing from Iceberg tables that a load does not bring; from Delta tables it does."""

STRATEGIES = {"delta": "cdc"}
"""dlt's merge strategy by format of the tables; `delete-insert` in a database.

`cdc` updates the rows whose primary key is there, inserts the others, and deletes what the scope names and the load
does not bring. With `_dlt_id` as the key that replaces days, also by nothing, in one commit for each table.
"""

FILE_FORMATS = {
    "filesystem": "parquet",
    "duckdb": "parquet",
    "motherduck": "parquet",
    "snowflake": "parquet",
    "bigquery": "jsonl",
    "postgres": "insert_values",
    "redshift": "jsonl",
}
"""Loader file format by type of destination; elsewhere, and where dlt does not take it, dlt's own choice.

Why: Parquet is 20 times faster than dlt's default on DuckDB; BigQuery takes no JSON column from Parquet; Postgres' CSV
turns empty texts into NULL; from a bucket Redshift reads JSON by the columns' names, but Parquet by their places.
"""

DAY_LITERALS = {
    "duckdb": "DATE '{day}'",
    "bigquery": "DATE '{day}'",
    "snowflake": "DATE '{day}'",
    "postgres": "DATE '{day}'",
    "redshift": "DATE '{day}'",
    "databricks": "DATE '{day}'",
    "clickhouse": "DATE '{day}'",
    "tsql": "CAST('{day}' AS DATE)",  # T-SQL has no date literals
    "fabric": "CAST('{day}' AS DATE)",
}
"""How SQL writes a day, by dlt's name of the dialect. No text alone: what it is compared with must not decide."""

_FILTERED_ON: dict[str, tuple[str, ...]] = {
    USAGE_TABLE: ("actor__email_address", "organization_id"),
    TOOL_ACTIONS_TABLE: ("tool_name", "organization_id"),
    MODEL_BREAKDOWN_TABLE: ("model", "organization_id"),
    DAYS_TABLE: ("organization_id",),
}
"""What people filter on besides the date, the most telling first: BigQuery skips blocks by the leading columns only."""

TABLE_HINTS: dict[str, dict[str, dict[str, Any]]] = {
    "bigquery": {
        table: {
            "x-bigquery-partition": {"date": "DATE_TRUNC({column_name}, MONTH)"},
            "x-bigquery-cluster-columns": list(_FILTERED_ON[table]),
            "x-bigquery-table-description": TABLE_DESCRIPTIONS[table],
        }
        for table in TABLES
    },
    "databricks": {table: {"x-databricks-table-comment": TABLE_DESCRIPTIONS[table]} for table in TABLES},
}
"""dlt's hints for a table, by type of destination. They count when it is created; dlt changes no layout later.

Months, not days: a day of 1,000 developers is 0.7 MB in all tables, a month of the largest 9 MB, and BigQuery bills at
least 10 MB of each table that a statement names. Its limits (10,000 partitions in a table, 4,000 changed by one job:
cloud.google.com/bigquery/quotas) are out of reach then. The ledger is partitioned too, so that what a load deletes
anywhere lies in the months of its window.

Only hints that one destination reads: by dlt's general `partition` ClickHouse and Databricks would keep a part for each
day, and two columns with `cluster` would be two DISTKEYs to Redshift, which takes one.
"""

CLUSTERED_COLUMN = {"snowflake": "date"}
"""The column with dlt's `cluster` hint, by type of destination. Loads keep the days in order, so Snowflake's automatic
clustering has little to do; without the hint dlt would drop a clustering key whenever a column is added."""


SETTINGS: dict[str, dict[str, Any]] = {"snowflake": {"use_timestamp_tz": True}}
"""dlt's settings by type of destination, for loads of this project's pipelines whose user has not set them.

Snowflake shows a TIMESTAMP_LTZ, dlt's choice, in the time zone of whoever asks; a TIMESTAMP_TZ stays in UTC.
"""


@dataclass(frozen=True)
class Target:
    """The destination of the pipeline that runs, as far as tables and SQL depend on it.

    Attributes:
        kind: dlt's name of the type of destination; empty where a pipeline only extracts.
        capabilities: What dlt says of it, with the pipeline's naming and staging taken into account.
    """

    kind: str
    capabilities: DestinationCapabilitiesContext

    @property
    def table_format(self) -> str | None:
        """Format of the tables, or None in a database."""
        return TABLE_FORMATS.get(self.kind)

    @property
    def strategy(self) -> str:
        """Merge strategy of dlt."""
        return _strategy(self.kind)

    @property
    def file_format(self) -> str | None:
        """Loader file format, or None for dlt's choice."""
        wanted = FILE_FORMATS.get(self.kind)
        return wanted if wanted in (self.capabilities.supported_loader_file_formats or ()) else None

    def column(self, name: str) -> str:
        """A column's name in SQL, cased and quoted as dlt does it when it creates the table.

        Delta's merge knows it of two tables, of the one that is loaded and of what is loaded, and wants to be told.
        """
        escaped: str = self.capabilities.escape_identifier(self.capabilities.casefold_identifier(name))
        return f"{{table}}.{escaped}" if self.strategy == "cdc" else escaped

    def day(self, day: dt.date) -> str:
        """A day in SQL."""
        return DAY_LITERALS.get(self.capabilities.sqlglot_dialect or "", "DATE '{day}'").format(day=day)

    def table_hints(self, table: str) -> dict[str, Any]:
        """Hints for dlt on how the table is laid out there."""
        return {"description": TABLE_DESCRIPTIONS[table], **TABLE_HINTS.get(self.kind, {}).get(table, {})}

    def column_hints(self, table: str, column: str) -> dict[str, Any]:
        """Hints for dlt on what one of its columns means for that."""
        return {"cluster": True} if table in RECORD_TABLES and column == CLUSTERED_COLUMN.get(self.kind) else {}


ANYWHERE = Target("", DestinationCapabilitiesContext.generic_capabilities())
"""Where the destination is not known yet: a pipeline that only extracts."""


def require_replaceable(destination: str, capabilities: DestinationCapabilitiesContext) -> None:
    """Refuses a destination that cannot replace days; dlt alone would append there and double the rows.

    Raises:
        DestinationError: It has no merge that replaces what a scope names, or its SQL is not known here, or what
            writes its tables is not installed.
    """
    table_format = TABLE_FORMATS.get(destination)
    strategies = capabilities.supported_merge_strategies or ()
    if capabilities.merge_strategies_selector:
        table: Any = {"name": USAGE_TABLE, **({"table_format": table_format} if table_format else {})}
        strategies = capabilities.merge_strategies_selector(strategies, table_schema=table)
    if _strategy(destination) not in strategies or capabilities.sqlglot_dialect not in DAY_LITERALS:
        raise DestinationError(
            f"the destination {destination} cannot replace days, so re-read days would be doubled; use "
            f"{', '.join(SERVED[:-1])} or {SERVED[-1]}"
        )
    if table_format == "delta" and importlib.util.find_spec("deltalake") is None:
        raise DestinationError(
            f"days can be replaced in Delta tables and not in plain files, so on {destination} the tables are Delta "
            "tables; install what writes them: pip install 'dlt[deltalake]'"
        )


def _strategy(destination: str) -> str:
    return STRATEGIES.get(TABLE_FORMATS.get(destination, ""), "delete-insert")
