"""The Grafana dashboard: its queries on Postgres, with Grafana's macros and variables substituted as Grafana does."""

from __future__ import annotations

import datetime as dt
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from claude_code_pipelines.metrics.views import create_views
from claude_code_simulator import SampleOrganization
from support.backends.postgres_server import Postgres, PostgresServer
from support.imports import ROOT
from support.world import TODAY, World

BOARD = json.loads((ROOT / "docs" / "grafana.json").read_text())
EXPLORE = (ROOT / "docs" / "explore.md").read_text()
FIRST = TODAY - dt.timedelta(days=100)
SINCE = TODAY - dt.timedelta(days=60)
# Types that Grafana takes for the values of a chart.
NUMBERS = (int, float, Decimal, type(None))


def substituted(sql: str, variables: dict[str, str]) -> str:
    """Returns a query as Grafana sends it to Postgres (grafana.com/docs/grafana/latest/datasources/postgres)."""
    shown = f"'{SINCE}T00:00:00Z' AND '{TODAY}T12:00:00Z'"
    sql = re.sub(r"\$__timeFilter\((\w+)\)", rf"\1 BETWEEN {shown}", sql)
    for name, value in variables.items():
        quoted = value.replace("'", "''")
        sql = sql.replace(f"${{{name}:sqlstring}}", f"'{quoted}'").replace(f"${{{name}:raw}}", value)
    assert "$" not in sql
    return sql


class Board:
    """The dashboard on a loaded organization."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.variables = {"dataset": world.dataset, "actor_type": "user_actor"}

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with self.world.backend.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SET ROLE grafana")
            cursor.execute(substituted(sql, self.variables))
            return [dict(zip([each[0] for each in cursor.description], row, strict=True)) for row in cursor]

    def panel(self, title: str) -> list[dict[str, Any]]:
        (panel,) = (panel for panel in BOARD["panels"] if panel["title"] == title)
        return self.rows(panel["targets"][0]["rawSql"])


@pytest.fixture
def board(postgres: PostgresServer, tmp_path: Path) -> Board:
    world = World(tmp_path, backend=Postgres(postgres, "dashboard"), organization=SampleOrganization(developers=12))
    world.backfill(FIRST, TODAY, window_days=200)
    create_views(world.pipeline)
    (reader,) = re.findall(r"^ +```sql\n(.*?)```$", EXPLORE, re.MULTILINE | re.DOTALL)
    world.backend.run(reader)
    return Board(world)


def test_every_panel_has_rows_in_the_form_that_it_draws(board: Board) -> None:
    listed = {each["name"]: each for each in BOARD["templating"]["list"]}
    (organization,) = board.rows(listed["organization"]["query"])
    board.variables["organization"] = organization["organization_id"]
    assert listed["dataset"]["query"] == "claude_code"

    for kind in re.findall(r"\w+ : (\w+)", listed["actor_type"]["query"]):
        board.variables["actor_type"] = kind
        for panel in BOARD["panels"]:
            rows, title = board.panel(panel["title"]), panel["title"]
            assert rows or kind == "api_actor", title
            if panel["type"] == "timeseries":
                times = [row.pop("time") for row in rows]
                assert times == sorted(times)
                assert all(isinstance(time, dt.datetime) and SINCE <= time.date() < TODAY for time in times), title
            dimension = {"timeseries": "metric", "barchart": panel["options"].get("xField")}.get(panel["type"])
            values = [value for row in rows for name, value in row.items() if name != dimension]
            assert panel["type"] in ("stat", "table") or all(isinstance(value, NUMBERS) for value in values), title

    board.variables["actor_type"] = "user_actor"
    days = f"{board.world.dataset}.claude_code_organization_days"
    ((sessions, cost),) = board.world.backend.run(
        f"SELECT sum(sessions), sum(api_cost_usd) FROM {days} WHERE actor_type = 'user_actor' AND is_final AND "
        f"date BETWEEN '{SINCE}' AND '{TODAY}'"
    )
    assert board.panel("Sessions") == [{"sessions": sessions}]
    assert board.panel("Cost billed by use") == [{"api_cost_usd": cost}]
    assert board.panel("Newest final day") == [{"newest_final_day": str(TODAY - dt.timedelta(days=1))}]
    for row in board.panel("What changed?"):
        assert row["change_usd"] == (row["newest_month_usd"] or 0) - (row["month_before_usd"] or 0)
