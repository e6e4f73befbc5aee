"""Views in the warehouse: created, compared with the catalog by marks in their comments, replaced if they differ."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

import dlt
from dlt.destinations.exceptions import DatabaseException

from claude_code_analytics import ConfigurationError, DestinationError
from claude_code_analytics.claude_code.report import CLAUDE_CODE
from claude_code_analytics.constants import SOURCE_NAME
from claude_code_analytics.warehouse.destinations import destination_of

from ..comments import column_comments, comment_tables, literal
from ..dataset_names import dataset_name
from ..defaults import PROGRAM
from ..error_messages import translate_errors
from .catalog import VIEWS, View
from .dialects import VIEW_DIALECTS, ViewDialect, transpiled

# A statement that waits for its lock keeps readers waiting, so it gives up soon, and is tried again after a pause.
ATTEMPTS = 3
PAUSE_SECONDS = 2.0

_MARK = re.compile(rf"\[{PROGRAM} ([0-9a-f]+)\]\W*$")
_LOCKED = re.compile(r"lock timeout|statement timeout|canceling statement|conflict", re.IGNORECASE)
_OTHER_COLUMNS = re.compile(r"(name|type|number) of (view )?column|columns (from|in) view", re.IGNORECASE)
_DEPENDS = re.compile(r"((?:materialized )?view) (\S+) depends on", re.IGNORECASE)


@dataclass(frozen=True)
class Definition:
    """A view as it should be in one dataset.

    Attributes:
        view: Its entry in the catalog.
        name: Its qualified and quoted name.
        select: Its SELECT in the dialect.
        columns: By quoted column, its meaning.
        dialect: sqlglot's name of the dialect.
    """

    view: View
    name: str
    select: str
    columns: dict[str, str]
    dialect: str

    @cached_property
    def hash(self) -> str:
        """Hash of everything that a reader of the view sees."""
        parts = (self.name, self.select, self.view.comment, self.columns)
        return blake2b(repr(parts).encode(), digest_size=6).hexdigest()

    def statements(self, *, exists: bool = False) -> Iterator[str]:
        """Yields the statements that create the view, or replace it, and comment it."""
        way = VIEW_DIALECTS[self.dialect]
        comment = literal(f"{self.view.comment} [{PROGRAM} {self.hash}]", self.dialect)
        template = way.replace if exists else way.create
        yield template.format(name=self.name, select=self.select, comment=comment)
        if way.comment:
            columns = self.columns if way.has_column_comments else {}
            comments = column_comments(self.name, columns, self.dialect)
            yield ";\n".join([way.comment.format(name=self.name, comment=comment), *comments])


def create_views(pipeline: dlt.Pipeline, *, sleep: Callable[[float], object] = time.sleep) -> list[str]:
    """Creates the views that the pipeline's dataset lacks, and replaces those whose definition changed.

    An unchanged view is not touched: one query reads the comments of all views.

    Args:
        pipeline: A pipeline that knows the schema of the tables.
        sleep: Waits before another attempt at a locked view.

    Returns:
        The names of the views that were created or replaced.

    Raises:
        ConfigurationError: Nothing is loaded yet, the tables are files, or something else bears the name of a view.
        ConfigurationError: A view could not be created or replaced. Those before it were.
        DestinationError: The warehouse cannot be reached.
    """
    if SOURCE_NAME not in pipeline.schema_names:
        raise ConfigurationError("nothing is loaded yet: load first, then create the views")
    if not destination_of(pipeline).has_views:
        raise ConfigurationError("Delta tables have no views; `views --print` shows the SELECTs for your query engine")
    with pipeline.sql_client(SOURCE_NAME) as client:
        definitions = definitions_for(client.capabilities, client.make_qualified_table_name)
        with translate_errors("the views could not be listed"):
            marks = _look(client)
        changed = [each for each in definitions if marks.get(each.view.name) != each.hash]
        updated = _Update(client, definitions, set(marks)).run(changed, sleep)
    if updated:
        comment_tables(pipeline, CLAUDE_CODE)  # those of a plain run have no comments yet
    return updated


def print_views(pipeline: dlt.Pipeline) -> Iterator[str]:
    """Yields the statements that `create_views` runs in a new dataset, without connecting and without credentials.

    Names are qualified by the dataset alone: database and project are known only to the credentials. Delta tables have
    no views, so that their SELECTs come in DuckDB's dialect.

    Args:
        pipeline: A pipeline to the destination.
    """
    capabilities: Any = pipeline.destination.capabilities()
    dataset = dataset_name(pipeline)

    def qualified(name: str) -> str:
        return ".".join(map(capabilities.escape_identifier, (dataset, capabilities.casefold_identifier(name))))

    if not destination_of(pipeline).has_views:
        for view in VIEWS:
            yield f"-- {view.name}\n{transpiled(view.select, 'duckdb', _plain, str.lower)};\n"
        return
    for definition in definitions_for(capabilities, qualified):
        for statement in definition.statements():
            yield f"{statement};\n"


def definitions_for(capabilities: Any, qualify: Callable[[str], str]) -> list[Definition]:
    """Returns the definitions of all views in the catalog's order.

    Args:
        capabilities: dlt's capabilities of the destination.
        qualify: Returns the qualified and quoted name of a table.
    """
    dialect = capabilities.sqlglot_dialect
    return [
        Definition(
            view,
            qualify(view.name),
            transpiled(view.select, dialect, qualify, capabilities.casefold_identifier),
            {capabilities.escape_identifier(column): meaning for column, meaning in view.meanings.items()},
            dialect,
        )
        for view in VIEWS
    ]


def _plain(name: str) -> str:
    return f'"{name}"'


def _look(client: Any) -> dict[str, str]:
    """Returns the hashes of the views that exist, by name; refuses what bears such a name without our mark."""
    fold, dialect = client.capabilities.casefold_identifier, client.capabilities.sqlglot_dialect
    catalog = client.catalog_name()
    sql = VIEW_DIALECTS[dialect].look.format(
        schema=fold(client.dataset_name),
        dataset=client.fully_qualified_dataset_name(),
        catalog=f"{catalog}." if catalog else "",
        names=", ".join(literal(fold(view.name), dialect) for view in VIEWS),
    )
    comments = {str(name).lower(): str(comment or "") for name, comment in client.execute_sql(sql) or []}
    found = {name: _MARK.search(comment) for name, comment in comments.items()}
    foreign = sorted(name for name, mark in found.items() if mark is None)
    if foreign:
        raise ConfigurationError(
            f"not created by `views`, and left as it is: {', '.join(foreign)}; rename or drop it, then run `views`"
        )
    return {name: mark[1] for name, mark in found.items() if mark}


class _Update:
    """Update of the views of one dataset, one transaction each."""

    def __init__(self, client: Any, definitions: Sequence[Definition], existing: set[str]) -> None:
        self._client = client
        self._definitions = definitions
        self._existing = existing
        self._way: ViewDialect = VIEW_DIALECTS[client.capabilities.sqlglot_dialect]

    def run(self, changed: Sequence[Definition], sleep: Callable[[float], object]) -> list[str]:
        """Creates or replaces views, locked ones at a later attempt; returns the names of those that it touched."""
        left = {each.view.name: each for each in changed}
        touched: set[str] = set()
        for attempt in range(ATTEMPTS):
            errors: dict[str, DestinationError] = {}
            for name, definition in list(left.items()):
                if name in left and not definition.view.sources & left.keys():  # a view follows those that it reads
                    try:
                        done = self._write(definition)
                    except DestinationError as error:
                        errors[name] = error
                    else:
                        touched |= done
                        left = {name: each for name, each in left.items() if name not in done}
            if not any(_LOCKED.search(str(error)) for error in errors.values()) or attempt == ATTEMPTS - 1:
                break
            sleep(PAUSE_SECONDS)
        if left:
            raise ConfigurationError(self._failure(errors, left))
        return [view.name for view in VIEWS if view.name in touched]

    def _failure(self, errors: dict[str, DestinationError], left: dict[str, Definition]) -> str:
        name, error = next(iter(errors.items()))
        holders = self._sessions_on(left[name]) if _LOCKED.search(str(error)) else []
        reason = f"view {name} is locked by {', '.join(holders)}: end that, then run `views`" if holders else str(error)
        others = f" ({len(left) - 1} more views wait)" if len(left) > 1 else ""
        return f"{reason}{others}"

    def _sessions_on(self, definition: Definition) -> list[str]:
        """Returns the sessions that hold a lock on a view."""
        if not self._way.holders:
            return []
        name = literal(definition.name, definition.dialect)
        rows = self._client.execute_sql(self._way.holders.format(name=name)) or []
        return [
            f"session {pid} of {user}{f' ({application})' if application else ''}, {state}"
            for pid, user, application, state in rows
        ]

    def _write(self, definition: Definition) -> set[str]:
        """Creates or replaces a view; returns the names of what was written."""
        name = definition.view.name
        with translate_errors(f"view {name} could not be {'replaced' if name in self._existing else 'created'}"):
            try:
                self._execute(definition.statements(exists=name in self._existing))
            except DatabaseException as error:
                if not (self._way.keeps_columns and _OTHER_COLUMNS.search(str(error))):
                    raise
                return self._write_anew(definition)
        self._existing.add(name)
        return {name}

    def _write_anew(self, definition: Definition) -> set[str]:
        """Drops a view whose columns change, with our views upon it, and creates them, in one transaction."""
        readers = {definition.view.name}
        for each in self._definitions:
            if each.view.sources & readers and each.view.name in self._existing:
                readers.add(each.view.name)
        family = [each for each in self._definitions if each.view.name in readers]
        drop = f"DROP VIEW {', '.join(each.name for each in reversed(family))}"
        try:
            self._execute([drop, *(statement for each in family for statement in each.statements())])
        except DatabaseException as error:
            dataset = self._client.fully_qualified_dataset_name()  # dlt puts it on the search path
            theirs = dict.fromkeys(
                f"DROP {kind.upper()} {name if '.' in name else f'{dataset}.{name}'}"
                for kind, name in _DEPENDS.findall(str(error))
            )
            if not theirs:
                raise
            raise DestinationError(
                f"view {definition.view.name} gets other columns, and others read it; run `{'; '.join(theirs)}`, then "
                "`views`, and create them anew"
            ) from None
        return readers

    def _execute(self, statements: Iterator[str] | list[str]) -> None:
        transaction: AbstractContextManager[Any] = (
            self._client.begin_transaction() if self._way.has_transactions else nullcontext()
        )
        with transaction:
            for statement in filter(None, (self._way.limit, *statements)):
                self._client.execute_sql(statement)
