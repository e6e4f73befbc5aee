"""A DuckDB file that stays open, in bounded memory, while a window is written."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import dlt
import duckdb
from dlt.common.exceptions import DltException

from claude_code_analytics import DestinationError
from claude_code_analytics.warehouse.destinations import kind_of

from .driver_text import one_line
from .error_messages import translate_errors

# Megabytes for DuckDB while it writes a window: by default it keeps old rows in four fifths of the machine's memory, so
# that the peak grows with the file. Rows that would need more than the most get the default.
_LEAST_MEMORY = 128
_MEMORY_PER_ROW = 0.0006
_MOST_MEMORY = 2000


@contextmanager
def kept_open(pipeline: dlt.Pipeline, rows: int = 0) -> Iterator[None]:
    """Keeps a DuckDB file open: dlt opens and closes it a dozen times in a load, and each time DuckDB writes it out.

    For short spans, so that others can read the file while the API is slow. With `rows` that are about to be written,
    DuckDB gets memory for them and not more; with 0, its default.
    """
    if kind_of(pipeline) != "duckdb":
        yield
        return
    with translate_errors("the file could not be opened"):
        client = pipeline.sql_client()
        file = client.credentials.database
        # a connection of the caller's to the same file would share the limit (decision D5d)
        is_ours = bool(rows) and Path(file).exists() and not is_open_here(file)
        client.open_connection()
        if is_ours:
            _limit_memory(client, rows)
    try:
        yield
    except BaseException:
        with suppress(Exception):  # the first failure is the one to report
            client.close_connection()
        raise
    try:
        client.close_connection()
    except Exception as error:  # noqa: BLE001  # DuckDB's own errors: it writes the file out when it is closed
        raise DestinationError(f"the file could not be written out: {one_line(error)}") from None


@contextmanager
def no_file_left_behind(pipeline: dlt.Pipeline) -> Iterator[None]:
    """Removes a DuckDB file that a failed load made, unless rows are in it: its own, or those of somebody else."""
    file = _file_of(pipeline)
    was_there = file is None or file.exists()
    try:
        yield
    except BaseException:
        if file is not None and not was_there and file.exists():
            with suppress(duckdb.Error, OSError):  # another load has it open, or Windows keeps an open file
                _remove_without_rows(file)
        raise


def _file_of(pipeline: dlt.Pipeline) -> Path | None:
    if kind_of(pipeline) == "duckdb":
        with suppress(DltException):  # the next step reports it, or mends a working folder that lacks a schema
            return Path(pipeline.sql_client().credentials.database)
    return None


def _remove_without_rows(file: Path) -> None:
    with closing(duckdb.connect(str(file))) as connection:  # nobody else can open it meanwhile
        tables = connection.execute("SELECT schema_name, table_name, estimated_size FROM duckdb_tables()").fetchall()
        if not any(
            rows for schema, table, rows in tables if not (schema.endswith("_staging") or table.startswith("_dlt"))
        ):
            file.unlink()


def release_memory() -> None:
    """Returns what reading a window took, before the destination's driver takes its own.

    Python finds dlt's cycles late, and glibc keeps what threads freed.
    """
    gc.collect()
    with suppress(AttributeError, OSError):  # another C library than glibc
        ctypes.CDLL(None).malloc_trim(0)


def is_open_here(file: str) -> bool:
    """Returns whether this process has a DuckDB file open for writing: DuckDB then refuses to open it read-only."""
    try:
        duckdb.connect(file, read_only=True).close()
    except duckdb.ConnectionException:
        return True
    except duckdb.Error:  # the load of another process, a damaged file: opening it reports that
        return False
    return False


def _limit_memory(client: Any, rows: int) -> None:
    """Limits DuckDB's memory for so many rows, where the user set no limits. They end when the file is closed.

    Each thread takes memory beside the limit, and a window is written as fast by one.
    """
    limits = {"memory_limit": f"'{max(_LEAST_MEMORY, round(rows * _MEMORY_PER_ROW))}MB'", "threads": "1"}
    if rows * _MEMORY_PER_ROW <= _MOST_MEMORY and not limits.keys() & (client.credentials.global_config or {}).keys():
        for name, value in limits.items():
            client.execute_sql(f"SET GLOBAL {name} = {value}")
