"""What a person reads who brings a key that is refused, an organization without records, or foreign text."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from claude_code_pipelines.cli import commands
from claude_code_simulator import FaultScript, On, error_response, record
from support.world import FIRST_DAY, TODAY, World

JOBS = [
    ("load", "--start", f"{FIRST_DAY}"),
    ("backfill", "--start", f"{FIRST_DAY}", "--end", f"{TODAY}"),
]
# Clears the screen, sets the clipboard, turns text around, fakes a line of our own.
HOSTILE = "req\x1b[2J\x1b]52;c;aGk=\x07\u202e\r\nerror: all is well\x00"


def run(world: World, *arguments: str, key: str | None = None) -> Result:
    with world.client(**({"api_key": key} if key else {})) as client:
        result = CliRunner().invoke(commands, list(arguments), obj=client)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.mark.parametrize(
    ("job", "key"), [(JOBS[0], "workspace_key"), (JOBS[1], "enterprise_key"), (JOBS[1], "sk-ant-admin01-of-nobody")]
)
def test_a_refused_key_is_one_line_that_helps_and_nothing_is_loaded(
    world: World, tmp_path: Path, job: tuple[str, ...], key: str
) -> None:
    secret = getattr(world.api.credentials, key, key)
    result = run(world, *job, key=secret)
    assert result.exit_code == 2
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert "the API refused the credential: 40" in line
    assert "use an Admin API key" in line or "Console" in line
    assert secret not in result.output
    assert not list(tmp_path.glob("claude_code_analytics.duckdb")) or "nothing is loaded" in run(world, "status").output
    assert len(world.api.requests) < 10


def test_a_key_that_expires_leaves_what_was_loaded(world: World) -> None:
    world.write_days(FIRST_DAY, TODAY)
    world.load()
    before = world.contents().days
    world.api.fault = FaultScript(On("status-401", path=None, times=None))
    with pytest.raises(Exception, match="the API refused the credential"):
        world.load()
    assert world.contents().days == before


@pytest.mark.parametrize("job", JOBS, ids=" ".join)
def test_days_without_any_record_are_called_suspicious_and_why(world: World, job: tuple[str, ...]) -> None:
    result = run(world, *job)
    assert result.exit_code == 0
    assert "suspicious" in result.output
    for reason in ("Claude Enterprise", "subscription", "Bedrock"):
        assert reason in result.output
    world.write(TODAY, record(TODAY))
    assert "suspicious" not in run(world, *job).output


@pytest.mark.parametrize("where", ["message", "request-id"])
def test_foreign_text_is_cleaned_before_it_is_printed(world: World, where: str) -> None:
    message, headers = (HOSTILE, {}) if where == "message" else ("no", {"request-id": HOSTILE.replace("\r\n", " ")})
    world.api.fault = lambda request, number: (
        error_response(400, message, headers=headers) if request.url.params.get("starting_at") else None
    )
    result = run(world, *JOBS[0])
    assert result.exit_code == 1
    assert all(letter.isprintable() or letter == "\n" for letter in result.output)
    assert "\nerror: all is well" not in result.output


def test_foreign_text_in_records_is_kept_as_data_and_never_printed(world: World) -> None:
    name = "\x1b]52;c;aGk=\x07'); DROP TABLE claude_code_usage; --"
    world.write(TODAY, record(TODAY, customer_type=name, terminal_type=name, tools={name: (1, 2)}))
    results = [run(world, *JOBS[0]), run(world, "check"), run(world, "status")]
    assert [result.exit_code for result in results] == [0, 0, 0]
    assert all(letter.isprintable() or letter == "\n" for result in results for letter in result.output)
    world.database = Path("claude_code_analytics.duckdb")
    assert world.column("tool_name", "claude_code_usage__tool_actions") == [name]
    world.require_truth()
