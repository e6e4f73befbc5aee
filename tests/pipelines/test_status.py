"""`read_status`: what a warehouse holds of each day, by its own tables, and nothing that it has to write for it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import dlt
import pytest
from click.testing import CliRunner

from claude_code_analytics import ConfigurationError
from claude_code_pipelines import Warehouse, read_status
from claude_code_pipelines.cli import commands
from claude_code_pipelines.console import messages
from support.days import days, noon, september
from support.world import LEDGER, MODELS, NOW, TODAY, TOOLS, USAGE, World

ORGANIZATION = "9f8e7d6c-0000-4000-8000-000000000001"
NEIGHBOUR = "9f8e7d6c-0000-4000-8000-000000000002"
KINDS = ("missing", "inconsistent", "partial", "changed", "held")


def kinds(world: World, **options: Any) -> dict[str, list[int]]:
    """Returns the days of September by kind; kinds without days are left out."""
    status = world.status(**options)
    return {kind: [day.day for day in status.days(kind)] for kind in KINDS if status.days(kind)}


@pytest.fixture
def world(week: World) -> World:
    """The week up to today, loaded at noon on another machine."""
    week.lose_working_folder()
    return week


# The kinds of days


def test_days_are_held_and_those_read_before_they_were_final_are_partial(world: World) -> None:
    assert kinds(world) == {"held": [14, 15, 16, 17, 18, 19], "partial": [20]}
    world.clock.move(days=1)
    world.load()
    assert kinds(world) == {"held": [14, 15, 16, 17, 18, 19, 20], "partial": [21]}


def test_days_that_were_never_read_are_missing_once_they_are_final(world: World) -> None:
    world.clock.now = noon(22)
    assert kinds(world)["missing"] == [21]
    world.clock.now = dt.datetime(2026, 9, 23, 5, 59, tzinfo=dt.timezone.utc)
    assert kinds(world)["missing"] == [21]
    world.clock.now = dt.datetime(2026, 9, 23, 6, tzinfo=dt.timezone.utc)
    assert kinds(world)["missing"] == [21, 22]


def test_a_gap_that_two_backfills_left_is_missing(world: World) -> None:
    world.backfill(september(10), september(11))
    assert kinds(world)["missing"] == [12, 13]
    assert world.status().has_gap


def test_the_proof_is_shown_where_cost_and_customer_types_cannot_be_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.sql(f"UPDATE {MODELS} SET estimated_cost__amount = 99999999999999999999999999999")  # its sum overflows
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(world.database))
    with world.client() as client:
        shown = CliRunner().invoke(commands, ["status"], obj=client)
    assert (shown.exit_code, "  held              6" in shown.stdout) == (0, True), shown.stdout
    assert "cost and customer types are left out of the status: the warehouse could not be queried" in shown.stderr


# Ranges, organizations, clocks


def test_a_range_limits_the_days_and_counts_those_outside(world: World) -> None:
    status = world.status(first=september(12), last=september(15))
    assert (status.days("missing"), status.days("held"), status.outside) == (days(12, 13), days(14, 15), 5)
    assert [each.records for each in status.organizations] == [2]
    assert world.status().outside == 0


def test_a_range_before_the_first_day_is_refused(world: World) -> None:
    with pytest.raises(ConfigurationError, match="2026-09-10 is before 2026-09-14, the first day to look at"):
        world.status(last=september(10))


def test_rows_on_later_days_are_listed_too(world: World) -> None:
    world.sql(f"UPDATE {USAGE} SET date = DATE '2026-09-25' WHERE date = '2026-09-20'")
    assert kinds(world)["inconsistent"] == [20, 25]


def test_each_organization_has_days_of_its_own(world: World) -> None:
    world.sql(f"UPDATE {LEDGER} SET organization_id = ?", ORGANIZATION)
    for table in (USAGE, TOOLS, MODELS):
        world.sql(f"UPDATE {table} SET organization_id = ?", ORGANIZATION)
    world.organization.id = NEIGHBOUR
    world.write_days(september(18), TODAY)
    world.load(start=september(18))

    status = world.status()

    assert [each.organization_id for each in status.organizations] == [ORGANIZATION, NEIGHBOUR]
    assert [each.first for each in status.organizations] == [september(14), september(18)]
    assert [each.records for each in status.organizations] == [7, 3]
    assert status.rows == {USAGE: 10, TOOLS: 10, MODELS: 10}


def test_the_newest_fetch_counts_where_the_machines_clock_was_set_back(world: World) -> None:
    for table in (USAGE, TOOLS, MODELS, LEDGER):
        world.sql(f"DELETE FROM {table} WHERE date = '2026-09-16'")
    world.clock.move(days=-60)
    assert kinds(world) == {"missing": [16], "held": [14, 15, 17, 18, 19], "partial": [20]}
    assert world.status().organizations[0].last_fetch == noon(20)


def test_a_fetch_from_the_future_does_not_hide_the_one_that_is_held(world: World) -> None:
    world.clock.now = noon(21) - dt.timedelta(hours=5.5)
    world.load(start=september(16), end=september(20))
    world.clock.move(minutes=-45)
    world.load()
    # the 20th is final by its newest fetch, as in the views
    assert kinds(world) == {"held": [14, 15, 16, 17, 18, 19, 20], "partial": [21]}
    assert world.status().organizations[0].final_until == september(20)
    world.sql(f"DELETE FROM {TOOLS} WHERE date = '2026-09-16'")
    assert kinds(world)["inconsistent"] == [16], "neither fetch is held"


# Nothing is written


def test_it_needs_no_credential_and_no_working_folder_and_leaves_both_as_they_were(world: World) -> None:
    world.api.requests.clear()
    world.lose_working_folder()
    before = (world.database.read_bytes(), sorted(world.folder.rglob("*")))
    assert world.status().days("held") == days(14, 19)
    assert (world.database.read_bytes(), sorted(world.folder.rglob("*"))) == before
    assert world.api.requests == []


def test_where_no_file_is_none_is_made(tmp_path: Path) -> None:
    for target in (Warehouse(), dlt.pipeline("p", destination="duckdb", dataset_name="claude_code")):
        with pytest.raises(ConfigurationError, match=r"nothing is loaded: there is no file .*\.duckdb"):
            read_status(target, noon(20))
    assert list(tmp_path.glob("*.duckdb*")) == []


def test_where_only_other_tables_are_nothing_is_loaded(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.pipeline.run([{"a": 1}], table_name="another", schema=dlt.Schema("another"))
    with pytest.raises(ConfigurationError, match=r"nothing is loaded in .*warehouse.duckdb, dataset claude_code"):
        world.status()


def test_it_finds_the_tables_beside_another_source(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write_days(september(18), TODAY)
    world.pipeline.run([{"a": 1}], table_name="another", schema=dlt.Schema("another"))
    world.run(start_date=september(18))
    assert world.pipeline.default_schema_name == "another"

    assert kinds(world) == {"held": [18, 19], "partial": [20]}


# In words


# Keys of the JSON that describe how current an organization is.
PULSE = ("newest", "days_behind", "final_until", "month_cost_usd", "customer_types")


def test_the_json_has_plain_values_for_all_and_for_each_organization(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.backfill(september(12), september(12))
    world.sql(f"DELETE FROM {TOOLS} WHERE date = '2026-09-16'")

    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(world.database))
    with world.client() as client:
        found = json.loads(CliRunner().invoke(commands, ["status", "--json"], obj=client).stdout)

    own = {
        "first": "2026-09-12",
        "last": "2026-09-20",
        "missing": ["2026-09-13"],
        "inconsistent": ["2026-09-16"],
        "partial": ["2026-09-20"],
        "changed": [],
        "held": [f"2026-09-{day}" for day in (12, 14, 15, 17, 18, 19)],
        "records": 7,
        "last_fetch": "2026-09-20T12:00:00+00:00",
    }
    problems = {"problems": {"2026-09-16": "row counts differ from the ledger"}}
    assert "warehouse.duckdb" in found.pop("warehouse")
    pulse = {name: found["by_organization"][world.organization.id].pop(name) for name in PULSE}
    assert pulse["newest"] == "2026-09-20"
    assert pulse["days_behind"] == 0
    assert pulse["final_until"] == "2026-09-12"
    assert pulse["month_cost_usd"] == {"api": "1.33"}
    assert pulse["customer_types"] == {"api": 7}
    assert found == {
        **own,
        "organizations": [world.organization.id],
        "rows": {USAGE: 7, TOOLS: 6, MODELS: 7},
        "by_organization": {world.organization.id: {**own, **problems}},
    }


def test_the_lines_show_days_as_ranges_and_say_what_to_expect(world: World) -> None:
    world.backfill(september(1), september(2))
    world.sql(f"DELETE FROM {TOOLS} WHERE date = '2026-09-16'")

    lines = list(messages.status_lines(world.status(first=september(2)), {}))

    assert f"organization {world.organization.id}: 19 days, 2026-09-02 to 2026-09-20" in lines
    assert "  missing          11: 2026-09-03..2026-09-13 (final, and never loaded)" in lines
    assert any(
        line.startswith("  inconsistent      1: 2026-09-16 (not what its newest fetch returned") for line in lines
    )
    assert "  inconsistent because: row counts differ from the ledger" in lines
    assert "  7 records; last fetch 2026-09-20 12:00:00 UTC" in lines
    assert "rows or fetches also exist on 1 day outside this range" in lines
    assert lines[-1].split() == [MODELS, "7", "rows"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": "duckdb"}, "target is of type str; it must be of type Warehouse or Pipeline"),
        ({"now": "2026-09-20"}, "now is of type str; it must be of type datetime"),
        ({"now": NOW.replace(tzinfo=None)}, "now has no time zone"),
        ({"first": "2026-09-20"}, "first is of type str; it must be of type date or None"),
    ],
)
def test_an_argument_of_another_type_is_one_line(world: World, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read_status(**{"target": world.pipeline, "now": NOW, **arguments})
