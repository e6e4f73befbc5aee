"""The dbt package as the documentation uses it: equal to the views on DuckDB and Postgres, and its tests see damage."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from claude_code_analytics.claude_code.report import CLAUDE_CODE
from claude_code_pipelines.cli import commands
from claude_code_pipelines.metrics.catalog import VIEWS
from claude_code_pipelines.metrics.views import create_views
from metrics.awkward import awkward_days
from support.backends.duckdb_file import DuckDb
from support.backends.postgres_server import Postgres, PostgresServer
from support.imports import ROOT
from support.world import TODAY, World

FIRST = TODAY - dt.timedelta(days=45)
NAMES = [view.name for view in VIEWS]
EXPLORE = (ROOT / "docs" / "explore.md").read_text()


class Project:
    """A dbt project of a user that has the package, made as the documentation says."""

    def __init__(self, folder: Path, world: World, profile: dict[str, Any]) -> None:
        self.folder = folder
        self.world = world
        folder.mkdir()
        (packages,) = re.findall(r"^```yaml\n(.*?)^```$", EXPLORE, re.MULTILINE | re.DOTALL)
        target = {"target": "test", "outputs": {"test": {**profile, "schema": "analytics", "threads": 1}}}
        for file, text in {
            "packages.yml": packages,
            "profiles.yml": json.dumps({"mine": target}),  # which is YAML too
            "dbt_project.yml": "name: mine\nprofile: mine\n",
        }.items():
            (folder / file).write_text(text)
        where = ("--destination", world.backend.name, "--dataset", world.dataset)
        result = CliRunner().invoke(commands, ["views", "--as", "dbt", str(folder / "claude_code"), *where])
        assert result.exit_code == 0, result.output

    def dbt(self, *arguments: str) -> str:
        """Runs dbt; returns what it printed."""
        variables = {**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "HOME": str(self.folder)}
        command = [str(Path(sys.executable).parent / "dbt"), "--no-use-colors", *arguments]
        ran = subprocess.run(
            command, cwd=self.folder, env=variables, capture_output=True, text=True, timeout=120, check=False
        )
        return ran.stdout + ran.stderr

    def statuses(self, file: str = "run_results") -> dict[str, str]:
        """Returns the status of each node of the last run, by its name."""
        results = json.loads((self.folder / "target" / f"{file}.json").read_text())["results"]
        return {each["unique_id"].split(".")[2]: each["status"] for each in results}


@pytest.fixture(params=["duckdb", "postgres"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    """Days of an awkward organization, loaded, with our views beside them, and a dbt project."""
    if request.param == "duckdb":
        file = tmp_path / "warehouse.duckdb"
        backend: Any = DuckDb(file)
        profile = {"type": "duckdb", "path": str(file)}
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        backend = Postgres(server, "with_dbt")
        host, port = backend.address.partition("@")[2].partition("/")[0].split(":")
        account = {"user": "postgres", "password": "trusted", "dbname": backend.database}
        profile = {"type": "postgres", "host": host, "port": int(port), **account}
    world = World(tmp_path, backend=backend)
    world.organization.days = awkward_days(FIRST, TODAY, world.organization.id, 4)
    world.backfill(FIRST, TODAY, window_days=90)
    create_views(world.pipeline)
    return Project(tmp_path / "project", world, profile)


def test_the_models_are_the_views_and_every_test_and_the_freshness_see_damage(project: Project) -> None:
    world = project.world
    for arguments in re.findall(r"^\$ dbt (deps|build.*)$", EXPLORE, re.MULTILINE):
        shown = project.dbt(*arguments.split())
        assert "WARN" not in shown.replace("WARN=0", ""), shown

    statuses = project.statuses()
    tests = {name for name in statuses if name not in NAMES}
    assert {statuses[name] for name in NAMES} == {"success"}
    assert {statuses[name] for name in tests} == {"pass"}
    for name in NAMES:
        ours, dbts = f"SELECT * FROM {world.dataset}.{name}", f"SELECT * FROM analytics.{name}"
        differing = f"({ours} EXCEPT ALL {dbts}) UNION ALL ({dbts} EXCEPT ALL {ours})"
        assert world.backend.run(f"SELECT count(*) FROM ({ours}) AS v")[0][0] > 0, name
        assert world.backend.run(differing) == [], name

    damage(world)
    project.dbt("test", "--select", "claude_code")
    project.dbt("source", "freshness")

    assert {name for name, status in project.statuses().items() if status == "fail"} == tests
    assert project.statuses("sources") == {"claude_code": "warn"}


def damage(world: World) -> None:
    """Doubles a record, loses its breakdowns, has the last load 40 hours ago, and doubles what reads the records."""
    usage, tools, models = (f"{world.dataset}.{table.name}" for table in CLAUDE_CODE.tables)
    whole = f"SELECT min(t._dlt_parent_id) FROM {tools} AS t JOIN {models} AS m ON m._dlt_parent_id = t._dlt_parent_id"
    ((record,),) = world.backend.run(whole)
    world.backend.run(f"INSERT INTO {usage} SELECT * FROM {usage} WHERE _dlt_id = '{record}'")
    for table in (tools, models):
        world.backend.run(f"DELETE FROM {table} WHERE _dlt_parent_id = '{record}'")
    world.backend.run(f"UPDATE {world.dataset}.claude_code_days SET fetched_at = now() - INTERVAL '40' HOUR")
    for name in NAMES:
        world.backend.run(f"DROP VIEW IF EXISTS analytics.{name} CASCADE")
    for name in NAMES:
        rows = f"SELECT * FROM {world.dataset}.{name}"
        copies = rows if name == "claude_code_records" else f"{rows} UNION ALL {rows}"
        world.backend.run(f"CREATE TABLE analytics.{name} AS {copies}")
