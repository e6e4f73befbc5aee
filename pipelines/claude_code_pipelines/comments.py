"""Comments in the warehouse on tables, views and their columns: what they mean, where a BI tool shows it."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import dlt
from sqlglot import exp

from claude_code_analytics import DestinationError
from claude_code_analytics.claude_code.report import DailyReport
from claude_code_analytics.constants import SOURCE_NAME
from claude_code_analytics.warehouse.backend import open_backend

from .error_messages import translate_errors

logger = logging.getLogger("claude_code_analytics")

# Dialects in which columns of tables take comments by a statement. dlt itself writes the descriptions of
# tables in BigQuery, Snowflake and Databricks.
_COMMENTED = ("duckdb", "postgres")


def comment_tables(pipeline: dlt.Pipeline, report: DailyReport) -> None:
    """Writes the descriptions of a report's tables and columns, on DuckDB and Postgres."""
    dialect = pipeline.destination.capabilities().sqlglot_dialect if pipeline.destination else None
    if dialect not in _COMMENTED:
        return
    try:
        with translate_errors("the tables could not be commented"), open_backend(pipeline, SOURCE_NAME) as backend:
            statements: list[str] = []
            for table in (*report.tables, report.ledger):
                name = backend.table(table.name)
                statements.append(f"COMMENT ON TABLE {name} IS {literal(table.description, dialect)}")
                meanings = {backend.column(column.name): column.description for column in table.columns}
                statements += column_comments(name, meanings, dialect)
            backend.query(";\n".join(statements))
    except DestinationError as error:  # the rows are complete without
        logger.warning("%s", error)


def column_comments(name: str, columns: Mapping[str, str], dialect: str) -> list[str]:
    """Returns the statements that comment columns of a table or view; all names are quoted already."""
    return [f"COMMENT ON COLUMN {name}.{column} IS {literal(meaning, dialect)}" for column, meaning in columns.items()]


def literal(text: str, dialect: str) -> str:
    return exp.Literal.string(text).sql(dialect=dialect)
