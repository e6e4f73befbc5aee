"""A DuckDB file that stays open while a window is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import dlt

from claude_code_analytics import DestinationError
from claude_code_analytics.destination.destinations import kind_of

from .errors import one_line, translate_errors


@contextmanager
def kept_open(pipeline: dlt.Pipeline) -> Iterator[None]:
    """Keeps a DuckDB file open: dlt opens and closes it a dozen times in a load, and each time DuckDB writes it out.

    For short spans, so that others can read the file while the API is slow.

    Args:
        pipeline: The pipeline that leads to the file; other destinations are left alone.

    Raises:
        DestinationError: The file cannot be opened or closed.
    """
    if kind_of(pipeline) != "duckdb":
        yield
        return
    with translate_errors("the file could not be opened"):
        client = pipeline.sql_client()
        client.open_connection()
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
