"""Views in the warehouse: the catalog's SELECTs, transpiled from BigQuery's dialect to the destination's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import dlt
import sqlglot
from sqlglot import ErrorLevel, exp

from claude_code_analytics import ConfigurationError, DestinationError
from claude_code_analytics.claude_code.report import CLAUDE_CODE
from claude_code_analytics.constants import SOURCE_NAME
from claude_code_analytics.warehouse.destinations import destination_of

from ..comments import COMMENTED, comment_statements, comment_tables, literal
from ..dataset_names import dataset_name
from ..error_messages import translate_errors
from .catalog import DIALECT, VIEWS, View

_TRANSACTIONAL = ("duckdb", "postgres", "redshift")

_RELATIONS = {table.name for table in (*CLAUDE_CODE.tables, CLAUDE_CODE.ledger)} | {view.name for view in VIEWS}


def create_views(pipeline: dlt.Pipeline) -> list[str]:
    """Creates or replaces the views in the pipeline's dataset, in the catalog's order, and comments the tables.

    Args:
        pipeline: A pipeline that knows the schema of the tables.

    Returns:
        Their names.

    Raises:
        ConfigurationError: Nothing is loaded yet, or the tables are files.
        ConfigurationError: The warehouse rejected a view: none is changed then, where its DDL has transactions.
        DestinationError: The warehouse cannot be reached.
    """
    if SOURCE_NAME not in pipeline.schema_names:
        raise ConfigurationError("nothing is loaded yet: load first, then create the views")
    if not destination_of(pipeline).has_views:
        raise ConfigurationError("Delta tables have no views; `views --print` shows the SELECTs for your query engine")
    with pipeline.sql_client(SOURCE_NAME) as client:
        is_transactional = client.capabilities.sqlglot_dialect in _TRANSACTIONAL
        with client.begin_transaction() if is_transactional else nullcontext():
            try:
                for view in VIEWS:
                    with translate_errors(f"view {view.name} could not be created"):
                        for statement in view_statements(view, client.capabilities, client.make_qualified_table_name):
                            client.execute_sql(statement)
            except DestinationError as error:
                raise ConfigurationError(str(error)) from None
    comment_tables(pipeline, CLAUDE_CODE)  # those of a plain run have no comments yet
    return [view.name for view in VIEWS]


def print_views(pipeline: dlt.Pipeline) -> Iterator[str]:
    """Yields the statements that `create_views` runs, without connecting and without credentials.

    Names are qualified by the dataset alone: database and project are known only to the credentials. Delta tables have
    no views, so that their SELECTs come in DuckDB's dialect.

    Args:
        pipeline: A pipeline to the destination.
    """
    capabilities: Any = pipeline.destination.capabilities()
    dataset = dataset_name(pipeline)

    def qualified(name: str) -> str:
        return ".".join(map(capabilities.escape_identifier, (dataset, capabilities.casefold_identifier(name))))

    for view in VIEWS:
        if not destination_of(pipeline).has_views:
            yield f"-- {view.name}\n{transpiled(view.select, 'duckdb', _plain, str.lower)};\n"
        else:
            for statement in view_statements(view, capabilities, qualified):
                yield f"{statement};\n"


def view_statements(view: View, capabilities: Any, qualify: Callable[[str], str]) -> Iterator[str]:
    """Yields the statements that create a view and its comment.

    Args:
        view: The view.
        capabilities: dlt's capabilities of the destination.
        qualify: Returns the qualified and quoted name of a table.
    """
    dialect = capabilities.sqlglot_dialect
    name = qualify(view.name)
    select = transpiled(view.select, dialect, qualify, capabilities.casefold_identifier)
    # never dropped first: what users built upon a view, and rights that they granted, would go with it
    options = f" OPTIONS (description = {literal(view.comment, dialect)})" if dialect == "bigquery" else ""
    yield f"CREATE OR REPLACE VIEW {name}{options} AS\n{select}"
    if dialect in (*COMMENTED, "redshift", "snowflake"):
        columns = view.meanings if dialect in COMMENTED else {}
        quoted = {capabilities.escape_identifier(column): meaning for column, meaning in columns.items()}
        yield ";\n".join(comment_statements("VIEW", name, view.comment, quoted, dialect))


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


def _plain(name: str) -> str:
    return f'"{name}"'
