"""CSV of `report` and `summary`: exact names and numbers, no formula, and no file of another report."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from claude_code_simulator import model_usage, record
from support.world import TODAY, World

Command = Callable[..., Result]
DAY = ("--start", TODAY, "--end", TODAY)


def keys_of(world: World, command: Command, *names: str) -> list[dict[str, str]]:
    world.write(TODAY, *(record(TODAY, api_key=name, models=[model_usage("m", cents=0.0001)]) for name in names))
    world.backfill(TODAY, TODAY)
    result = command(world, "summary", *DAY, "--by", "key", "--csv")
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(result.stdout.splitlines()))


@pytest.mark.parametrize(
    "name",
    [
        "क्\u200dष",  # a joiner that is part of the word
        "👩\u200d💻 builds",
        "two  blanks",
        "日本\u3000語\u00a0",
        "1,200",
        'quoted "name"',
    ],
)
def test_names_stay_as_they_are(empty: World, command: Command, name: str) -> None:
    (row,) = keys_of(empty, command, name)
    assert row["key"] == name
    assert row["api_cost_usd"] == "0.000001"
    assert row["last_day"] == str(TODAY)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("=1+1", "'=1+1"),
        (" \t=1+1", "  '=1+1"),
        ("\uff1d1\uff0b1", "'\uff1d1\uff0b1"),
        ("a;=1+1;-2", "a;'=1+1;'-2"),
        ("line\u2028break\x07\u202egnp", "line break  gnp"),
    ],
)
def test_no_name_becomes_a_formula_or_controls_a_terminal(
    empty: World, command: Command, name: str, written: str
) -> None:
    (row,) = keys_of(empty, command, name)
    assert row["key"] == written


def test_files_name_their_period_and_no_file_of_another_report_stays(
    awkward: World, command: Command, tmp_path: Path
) -> None:
    def files() -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in (tmp_path / "tables").iterdir()}

    assert command(awkward, "report", "--csv", "tables", "--month", "2026-08").exit_code == 0
    august = files()
    assert "claude-code-people-2026-08-01-to-2026-08-31.csv" in august
    (tmp_path / "tables" / "mine.csv").write_text("mine")
    assert command(awkward, "report", "--csv", "tables").exit_code == 0
    assert command(awkward, "report", "--csv", "tables", "--no-people").exit_code == 0

    of_people = "claude-code-people-2026-08-23-to-2026-09-19.csv"
    found = files()
    assert found.items() >= august.items(), "other periods stay"
    assert found["mine.csv"] == b"mine"
    assert "claude-code-models-2026-08-23-to-2026-09-19.csv" in found
    assert of_people not in found
