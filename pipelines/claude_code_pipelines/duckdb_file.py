"""A DuckDB file while a window is written: opened once, and with memory for the rows that are written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import dlt

from claude_code_analytics import DestinationError

from .errors import advised, plain_errors
from .pipeline import kind

_MEGABYTE = 2**20
_LEAST_MEMORY = 128 * _MEGABYTE
_MEMORY_PER_ROW = 600
_USUAL_BYTES_PER_ROW = 300
_MEMORY_PER_UNUSUAL_BYTE = 16
_MOST_MEMORY = 512 * _MEGABYTE
"""What DuckDB may take while a window is written, in bytes: with 217,000 rows the whole process then peaked at 413 MB,
and not at 488 or more with larger files. Long texts count apart: 400 rows of 300,000 characters did not fit into
128 MB. A window that may need more than the most gets what DuckDB thinks right: it knows how small the machine is."""


@contextmanager
def kept_open(pipeline: dlt.Pipeline, rows: int = 0, size: int = 0) -> Iterator[None]:
    """Holds a DuckDB file open: dlt opens and closes it a dozen times in a load, and each time DuckDB writes it out.

    For short spans, so that others can read the file while the API is slow. Meanwhile DuckDB gets memory for the rows
    that are written, and not, as is its way, four fifths of the machine to keep old rows in.

    Args:
        pipeline: The pipeline that leads to the file; any other destination is left alone.
        rows: How many rows are about to be written.
        size: How many bytes they were read from.

    Raises:
        DestinationError: It cannot be opened, or closed.
    """
    if kind(pipeline) != "duckdb":
        yield
        return
    with plain_errors():
        client = pipeline.sql_client()
        client.open_connection()
    try:
        with _memory(client, rows, size):
            yield
    except BaseException:
        with suppress(Exception):  # what failed first is what is told
            client.close_connection()
        raise
    try:
        client.close_connection()
    except Exception as error:  # noqa: BLE001  # DuckDB's own errors: it writes the file out when it is closed
        raise DestinationError(advised("the file could not be written out", error)) from None


@contextmanager
def _memory(client: Any, rows: int, size: int) -> Iterator[None]:
    """Bounds DuckDB's memory meanwhile. The setting is the file's: whoever has it open in this process gets it back."""
    memory = max(_LEAST_MEMORY, rows * _MEMORY_PER_ROW)
    memory += max(0, size - rows * _USUAL_BYTES_PER_ROW) * _MEMORY_PER_UNUSUAL_BYTE
    if not rows or memory > _MOST_MEMORY or "memory_limit" in (client.credentials.global_config or {}):
        yield
        return
    with plain_errors():
        ((before,),) = client.execute_sql("SELECT current_setting('memory_limit')")
        client.execute_sql(f"SET GLOBAL memory_limit = '{memory // _MEGABYTE}MiB'")
    try:
        yield
    finally:
        with plain_errors():
            client.execute_sql(f"SET GLOBAL memory_limit = '{before}'")
