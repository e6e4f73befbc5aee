"""Postgres: delete and insert in one transaction, and merges of a table that take turns."""

from __future__ import annotations

import datetime as dt
import os
import re
import signal
import threading
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from dlt.pipeline.exceptions import PipelineStepFailed

from claude_code_analytics import ConfigurationError
from claude_code_pipelines import warehouse
from claude_code_pipelines.cli import commands
from claude_code_pipelines.console import progress
from claude_code_pipelines.metrics.figures import TRENDS, Request, read_figures
from claude_code_pipelines.metrics.views import create_views
from claude_code_simulator import ScriptedOrganization, record, utc_now
from destinations.scenario import require_truth, some_records, write_days
from metrics.awkward import PEOPLE, awkward_days
from support.processes import Machine, ended, start_forks
from support.serving import serving
from support.world import FIRST_DAY, LEDGER, MODELS, RECORD_TABLES, TODAY, TOOLS, USAGE, World

pytestmark = pytest.mark.parametrize("backend", ["postgres"], indirect=True)
# Seconds within which the server has to reach a state; it takes a fraction of one.
PATIENCE = 30


def test_a_table_that_rejects_rows_keeps_the_old_ones(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Delete and insert are one transaction: dlt sends them as one text of several statements."""
    monkeypatch.setenv("LOAD__RAISE_ON_MAX_RETRIES", "1")
    write_days(world, FIRST_DAY, TODAY)
    world.run()
    models = world.backend.qualified(world.dataset, MODELS)
    before = world.backend.tables(world.dataset)[MODELS]
    world.backend.run(f"ALTER TABLE {models} ADD CONSTRAINT none CHECK (model <> 'm') NOT VALID")

    with pytest.raises(PipelineStepFailed, match="none"):
        world.run()

    assert sorted(map(str, world.backend.tables(world.dataset)[MODELS])) == sorted(map(str, before))


@pytest.mark.smoke
def test_a_day_with_nul_characters_is_held_without_them_and_a_warning_says_so(
    world: World, warnings_of: Callable[[], list[str]]
) -> None:
    world.write(TODAY, {**record(TODAY, tools={"\\u0000": (1, 2)}), "thing": {"a": "\\u0000 in words"}})
    world.load(start=TODAY)
    assert not [line for line in warnings_of() if "NUL" in line]
    world.require_truth([TODAY])

    nested = {"\0\0a": ["x\0\\\0", "\\u0000"]}
    world.write(TODAY, {**record(TODAY, email="a\0da@example.test", tools={"Wri\0te": (1, 2)}), "thing": nested})
    world.load(start=TODAY)
    tables = world.backend.tables(world.dataset)
    assert (tables[USAGE][0]["actor__email_address"], tables[TOOLS][0]["tool_name"]) == ("ada@example.test", "Write")
    assert tables[USAGE][0]["thing"] == {"a": ["x\\", "\\u0000"]}
    assert [line.partition(":")[0] for line in warnings_of() if "NUL" in line] == [USAGE, TOOLS]
    assert not world.status(first=TODAY).has_gap


def test_a_dataset_whose_name_holds_a_quote_is_loaded_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESTINATION__POSTGRES__ENABLE_DATASET_NAME_NORMALIZATION", "false")
    world.dataset = f"{world.dataset}'s"
    for sessions in (1, 2):
        world.write_days(TODAY, TODAY, sessions=sessions)
        world.load(start=TODAY)
    assert world.backend.run(f'SELECT core_metrics__num_sessions FROM "{world.dataset}".{USAGE}') == [(2,)]


def test_columns_of_another_type_are_named_before_values_are_rounded(world: World) -> None:
    write_days(world, TODAY, TODAY)
    world.run(start_date=TODAY)
    staging, amount = f"{world.dataset}_staging", "estimated_cost__amount"
    for dataset, table, column, changed, message in (
        (world.dataset, MODELS, amount, "decimal(38, 2)", r"decimal\(38,2\), not decimal\(38,9\)"),
        (world.dataset, MODELS, amount, "numeric", "decimal without a precision, not decimal"),
        (world.dataset, LEDGER, "is_final", "varchar", "text, not bool"),
        (staging, MODELS, amount, "decimal(38, 2)", "decimal.* in the staging"),
    ):
        world.backend.run(f"ALTER TABLE {dataset}.{table} ALTER {column} TYPE {changed}")
        with pytest.raises(PipelineStepFailed, match=f"{table}.{column} is {message}"):
            world.run(start_date=TODAY)
        with pytest.raises(ConfigurationError, match=f"{table}.{column} is {message}") as raised:
            world.load(start=TODAY)
        (statement,) = re.findall(r"ALTER TABLE [^;]+;", str(raised.value))
        world.backend.run(statement)
    world.run(start_date=TODAY)
    require_truth(world)


def test_a_wait_for_a_lock_is_announced_once_and_the_load_gives_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Idle in a transaction, the reader holds a lock that a new column waits for; a second reader queues behind."""
    monkeypatch.setattr(progress, "SECONDS_OF_WRITING", 0.1)
    monkeypatch.setattr(warehouse, "LOCK_TIMEOUT_SECONDS", 2)
    write_days(world, TODAY, TODAY)
    load_today = ("load", "--start", f"{TODAY}", "--destination", "postgres", "--dataset", world.dataset)
    with world.client() as client:
        assert CliRunner().invoke(commands, load_today, obj=client).exit_code == 0
    world.write(TODAY, {**some_records(TODAY, 1)[0], "new_field": 1})

    with closing(world.backend.connect()) as reader, world.client() as client:
        with reader.cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM {world.backend.qualified(world.dataset, USAGE)}")
        result = CliRunner().invoke(commands, load_today, obj=client)

    assert result.exit_code == 1
    assert result.stderr.count("still writing: the destination is slow, or another session holds a lock") == 1
    assert "error: the window could not be written: canceling statement due to lock timeout" in result.stderr


@pytest.mark.parametrize("stop", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.smoke), signal.SIGHUP])
def test_a_signal_ends_a_load_whose_merge_is_blocked_and_the_late_merge_does_no_harm(
    world: World, tmp_path: Path, stop: signal.Signals
) -> None:
    """The server still runs the statement when it gets its lock: here while the next load has staged other rows."""
    start_forks()
    world.api.date_clock = utc_now  # the command has the machine's clock
    write_days(world, TODAY, TODAY)
    days = ("--start", f"{TODAY}", "--end", f"{TODAY}", "--destination", "postgres", "--dataset", world.dataset)
    waiting = (
        "SELECT COUNT(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted "
        f"AND a.query LIKE '%{world.dataset}%{USAGE}%'"
    )
    with serving(world.api) as variables:
        machine = Machine(tmp_path / "home", {**variables, **world.backend.environment})
        assert ended(machine.command("backfill", *days)) == 0, machine.output
        write_days(world, TODAY, TODAY, sessions=70)
        with closing(world.backend.connect()) as holder, holder.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {world.backend.qualified(world.dataset, USAGE)} IN SHARE MODE")
            stopped = machine.command("backfill", *days)
            world.backend.server.wait_for(waiting, 1)
            os.kill(stopped.pid, stop)
            stopped.join(PATIENCE)
            assert stopped.exitcode == 1, "the signal waits for the lock"
            write_days(world, TODAY, TODAY, sessions=700)
            following = machine.command("backfill", *days)
            world.backend.server.wait_for(waiting, 2)  # the statement of the ended load, and this one
            holder.rollback()
        assert ended(following) == 0, machine.output
    world.require_truth([TODAY])


def test_tables_and_views_and_all_their_columns_have_comments(world: World) -> None:
    write_days(world, TODAY, TODAY)
    world.load(start=TODAY)
    create_views(world.pipeline)
    without = world.backend.run(f"""
        SELECT c.relname, place
        FROM pg_class c, LATERAL (SELECT 0 UNION SELECT attnum FROM pg_attribute WHERE attrelid = c.oid) AS x (place)
        WHERE c.relnamespace = '{world.dataset}'::regnamespace AND c.relkind IN ('r', 'v')
        AND c.relname LIKE 'claude%' AND place >= 0
        AND CASE place WHEN 0 THEN obj_description(c.oid) ELSE col_description(c.oid, place) END IS NULL
    """)
    assert without == []


@pytest.mark.smoke
def test_merges_of_one_table_take_turns_so_that_no_row_is_doubled(make_world: Callable[..., World]) -> None:
    """Two machines wait at the same lock with the same day. Without it both would delete the old rows and insert."""
    first, second = make_world(), make_world(machine="second")
    second.api = first.api
    second.organization = first.organization
    first.write_days(TODAY, TODAY)
    first.run(start_date=TODAY)
    second.run(start_date=TODAY)
    for world, sessions in ((first, 20), (second, 30)):
        write_days(world, TODAY, TODAY, sessions=sessions)
        world.pipeline.extract(world.source(start_date=TODAY))
        world.pipeline.normalize()
    errors: list[BaseException] = []

    def write(world: World) -> None:
        try:
            world.pipeline.load()
        except Exception as error:  # noqa: BLE001  # it is looked at below
            errors.append(error)

    with closing(first.backend.connect()) as connection:
        cursor = connection.cursor()
        for table in RECORD_TABLES:
            cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", [f'"{first.dataset}"."{table}"'])
        threads = [threading.Thread(target=write, args=[world]) for world in (first, second)]
        for number, thread in enumerate(threads, 1):
            thread.start()
            first.backend.server.wait_for(
                "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted", number * len(RECORD_TABLES)
            )
    for thread in threads:
        thread.join(PATIENCE)

    assert not errors
    contents = first.contents()
    assert not contents.doubles
    assert len(contents.days[TODAY]) == 3
    first.run(start_date=TODAY)
    require_truth(first)


def test_summary_and_report_read_the_same_as_on_duckdb(world: World, tmp_path: Path) -> None:
    first = TODAY - dt.timedelta(days=70)
    organization = ScriptedOrganization(awkward_days(first, TODAY, world.organization.id, 5), id=world.organization.id)
    on_duckdb = World(tmp_path, organization=organization, machine="another")
    request = Request(teams={PEOPLE[0]: "one"})
    read = []
    for each in (on_duckdb, World(tmp_path, organization=organization, backend=world.backend)):
        each.backfill(first, TODAY, window_days=90)
        with each.kept_open():
            figures = read_figures(
                each.pipeline, request, each.clock.now, [*TRENDS, "actor,month", "week", "tool,month"]
            )
        read.append({name: sorted(map(rounded_floats, rows)) for name, rows in figures.rows.items()})
    for name, rows in read[0].items():
        assert rows == read[1][name], name
        assert rows, name


def rounded_floats(row: dict[str, Any]) -> str:
    return str({name: f"{value:.9g}" if isinstance(value, (float, Decimal)) else value for name, value in row.items()})
