"""Which days are being replaced right now, noted in the warehouse itself before a window is written.

A window is several transactions: one for each table, in no fixed order. A kill in between leaves days whose tables tell
of different answers, and the working folder that knows of it may be gone, or on another machine. So each window is
noted in dlt's own table of loads (`_dlt_loads`, where only status 0 means a complete load) and struck out when it is
done; whoever loads next reads what still stands there again. The days stand in `schema_name`: `load_id` has room for
64 characters, which all destinations but DuckDB insist on.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import dlt
from dlt.destinations.exceptions import DatabaseUndefinedRelation

from claude_code_analytics.days import DayRange
from claude_code_analytics.settings import SOURCE_NAME, UNKNOWN_ORGANIZATION

from .warehouse import analytics_schema, plain_errors, schema_name

_BEING_WRITTEN = 1
"""Status of a note in dlt's table of loads."""
_NOTE = re.compile(rf"{SOURCE_NAME} (?P<organization>\S+) (?P<first>[0-9-]+)\.\.(?P<last>[0-9-]+)", re.ASCII)


@dataclass(frozen=True)
class OpenWindow:
    """A window that was begun and not finished, or that another load is writing at this moment.

    Attributes:
        load_id: The load package that it was to be written by.
        organization_id: Organization of the load.
        days: The days that it replaces.
    """

    load_id: str
    organization_id: str
    days: DayRange


def open_windows(pipeline: dlt.Pipeline) -> list[OpenWindow]:
    """The windows in the warehouse that were begun and not finished, of all pipelines that load there.

    Raises:
        DestinationError: The warehouse could not be read.
    """
    with plain_errors(), pipeline.sql_client(schema_name(pipeline)) as client:
        loads = client.make_qualified_table_name("_dlt_loads")
        try:
            rows = client.execute_sql(
                f"SELECT load_id, schema_name FROM {loads} WHERE status = %s",  # noqa: S608
                _BEING_WRITTEN,
            )
        except DatabaseUndefinedRelation:
            return []  # nothing was ever loaded there
    noted = [(load_id, _NOTE.fullmatch(str(note))) for load_id, note in rows or []]
    return [
        OpenWindow(
            load_id,
            note["organization"],
            DayRange(dt.date.fromisoformat(note["first"]), dt.date.fromisoformat(note["last"])),
        )
        for load_id, note in noted
        if note
    ]


@contextmanager
def writing(pipeline: dlt.Pipeline, organization_id: str | None, days: DayRange) -> Iterator[None]:
    """Notes the days while a window that was read and normalized is written; the note stays where that fails.

    Raises:
        DestinationError: The warehouse could not be written to.
    """
    schema = analytics_schema(pipeline)
    load_ids = pipeline.list_normalized_load_packages()
    if schema is None or not load_ids:
        raise RuntimeError("there is no window to write")
    note = f"{SOURCE_NAME} {organization_id or UNKNOWN_ORGANIZATION} {days}"
    with plain_errors():
        if not _insert(pipeline, load_ids[-1], note):  # the first load of all
            pipeline.sync_schema(schema.name)
            _insert(pipeline, load_ids[-1], note)
    yield
    strike_out(pipeline, load_ids[-1])


def strike_out(pipeline: dlt.Pipeline, load_id: str) -> None:
    """Removes the note of a load: its days are whole.

    Raises:
        DestinationError: The warehouse could not be written to.
    """
    with plain_errors(), pipeline.sql_client(schema_name(pipeline)) as client:
        loads = client.make_qualified_table_name("_dlt_loads")
        client.execute_sql(
            f"DELETE FROM {loads} WHERE load_id = %s AND status = %s",  # noqa: S608
            load_id,
            _BEING_WRITTEN,
        )


def _insert(pipeline: dlt.Pipeline, load_id: str, note: str) -> bool:
    """Writes a note; False where there is no table of loads yet."""
    with pipeline.sql_client(schema_name(pipeline)) as client:
        loads = client.make_qualified_table_name("_dlt_loads")
        sql = f"INSERT INTO {loads} (load_id, schema_name, status, inserted_at) VALUES (%s, %s, %s, %s)"  # noqa: S608
        try:
            client.execute_sql(sql, load_id, note, _BEING_WRITTEN, dt.datetime.now(dt.timezone.utc))
        except DatabaseUndefinedRelation:
            return False
    return True
