"""The cookbook: each query runs on the sample organization, and the page shows its first rows.

`UPDATE_DOCS=1 pytest tests/docs/test_cookbook.py` writes the rows anew.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from claude_code_analytics import AnalyticsClient
from claude_code_pipelines.cli import commands
from claude_code_simulator import SimulatedApi
from support.imports import ROOT

PAGE = ROOT / "docs" / "cookbook.md"
NOW = dt.datetime(2026, 12, 1, 12, tzinfo=dt.timezone.utc)
MOST_ROWS = 4
# A query, and the table below it, where there is one already.
QUERY = re.compile(r"^```sql\n(.*?)^```\n(?:\n(?:\|[^\n]*\n)+)?", re.MULTILINE | re.DOTALL)


def cell(value: Any) -> str:
    """Returns a value as a reader wants to see it."""
    shown: dict[type, Callable[[Any], str]] = {
        Decimal: "{:.2f}".format,
        float: "{:.2f}".format,
        bool: lambda flag: str(flag).lower(),
        dt.datetime: "{:%Y-%m-%d %H:%M}".format,
        type(None): lambda _: "NULL",
    }
    return shown.get(type(value), str)(value)


def with_rows(query: re.Match[str], connection: duckdb.DuckDBPyConnection) -> str:
    """Runs a query, and returns it with its first rows below it."""
    found = connection.execute(query[1])
    names = [column[0] for column in found.description or []]
    rows = [[cell(value) for value in row] for row in found.fetchmany(MOST_ROWS)]
    assert rows
    lines = [f"| {' | '.join(row)} |" for row in (names, *rows)]
    return "\n".join([f"```sql\n{query[1]}```\n", lines[0], "|---" * len(names) + "|", *lines[1:], ""])


def test_the_page_shows_what_its_queries_return(monkeypatch: pytest.MonkeyPatch) -> None:
    for built in (SimulatedApi, AnalyticsClient):
        monkeypatch.setitem(built.__init__.__kwdefaults__, "clock", lambda: NOW)  # type: ignore[misc]
    text = PAGE.read_text()

    for command in ("demo", "views"):
        ran = CliRunner().invoke(commands, [command])
        assert ran.exit_code == 0, ran.output
    with duckdb.connect("claude_code_analytics.duckdb", read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        written = QUERY.sub(lambda query: with_rows(query, connection), text)

    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(written)
    assert text == written
