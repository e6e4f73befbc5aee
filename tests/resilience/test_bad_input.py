"""Organizations without records, and foreign text: the command line explains the one and never prints the other."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from claude_code_pipelines.cli import commands
from claude_code_simulator import error_response, record
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
