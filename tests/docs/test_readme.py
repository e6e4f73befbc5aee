"""Documentation compared with the product: commands, options, tables, settings and examples of the READMEs."""

from __future__ import annotations

import datetime as dt
import inspect
import os
import pydoc
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from string import Template
from typing import Any, get_args

import click
import dlt
import duckdb
import pytest
import tomlkit
from click.testing import CliRunner
from dlt.common.runtime.run_context import RunContext, switched_run_context

from claude_code_analytics import claude_code_analytics
from claude_code_analytics.config import resolve_config
from claude_code_analytics.constants import version
from claude_code_analytics.warehouse.replace_days import STAGED_DAYS
from claude_code_pipelines import Warehouse, backfill, load
from claude_code_pipelines.cli import commands
from claude_code_simulator import SampleOrganization, ScriptedOrganization, SimulatedApi, record
from support.imports import ROOT
from support.serving import serving

README = (ROOT / "README.md").read_text()
SUMMARY_PAGE = (ROOT / "docs" / "summary-and-report.md").read_text()
HOW_TO = (ROOT / "docs" / "how-to.md").read_text()
SOURCE_README = (ROOT / "sources" / "claude_code_analytics" / "README.md").read_text()
DOCS = [str(page.relative_to(ROOT)) for page in sorted((ROOT / "docs").glob("*.md"))]
PAGES = [
    *("README.md", "sources/claude_code_analytics/README.md", "CHANGELOG.md"),
    *(".github/CONTRIBUTING.md", ".github/SECURITY.md", *DOCS),
]
DEFAULTS: dict[str, Any] = {
    name: parameter.default
    for name, parameter in inspect.signature(claude_code_analytics).parameters.items()
    if name not in ("client", "config")
}
SECTION = "sources.claude_code_analytics"
COMMANDS: dict[str, click.Command] = {
    name: commands.get_command(click.Context(commands), name)
    for name in commands.list_commands(click.Context(commands))
}

# Functions of the example script, without `load_`.
EXAMPLES = (
    *("first", "new_days", "a_closed_range", "without_names"),
    *("beside_another_source", "to_bigquery", "to_snowflake"),
)


def blocks(text: str, language: str) -> list[str]:
    """Returns the contents of the fenced code blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def fenced(page: Path) -> str:
    """Returns the contents of all fenced code blocks of a page, also in lists."""
    return "".join(re.findall(r"^ *```\w*\n(.*?)^ *```$", page.read_text(), re.MULTILINE | re.DOTALL))


def options_of(*names: str) -> dict[str, click.Option]:
    """Returns the options of some commands, or of all, by name."""
    return {
        name: option
        for command in names or COMMANDS
        for option in COMMANDS[command].params
        if isinstance(option, click.Option)
        for name in (*option.opts, *option.secondary_opts)
        if name.startswith("--")
    }


# Commands


def test_the_first_two_code_blocks_set_up_demo_and_tests_in_one_line_each() -> None:
    first = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)[:2]

    assert [(language, text.count("\n")) for language, text in first] == [("sh", 1), ("sh", 1)]
    assert first[0][1].endswith("&& .venv/bin/claude-code-analytics demo\n")
    assert first[1][1].endswith("&& .venv/bin/pytest\n")


def test_ci_runs_the_very_commands_of_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    (extract,) = re.findall(r"^command_of_readme\(\).*?^}$", script, re.MULTILINE | re.DOTALL)

    printed = subprocess.run(  # noqa: S603
        ["bash", "-c", f"{extract}\ncommand_of_readme 1\ncommand_of_readme 2"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert printed == "".join(blocks(README, "sh"))
    assert 'command=$(command_of_readme "$number")' in script
    assert 'bash -c "$command"' in script


@pytest.mark.parametrize("name", PAGES)
def test_every_command_line_is_one_that_the_program_accepts(name: str) -> None:
    """Parses each command of a block, and runs none."""
    for line in re.findall(r"^.*?\bclaude-code-analytics ([a-z].*)", fenced(ROOT / name), re.MULTILINE):
        command, *arguments = shlex.split(re.sub(r"\d>.*", "", line), comments=True)
        COMMANDS[command].make_context(command, arguments)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_and_option_has_a_help_text(name: str) -> None:
    result = CliRunner().invoke(commands, [name, "--help"])

    assert result.exit_code == 0
    assert COMMANDS[name].help
    assert [option for option, found in options_of(name).items() if not found.help] == []


# Parameters


def test_every_parameter_is_described_where_it_is_declared() -> None:
    documented = re.findall(r"^ {4}(\w+): ", inspect.getdoc(claude_code_analytics) or "", re.MULTILINE)

    assert set(documented) - {"ConfigurationError"} == {*DEFAULTS, "client", "config"}


def example_settings(name: str) -> dict[str, Any]:
    """Returns the source's section of an example file in `.dlt`, also the keys that are commented out."""
    lines = (ROOT / ".dlt" / name).read_text().splitlines()
    text = "\n".join(re.sub(r"^# (?=\[|\w+ = )", "", line) for line in lines)
    found: Any = tomlkit.parse(text).unwrap()
    for part in SECTION.split("."):
        found = found[part]
    return dict(found)


def test_the_example_files_show_every_parameter_with_its_default() -> None:
    secrets, settings = example_settings("example.secrets.toml"), example_settings("config.toml")

    assert set(secrets) == {"api_key", "access_token", "identity_key"}
    # a single run sets the other two: the last day of a closed range, and reports that do not exist yet
    assert set(secrets) | set(settings) | {"end_date", "include"} == set(DEFAULTS)
    shown = {name: value for name, value in settings.items() if DEFAULTS[name] is not None}
    assert shown == {name: DEFAULTS[name] for name in shown}


@pytest.mark.parametrize("way", ["environment", "file"])
def test_every_parameter_can_be_set_where_the_documentation_says(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: dict[str, Any] = {
        "api_key": "k1",
        "access_token": "k2",
        "identity_key": "k3",
        "base_url": "https://gateway.example.test",
        "start_date": "2026-01-02",
        "end_date": "2026-01-03",
        "lookback_days": 3,
        "include_today": False,
        "max_days": 5,
        "max_concurrent_days": 2,
        "actor_identity": "hash",
        "organization_id": "an-organization",
    }
    if way == "environment":
        for name, value in chosen.items():
            monkeypatch.setenv(f"SOURCES__CLAUDE_CODE_ANALYTICS__{name.upper()}", str(value))
    else:
        (tmp_path / ".dlt").mkdir()
        (tmp_path / ".dlt" / "secrets.toml").write_text(f"[{SECTION}]\n" + tomlkit.dumps(chosen))

    with switched_run_context(RunContext(str(tmp_path))):  # reads the files anew
        found = {name: getattr(resolve_config(), name) for name in chosen}

    assert set(chosen) == set(DEFAULTS) - {"include"}
    assert {name: str(value) for name, value in found.items()} == {name: str(value) for name, value in chosen.items()}


def names_in(section: str) -> set[str]:
    """Returns the names that are read in a section of dlt's configuration."""
    kind, name, *inner = section.split(".")
    if kind == "sources":
        return set(DEFAULTS)
    fields: dict[str, Any] = getattr(dlt.destinations, name)().spec.get_resolvable_fields()
    if not inner:
        return set(fields)
    (hint,) = (fields[each] for each in inner)
    return {name for spec in get_args(hint) or (hint,) for name in spec.get_resolvable_fields()}


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_of_a_page_exists(page: str) -> None:
    for block in blocks((ROOT / page).read_text(), "toml"):
        for section, settings in re.findall(r"^\[(.+)\]\n((?:\w.*\n)*)", block, re.MULTILINE):
            assert set(tomlkit.parse(settings).unwrap()) - names_in(section) == set(), section


# Examples


@pytest.fixture(scope="session")
def demo_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The DuckDB file of a short demo, with views."""
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch, switched_run_context(RunContext(str(folder))):
        patch.chdir(folder)
        for arguments in (["demo", "--start", "2026-10-05", "--end", "2026-10-09"], ["views"]):
            ran = CliRunner().invoke(commands, arguments)
            assert ran.exit_code == 0, ran.output
    return folder / "claude_code_analytics.duckdb"


def test_the_query_of_the_readme_runs_without_views(demo_file: Path) -> None:
    query, _ = blocks(README, "py")

    shown = run_example(query, dict(os.environ), demo_file.parent)

    assert re.findall(r"\S+@sample\.example", shown)
    assert shown.count("\n") >= 5


def test_the_query_of_teams_adds_up(demo_file: Path) -> None:
    (query,) = blocks(SUMMARY_PAGE, "sql")
    billed = "SELECT sum(api_cost_usd) FROM claude_code.claude_code_records WHERE actor_type = "

    with duckdb.connect(str(demo_file), read_only=True) as connection:
        connection.execute("CREATE TEMP TABLE teams AS SELECT 'nobody@example.test' AS email, 'none' AS team")
        by_team = connection.execute(query.replace("2026-11", "2026-10")).fetchall()
        (people,), (keys,) = (
            connection.execute(f"{billed} '{kind}'").fetchall()[0] for kind in ("user_actor", "api_actor")
        )

    assert by_team == [("(no team)", people), ("API keys", keys), ("Total", people + keys)]


def test_the_query_for_another_connector_finds_the_days_that_differ(demo_file: Path) -> None:
    (query,) = re.findall(r"^ *```sql\n(.*?)^ *```$", HOW_TO, re.MULTILINE | re.DOTALL)

    with duckdb.connect(str(demo_file), read_only=True) as connection:
        connection.execute(
            "CREATE TEMP TABLE old_usage AS SELECT date, core_metrics__num_sessions AS sessions "
            "FROM claude_code.claude_code_usage WHERE date <> '2026-10-07'"
        )
        different = connection.execute(query).fetchall()

    assert [(day, old) for day, _, old in different] == [(dt.date(2026, 10, 7), None)]


def run_example(code: str, variables: dict[str, str], folder: Path) -> str:
    """Runs an example in a folder, and returns what it printed."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-c", code]
    ran = subprocess.run(  # noqa: S603
        command, env=variables, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout + ran.stderr


def loaded_days(file: Path) -> tuple[dt.date, int]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute("SELECT min(date), count(*) FROM claude_code.claude_code_days").fetchall()[0]


def test_the_example_of_a_job_runs_and_says_where_the_data_is(tmp_path: Path) -> None:
    _, code = blocks(README, "py")

    with serving(SimulatedApi(SampleOrganization(developers=1))) as variables:
        variables["SOURCES__CLAUDE_CODE_ANALYTICS__MAX_DAYS"] = "3"
        shown = run_example(code, variables, tmp_path)

    assert shown.splitlines()[-1] == f"3 days are in duckdb:///{tmp_path}/claude_code_analytics.duckdb"


def test_the_example_of_a_pipeline_runs_and_says_in_each_folder_where_the_data_is(tmp_path: Path) -> None:
    (code,) = blocks(HOW_TO, "py")
    file = tmp_path / "one" / "my_warehouse_load.duckdb"

    with serving(SimulatedApi(SampleOrganization(developers=5))) as variables:
        for folder in ("one", "two"):
            shown = run_example(code, variables, tmp_path / folder)
            assert f"duckdb:///{file} location to store data" in shown

    assert list((tmp_path / "two").iterdir()) == []  # dlt remembers the first folder
    first, days = loaded_days(file)
    assert first == dt.date(2026, 10, 1)
    assert days


def test_the_loads_of_two_organizations_fill_one_dataset(tmp_path: Path) -> None:
    """Runs the commands of the page on a file, which both pipelines share, in the place of Postgres."""
    (loads,) = blocks(HOW_TO, "sh")
    shown = []
    for number, line in enumerate(loads.splitlines()):
        day = dt.date(2026, 11, 1)
        organization = ScriptedOrganization({day: [record(day)]}, id=f"organization {number}")
        arguments = [*shlex.split(line)[2:], "--start", "2026-11-01"]
        code = f"from claude_code_pipelines.cli import commands\ncommands({arguments})"
        with serving(SimulatedApi(organization)) as variables:
            variables["DESTINATION__POSTGRES__DESTINATION_TYPE"] = "duckdb"
            variables["DESTINATION__POSTGRES__CREDENTIALS"] = str(tmp_path / "shared.duckdb")
            shown.append(run_example(code, variables, tmp_path / "example"))

    with duckdb.connect(str(tmp_path / "shared.duckdb"), read_only=True) as connection:
        held = connection.execute("SELECT organization_id FROM claude_code.claude_code_usage ORDER BY 1").fetchall()
    assert held == [("organization 0",), ("organization 1",)]
    assert ["the dataset held organization" in text for text in shown] == [False, True]


def test_the_example_of_a_trial_without_a_key_runs(tmp_path: Path) -> None:
    (code,) = blocks(SOURCE_README, "py")

    exec(code, {})  # noqa: S102

    assert loaded_days(tmp_path / "trial.duckdb") == (dt.date(2026, 1, 1), 31)


def test_the_example_script_runs_beside_the_command_and_says_where_the_data_is(tmp_path: Path) -> None:
    script = ROOT / "sources" / "claude_code_analytics_pipeline.py"
    functions = re.findall(r"^def (load_\w+)", script.read_text(), re.MULTILINE)
    settings = {"IDENTITY_KEY": "a long random text", "MAX_DAYS": "3"}
    code = f"import runpy\nscript = runpy.run_path({str(script)!r})\nfor name in {functions}: script[name]()"
    files = {name: tmp_path / f"{name}.duckdb" for name in ("claude_code_script", "bigquery", "snowflake")}

    with serving(SimulatedApi(SampleOrganization(developers=1))) as variables:
        variables |= {f"SOURCES__CLAUDE_CODE_ANALYTICS__{name}": settings[name] for name in settings}
        # files in the place of the two services; `python tests/destinations` runs the functions with stand-ins
        variables |= {f"DESTINATION__{name}__DESTINATION_TYPE": "duckdb" for name in ("BIGQUERY", "SNOWFLAKE")}
        shown = run_example(code, variables, tmp_path)

    assert functions == [f"load_{name}" for name in EXAMPLES]
    assert [shown.count(f"duckdb:///{file} location to store data") for file in files.values()] == [5, 1, 1]
    assert [loaded_days(file)[1] for file in files.values()] == [3 + 3 + 30 + 3 + 3, 3, 3]
    with duckdb.connect(str(files["claude_code_script"]), read_only=True) as connection:
        assert connection.execute("SELECT team FROM claude_code.teams").fetchall() == [("Platform",)]
    assert set(tmp_path.glob("*.duckdb")) == set(files.values())
    assert Warehouse().pipeline not in [path.name for path in (tmp_path / "dlt" / "pipelines").iterdir()]


def test_the_examples_say_that_a_second_organization_comes_into_the_dataset(tmp_path: Path) -> None:
    (snippet,) = blocks(HOW_TO, "py")
    script = (ROOT / "sources" / "claude_code_analytics_pipeline.py").read_text().partition("if __name__")[0]

    for number, code in enumerate((snippet, f"{script}\nload_a_closed_range()")):
        for organization in ("one", "two"):
            with serving(SimulatedApi(ScriptedOrganization(id=organization))) as variables:
                shown = run_example(code, variables, tmp_path / f"example {number}")
            assert ("the dataset held organization one so far; two is added beside it" in shown) is (
                organization == "two"
            )


@pytest.mark.parametrize("job", [load, backfill])
def test_the_help_of_the_jobs_fits_on_a_screen(job: Callable[..., object]) -> None:
    text = pydoc.plain(pydoc.render_doc(job))
    lines = [part for line in text.splitlines() for part in textwrap.wrap(line, 80) or [""]]

    assert len(lines) <= 40
    assert " at 0x" not in text


def test_the_statement_of_a_merge_is_the_one_that_is_run() -> None:
    (statement,) = blocks((ROOT / "docs" / "destinations.md").read_text(), "sql")
    staged = Template(STAGED_DAYS).substitute(organization="organization_id", date="date")

    assert " ".join(statement.split()) == "DELETE FROM claude_code.claude_code_usage WHERE " + staged.format(
        staging_table="claude_code_staging.claude_code_usage"
    )


# References


def leads_somewhere(page: Path, link: str) -> bool:
    """Returns whether the file of a link exists, and the heading that it may name."""
    name, _, heading = link.partition("#")
    target = page.parent / name if name else page
    if not heading:
        return target.exists()
    titles = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
    return heading in {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", PAGES)
def test_every_linked_file_and_heading_exists(name: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)]+)\)", (ROOT / name).read_text())

    assert [link for link in links if not leads_somewhere(ROOT / name, link)] == []


def test_every_environment_variable_that_is_named_is_a_parameter() -> None:
    text = README + SOURCE_README + "".join(path.read_text() for path in (ROOT / ".dlt").glob("*.toml"))
    names = set(re.findall(r"\b[A-Z]+(?:_+[A-Z]+){2,}\b", text)) - {"ANTHROPIC_ADMIN_KEY"}

    assert {name.removeprefix("SOURCES__CLAUDE_CODE_ANALYTICS__").lower() for name in names} <= set(DEFAULTS)


def test_the_changelog_names_the_version_and_every_command() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()

    assert f"## {version()}" in changelog
    assert [name for name in COMMANDS if f"`{name}`" not in changelog] == []
