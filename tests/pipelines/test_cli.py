"""What the command line promises: commands, exit codes, one line for each mistake, no secret anywhere."""

from __future__ import annotations

import datetime as dt
import importlib.util
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
from click.testing import CliRunner, Result

from claude_code_analytics import AnalyticsClient
from claude_code_pipelines.cli import commands
from claude_code_simulator import ScriptedOrganization, SimulatedApi, error_response, record
from serving import serving

TODAY = dt.date(2026, 9, 20)
SECRET = "sk-ant-admin01-very-secret"
TABLES = (
    "claude_code_days",
    "claude_code_usage",
    "claude_code_usage__model_breakdown",
    "claude_code_usage__tool_actions",
)

Run = Callable[..., Result]


def september(day: int) -> dt.date:
    return dt.date(2026, 9, day)


@pytest.fixture
def run(connect: Callable[..., AnalyticsClient], kept_open: Any) -> Run:
    """Runs a command in this process, asking the simulated API on the test's clock."""

    def run(*arguments: str, client: AnalyticsClient | None = None, **options: Any) -> Result:
        result = CliRunner().invoke(commands, list(arguments), obj=client or connect(**options))
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


def program(*arguments: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs the program as a person does, in a process of its own."""
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "claude_code_pipelines", *arguments],
        env={**os.environ, **variables},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def only_line(text: str) -> str:
    lines = text.splitlines()
    assert len(lines) == 1, text
    return lines[0]


def tables_of(file: Path) -> dict[str, int]:
    with duckdb.connect(str(file)) as connection:
        return {
            table: connection.execute(f"SELECT count(*) FROM claude_code.{table}").fetchone()[0]  # noqa: S608
            for table in TABLES
        }


# Demo


def test_the_demo_makes_three_tables_and_a_ledger_in_the_current_folder(run: Run, tmp_path: Path) -> None:
    result = run("demo", "--start", "2026-03-02", "--end", "2026-03-08", client=None)

    assert result.exit_code == 0, result.output
    rows = tables_of(tmp_path / "claude_code_analytics.duckdb")
    assert rows["claude_code_days"] == 7
    assert all(rows.values())
    for table, count in rows.items():
        assert f"{table:<36}{count:>12,} rows" in result.stdout
    assert result.stdout.splitlines()[-1] == "next: claude-code-analytics status"


def test_the_demo_can_be_run_twice(run: Run, tmp_path: Path) -> None:
    for _ in range(2):
        assert run("demo").exit_code == 0

    with duckdb.connect(str(tmp_path / "claude_code_analytics.duckdb")) as connection:
        days, fetches, doubled = connection.execute(
            "SELECT (SELECT count(DISTINCT date) FROM claude_code.claude_code_days),"
            " (SELECT count(*) FROM claude_code.claude_code_days),"
            " (SELECT count(*) - count(DISTINCT _dlt_id) FROM claude_code.claude_code_usage)"
        ).fetchone()
    assert days in (90, 91)  # 91 where midnight passed meanwhile
    assert fetches >= 90 + 8
    assert doubled == 0


def test_the_demo_takes_windows_and_another_dataset_and_says_how_to_go_on(run: Run, tmp_path: Path) -> None:
    result = run(
        *("demo", "--start", "2026-03-02", "--end", "2026-03-05", "--window-days", "2"),
        *("--dataset", "tried", "--pipeline", "trial"),
    )

    assert "committed 2026-03-02..2026-03-03" in result.stderr
    assert "committed 2026-03-04..2026-03-05" in result.stderr
    assert (tmp_path / "trial.duckdb").exists()
    assert result.stdout.splitlines()[-1] == "next: claude-code-analytics status --dataset tried --pipeline trial"


# Load, backfill, check, status, views


def test_load_says_what_it_did(run: Run, api: SimulatedApi) -> None:
    api.organization.days[TODAY] = [record(TODAY)]

    result = run("load", "--start", "2026-09-18")

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("loaded 3 days (2026-09-18..2026-09-20), 1 record\n")
    assert "into duckdb:///" in result.stdout


def test_load_warns_when_not_one_record_came_back(run: Run) -> None:
    result = run("load", "--start", "2026-09-18")

    assert result.exit_code == 0
    assert "warning: not one record came back, which is suspicious" in result.stdout


def test_load_with_an_end_loads_a_closed_range(run: Run, api: SimulatedApi) -> None:
    result = run("load", "--start", "2026-09-01", "--end", "2026-09-02")

    assert result.stdout.startswith("loaded 2 days (2026-09-01..2026-09-02)")


def test_backfill_says_where_it_goes_on(run: Run, api: SimulatedApi) -> None:
    asked = ("backfill", "--start", "2026-09-01", "--end", "2026-09-04", "--window-days", "2")
    api.fault = lambda request, number: (
        error_response(500, "Internal") if request.url.params.get("starting_at") == "2026-09-03" else None
    )
    stopped = run(*asked)
    api.fault = None
    resumed = run(*asked)

    assert stopped.exit_code == 1
    assert "error: 2026-09-03: " in stopped.stderr
    assert "committed: 2 days, 2026-09-01..2026-09-02; run the same command again to go on from there" in stopped.stderr
    assert resumed.exit_code == 0
    assert "an interrupted backfill of this range had come to 2026-09-02; went on from there" in resumed.stdout
    assert "loaded 2 days (2026-09-03..2026-09-04)" in resumed.stdout


def test_check_explains_what_came_back(run: Run, api: SimulatedApi) -> None:
    api.organization.days[september(15)] = [record(september(15)), record(september(15), customer_type="subscription")]

    result = run("check")

    assert result.exit_code == 0
    assert "the credential works: the API answered for 2026-09-13 to 2026-09-19" in result.stdout
    assert f"organization {api.organization.id}" in result.stdout
    assert "2 records by customer_type: 1 api, 1 subscription" in result.stdout


def test_check_warns_of_an_empty_organization(run: Run) -> None:
    result = run("check")

    assert result.exit_code == 0
    assert "warning: not one record came back" in result.stdout


@pytest.mark.parametrize("key", ["workspace_key", "enterprise_key"])
def test_check_explains_a_refused_credential(run: Run, api: SimulatedApi, key: str) -> None:
    secret = getattr(api.credentials, key)

    result = run("check", api_key=secret)

    assert result.exit_code == 2
    assert only_line(result.stderr).startswith("error: ")
    assert "use an Admin API key" in result.stderr
    assert secret not in result.output


def test_check_tells_of_an_api_that_cannot_be_reached(run: Run, api: SimulatedApi) -> None:
    api.fault = lambda request, number: httpx.ConnectError("no route")

    result = run("check")

    assert result.exit_code == 1
    assert "the API could not be reached" in only_line(result.stderr)


def test_status_tells_what_is_loaded(run: Run) -> None:
    run("load", "--start", "2026-09-18")

    result = run("status")

    assert result.exit_code == 0
    assert result.stdout.startswith("3 of 3 days loaded, 2026-09-18 to 2026-09-20\n")
    assert "partial:     2026-09-20" in result.stdout


def test_status_as_json_can_be_read_by_programs(run: Run) -> None:
    run("load", "--start", "2026-09-18")

    told = json.loads(run("status", "--json", "--start", "2026-09-17", "--end", "2026-09-18").stdout)

    assert (told["loaded"], told["missing"]) == (["2026-09-18"], ["2026-09-17"])


@pytest.mark.parametrize(("first", "code"), [("2026-09-18", 0), ("2026-09-17", 1)])
def test_status_fails_on_a_gap_where_it_is_told_to(run: Run, first: str, code: int) -> None:
    run("load", "--start", "2026-09-18")

    assert run("status", "--start", first).exit_code == 0
    assert run("status", "--start", first, "--fail-on-gap").exit_code == code


def test_a_warehouse_without_any_day_is_a_gap(run: Run) -> None:
    result = run("status", "--fail-on-gap")

    assert result.exit_code == 1
    assert result.stdout == "nothing is loaded yet\n"


def test_views_has_costs_in_dollars_and_leaves_other_currencies_out(
    run: Run, api: SimulatedApi, tmp_path: Path
) -> None:
    built = record(TODAY)
    other = record(TODAY, email="eve@example.test")
    other["model_breakdown"][0]["estimated_cost"]["currency"] = "EUR"
    api.organization.days[TODAY] = [built, other]
    run("load", "--start", "2026-09-20")

    result = run("views")

    assert result.stdout == "created view claude_code_costs in dataset claude_code\n"
    with duckdb.connect(str(tmp_path / "claude_code_analytics.duckdb")) as connection:
        costs = connection.execute(
            "SELECT actor__email_address, estimated_cost_usd::VARCHAR FROM claude_code.claude_code_costs ORDER BY 1"
        ).fetchall()
    assert costs == [("ada@example.test", "0.19000000000"), ("eve@example.test", None)]


def test_views_outlive_the_next_load(run: Run, api: SimulatedApi) -> None:
    api.organization.days[TODAY] = [record(TODAY)]
    for command in (("load", "--start", "2026-09-20"), ("views",), ("load",), ("views",)):
        assert run(*command).exit_code == 0


def test_views_without_a_load_is_a_mistake(run: Run) -> None:
    result = run("views")

    assert result.exit_code == 2
    assert only_line(result.stderr) == "error: nothing is loaded yet: load first, then create the views"


# Mistakes: exit code 2, and one line that says what to change


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("load --start 2026-09-21", "start_date 2026-09-21 lies in the future; today is 2026-09-20 (UTC)"),
        ("load --start yesterday", "--start is 'yesterday'; it must be a day such as 2025-01-31"),
        ("load --start 2026-02-30", "--start is '2026-02-30'; it must be a day such as 2025-01-31"),
        ("load --start 2026-09-02 --end 2026-09-01", "end 2026-09-01 lies before start 2026-09-02; swap them"),
        ("load --end 2026-09-21", "end 2026-09-21 lies in the future; today is 2026-09-20 (UTC)"),
        ("load --window-days 0", "the window is 0 days; it must be 1 or more"),
        ("load --window-days -5", "the window is -5 days; it must be 1 or more"),
        ("load --destination nowhere", "dlt knows no such destination; try duckdb, bigquery, snowflake or postgres"),
        ("load --destination postgres", "PostgresClientConfiguration lacks credentials"),
        ("load --destination dummy", "dummy cannot replace days"),
        ("load --pipeline a/b", "pipeline is 'a/b'; use letters, digits"),
        ("load --pipeline eu-1", "pipeline is 'eu-1'; use letters, digits and _, a letter first"),
        ("load --dataset=", "dataset is empty; leave it out or give it a name"),
        ("backfill --start 2026-09-02 --end 2026-09-01", "end 2026-09-01 lies before start 2026-09-02; swap them"),
        ("backfill --start 2026-09-01 --end 2026-09-21", "end 2026-09-21 lies in the future"),
        ("backfill --start 2026-09-01 --end 2026-09-02 --window-days 0", "the window is 0 days"),
        ("demo --start 2026-09-02 --end 2026-09-01", "end 2026-09-01 lies before start 2026-09-02; swap them"),
        ("demo --start 9999-01-01", "start_date 9999-01-01 lies in the future"),
        ("demo --window-days 0", "the window is 0 days"),
        ("status --start 2026-09-02 --end 2026-09-01", "--end 2026-09-01 lies before --start 2026-09-02; swap them"),
        ("status --start 2026-09-21", "--start 2026-09-21 lies in the future"),
        ("status --end soon", "--end is 'soon'; it must be a day such as 2025-01-31"),
        ("status --destination nowhere", "dlt knows no such destination"),
        ("views --destination nowhere", "dlt knows no such destination"),
    ],
)
def test_a_mistake_in_the_arguments_is_one_line_and_exit_code_2(run: Run, arguments: str, sentence: str) -> None:
    result = run(*arguments.split())

    assert result.exit_code == 2, result.output
    assert only_line(result.stderr).startswith("error: ")
    assert sentence in result.stderr
    assert result.stdout == ""


def test_files_are_refused_where_nothing_writes_delta_tables(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DESTINATION__FILESYSTEM__BUCKET_URL", str(tmp_path / "files"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    result = run("load", "--start", "2026-09-19", "--destination", "filesystem", "--progress", "none")

    assert result.exit_code == 2
    assert "pip install 'dlt[deltalake]'" in only_line(result.stderr)


def test_a_database_in_a_folder_that_does_not_exist_is_said(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "nowhere" / "file.duckdb"))

    for command in (("load", "--start", "2026-09-19"), ("status",), ("views",)):
        result = run(*command)
        assert result.exit_code == 2
        assert "nowhere/file.duckdb" in only_line(result.stderr)


def test_a_postgres_that_cannot_be_reached_is_said_without_its_password(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", f"postgresql://loader:{SECRET}@127.0.0.1:1/warehouse")

    result = run("load", "--start", "2026-09-19", "--destination", "postgres")

    assert result.exit_code == 2
    assert only_line(result.stderr).startswith("error: ")  # where the driver is missing: that it is
    assert SECRET not in result.output


def test_a_locked_database_file_is_said(run: Run, kept_open: Any) -> None:
    run("load", "--start", "2026-09-19")
    kept_open.release()
    holder = subprocess.Popen(  # noqa: S603
        [
            sys.executable,
            "-c",
            "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()",
            str(kept_open.file),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        results = [run("load", "--start", "2026-09-19"), run("status")]
        holder.communicate()

    for result in results:
        assert result.exit_code == 2
        assert "lock" in only_line(result.stderr).lower()
        assert "claude_code_analytics.duckdb" in result.stderr


def test_a_misplaced_credential_is_refused_in_one_line(run: Run, api: SimulatedApi) -> None:
    result = run("load", "--start", "2026-09-19", "--progress", "none", api_key=api.credentials.oauth_token)

    assert result.exit_code == 2
    assert "set it as access_token" in only_line(result.stderr)
    assert api.credentials.oauth_token not in result.output


def test_a_credential_that_expires_on_the_way_is_exit_code_1_and_names_what_is_committed(
    run: Run, api: SimulatedApi
) -> None:
    api.fault = lambda request, number: (
        error_response(401, f"OAuth token {api.credentials.oauth_token} has expired.")
        if request.url.params.get("starting_at", "") > "2026-09-04"
        else None
    )

    result = run(
        *("load", "--start", "2026-09-01", "--window-days", "2", "--progress", "none"),
        access_token=api.credentials.oauth_token,
    )

    assert result.exit_code == 1
    refused, committed = result.stderr.splitlines()
    assert refused.startswith("error: 2026-09-05: the API refused the credential: 401")
    assert "get a fresh OAuth token" in refused
    assert committed == ("committed: 4 days, 2026-09-01..2026-09-04; run the same command again to go on from there")
    assert api.credentials.oauth_token not in result.output


def test_a_load_that_fails_before_anything_is_committed_is_exit_code_1_and_says_so(run: Run, api: SimulatedApi) -> None:
    api.fault = lambda request, number: error_response(500, "Internal server error")

    result = run("load", "--start", "2026-09-19", "--progress", "none")

    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == "nothing was committed; run the same command again"


def test_a_day_that_fails_is_named_with_its_request_id(run: Run, api: SimulatedApi) -> None:
    def fault(request: httpx.Request, number: int) -> httpx.Response | None:
        if request.url.params.get("starting_at") != "2026-09-20":
            return None
        answer = error_response(500, "Internal server error")
        answer.headers["request-id"] = "req_0123"
        return answer

    api.fault = fault

    result = run("load", "--start", "2026-09-19", "--progress", "none")

    assert "2026-09-20" in result.stderr
    assert "[request-id req_0123]" in result.stderr


# The program, in a process of its own


def test_a_missing_credential_is_said_and_leaves_nothing_behind(tmp_path: Path) -> None:
    ran = program("load")

    assert ran.returncode == 2
    assert only_line(ran.stderr).startswith("error: no credential: set the dlt secret")
    assert "ANTHROPIC_ADMIN_KEY" in ran.stderr
    assert list(tmp_path.glob("*.duckdb")) == []


def test_a_secret_that_dlt_init_left_to_be_filled_in_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "ACCESS_TOKEN", "IDENTITY_KEY"):
        monkeypatch.setenv(f"SOURCES__CLAUDE_CODE_ANALYTICS__{name}", "<configure me>")
    monkeypatch.setenv("SOURCES__CLAUDE_CODE_ANALYTICS__ACTOR_IDENTITY", "hash")

    missing = CliRunner().invoke(commands, ["check"])
    unkeyed = CliRunner().invoke(commands, ["demo", "--start", "2026-03-02", "--end", "2026-03-02"])

    assert (missing.exit_code, unkeyed.exit_code) == (2, 2)
    assert "no credential: set the dlt secret" in missing.stderr
    assert "actor_identity='hash' needs a key" in unkeyed.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("", "error: Missing command. (see claude-code-analytics --help)"),
        ("lod", "error: No such command 'lod'"),
        ("load --strat 2026-01-01", "error: No such option"),
        ("load --window-days many", "error: Invalid value for '--window-days': 'many' is not a valid integer."),
        ("load --progress loud", "error: Invalid value for '--progress': 'loud' is not one of"),
        ("backfill --start 2026-01-01", "error: Missing option '--end'. (see claude-code-analytics backfill --help)"),
        ("load now", "error: Got unexpected extra argument"),
    ],
)
def test_a_command_line_that_cannot_be_understood_is_one_line(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: str, sentence: str
) -> None:
    from claude_code_pipelines.cli import main

    monkeypatch.setattr(sys, "argv", ["claude-code-analytics", *arguments.split()])
    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    assert only_line(capfd.readouterr().err).startswith(sentence)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.toml", b"this is [ no toml"),
        ("secrets.toml", f"[sources.claude_code_analytics]\napi_key = {SECRET}\n".encode()),
    ],
)
def test_an_unreadable_configuration_is_said_in_one_line(tmp_path: Path, file: str, content: bytes) -> None:
    settings = tmp_path / "project" / ".dlt"
    settings.mkdir(parents=True)
    (settings / file).write_bytes(content)

    ran = program("demo", "--start", "2026-03-02", "--end", "2026-03-02", cwd=tmp_path / "project")

    assert ran.returncode == 2
    assert file in only_line(ran.stderr)
    assert SECRET not in ran.stderr


def test_an_unreadable_configuration_is_a_configuration_error_in_python_too(tmp_path: Path) -> None:
    settings = tmp_path / "project" / ".dlt"
    settings.mkdir(parents=True)
    (settings / "config.toml").write_text("this is [ no toml")
    code = (
        "from claude_code_analytics import ConfigurationError\n"
        "from claude_code_pipelines import Warehouse, load\n"
        "try:\n    load(Warehouse())\nexcept ConfigurationError as error:\n    print(error)"
    )

    ran = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], cwd=settings.parent, capture_output=True, text=True, timeout=60, check=False
    )

    assert "config.toml" in ran.stdout, ran.stderr
    assert ran.stderr == ""


def test_the_program_loads_over_a_real_socket_with_settings_from_the_environment(tmp_path: Path) -> None:
    day = dt.date(2026, 3, 2)
    api = SimulatedApi(ScriptedOrganization({day: [record(day)]}))
    with serving(api) as variables:
        ran = program("load", "--start", "2026-03-01", "--end", "2026-03-03", **variables)

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("loaded 3 days (2026-03-01..2026-03-03), 1 record\n")
    assert tables_of(tmp_path / "claude_code_analytics.duckdb")["claude_code_days"] == 3
    assert api.credentials.admin_key not in ran.stdout + ran.stderr


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_being_stopped_ends_at_once_and_says_what_is_committed(tmp_path: Path, stop: signal.Signals) -> None:
    api = SimulatedApi(ScriptedOrganization())
    over = threading.Event()

    def hang(request: httpx.Request, number: int) -> None:
        if request.url.params.get("starting_at", "") > "2026-03-02":
            over.wait(60)

    api.fault = hang
    with serving(api) as variables:
        running = subprocess.Popen(  # noqa: S603
            [
                *(sys.executable, "-m", "claude_code_pipelines", "backfill"),
                *("--start", "2026-03-01", "--end", "2026-03-04", "--window-days", "2"),
            ],
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with running:
            assert running.stderr is not None
            while not running.stderr.readline().startswith("committed "):
                assert running.poll() is None
            running.send_signal(stop)
            stdout, stderr = running.communicate(timeout=20)  # far less than the API would take
        over.set()

    assert running.returncode == 1
    assert "Traceback" not in stderr
    assert stderr.splitlines()[-1] == (
        "interrupted; committed: 2 days, 2026-03-01..2026-03-02; run the same command again to go on from there"
    )
    assert stdout == ""
    assert tables_of(tmp_path / "claude_code_analytics.duckdb")["claude_code_days"] == 2


# Progress


def test_plain_progress_is_a_line_for_each_window(run: Run) -> None:
    result = run("load", "--start", "2026-09-17", "--window-days", "2", "--progress", "plain")

    lines = result.stderr.splitlines()
    assert lines[0] == "reading 4 days, 2026-09-17 to 2026-09-20"
    assert [line.split("  ")[:3] for line in lines[1:]] == [
        ["committed 2026-09-17..2026-09-18", "2/4 days", "0 records"],
        ["committed 2026-09-19..2026-09-20", "4/4 days", "0 records"],
    ]


def test_progress_is_plain_where_there_is_no_terminal(run: Run) -> None:
    assert run("load", "--start", "2026-09-19").stderr.startswith("reading 2 days")


def test_no_progress_is_silent(run: Run) -> None:
    assert run("load", "--start", "2026-09-19", "--progress", "none").stderr == ""


def test_a_bar_is_drawn_where_it_is_asked_for(run: Run) -> None:
    result = run("load", "--start", "2026-09-17", "--window-days", "2", "--progress", "bar")

    assert result.exit_code == 0, result.output
    assert "committed 2026-09-19..2026-09-20" in result.stderr


def test_a_pause_that_the_api_asked_for_is_shown(run: Run, api: SimulatedApi) -> None:
    def fault(request: httpx.Request, number: int) -> httpx.Response | None:
        return error_response(429, "Slow down", headers={"retry-after": "90"}) if number == 3 else None

    for style in ("plain", "bar"):
        api.fault = fault
        result = run("load", "--start", "2026-09-17", "--progress", style, "--pipeline", style)
        assert result.exit_code == 0
        if style == "plain":
            assert "the API asked to slow down (429); waiting until 12:01:30 UTC" in result.stderr


def test_what_the_connector_warns_of_is_shown_beside_the_progress(run: Run, api: SimulatedApi) -> None:
    api.organization.days[TODAY] = [record(TODAY, new_thing={"a": 1})]

    for style in ("plain", "bar"):
        result = run("load", "--start", "2026-09-20", "--progress", style, "--pipeline", style)
        assert "warning: " in result.stderr
        assert "new_thing" in result.stderr


def test_a_command_leaves_the_log_of_whoever_runs_it_as_it_was(run: Run) -> None:
    logger = logging.getLogger("claude_code_analytics")
    before = (logger.propagate, list(logger.handlers))

    run("status")

    assert (logger.propagate, list(logger.handlers)) == before


def test_the_version_is_told() -> None:
    from claude_code_analytics.settings import version

    result = CliRunner().invoke(commands, ["--version"])

    assert result.output == f"claude-code-analytics, version {version()}\n"
