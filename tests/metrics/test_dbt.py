"""The dbt package as files: the SQL of the views for each warehouse, and which files of a folder it replaces."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from claude_code_analytics.claude_code.report import CLAUDE_CODE
from claude_code_pipelines.cli import commands
from claude_code_pipelines.metrics.catalog import VIEWS

RELATIONS = {table.name for table in (*CLAUDE_CODE.tables, CLAUDE_CODE.ledger)} | {view.name for view in VIEWS}
REFERENCE = re.compile(r"\{\{ (?:ref|source)\((?:'claude_code', )?'(\w+)'\) \}\}")


def views(*arguments: str) -> Result:
    return CliRunner().invoke(commands, ["views", *arguments])


def write(folder: Path) -> Result:
    return views("--as", "dbt", str(folder))


def contents(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("destination", ["duckdb", "postgres", "bigquery", "snowflake"])
def test_the_models_are_the_printed_views_with_references_for_names(destination: str, tmp_path: Path) -> None:
    where = ("--destination", destination, "--dataset", "My-Dataset")
    printed = " ".join(views("--print", *where).stdout.split())

    written = views("--as", "dbt", str(tmp_path), *where)

    assert written.stdout.startswith(f"14 models for {destination} are in {tmp_path}\nnext: name it in packages.yml")
    folded = str.upper if destination == "snowflake" else str
    quote = "`" if destination == "bigquery" else '"'
    dataset = f"{quote}{folded('my_dataset')}{quote}"
    for view in VIEWS:
        _, model = (tmp_path / "models" / f"{view.name}.sql").read_text().split("\n", 1)
        assert set(REFERENCE.findall(model)) == view.sources & RELATIONS
        named = REFERENCE.sub(lambda found: f"{dataset}.{quote}{folded(found[1])}{quote}", model)
        assert " ".join(named.split()) in printed
    assert f"'{folded('my_dataset')}'" in (tmp_path / "models" / "sources.yml").read_text()
    assert len(list((tmp_path / "tests").iterdir())) == len(CLAUDE_CODE.tables) + 13 + 10


def test_every_table_view_and_column_is_described(tmp_path: Path) -> None:
    write(tmp_path)
    described = "".join((tmp_path / "models" / f"{name}.yml").read_text() for name in ("sources", "models"))

    named = re.findall(r"- name: (\w+)\n +description: \S", described)

    assert named.count("claude_code") == 1
    assert described.count("- name: ") == len(named)
    for table in (*CLAUDE_CODE.tables, CLAUDE_CODE.ledger):
        assert {table.name, *table.column_names} <= set(named)
    for view in VIEWS:
        assert {view.name, *view.meanings} <= set(named)


def test_the_package_replaces_its_own_files_and_those_of_an_older_version(tmp_path: Path) -> None:
    write(tmp_path)
    first = contents(tmp_path)
    outdated = first["models/claude_code_costs.sql"].replace("\n", "\r\n")  # as git checks it out on Windows
    (tmp_path / "models" / "claude_code_costs.sql").rename(tmp_path / "models" / "claude_code_gone.sql")
    (tmp_path / "models" / "claude_code_records.sql").write_text(outdated)
    own = {"models/mine.sql": "SELECT 1", "macros/claude_code.sql": "SELECT 2", "README.md": "mine", "tests/a.csv": "1"}
    for name, text in own.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    again = write(tmp_path)

    assert again.exit_code == 0
    assert contents(tmp_path) == first | own


def test_foreign_and_edited_files_are_refused_by_name_and_nothing_is_written(tmp_path: Path) -> None:
    write(tmp_path)
    first = contents(tmp_path)
    foreign = {
        "dbt_project.yml": "name: mine\n",
        "models/claude_code_actors.sql": first["models/claude_code_actors.sql"] + "-- edited",
        "models/models.yml": first["models/models.yml"].partition("\n")[2],
        "tests/claude_code_actors_has_one_row_each.sql": "",
    }
    for name, text in foreign.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "models" / "claude_code_costs.sql").unlink()
    before = contents(tmp_path)

    refused = write(tmp_path)

    assert refused.exit_code == 2
    named = (
        f"dbt_project.yml, models/models.yml, models/claude_code_actors.sql and 1 more in {tmp_path}; rename or delete"
    )
    assert refused.stderr.startswith(f"error: not generated, or edited since: {named}")
    assert contents(tmp_path) == before
    for name in foreign:
        (tmp_path / name).unlink()
    assert write(tmp_path).exit_code == 0
    assert contents(tmp_path) == first


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--as", "dbt", "file"), "error: file cannot be written: File exists; choose another folder"),
        (("--as", "dbt", "file/in"), "error: file/in cannot be written: Not a directory; choose another folder"),
        (("--as", "dbt", "new", "--destination", "filesystem"), "error: Delta tables have no views; `views --print`"),
        (("--as", "dbt", "new", "--print"), "error: --print and --as exclude each other (see "),
        (("--as", "looker", "new"), "error: Invalid value for '--as': 'looker' is not 'dbt'."),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")

    result = views(*arguments)

    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(message)
    assert contents(tmp_path) == {"file": "mine"} | {
        name: text for name, text in contents(tmp_path).items() if name.startswith("dlt/")
    }
