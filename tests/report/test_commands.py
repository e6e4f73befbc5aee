"""`report`, `summary`, `views` and `status` on the command line: 80 columns, JSON, CSV, one line for each mistake."""

from __future__ import annotations

import csv
import datetime as dt
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result
from rich.cells import cell_len

from claude_code_analytics.dates import DayRange
from claude_code_pipelines.cli import commands
from claude_code_pipelines.metrics.catalog import VIEWS
from claude_code_simulator import model_usage, record
from support.world import TODAY, World

Command = Callable[..., Result]


@pytest.mark.parametrize("by", ["person", "model", "tool", "team"])
def test_the_summary_fits_80_columns(awkward: World, command: Command, by: str, tmp_path: Path) -> None:
    (tmp_path / "teams.csv").write_text(
        "email,team\nperson.1@example.test,a team with a name that is too long for a line\n"
    )
    result = command(awkward, "summary", "--by", by, "--team-map", "teams.csv", "--min-team", 1)

    assert result.exit_code == 0, result.output
    assert max(map(cell_len, result.stdout.splitlines())) <= 80
    assert "Active people" in result.stdout
    assert "\x1b" not in result.stdout


def test_of_many_periods_the_newest_are_shown_whole(awkward: World, command: Command) -> None:
    lines = command(awkward, "summary", "--by", "tool,day").stdout.splitlines()
    (titles,) = [line.split() for line in lines if line.startswith("Tool ")]
    days = [str(TODAY - dt.timedelta(days=age)) for age in range(len(titles) - 2, 0, -1)]
    assert titles == ["Tool", *days, "Period"]
    assert len(days) > 2
    assert "more columns: use a wider terminal, or --csv" in " ".join(" ".join(lines).split())


def test_the_summary_is_the_same_as_json_and_csv(awkward: World, command: Command) -> None:
    found = json.loads(command(awkward, "summary", "--by", "tool", "--json").stdout)
    rows = list(csv.DictReader(command(awkward, "summary", "--by", "tool", "--csv").stdout.splitlines()))

    last = TODAY - dt.timedelta(days=1)
    assert (found["first"], found["last"]) == (str(last - dt.timedelta(days=27)), str(last))
    days = f"date > DATE '{last}' - 28 AND date <= DATE '{last}'"
    sql = f"SELECT SUM(sessions) FROM claude_code_organization_days WHERE {days} AND actor_type = 'user_actor'"
    assert command(awkward, "views").exit_code == 0
    assert awkward.sql(sql) == [(found["headlines"]["sessions"]["value"],)]
    assert [(row["tool"], str(row["accepted"])) for row in found["rows"]] == [
        (row["tool"], row["accepted"]) for row in rows
    ]


def summary_of(world: World, command: Command, by: str = "model") -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the headline numbers of 28 days, and the first row of a breakdown."""
    found = json.loads(command(world, "summary", "--by", by, "--json").stdout)
    assert found["last"] == str(TODAY - dt.timedelta(days=1))
    return found["headlines"], found["rows"][0]


def test_only_active_people_share_a_cost_and_no_one_where_names_are_dropped(empty: World, command: Command) -> None:
    first, cut = TODAY - dt.timedelta(days=28), TODAY - dt.timedelta(days=10)
    zeros: dict[str, Any] = {"sessions": 0, "added": 0, "removed": 0, "commits": 0, "pull_requests": 0, "tools": {}}
    idle = [model_usage("m", 0, 0, 0, 0, cents=0)]
    for day in DayRange(first, TODAY).days():
        empty.write(
            day,
            record(day, email="a@x.test", models=[model_usage("m", cents=1000)]),
            record(day, email="idle@x.test", models=idle, **zeros),
            record(day, email="a@x.test", customer_type="enterprise", models=[model_usage("m", cents=5000)]),
        )
    empty.load(start=first)
    headlines, _ = summary_of(empty, command)
    assert headlines["active_people"] == {"value": 1, "before": None, "change": None}
    assert headlines["cost_per_active_person"]["value"] == pytest.approx(280)
    assert headlines["other_cost_usd"]["value"] == "1400"
    empty.run(start_date=cut, end_date=TODAY, actor_identity="drop")
    headlines, _ = summary_of(empty, command)
    assert headlines["active_people"]["value"] is None
    assert "cost_per_active_person" not in headlines


def test_rates_count_only_rows_that_report_what_they_divide(empty: World, command: Command) -> None:
    first = TODAY - dt.timedelta(days=28)
    half = {"edit_tool": {"accepted": 10, "rejected": None}, "write_tool": {"accepted": 5, "rejected": 5}}
    for day in DayRange(first, TODAY).days():
        priced, unpriced = (model_usage("m", 10**6, 0, 0, 0, cents=cents) for cents in (100, None))
        empty.write(day, record(day, tools=half, models=[priced]), record(day, tools={}, models=[unpriced]))
    empty.load(start=first)
    headlines, model = summary_of(empty, command)
    assert headlines["acceptance_rate"]["value"] == pytest.approx(0.5)
    assert model["price_per_mtok"] == pytest.approx(1.0)


def test_a_period_that_no_other_lies_before_is_one_line(awkward: World, command: Command) -> None:
    result = command(awkward, "report", "--start", "0001-01-01", "--end", TODAY - dt.timedelta(days=1))
    assert result.exit_code == 2
    assert result.stderr.startswith("error: no period is before 0001-01-01; choose a later --start")


def test_all_files_of_a_report_are_written_or_none(awkward: World, command: Command, tmp_path: Path) -> None:
    people = tmp_path / "tables" / "claude-code-people-2026-08-23-to-2026-09-19.csv"
    people.mkdir(parents=True)
    result = command(awkward, "report", "--csv", "tables")
    assert result.exit_code == 2
    assert f"{people} cannot be written: it exists and is not a file" in result.stderr
    assert [path.name for path in tmp_path.rglob("*") if path.suffix in (".html", ".csv")] == [people.name]
    (tmp_path / "link.html").symlink_to("real.html")
    assert command(awkward, "report", "--output", "link.html").exit_code == 0
    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "real.html").is_file()


def test_views_are_created_printed_and_kept_up_to_date(empty: World, command: Command) -> None:
    names = [view.name for view in VIEWS]
    printed = command(empty, "views", "--print", "--destination", "snowflake")
    assert printed.exit_code == 0
    assert [name for name in names if f'"{name.upper()}"' not in printed.stdout] == []
    assert not empty.database.exists()

    empty.write_days(TODAY, TODAY)
    day = ("--start", TODAY, "--end", TODAY)
    assert command(empty, "backfill", *day, "--views").exit_code == 0
    assert {row[0] for row in empty.sql("SELECT view_name FROM duckdb_views() WHERE NOT internal")} >= set(names)
    assert "14 views are up to date" in command(empty, "load", *day, "--views").stderr
    assert "views" not in command(empty, "load", *day).stderr


def test_on_delta_there_are_no_views_and_the_report_needs_none(
    empty: World, command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("deltalake")
    monkeypatch.setenv("DESTINATION__FILESYSTEM__BUCKET_URL", str(tmp_path / "lake"))
    empty.write_days(TODAY, TODAY)
    loaded = command(empty, "load", "--start", TODAY, "--views", "--destination", "filesystem")
    refused = command(empty, "views", "--destination", "filesystem")

    assert loaded.exit_code == 0, loaded.output
    assert "Delta tables have no views" in loaded.stderr
    assert refused.exit_code == 2
    assert "Delta tables have no views" in refused.stderr
    assert command(empty, "report", "--destination", "filesystem").exit_code == 0


def test_status_says_how_far_behind_it_is_and_what_the_month_costs(awkward: World, command: Command) -> None:
    awkward.clock.move(days=3)
    text = command(awkward, "status").stdout
    found = json.loads(command(awkward, "status", "--json").stdout)["by_organization"].popitem()[1]

    assert "loaded up to 2026-09-20, 3 days behind; every day is final up to 2026-09-19" in text
    assert (found["newest"], found["days_behind"], found["final_until"]) == ("2026-09-20", 3, "2026-09-19")
    sql = (
        "SELECT SUM(m.estimated_cost__amount) / 100 "
        "FROM claude_code_usage__model_breakdown AS m JOIN claude_code_usage AS u "
        "ON u._dlt_id = m._dlt_parent_id WHERE m.date >= DATE '2026-09-01' AND m.estimated_cost__currency = 'USD' "
        "AND u.customer_type = 'api'"
    )
    assert float(found["month_cost_usd"]["api"]) == pytest.approx(float(awkward.sql(sql)[0][0]))
    assert found["customer_types"] == dict(
        awkward.sql("SELECT COALESCE(customer_type, ''), COUNT(*) FROM claude_code_usage GROUP BY customer_type")
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("report --dataset nowhere", "nothing is loaded in"),
        ("report --start 2020-01-01 --end 2020-02-01", "no day from 2020-01-01 to 2020-02-01 is loaded"),
        ("report --start 2026-09-20 --end 2026-09-01", "swap them"),
        ("report --organization other", "the dataset has no organization other"),
        ("report --output missing/page.html", "cannot be written"),
        ("report --csv page-as-folder", "is a file"),
        ("summary --by team", "--team-map FILE"),
        ("report --output nowhere/page.html", "/nowhere cannot be written: there is no such folder; choose another"),
        ("summary --weeks 0", "--weeks"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_no_file(arguments: str, message: str, awkward: World, tmp_path: Path) -> None:
    (tmp_path / "page-as-folder").write_text("")
    before = sorted(tmp_path.iterdir())
    result = CliRunner().invoke(commands, arguments.split(), obj=awkward.client())

    assert result.exit_code == 2
    assert message in result.stderr
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    assert [each for each in sorted(tmp_path.iterdir()) if each.name != "page-as-folder"] == [
        each for each in before if each.name != "page-as-folder"
    ]


def test_a_dataset_without_the_tables_and_a_missing_extra_are_one_line(
    awkward: World, command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with duckdb.connect(str(awkward.database)) as connection:
        connection.execute("CREATE SCHEMA foreign_data; CREATE TABLE foreign_data.orders (id INTEGER)")

    for arguments, message in (
        (["report", "--dataset", "foreign_data"], "nothing is loaded in"),
        (["report"], "the report needs vl-convert-python: pip install "),
        (["demo", "--report", "--pipeline", "demo"], "the report needs vl-convert-python: pip install "),
    ):
        result = command(awkward, *arguments)
        assert result.exit_code == 2
        assert message in result.stderr.splitlines()[-1]
        monkeypatch.setitem(sys.modules, "vl_convert", None)
    assert not (tmp_path / "demo.duckdb").exists(), "it was loaded first"
    assert not list(tmp_path.glob("*.html"))


def test_a_report_goes_to_standard_output(awkward: World, command: Command, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    result = command(awkward, "report", "--output", "-")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("<!doctype html>")
    assert result.stdout.rstrip().endswith("</html>")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(("programs", "said"), [([], "wrote"), (["xdg-open"], "xdg-open")])
@pytest.mark.skipif(sys.platform == "darwin", reason="there it is always `open`")
def test_the_demo_makes_its_report(
    empty: World, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: list[str], said: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in programs:
        (tmp_path / name).touch(0o755)
    result = command(
        empty, "demo", "--start", TODAY - dt.timedelta(days=6), "--end", TODAY, "--report", "--dataset", "demo"
    )

    assert result.exit_code == 0, result.output
    assert (tmp_path / "claude-code-report.html").stat().st_size > 50_000
    assert result.stdout.splitlines()[-1] == f"{said} claude-code-report.html"
