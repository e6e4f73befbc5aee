"""The command line: commands, exit codes, one line for each mistake, and no secret anywhere."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import duckdb
import httpx
import pytest
from click.testing import CliRunner, Result
from filelock import FileLock

from claude_code_analytics import AnalyticsClient, ConfigurationError
from claude_code_analytics.constants import version
from claude_code_pipelines.cli import commands
from claude_code_simulator import ScriptedOrganization, SimulatedApi, error_response, record
from support.days import september
from support.serving import serving
from support.world import LEDGER, MODELS, TODAY, TOOLS, USAGE, World

SECRET = "sk-ant-admin01-very-secret"
TABLES = (USAGE, TOOLS, MODELS, LEDGER)
QUIET = ("--progress", "none")
COMMANDS = commands.list_commands(click.Context(commands))

Run = Callable[..., Result]


@contextmanager
def kept_open(file: Path) -> Iterator[None]:
    """Keeps the file open, if it is there and free: dlt opens it a dozen times, which is half of a load."""
    try:
        opened = duckdb.connect(str(file)) if file.exists() else None
    except duckdb.IOException:
        opened = None
    yield
    if opened:
        opened.close()


@pytest.fixture
def run(world: World, file: Path) -> Run:
    """Runs a command in this process, against the simulated API on the test's clock."""

    def run(*arguments: str, client: AnalyticsClient | None = None, **options: Any) -> Result:
        with kept_open(file):
            result = CliRunner().invoke(commands, list(arguments), obj=client or world.client(**options))
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The DuckDB file that a command makes unless it is given another."""
    return tmp_path / "claude_code_analytics.duckdb"


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


def query(file: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(file)) as connection:
        connection.execute("USE claude_code")
        return connection.execute(sql).fetchall()


def fail_after(world: World, day: str, status: int = 500, text: str = "Internal server error") -> None:
    world.api.fault = lambda request, number: (
        error_response(status, text) if request.url.params.get("starting_at", "") > day else None
    )


# Demo


def test_the_demo_makes_four_tables_in_the_current_folder_and_can_be_run_again(run: Run, file: Path) -> None:
    for _ in range(2):
        result = run("demo", "--start", "2026-03-02", "--end", "2026-03-04")
        assert result.exit_code == 0, result.output

    rows = {table: query(file, f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}
    rows[LEDGER] //= 2
    assert rows[LEDGER] == 3
    for table, count in rows.items():
        assert count > 0
        assert f"{table:<36}{count:>12,} rows" in result.stdout
    assert result.stdout.splitlines()[-1] == "next: claude-code-analytics report"


def test_the_demo_leaves_a_day_out_and_heals_it_when_it_is_run_again(run: Run, file: Path) -> None:
    days = ("--start", "2026-03-02", "--end", "2026-03-06")
    result = run("demo", *days, "--missing", "2026-03-04")
    assert result.stdout.startswith("loaded 4 days (2026-03-02..2026-03-03, 2026-03-05..2026-03-06), ")
    assert "2026-03-04 (final, and never loaded)" in run("status", "--end", "2026-03-06").stdout
    assert "4/4 days" in result.stderr
    run("demo", *days)
    assert len(query(file, f"SELECT DISTINCT date FROM {LEDGER}")) == 5
    for edge, loaded in (
        ("2026-03-02", "4 days (2026-03-03"),
        ("2026-03-06", "4 days (2026-03-02"),
        ("2026-04-01", "5"),
    ):
        assert run("demo", *days, "--missing", edge).stdout.startswith(f"loaded {loaded}")


def test_the_next_command_names_the_same_warehouse_quoted_where_it_must_be(run: Run, tmp_path: Path) -> None:
    options = ("--window-days", "2", "--dataset", "it's tried", "--pipeline", "trial")
    result = run("demo", "--start", "2026-03-02", "--end", "2026-03-05", *options)

    assert "committed 2026-03-02..2026-03-03" in result.stderr
    assert "committed 2026-03-04..2026-03-05" in result.stderr
    assert (tmp_path / "trial.duckdb").exists()
    following = """next: claude-code-analytics report --dataset 'it'"'"'s tried' --pipeline trial"""
    assert result.stdout.splitlines()[-1] == following


# Load and backfill


def test_load_says_what_it_did_and_where(run: Run, world: World) -> None:
    world.write(TODAY, record(TODAY))

    result = run("load", "--start", "2026-09-18", *QUIET)

    lines = result.stdout.splitlines()
    assert (result.exit_code, result.stderr) == (0, "")
    assert lines[0] == "loaded 3 days (2026-09-18..2026-09-20), 1 record"
    assert lines[1:5] == [f"  {table:<36}{3 if table == LEDGER else 1:>12,} rows" for table in TABLES]
    assert lines[5].startswith("into duckdb:///")
    assert lines[5].endswith(", dataset claude_code")


def test_load_warns_when_no_record_came_back_and_says_when_there_is_nothing_to_load(
    run: Run, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = run("load", "--start", "2026-09-18")
    monkeypatch.setenv("SOURCES__CLAUDE_CODE_ANALYTICS__INCLUDE_TODAY", "false")
    nothing = run("load", "--start", "2026-09-20")

    assert (empty.exit_code, nothing.exit_code) == (0, 0)
    assert "warning: no records came back, which is suspicious" in empty.stdout
    assert all(reason in empty.stdout for reason in ("Claude Enterprise", "subscription", "Bedrock"))
    assert nothing.stdout.startswith("nothing to load\n")


def test_an_interrupted_backfill_says_what_is_committed_and_then_what_it_resumed(run: Run, world: World) -> None:
    command = ("backfill", "--start", "2026-09-01", "--end", "2026-09-04", "--window-days", "2")
    fail_after(world, "2026-09-02")
    stopped = run(*command)
    world.api.fault = None
    resumed = run(*command)

    assert stopped.exit_code == 1
    assert "error: 2026-09-0" in stopped.stderr
    assert "committed: 2 days, 2026-09-01..2026-09-02; run the same command again to resume" in stopped.stderr
    assert resumed.exit_code == 0
    assert "resumed: 2 days of this range were loaded before the interruption" in resumed.stdout
    assert "loaded 2 days (2026-09-03..2026-09-04)" in resumed.stdout


def test_days_that_are_not_held_are_exit_code_1_and_named_and_the_others_are_in_the_views(
    run: Run, world: World, file: Path
) -> None:
    world.api.fault = lambda request, number: (
        httpx.Response(200, content=b'{"data":[17],"has_more":false,"next_page":null}')
        if request.url.params.get("starting_at") == "2026-09-19"
        else None
    )
    result = run("load", "--start", "2026-09-18", "--progress", "plain", "--views")
    assert result.exit_code == 1
    assert query(file, "SELECT count(*) FROM claude_code_day_ledger") == [(2,)]
    assert [request.params.get("starting_at") for request in world.api.requests].count("2026-09-19") == 1
    lines = result.stderr.splitlines()
    assert lines[-5].endswith("; the load goes on without this day")
    assert lines[-4].startswith("committed 2026-09-18, 2026-09-20  3/3 days  0 records  ")
    assert lines[-3] == "14 views are up to date"
    assert lines[-2].startswith("error: 1 day could not be read: 2026-09-19; 2026-09-19: record 1 ")
    assert lines[-1].startswith("committed: 2 days, 2026-09-18, 2026-09-20; ")


def test_a_load_beside_another_of_the_same_pipeline_is_exit_code_1(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "dlt" / "pipelines"
    folder.mkdir(parents=True)
    with FileLock(folder / "claude_code_analytics.lock"):
        result = run("load", "--start", "2026-09-19", *QUIET)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: another load of pipeline claude_code_analytics is running; wait for it")


# Check, status, views


def test_check_explains_what_came_back(run: Run, world: World) -> None:
    world.write(september(15), record(september(15)), record(september(15), customer_type="subscription"))

    result = run("check")

    assert result.exit_code == 0
    assert "the credential works: the API returned 2026-09-13 to 2026-09-19" in result.stdout
    assert f"organization {world.organization.id}" in result.stdout
    assert "2 records by customer_type: 1 api, 1 subscription" in result.stdout


@pytest.mark.parametrize("data", ["[17]", '[{"\\ud800": 1, "\\ud801": 2}]'])
def test_check_names_a_day_that_cannot_be_decoded(run: Run, world: World, data: str) -> None:
    world.api.fault = lambda request, number: (
        httpx.Response(200, text=f'{{"data": {data}, "has_more": false, "next_page": null}}')
        if request.url.params.get("starting_at") == "2026-09-15"
        else None
    )
    result = run("check")
    assert result.exit_code == 1
    error = result.stderr.splitlines()[-1]
    assert error.startswith("error: 2026-09-15: ")
    assert "report it to Anthropic's support" in error


@pytest.mark.parametrize("key", ["workspace_key", "enterprise_key"])
def test_check_explains_a_refused_credential(run: Run, world: World, key: str) -> None:
    secret = getattr(world.api.credentials, key)
    result = run("check", api_key=secret)
    assert result.exit_code == 2
    calling, error = result.stderr.splitlines()
    assert calling == "calling api.anthropic.com for the last 7 days"
    assert error.startswith("error: ")
    assert "use an Admin API key" in error
    assert secret not in result.output


def test_a_refused_credential_is_one_short_line_before_a_file_is_made(run: Run, world: World, file: Path) -> None:
    result = run("load", api_key=world.api.credentials.workspace_key)
    assert result.exit_code == 2
    line = only_line(result.stderr)
    assert "403 Missing required scopes" in line
    assert "a key like this usually belongs to a workspace: use an Admin API key" in line
    assert len(line) < 350
    assert not file.exists()


def test_check_without_a_credential_calls_nobody(run: Run, world: World) -> None:
    result = run("check", api_key="")
    assert only_line(result.stderr).startswith("error: no credential")
    assert not world.api.requests


def test_the_dataset_is_named_as_it_is_in_the_warehouse(run: Run) -> None:
    options = ("--dataset", "Claude-Code")
    loaded = run("load", "--start", "2026-09-19", *options, *QUIET)
    assert ", dataset claude_code\n" in loaded.stdout
    assert loaded.stdout.endswith("next: claude-code-analytics status --dataset Claude-Code\n")
    assert run("status", *options).stdout.splitlines()[0].endswith(", dataset claude_code")
    assert "created view claude_code_costs in dataset claude_code\n" in run("views", *options).stdout
    for destination, name in (
        ("duckdb", '"claude_code"."claude_code_costs"'),
        ("snowflake", '"CLAUDE_CODE"."CLAUDE_CODE_COSTS"'),
    ):
        assert f"VIEW {name} " in run("views", "--print", "--destination", destination, *options).stdout


def test_a_dataset_that_is_its_own_staging_dataset_is_refused_before_a_request(
    run: Run, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESTINATION__STAGING_DATASET_NAME_LAYOUT", "%s")
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", "postgresql://loader:x@127.0.0.1:1/warehouse")
    for command in ("load", "status", "views"):
        for destination in ("duckdb", "postgres"):
            result = run(command, "--destination", destination)
            assert result.exit_code == 2
            assert "by staging_dataset_name_layout the staging dataset is claude_code too" in only_line(result.stderr)
    with pytest.raises(ConfigurationError, match="staging_dataset_name_layout"):
        world.load()
    assert not world.api.requests


def test_sums_beyond_64_bits_break_no_load_and_no_status(run: Run, world: World, file: Path) -> None:
    names = ("ada@example.test", "bob@example.test")
    world.write(september(19), *(record(september(19), email=name, sessions=2**62) for name in names))
    for command in (("load", "--start", "2026-09-19"), ("load", "--start", "2026-09-19"), ("status", "--fail-on-gap")):
        assert run(*command).exit_code == 0
    assert query(file, f"SELECT sum(core_metrics__num_sessions) FROM {USAGE}") == [(2**63,)]


def test_a_result_that_cannot_be_written_is_exit_code_1(run: Run) -> None:
    run("load", "--start", "2026-09-19", *QUIET)
    for command in ("status", "status --json", "summary", "--help"):
        for stream, reason in (("> /dev/full", "No space left on device"), (">&-", "Bad file descriptor")):
            script = f"{sys.executable} -m claude_code_pipelines {command} {stream}"
            ran = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)  # noqa: S603, S607
            assert ran.returncode == 1
            assert only_line(ran.stderr) == f"error: standard output cannot be written: {reason}"


def test_status_shows_each_kind_of_day_in_words_and_in_json(run: Run) -> None:
    run("load", "--start", "2026-09-18")

    words, found = run("status"), json.loads(run("status", "--json", "--start", "2026-09-17").stdout)

    assert words.exit_code == 0
    lines = words.stdout.splitlines()
    assert lines[1].endswith(": 3 days, 2026-09-18 to 2026-09-20")
    assert "  partial           1: 2026-09-20 (loaded before it was final; the next load reads it again)" in lines
    assert (found["missing"], found["held"], found["partial"]) == (
        ["2026-09-17"],
        ["2026-09-18", "2026-09-19"],
        ["2026-09-20"],
    )


def test_status_fails_on_a_gap_only_with_the_option(run: Run) -> None:
    run("load", "--start", "2026-09-18")
    for first, code in (("2026-09-18", 0), ("2026-09-17", 1)):
        assert run("status", "--start", first).exit_code == 0
        assert run("status", "--start", first, "--fail-on-gap").exit_code == code


def test_status_where_nothing_is_loaded_is_exit_code_2_and_makes_no_file(run: Run, tmp_path: Path) -> None:
    result = run("status", "--json")
    assert result.exit_code == 2
    assert only_line(result.stderr).startswith("error: nothing is loaded: there is no file ")
    assert (result.stdout, list(tmp_path.glob("*.duckdb"))) == ("", [])


def test_views_have_costs_in_dollars_outlive_the_next_load_and_leave_other_currencies_out(
    run: Run, world: World, file: Path
) -> None:
    other = record(TODAY, email="eve@example.test")
    other["model_breakdown"][0]["estimated_cost"]["currency"] = "EUR"
    world.write(TODAY, record(TODAY), other)
    results = [run(*command) for command in (("load", "--start", "2026-09-20"), ("views",), ("load",), ("views",))]

    assert [result.exit_code for result in results] == [0] * 4
    assert "created view claude_code_costs in dataset claude_code\n14 views are up to date\n" in results[1].stdout
    assert results[3].stdout == "14 views are up to date\n"
    costs = "SELECT actor, api_cost_usd::VARCHAR FROM claude_code_costs ORDER BY 1"
    assert query(file, costs) == [("ada@example.test", "0.19000000000"), ("eve@example.test", None)]


# Mistakes: exit code 2, and one line that says what to change


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("load --start 2026-09-21", "start_date 2026-09-21 is in the future; today is 2026-09-20 (UTC)"),
        (
            "load --start 1925-11-01",
            "start_date 1925-11-01 is before Claude Code existed; use 2020-01-01 or later",
        ),
        ("load --start yesterday", "'--start': 'yesterday' is not a day; write YYYY-MM-DD, such as 2025-01-31 (see "),
        ("load --window-days 0", "window_days is 0; it must be a whole number, 1 or more"),
        ("load --destination nowhere", "dlt has no destination 'nowhere'; use one of duckdb, motherduck, postgres"),
        (
            "load --destination postgres",
            "destination postgres lacks credentials: set DESTINATION__POSTGRES__CREDENTIALS in the",
        ),
        ("load --pipeline a/b", "pipeline is 'a/b'; use letters, digits and _, and start with a letter"),
        ("backfill --start 2026-09-02 --end 2026-09-01", "end 2026-09-01 is before start 2026-09-02; swap them"),
        ("demo --start 2026-09-02 --end 2026-09-01", "end_date 2026-09-01 is before start_date 2026-09-02; swap"),
        ("load --destination postgresql", "dlt has no destination 'postgresql'; did you mean postgres?"),
        ("load --destination delta", "did you mean filesystem (Delta tables in a folder or a bucket)?"),
        ("status --start 2026-09-02 --end 2026-09-01", "--end 2026-09-01 is before --start 2026-09-02; swap them"),
        ("status --destination nowhere", "dlt has no destination 'nowhere'"),
        ("lod", "error: No such command 'lod'"),
        ("load --strat 2026-01-01", "error: No such option"),
        ("load --window-days many", "error: Invalid value for '--window-days': 'many' is not a valid integer."),
        ("load --progress loud", "error: Invalid value for '--progress': 'loud' is not one of"),
        ("backfill --start 2026-01-01", "error: Missing option '--end'. (see claude-code-analytics backfill --help)"),
        ("load now", "error: Got unexpected extra argument"),
    ],
)
def test_a_mistake_in_the_arguments_is_one_line_and_exit_code_2(run: Run, arguments: str, sentence: str) -> None:
    result = run(*arguments.split())

    assert result.exit_code == 2, result.output
    assert only_line(result.stderr).startswith("error: ")
    assert sentence in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("setting", "arguments", "sentence"),
    [
        ("LOAD__WORKERS=0", "", "load.workers and normalize.workers (LOAD__WORKERS, NORMALIZE__WORKERS) must be 1 or"),
        ("LOAD__PARALLELISM_STRATEGY=x", "", "must be one of parallel, table-sequential, sequential"),
        ("NORMALIZE__WORKERS=-1", "", "load.workers and normalize.workers"),
        ("DESTINATION__POSTGRES__CREDENTIALS=postgresql://a:b@h:99999/x", "--destination postgres", "address"),
        ("", "--dataset information_schema", "dataset information_schema belongs to the database itself"),
        ("", "--dataset temp", "the database does not allow a dataset of that name: choose another --dataset"),
    ],
)
def test_a_setting_that_cannot_work_is_one_line_and_exit_code_2_and_leaves_no_file(
    run: Run, monkeypatch: pytest.MonkeyPatch, file: Path, setting: str, arguments: str, sentence: str
) -> None:
    name, _, value = setting.partition("=")
    if name:
        monkeypatch.setenv(name, value)
    result = run("load", "--start", "2026-09-19", *QUIET, *arguments.split())

    assert result.exit_code == 2, result.output
    if "driver" not in result.stderr:  # of Postgres, which is not installed everywhere
        assert sentence in only_line(result.stderr)
    assert not file.exists()


def test_a_log_level_that_does_not_exist_is_one_line_and_exit_code_2() -> None:
    ran = program("status", RUNTIME__LOG_LEVEL="loud")
    assert ran.returncode == 2
    assert only_line(ran.stderr) == "error: runtime.log_level is 'loud'; use DEBUG, INFO, WARNING, ERROR or CRITICAL"


def test_a_file_that_was_there_or_has_rows_outlives_a_failed_load(
    run: Run, monkeypatch: pytest.MonkeyPatch, world: World, file: Path
) -> None:
    duckdb.connect(str(file)).close()
    with monkeypatch.context() as patched:
        patched.setenv("LOAD__WORKERS", "0")
        assert run("load", "--start", "2026-09-17", *QUIET).exit_code == 2
    assert file.exists()
    file.unlink()
    fail_after(world, "2026-09-18")
    assert run("load", "--start", "2026-09-17", "--window-days", "1", *QUIET).exit_code == 1
    assert query(file, f"SELECT count(*) FROM {LEDGER}") == [(2,)]


def test_a_database_in_a_missing_folder_is_named(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "nowhere" / "file.duckdb"))
    result = run("load", "--start", "2026-09-19")
    assert result.exit_code == 2
    assert "nowhere/file.duckdb" in only_line(result.stderr)


def test_a_postgres_that_cannot_be_reached_is_reported_without_its_password(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", f"postgresql://loader:{SECRET}@127.0.0.1:1/warehouse")
    result = run("load", "--start", "2026-09-19", "--destination", "postgres")
    assert result.exit_code == 1
    assert only_line(result.stderr).startswith("error: ")  # where the driver is missing: that it is
    assert SECRET not in result.output


def test_a_database_file_that_another_process_has_open_is_named(run: Run, file: Path) -> None:
    run("load", "--start", "2026-09-19")
    code = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", code, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        results = [run("load", "--start", "2026-09-19"), run("status")]
        holder.communicate()

    for result in results:
        assert result.exit_code == 1
        assert f"another program has the file open (PID {holder.pid}): close it there" in only_line(result.stderr)
        assert file.name in result.stderr
        assert "read-only" not in result.stderr  # DuckDB's advice on its own mode


def test_a_credential_that_expires_on_the_way_is_exit_code_1_and_names_what_is_committed(
    run: Run, world: World
) -> None:
    token = world.api.credentials.oauth_token
    fail_after(world, "2026-09-04", 401, f"OAuth token {token} has expired.")

    result = run("load", "--start", "2026-09-01", "--window-days", "2", *QUIET, access_token=token)

    assert result.exit_code == 1
    refused, committed = result.stderr.splitlines()
    assert refused.startswith("error: 2026-09-05: the API refused the credential: 401")
    assert "get a fresh OAuth token" in refused
    assert committed == "committed: 4 days, 2026-09-01..2026-09-04; run the same command again to resume"
    assert token not in result.output


def test_a_load_that_fails_before_anything_is_committed_says_so_with_the_day_and_its_request_id(
    run: Run, world: World
) -> None:
    def fault(request: httpx.Request, number: int) -> httpx.Response | None:
        if request.url.params.get("starting_at") != "2026-09-20":
            return None
        response = error_response(500, "Internal server error")
        response.headers["request-id"] = "req_0123"
        return response

    world.api.fault = fault
    result = run("load", "--start", "2026-09-20", *QUIET)

    assert result.exit_code == 1
    logged, error, committed = result.stderr.splitlines()
    assert logged.startswith("error: 2026-09-20: ")
    assert error.startswith("error: 1 day could not be read: 2026-09-20; 2026-09-20: ")
    assert "[request-id req_0123]" in error
    assert committed == "nothing was committed; run the same command again"


# Foreign text


def require_clean(result: Result) -> None:
    assert all(letter.isprintable() or letter == "\n" for letter in result.output)
    assert "\nerror: all is well" not in result.output


def test_foreign_text_in_errors_is_cleaned_before_it_is_printed(run: Run, world: World) -> None:
    # clears the screen, sets the clipboard, turns text around, fakes a line of our own
    hostile = "req\x1b[2J\x1b]52;c;aGk=\x07\u202e\r\nerror: all is well\x00"
    for message, headers in ((hostile, {}), ("no", {"request-id": hostile.replace("\r\n", " ")})):
        response = error_response(400, message, headers=headers)
        world.api.fault = lambda request, number, response=response: response
        result = run("load", "--start", "2026-09-20", *QUIET)
        assert result.exit_code == 1
        require_clean(result)


def test_foreign_text_in_records_is_kept_as_data_and_never_printed(run: Run, world: World, file: Path) -> None:
    name = "\x1b]52;c;aGk=\x07'); DROP TABLE claude_code_usage; --"
    for day in (september(19), TODAY):
        world.write(day, record(day, customer_type=name, terminal_type=name, tools={name: (1, 2)}))
    for command in (("load", "--start", "2026-09-19", *QUIET), ("check",), ("status",)):
        result = run(*command)
        assert result.exit_code == 0
        require_clean(result)
    assert query(file, f"SELECT tool_name, customer_type FROM {TOOLS} JOIN {USAGE} USING (date)") == [(name, name)] * 2


def test_the_views_are_refused_where_there_is_no_file_and_none_is_made(run: Run, file: Path) -> None:
    result = run("views")
    assert result.exit_code == 2
    assert only_line(result.stderr) == f"error: nothing is loaded: there is no file {file}"
    assert not file.exists()


def test_a_folder_that_dlt_cannot_use_is_named_with_its_variable(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLT_DATA_DIR", "/dev/null/x")
    result = run("load", "--start", "2026-09-19")
    assert result.exit_code == 2
    assert "set DLT_DATA_DIR to a folder that you may write to" in only_line(result.stderr)


# Progress


def test_plain_progress_is_a_line_for_each_window(run: Run) -> None:
    result = run("load", "--start", "2026-09-17", "--window-days", "2", "--progress", "plain")
    lines = result.stderr.splitlines()
    assert lines[0] == "reading 4 days: 2026-09-17..2026-09-20"
    assert [line.split("  ")[:3] for line in lines[1:]] == [
        ["committed 2026-09-17..2026-09-18", "2/4 days", "0 records"],
        ["committed 2026-09-19..2026-09-20", "4/4 days", "0 records"],
    ]


def test_a_bar_is_drawn_on_request_and_is_gone_before_the_summary(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich draws for a terminal
    result = run("load", "--start", "2026-09-17", "--window-days", "2", "--progress", "bar")

    assert result.exit_code == 0, result.output
    assert "committed 2026-09-19..2026-09-20" in result.stderr
    drawn = result.output
    assert drawn.rindex("\x1b[?25h") < drawn.index("loaded 4 days"), "the cursor is shown again before the summary"
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize("progress", ["plain", "none"])
def test_pauses_and_warnings_are_shown_beside_the_progress(run: Run, world: World, progress: str) -> None:
    world.write(TODAY, record(TODAY, new_thing={"a": 1}))
    world.api.fault = lambda request, number: (
        error_response(429, "Slow down", headers={"retry-after": "90"}) if number == 3 else None
    )
    result = run("load", "--start", "2026-09-17", "--progress", progress)
    assert result.exit_code == 0
    assert "warning: " in result.stderr
    assert "new_thing" in result.stderr
    assert result.stderr.count("rate limit (429): waiting until 12:01:30 UTC") == 1


# Help


def test_without_a_command_the_help_is_shown(run: Run) -> None:
    result = run()
    assert result.exit_code == 0
    assert "Examples:" in result.stdout


def test_no_line_of_the_help_is_cut_or_wider_than_a_terminal(run: Run) -> None:
    for name in ([], *([name] for name in COMMANDS)):
        shown = run(*name, "--help").stdout
        assert "..." not in shown.replace("[ARGS]...", ""), name
        assert max(map(len, shown.splitlines())) <= 80, name


def test_the_version_is_that_of_the_distribution(run: Run) -> None:
    assert run("--version").stdout == f"claude-code-analytics, version {version()}\n"


@pytest.mark.parametrize(
    "arguments", [(), ("--help",), ("--version",), ("lod",), ("load", "--strat"), *((name, "-h") for name in COMMANDS)]
)
def test_help_version_and_misspellings_load_nothing_slow(arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "claude_code_pipelines", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in ran.stderr.splitlines()}

    assert "click" in loaded
    assert loaded & {"dlt", "duckdb", "httpx", "msgspec", "pendulum", "pyarrow", "rich", "sqlglot"} == set()


# The program, in a process of its own


def test_a_missing_credential_is_reported_and_leaves_nothing_behind(tmp_path: Path) -> None:
    ran = program("load")
    assert ran.returncode == 2
    assert only_line(ran.stderr).startswith("error: no credential: set the dlt secret")
    assert "ANTHROPIC_ADMIN_KEY" in ran.stderr
    assert list(tmp_path.glob("*.duckdb")) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.toml", b"this is [ no toml"),
        ("secrets.toml", f"[sources.claude_code_analytics]\napi_key = {SECRET}\n".encode()),
    ],
)
def test_an_unreadable_configuration_is_one_line_without_its_content(tmp_path: Path, name: str, content: bytes) -> None:
    settings = tmp_path / "project" / ".dlt"
    settings.mkdir(parents=True)
    (settings / name).write_bytes(content)

    ran = program("demo", "--start", "2026-03-02", "--end", "2026-03-02", cwd=tmp_path / "project")

    assert ran.returncode == 2
    assert name in only_line(ran.stderr)
    assert SECRET not in ran.stderr


def test_the_program_loads_over_a_real_socket_and_what_it_writes_is_for_its_owner_only(
    file: Path, tmp_path: Path
) -> None:
    day = dt.date(2026, 3, 2)
    api = SimulatedApi(ScriptedOrganization({day: [record(day)]}))
    before = os.umask(0o022)
    with serving(api) as variables:
        ran = program("load", "--start", "2026-03-01", "--end", "2026-03-03", **variables)
    os.umask(before)

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("loaded 3 days (2026-03-01..2026-03-03), 1 record\n")
    assert query(file, f"SELECT count(*) FROM {LEDGER}") == [(3,)]
    assert api.credentials.admin_key not in ran.stdout + ran.stderr
    assert [path for path in tmp_path.rglob("*") if path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize(
    ("command", "streams", "code"),
    [
        ("backfill --start 2026-03-02 --end 2026-03-02", ">&- 2>&-", 0),
        ("backfill --start 2026-03-02 --end 2026-03-02", "2>&1 | :", 0),
        ("status --start 2026-03-01 --end 2026-03-02 --fail-on-gap", "| :", 1),
    ],
    ids=["closed", "all in a pipe", "result in a pipe"],
)
def test_a_reader_that_is_not_there_changes_no_exit_code(
    run: Run, file: Path, command: str, streams: str, code: int
) -> None:
    run("load", "--start", "2026-03-02", "--end", "2026-03-02", *QUIET)
    script = f"set -o pipefail; ( sleep 0.5; {sys.executable} -m claude_code_pipelines {command} ) {streams}"
    with serving(SimulatedApi(ScriptedOrganization())) as variables:
        ran = subprocess.run(["bash", "-c", script], env=variables, capture_output=True, text=True, check=False)  # noqa: S603, S607

    assert (ran.returncode, ran.stderr) == (code, "")
    assert query(file, f"SELECT count(*) FROM {LEDGER}") == [(2 if command.startswith("backfill") else 1,)]
