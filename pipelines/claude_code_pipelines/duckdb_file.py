"""A DuckDB file while a window is written: opened once, and with memory for the rows that are written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import dlt

from claude_code_analytics import DestinationError

from .sentences import advised, plain_errors
from .warehouse import kind

_LEAST_MEMORY = 128
_MEMORY_PER_ROW = 0.0006
_MOST_MEMORY = 2000
"""Megabytes that DuckDB may take while a window is written: with 217,000 rows the whole process then peaked at 413 and
not at 488, the more the larger the file. A window that may need more than the most gets what DuckDB thinks right."""


@contextmanager
def kept_open(pipeline: dlt.Pipeline, rows: int = 0) -> Iterator[None]:
    """Holds a DuckDB file open: dlt opens and closes it a dozen times in a load, and each time DuckDB writes it out.

    For short spans, so that others can read the file while the API is slow. Meanwhile DuckDB gets memory for the rows
    that are written, and not, as is its way, four fifths of the machine to keep old rows in.

    Args:
        pipeline: The pipeline that leads to the file; any other destination is left alone.
        rows: How many rows are about to be written.

    Raises:
        DestinationError: It cannot be opened, or closed.
    """
    if kind(pipeline) != "duckdb":
        yield
        return
    with plain_errors():
        client = pipeline.sql_client()
        client.open_connection()
        memory = max(_LEAST_MEMORY, round(rows * _MEMORY_PER_ROW))
        if memory < _MOST_MEMORY and "memory_limit" not in (client.credentials.global_config or {}):
            client.execute_sql(f"SET GLOBAL memory_limit = '{memory}MB'")
    try:
        yield
    except BaseException:
        with suppress(Exception):  # what failed first is what is told
            client.close_connection()
        raise
    try:
        client.close_connection()
    except Exception as error:  # noqa: BLE001  # DuckDB's own errors: it writes the file out when it is closed
        raise DestinationError(advised("the file could not be written out", error)) from None
