"""The workbook of `report --xlsx`: typed cells, sums that add up, no formula, written whole or not at all."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Callable
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import Result
from openpyxl.worksheet.worksheet import Worksheet

from claude_code_analytics.installation import install_command
from metrics.awkward import HOSTILE, PEOPLE
from support.world import TODAY, World

Command = Callable[..., Result]
LAST = TODAY - dt.timedelta(days=1)


def workbook(content: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(BytesIO(content))


def column(sheet: Worksheet, title: str) -> dict[Any, Any]:
    """Returns a column by the first one."""
    titles, *rows = sheet.values
    place = titles.index(title)
    return {row[0]: row[place] for row in rows}


@pytest.fixture
def book(awkward: World, command: Command, tmp_path: Path) -> openpyxl.Workbook:
    """The workbook of an awkward organization with a hostile team."""
    lines = ["email,team", *(f"{person},=cmd|{HOSTILE}" for person in PEOPLE), "http://x.test/@x,http://x.test"]
    (tmp_path / "teams.csv").write_text("\n".join(lines).replace('"', ""))
    result = command(awkward, "report", "--team-map", "teams.csv", "--xlsx", "book.xlsx")
    assert (result.exit_code, result.stdout) == (0, "wrote claude-code-report.html and book.xlsx\n"), result.output
    return workbook((tmp_path / "book.xlsx").read_bytes())


def test_the_first_sheet_says_whose_numbers_of_which_days_they_are(book: openpyxl.Workbook) -> None:
    facts = dict(row[:2] for row in book.worksheets[0].values)
    assert facts["First day"] == dt.datetime(2026, 8, 23)  # noqa: DTZ001  # a day
    assert facts["Last day"] == dt.datetime(2026, 9, 19)  # noqa: DTZ001
    assert facts["Organization"]
    assert facts["Data as of"] == "2026-09-20 12:00 UTC"
    assert facts["Cost"].startswith("The API's estimate for use that is billed, in US dollars")
    assert "" not in facts.values()


def test_every_table_is_a_sheet_whose_money_sums_to_the_headline(
    book: openpyxl.Workbook, awkward: World, command: Command
) -> None:
    headlines = json.loads(command(awkward, "summary", "--json").stdout)["headlines"]
    cost = float(Decimal(headlines["api_cost_usd"]["value"]))
    for name in ("People", "Keys", "Teams", "Models"):
        costs = [value for value in column(book[name], "Cost").values() if value is not None]
        assert sum(costs) == pytest.approx(cost), name
        assert "Total" not in column(book[name], "Cost")
    assert column(book["Headlines"], "Period")["Cost"] == pytest.approx(cost)
    assert len(book.sheetnames) > 12
    assert "Who stopped" in book.sheetnames


def test_cells_have_types_and_no_text_is_a_formula_or_a_link(book: openpyxl.Workbook) -> None:
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s", "n", "d"}
    assert [cell.value for cell in cells if cell.hyperlink] == []
    assert "=1+1" in column(book["Keys"], "Sessions")
    assert any(str(name).startswith("=cmd|") for name in column(book["Teams"], "Sessions"))
    people = book["People"]
    assert {type(day) for day in column(people, "Last active").values()} <= {dt.datetime, type(None)}
    (of_share,) = [cell for row in people.iter_rows(1, 1) for cell in row if cell.value == "Of people's cost"]
    assert people.cell(2, of_share.column).number_format == "0.0%"


def test_a_workbook_goes_to_standard_output(awkward: World, command: Command, tmp_path: Path) -> None:
    result = command(awkward, "report", "--xlsx", "-")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "People" in workbook(result.stdout_bytes).sheetnames
    assert (tmp_path / "claude-code-report.html").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--xlsx", "folder"], "'folder' is a directory"),
        (["--xlsx", "nowhere/book.xlsx"], "/nowhere cannot be written: there is no such folder; choose another place"),
        (["--xlsx", "-", "--output", "-"], "--output and --xlsx are both -; choose another for one of them"),
        (["--xlsx", "./one", "--output", "one"], "--output and --xlsx are both one"),
    ],
)
def test_a_place_that_cannot_be_is_one_line_and_nothing_is_written(
    awkward: World, command: Command, tmp_path: Path, arguments: list[str], message: str
) -> None:
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.iterdir())
    result = command(awkward, "report", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""
    assert sorted(tmp_path.iterdir()) == before


def test_the_missing_module_is_named_before_the_warehouse_is_read(
    empty: World, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    result = command(empty, "report", "--xlsx", "book.xlsx")
    assert result.exit_code == 2
    assert f"the report needs XlsxWriter: {install_command('XlsxWriter', 'report')}" in result.stderr
    assert "nothing is loaded" in command(empty, "report").stderr
