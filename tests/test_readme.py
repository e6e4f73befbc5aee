"""What the documentation says holds: its commands, options, tables, settings and examples are run or compared."""

from __future__ import annotations

import datetime as dt
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import duckdb
import pytest
from click.testing import CliRunner

import claude_code_analytics
from claude_code_analytics.claude_code.columns import COLUMNS
from claude_code_pipelines.cli import commands
from claude_code_simulator import SampleOrganization, SimulatedApi
from serving import serving

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
SOURCE_README = (ROOT / "sources" / "claude_code_analytics" / "README.md").read_text()
PARAMETERS = {*inspect.signature(claude_code_analytics.claude_code_analytics).parameters} - {"client"}


def blocks(text: str, language: str = r"\w+") -> list[tuple[str, str]]:
    """Language and content of the fenced code blocks, in order."""
    return re.findall(rf"^```({language})\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def section(title: str) -> str:
    """Text under a heading of the README."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def options_of(command: click.Command) -> set[str]:
    return {name for option in command.params for name in option.opts if name.startswith("--")}


# Commands


def test_the_first_two_code_blocks_are_one_line_of_sh_each() -> None:
    languages = [language for language, _ in blocks(README)[:2]]
    lines = [content.count("\n") for _, content in blocks(README)[:2]]

    assert (languages, lines) == (["sh", "sh"], [1, 1])


def test_ci_runs_the_very_commands_of_the_readme(tmp_path: Path) -> None:
    script = (ROOT / ".ci" / "run").read_text()
    extract = re.search(r"^command_of_readme\(\).*?^}$", script, re.MULTILINE | re.DOTALL)
    assert extract, script

    printed = subprocess.run(  # noqa: S603
        ["bash", "-c", f"{extract[0]}\ncommand_of_readme 1\ncommand_of_readme 2"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert printed == "".join(content for _, content in blocks(README, "sh"))
    assert 'command=$(command_of_readme "$number")' in script
    assert 'bash -c "$command"' in script


def test_the_first_command_runs_the_demo_and_the_second_the_tests() -> None:
    demo, tests = (content for _, content in blocks(README, "sh"))

    assert demo.endswith("&& .venv/bin/claude-code-analytics demo\n")
    assert tests.endswith("&& .venv/bin/pytest\n")


def test_every_command_stands_in_the_readme_and_every_one_there_exists() -> None:
    described = set(re.findall(r"^\| `(\w+)` \|", section("Load your organization"), re.MULTILINE))
    used = set(re.findall(r"claude-code-analytics (?!--)(\w+)", "".join(content for _, content in blocks(README))))

    assert described == set(commands.commands)
    assert used <= described


def test_every_option_stands_in_the_readme_and_every_one_there_exists() -> None:
    existing = set().union(*map(options_of, commands.commands.values()))
    written = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", section("Load your organization")))

    assert written == existing


def test_the_common_options_are_those_of_the_readme() -> None:
    listed = re.search(r"^Options: (.*?)\. Exit codes", section("Load your organization"), re.MULTILINE | re.DOTALL)
    assert listed

    assert set(re.findall(r"`(--[a-z-]+)`", listed[1])) == options_of(commands.commands["load"])


@pytest.mark.parametrize("name", sorted(commands.commands))
def test_every_command_explains_itself(name: str) -> None:
    result = CliRunner().invoke(commands, [name, "--help"])

    assert result.exit_code == 0
    command = commands.commands[name]
    assert command.help
    assert all(option.help for option in command.params if isinstance(option, click.Option))


# Tables


def test_the_tables_and_columns_of_the_readme_are_those_of_the_source() -> None:
    written = {
        table: re.findall(r"`(\w+)`", columns)
        for table, columns in re.findall(r"^\| `(\w+)` \| [^|]+ \| (.*) \|$", section("The tables"), re.MULTILINE)
    }

    assert written == {
        table: [column.name for column in columns if column.name not in ("organization_id", "date")]
        for table, columns in COLUMNS.items()
    }


# Settings


def keys_of(path: Path, part: str) -> set[str]:
    """Keys of one section of a TOML file, whether they are commented out or not."""
    found: set[str] = set()
    inside = False
    for line in path.read_text().splitlines():
        line = line.removeprefix("# ")
        if re.match(r"\[[\w.]+\]$", line):
            inside = line == f"[{part}]"
        elif inside and (key := re.match(r"(\w+) = ", line)):
            found.add(key[1])
    return found


def test_every_setting_in_the_example_files_is_a_parameter_of_the_source() -> None:
    secrets = keys_of(ROOT / ".dlt" / "example.secrets.toml", "sources.claude_code_analytics")
    settings = keys_of(ROOT / ".dlt" / "config.toml", "sources.claude_code_analytics")

    assert secrets == {"api_key", "access_token", "identity_key"}
    assert settings
    assert settings < PARAMETERS
    assert not settings & secrets


def test_every_parameter_of_the_source_is_described_where_it_is_declared() -> None:
    described = re.findall(r"^ {4}(\w+): ", inspect.getdoc(claude_code_analytics.claude_code_analytics) or "", re.M)

    assert set(described) - {"ConfigurationError"} == PARAMETERS | {"client"}


def test_the_example_settings_are_the_defaults() -> None:
    text = (ROOT / ".dlt" / "config.toml").read_text()
    signature = inspect.signature(claude_code_analytics.claude_code_analytics)

    for key in keys_of(ROOT / ".dlt" / "config.toml", "sources.claude_code_analytics"):
        written = re.search(rf"^# {key} = (\S+)", text, re.MULTILINE)
        assert written
        default: Any = signature.parameters[key].default
        assert written[1] == (f'"{default}"' if isinstance(default, str) else str(default).lower())


# Examples


def test_the_query_of_the_readme_runs_on_the_file_of_the_demo(tmp_path: Path) -> None:
    ran = CliRunner().invoke(commands, ["demo", "--start", "2026-03-02", "--end", "2026-03-13"])
    assert ran.exit_code == 0, ran.output
    (query,) = (content for _, content in blocks(README, "sql"))

    with duckdb.connect(str(tmp_path / "claude_code_analytics.duckdb"), read_only=True) as connection:
        answer = connection.execute(query)
        names = [column[0] for column in answer.description or []]
        rows = answer.fetchall()

    assert names == ["week", "model", "cost_usd"]
    assert {row[0] for row in rows} == {dt.date(2026, 3, 2), dt.date(2026, 3, 9)}
    assert all(row[2] > 0 for row in rows)


def run_example(code: str, variables: dict[str, str]) -> None:
    ran = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], env=variables, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr


def test_the_example_of_a_pipeline_runs(tmp_path: Path) -> None:
    (code,) = (content for _, content in blocks(README, "py"))
    with serving(SimulatedApi(SampleOrganization(developers=5))) as variables:
        run_example(code, variables)

    with duckdb.connect(str(tmp_path / "my_warehouse_load.duckdb"), read_only=True) as connection:
        first, rows = connection.execute("SELECT min(date), count(*) FROM claude_code.claude_code_days").fetchone()
    assert first == dt.date(2026, 10, 1)
    assert rows


def test_the_example_of_a_trial_without_a_key_runs(tmp_path: Path) -> None:
    (code,) = (content for _, content in blocks(SOURCE_README, "py"))

    run_example(code, dict(os.environ))

    with duckdb.connect(str(tmp_path / "trial.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM claude_code.claude_code_days").fetchone() == (31,)


# Nothing that does not exist


def test_every_file_that_is_linked_exists() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README + SOURCE_README)

    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_environment_variable_that_is_named_is_read() -> None:
    text = README + SOURCE_README + "".join(path.read_text() for path in (ROOT / ".dlt").glob("*.toml"))

    names = set(re.findall(r"\b[A-Z]+(?:_+[A-Z]+){2,}\b", text))

    assert names == {"ANTHROPIC_ADMIN_KEY", *(name for name in names if name.startswith("SOURCES__"))}
    parameters = {name.removeprefix("SOURCES__CLAUDE_CODE_ANALYTICS__").lower() for name in names}
    assert parameters - {"anthropic_admin_key"} <= PARAMETERS


def test_every_extra_that_is_named_exists() -> None:
    project = (ROOT / "pyproject.toml").read_text()

    assert re.findall(r"claude-code-analytics\[(\w+)\]", README) == ["bigquery"]
    for extra in ("bigquery", "snowflake", "postgres"):
        assert f"`{extra}`" in README or f"{extra}`" in README
        assert re.search(rf"^{extra} = \[", project, re.MULTILINE)


def test_the_changelog_names_the_version_and_every_command() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()

    assert f"## {claude_code_analytics.settings.version()}" in changelog
    assert all(f"`{name}`" in changelog for name in commands.commands)
