"""Locks that a load waits for: who holds them, reported while the load waits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import dlt

from claude_code_analytics.warehouse.destinations import kind_of

# Seconds. A window is usually written in less.
FIRST_LOOK = 10.0

# Sessions that block a statement on our tables and wait for nobody themselves. Only Postgres lets readers block a load,
# and shows who they are.
_BLOCKERS = """
SELECT DISTINCT b.pid, b.usename, b.application_name, b.state
FROM pg_stat_activity AS w
CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) AS p(pid)
JOIN pg_stat_activity AS b ON b.pid = p.pid
WHERE w.datname = current_database() AND w.query LIKE '%%claude_code_%%' AND pg_blocking_pids(b.pid) = '{}'
"""


@contextmanager
def reported_locks(pipeline: dlt.Pipeline, report: Callable[[str], object]) -> Iterator[None]:
    """Reports who blocks the load, once, if the enclosed step takes long. `report` is called in another thread."""
    if kind_of(pipeline) != "postgres":
        yield
        return
    timer = threading.Timer(FIRST_LOOK, lambda: _look(pipeline, report))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _look(pipeline: dlt.Pipeline, report: Callable[[str], object]) -> None:
    with suppress(Exception), pipeline.sql_client() as client:  # a hint only: the load itself reports its errors
        for pid, user, application, state in client.execute_sql(_BLOCKERS) or []:
            name = f" ({application})" if application else ""
            report(f"waiting for a lock held by session {pid} of {user}{name}, {state}")
