"""Help texts of the commands, options for settings, and shell completion."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from claude_code_analytics.config import SourceConfig
from claude_code_analytics.privacy import MODES
from claude_code_pipelines.cli import commands
from claude_code_pipelines.cli.settings import IDENTITIES, SETTINGS, variable
from claude_code_simulator import SampleOrganization, SimulatedApi
from support.imports import ROOT
from support.serving import serving
from support.world import World

COMMANDS = commands.list_commands(click.Context(commands))
EXAMPLE = re.compile(r"^ {4}claude-code-analytics (.*)$", re.MULTILINE)


def shown(*arguments: str) -> str:
    result = CliRunner().invoke(commands, [*arguments, "--help"], terminal_width=80)
    assert result.exit_code == 0
    return result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_each_help_says_first_what_the_command_does_and_last_how_it_ends(name: str) -> None:
    text = shown(name)
    about = re.findall(r"^ {2}(\S.*)$", text, re.MULTILINE)[0]

    assert about.endswith(".")
    assert re.search(rf"^ {{2}}{name} +{re.escape(about[:-1])}\.?$", shown(), re.MULTILINE)
    assert re.findall(r"^ {2}(Examples|Environment|Exit codes):$", text, re.MULTILINE) == [
        *("Examples", "Environment", "Exit codes")
    ]
    assert re.findall(r"^ {4}(\d) {2}\S", text, re.MULTILINE) == ["0", "1", "2"]


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_each_example_of_a_help_is_understood(name: str) -> None:
    examples = [shlex.split(each) for each in EXAMPLE.findall(shown(*filter(None, [name])))]

    assert examples
    for called, *arguments in examples:
        assert name in ("", called)
        command = commands.get_command(click.Context(commands), called)
        assert command
        command.make_context(called, arguments)  # raises UsageError


def test_each_setting_is_an_option_or_a_named_secret() -> None:
    text = shown("load")
    own = {each.name for each in fields(SourceConfig)} - {each.name for each in fields(SourceConfig.__base__)}
    secrets = {name for name in own if variable(name) in text} - {*SETTINGS}

    assert secrets == {"api_key", "access_token", "identity_key"}
    # the two dates are --start and --end, and there are no further reports yet
    assert own == {*SETTINGS, *secrets, "start_date", "end_date", "include"}
    assert IDENTITIES == MODES
    assert [name for name in SETTINGS if f"--{name.replace('_', '-')}" not in text] == []


@pytest.fixture
def load(world: World) -> Callable[..., Result]:
    def run(*options: str) -> Result:
        arguments = ["load", "--start", "2026-09-01", "--progress", "none", *options]
        return CliRunner().invoke(commands, arguments, obj=world.client())

    return run


def test_an_option_wins_over_the_environment_for_one_load(
    load: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable("max_days"), "1")

    for options, days in ((["--max-days", "3"], 3), ([], 1)):
        result = load(*options)
        assert result.exit_code == 0, result.stderr
        assert f"{days} day" in result.stdout


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (("--lookback-days", "-1"), "error: lookback_days is -1"),
        (("--max-days", "0"), "error: max_days is 0"),
        (("--max-days", "many"), "error: Invalid value for '--max-days': 'many'"),
        (("--base-url", "gateway.example.com"), "error: base_url"),
        (("--organization-id", " "), "error: organization_id is ' '"),
        (("--actor-identity", "hash"), "identity_key"),
        (("--actor-identity", "hide"), "error: Invalid value for '--actor-identity'"),
    ],
)
def test_a_mistake_in_a_setting_is_one_line(option: tuple[str, str], message: str, load: Callable[..., Result]) -> None:
    result = load(*option)

    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1), result.stderr
    assert message in result.stderr


def test_check_calls_the_address_of_its_option() -> None:
    with serving(SimulatedApi(SampleOrganization(developers=1))) as variables:
        address = variables.pop(variable("base_url"))
        ran = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "claude_code_pipelines", "check", "--base-url", address],
            env=variables,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert ran.returncode == 0, ran.stderr


def test_backfill_alone_shows_its_help_and_counts_as_a_mistake() -> None:
    result = CliRunner().invoke(commands, ["backfill"])

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Usage: ")
    assert "backfill --start 2026-06-01 --end 2026-06-30" in result.stderr


@pytest.mark.skipif(shutil.which("bash") is None, reason="the documented line is for bash")
def test_the_documented_line_completes_commands_and_options() -> None:
    (line,) = re.findall(r"^eval .*$", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE)
    complete = "COMPREPLY=(); COMP_WORDS=(claude-code-analytics {}); COMP_CWORD={}; _claude_code_analytics_completion"
    complete += " claude-code-analytics; echo ${{COMPREPLY[*]}}"
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    script = "\n".join([line, complete.format("st", 1), complete.format("load --look", 2)])

    ran = subprocess.run(  # noqa: S603
        ["bash", "-c", script],  # noqa: S607
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ran.stdout.split() == ["status", "--lookback-days"], ran.stderr
