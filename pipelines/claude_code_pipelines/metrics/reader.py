"""Queries over the views of a dataset, whether or not the views exist there.

The SELECTs of the views that a query needs become CTEs in front of it. So a reader without the right to create views
gets the same numbers, and so does Delta, which has no views.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import cache
from typing import Any

import dlt
import sqlglot
from sqlglot import exp

from claude_code_analytics.claude_code.report import CLAUDE_CODE
from claude_code_analytics.constants import SOURCE_NAME
from claude_code_analytics.warehouse.backend import Backend, open_backend
from claude_code_analytics.warehouse.destinations import destination_of

from ..error_messages import translate_errors
from .catalog import DIALECT, VIEWS
from .dialects import transpiled

Row = dict[str, Any]

_VIEWS = {view.name: view.select for view in VIEWS}
_DAYS = re.compile(r"date|day|week|month|cohort_week|first_day|last_day")
_MONEY = re.compile(r"amount|(.*_)?cost|.*_usd(_28d)?")
# BigQuery's types, by dlt's.
_TYPES = {
    "text": "STRING",
    "bigint": "INT64",
    "bool": "BOOL",
    "decimal": "BIGNUMERIC",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


class Reader:
    """Reads the views of one dataset.

    Args:
        backend: The opened destination.
        capabilities: dlt's capabilities of it; None for Delta, which DuckDB queries.
        lacking: By table, the columns that the dataset of an older version does not have, each with dlt's name of its
            type; they hold NULL.
    """

    def __init__(
        self, backend: Backend, capabilities: Any = None, lacking: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        self._backend = backend
        self._lacking = lacking or {}
        self._dialect: str = capabilities.sqlglot_dialect if capabilities else "duckdb"
        self._casefold = capabilities.casefold_identifier if capabilities else str.lower
        self._has_temporary_tables = capabilities is not None and self._dialect == "duckdb"
        self._selects = dict(_VIEWS)
        self._kept: set[str] = set()

    def define(self, name: str, select: str, **parameters: str | dt.date) -> None:
        """Names a SELECT, which all later queries read like a view.

        Args:
            name: Its name.
            select: As `rows` takes a query.
            **parameters: As `rows` takes them; later queries give the same ones.
        """
        self._compute(name, select, **parameters)
        self._selects[name] = select

    def keep(self, view: str, organization: str) -> None:
        """Computes the rows of an organization in a view once for all later queries."""
        names = ", ".join(_named(_VIEWS[view]))
        query = f"SELECT {names} FROM {view} WHERE organization_id = @organization"  # noqa: S608  # no text from outside
        self._compute(view, query, organization=organization)

    def _compute(self, name: str, select: str, **parameters: str | dt.date) -> None:
        """Computes a SELECT now, where DuckDB reads its own file: there that takes most of the time."""
        if not self._has_temporary_tables:
            return
        sql, _, texts = self.statement(select, **parameters)
        with translate_errors("the warehouse could not be queried"):
            self._backend.query(f"CREATE TEMPORARY TABLE {self._cte(name)} AS {sql}", *texts)
        self._kept.add(name)

    def rows(self, query: str, **parameters: str | dt.date) -> list[Row]:
        """Runs a query.

        Args:
            query: A SELECT in BigQuery's dialect over views and tables. It names its columns and has no WITH.
                `@name` is a parameter.
            **parameters: Days and texts. Texts are sent beside the SQL, never within it.

        Returns:
            Rows as dictionaries: counts as `int`, money as `Decimal`, ratios as `float`.
        """
        sql, names, texts = self.statement(query, **parameters)
        with translate_errors("the warehouse could not be queried"):
            found = self._backend.query(sql, *texts)
        converters = [_converter(name) for name in names]
        return [
            {name: convert(value) for name, convert, value in zip(names, converters, row, strict=True)} for row in found
        ]

    def statement(self, query: str, **parameters: str | dt.date) -> tuple[str, list[str], list[str]]:
        """Returns a query in the destination's dialect, the names of its columns, and the texts for its placeholders.

        Args:
            query: As `rows` takes it.
            **parameters: As `rows` takes them.
        """
        needed = self._needed(_tables_in(query))
        selects = [f"{self._cte(name)} AS ({self._completed(name)})" for name in self._lacking]
        selects += [f"{self._cte(name)} AS ({self._transpiled(self._selects[name], parameters)})" for name in needed]
        front = f"WITH {', '.join(selects)} " if selects else ""
        sql = front + self._transpiled(query, parameters)
        texts = [str(parameters[name]) for name in _PLACEHOLDER.findall(sql)]
        return _PLACEHOLDER.sub("%s", sql), _named(query), texts

    def _needed(self, tables: set[str]) -> list[str]:
        """Returns the views among tables and those that they read, less those that are kept, in order of definition."""
        found: set[str] = set()
        left = tables & self._selects.keys() - self._kept
        while left:
            found |= left
            read = {name for each in left for name in _tables_in(self._selects[each])}
            left = read & self._selects.keys() - found - self._kept
        return [name for name in self._selects if name in found]

    def _transpiled(self, select: str, parameters: Mapping[str, str | dt.date]) -> str:
        tree = _parsed(select).copy()
        for node in list(tree.find_all(exp.Parameter)):
            value = parameters[node.name]
            is_day = isinstance(value, dt.date)
            # a placeholder is written by the driver's rules, which are in no dialect of sqlglot
            node.replace(exp.cast(exp.Literal.string(str(value)), "date") if is_day else exp.var(f"%({node.name})s"))
        return transpiled(tree, self._dialect, self._qualified, self._casefold)

    def _qualified(self, name: str) -> str:
        if name in self._kept:
            return f"temp.{self._cte(name)}"
        return self._cte(name) if name in self._selects or name in self._lacking else self._backend.table(name)

    def _completed(self, table: str) -> str:
        """Returns a SELECT of a table with NULL in the columns that it lacks."""
        nulls = [f"CAST(NULL AS {_TYPES[kind]}) AS {column}" for column, kind in self._lacking[table].items()]
        select = f"SELECT *, {', '.join(nulls)} FROM {table}"  # noqa: S608  # declared names
        return transpiled(select, self._dialect, self._backend.table, self._casefold)

    def _cte(self, name: str) -> str:
        return exp.to_identifier(self._casefold(name), quoted=True).sql(dialect=self._dialect)


@contextmanager
def open_reader(pipeline: dlt.Pipeline) -> Iterator[Reader]:
    """Opens the dataset behind a pipeline.

    Args:
        pipeline: A pipeline that knows the schema of the tables; see `read_only.open_read_only`.

    Raises:
        DestinationError: The warehouse cannot be queried.
    """
    is_delta = destination_of(pipeline).table_format == "delta"
    with translate_errors("the warehouse could not be queried"), open_backend(pipeline, SOURCE_NAME) as backend:
        yield Reader(backend, None if is_delta else pipeline.destination.capabilities(), _lacking(backend))


def _lacking(backend: Backend) -> dict[str, dict[str, str]]:
    tables = (*CLAUDE_CODE.tables, CLAUDE_CODE.ledger)
    stored = backend.stored_columns([table.name for table in tables])
    found: dict[str, dict[str, str]] = {}
    for table in tables:
        has = stored.get(table.name, table.column_names)
        columns = {column.name: column.data_type for column in table.columns if column.name not in has}
        if columns:
            found[table.name] = columns
    return found


@cache
def _parsed(select: str) -> exp.Select:
    return sqlglot.parse_one(select, read=DIALECT, into=exp.Select)


def _named(select: str) -> list[str]:
    return [name.lower() for name in _parsed(select).named_selects]


def _tables_in(select: str) -> set[str]:
    return {table.name for table in _parsed(select).find_all(exp.Table)}


def _converter(name: str) -> Callable[[Any], Any]:
    """Returns what gives the values of a column their one type: drivers differ in those of days, sums and ratios."""
    if _MONEY.fullmatch(name):
        return _money
    return _day if _DAYS.fullmatch(name) else _plain


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _money(value: Any) -> Any:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return Decimal(str(value)) if is_number else value


def _day(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.date()
    return dt.date.fromisoformat(value[:10]) if isinstance(value, str) else value
