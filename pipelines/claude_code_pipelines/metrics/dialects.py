"""Dialects of the destinations: SELECTs transpiled from BigQuery's dialect, and the management of views in each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlglot
from sqlglot import ErrorLevel, exp

from claude_code_analytics.claude_code.report import CLAUDE_CODE

from .catalog import DIALECT, VIEWS

_RELATIONS = {table.name for table in (*CLAUDE_CODE.tables, CLAUDE_CODE.ledger)} | {view.name for view in VIEWS}


@dataclass(frozen=True)
class ViewDialect:
    """Management of views in one dialect. Statements hold `{name}`, `{select}` and `{comment}`.

    Attributes:
        look: Lists what bears one of `{names}`, with its comment. `{schema}` is the name of the dataset, `{dataset}`
            the same qualified and quoted, `{catalog}` what stands before it.
        create: Creates a view.
        replace: Replaces a view of ours, whose rights stay.
        comment: Comments a view after it was created; empty where `create` and `replace` do.
        has_column_comments: Columns take comments too.
        limit: Limits the time for which the transaction waits for a lock.
        holders: Lists the sessions that hold a lock on the view whose name is the text `{name}`.
        has_transactions: DDL is transactional.
        keeps_columns: A view cannot be replaced by one with other columns.
    """

    look: str
    create: str = "CREATE OR REPLACE VIEW {name} AS\n{select}"
    replace: str = "CREATE OR REPLACE VIEW {name} AS\n{select}"
    comment: str = "COMMENT ON VIEW {name} IS {comment}"
    has_column_comments: bool = False
    limit: str = ""
    holders: str = ""
    has_transactions: bool = False
    keeps_columns: bool = False


_PG_CLASS = """
SELECT c.relname, obj_description(c."oid", 'pg_class')
FROM pg_class AS c JOIN pg_namespace AS n ON n."oid" = c.relnamespace
WHERE n.nspname = '{schema}' AND c.relname IN ({names})"""
_INFORMATION_SCHEMA = """
SELECT table_name, comment
FROM {catalog}information_schema.tables
WHERE table_schema = '{schema}' AND table_name IN ({names})"""
_BIGQUERY = "CREATE OR REPLACE VIEW {name} OPTIONS (description = {comment}) AS\n{select}"
_SNOWFLAKE = "CREATE OR REPLACE VIEW {name} COPY GRANTS COMMENT = {comment} AS\n{select}"

VIEW_DIALECTS = {
    "duckdb": ViewDialect(
        look="""
SELECT view_name, comment FROM duckdb_views()
WHERE database_name = current_database() AND schema_name = '{schema}' AND view_name IN ({names})
UNION ALL
SELECT table_name, comment FROM duckdb_tables()
WHERE database_name = current_database() AND schema_name = '{schema}' AND table_name IN ({names})""",
        has_column_comments=True,
        has_transactions=True,
    ),
    "postgres": ViewDialect(
        look=_PG_CLASS,
        has_column_comments=True,
        limit="SET LOCAL lock_timeout = '1s'",  # readers queue behind a statement that waits for its lock
        holders="""
SELECT DISTINCT a.pid, a.usename, a.application_name, a.state
FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
WHERE l.relation = to_regclass({name}) AND l.granted AND l.pid <> pg_backend_pid()""",
        has_transactions=True,
        keeps_columns=True,
    ),
    "redshift": ViewDialect(
        look=_PG_CLASS,
        limit="SET LOCAL statement_timeout TO 2000",  # it has no limit for locks alone
        has_transactions=True,
        keeps_columns=True,
    ),
    "bigquery": ViewDialect(
        look="""
SELECT t.table_name, o.option_value
FROM {dataset}.INFORMATION_SCHEMA.TABLES AS t
LEFT JOIN {dataset}.INFORMATION_SCHEMA.TABLE_OPTIONS AS o
  ON o.table_name = t.table_name AND o.option_name = 'description'
WHERE t.table_name IN ({names})""",
        create=_BIGQUERY,
        replace=_BIGQUERY,
        comment="",
    ),
    "snowflake": ViewDialect(look=_INFORMATION_SCHEMA, create=_SNOWFLAKE, replace=_SNOWFLAKE, comment=""),
    "databricks": ViewDialect(
        look=_INFORMATION_SCHEMA,
        create="CREATE VIEW {name} COMMENT {comment} AS\n{select}",
        replace="ALTER VIEW {name} AS\n{select}",  # CREATE OR REPLACE drops the rights
        comment="COMMENT ON TABLE {name} IS {comment}",
    ),
}


def transpiled(
    select: str | exp.Expression, dialect: str, qualify: Callable[[str], str], casefold: Callable[[str], str]
) -> str:
    """Returns a SELECT in a dialect, with qualified and quoted names.

    Args:
        select: The SELECT over views and tables, in BigQuery's dialect; a parsed one is changed.
        dialect: sqlglot's name of the dialect.
        qualify: Returns the qualified and quoted name of a table.
        casefold: Returns an identifier as the destination stores it.
    """
    tree = sqlglot.parse_one(select, read=DIALECT) if isinstance(select, str) else select
    for table in list(tree.find_all(exp.Table)):
        if table.name in _RELATIONS and not table.db:
            qualified = sqlglot.parse_one(qualify(table.name), into=exp.Table, read=dialect)
            qualified.set("alias", table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(table.name)))
            qualified.meta["qualified"] = True
            table.replace(qualified)
    for identifier in tree.find_all(exp.Identifier):
        parent = identifier.parent
        if not (isinstance(parent, exp.Table) and parent.meta.get("qualified")):
            identifier.set("this", casefold(identifier.this))
    return tree.sql(dialect=dialect, identify=True, pretty=True, unsupported_level=ErrorLevel.RAISE)
