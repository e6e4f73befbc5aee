"""Each view, row by row, against plain Python over the raw records of awkward organizations."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from claude_code_analytics.dates import DayRange
from claude_code_pipelines.metrics.catalog import MEASURES
from claude_code_pipelines.metrics.views import create_views
from claude_code_simulator import ScriptedOrganization
from metrics.awkward import awkward_days
from metrics.compared import differences, read_without_views
from metrics.views_in_python import VIEWS, Loaded, Plain
from support.world import TODAY, World

ONE, OTHER = "11111111-0000-4000-8000-000000000001", "22222222-0000-4000-8000-000000000002"
FIRST, GAP, EMPTIED = dt.date(2026, 6, 29), dt.date(2026, 8, 12), dt.date(2026, 7, 22)
OTHER_FIRST, OTHER_LAST = dt.date(2026, 8, 5), dt.date(2026, 9, 11)


_loaded: list[Path] = []


@pytest.fixture
def awkward(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two organizations of different ranges: a day not loaded, one emptied later, today partial. Loaded once."""
    world = World(tmp_path, organization=ScriptedOrganization(awkward_days(FIRST, TODAY, ONE, 1), id=ONE))
    other = ScriptedOrganization(awkward_days(OTHER_FIRST, OTHER_LAST, OTHER, 2), id=OTHER)
    world.others = {ONE: world.organization.days, OTHER: other.days}
    if _loaded:
        world.write(EMPTIED)
        shutil.copy(_loaded[0], world.database)
        world.pipeline.sync_destination()
        return world
    world.backfill(FIRST, GAP - dt.timedelta(days=1), window_days=90)
    world.backfill(GAP + dt.timedelta(days=1), TODAY, window_days=90)
    world.write(EMPTIED)
    world.clock.move(minutes=1)
    world.backfill(EMPTIED, EMPTIED)
    second = World(tmp_path, organization=other, clock=world.clock, database=world.database, machine="other")
    second.backfill(OTHER_FIRST, OTHER_LAST, window_days=90)
    _loaded.append(Path(shutil.copy(world.database, tmp_path_factory.mktemp("awkward"))))
    return world


def plain_rows(world: World, view: str) -> Iterator[dict[str, Any]]:
    for organization, days in world.others.items():
        loaded = {day: records for day, records in days.items() if (organization, day) != (ONE, GAP)}
        plain = Plain(Loaded(loaded, frozenset(loaded) - {TODAY}))
        for row in VIEWS[view](plain):
            yield {"organization_id": organization, **row}


def test_every_view_is_what_plain_python_makes_of_the_records(awkward: World) -> None:
    wrong: list[str] = []
    read = read_without_views(awkward)
    create_views(awkward.pipeline)
    for view in VIEWS:
        expected = list(plain_rows(awkward, view))
        assert len(expected) > 20 or view == "claude_code_organization_weeks", view
        wrong += differences(view, awkward.rows(view), expected)
        wrong += differences(f"{view} without views", read[view], expected)

    assert not wrong, "\n".join(wrong)


def test_tables_and_views_and_all_their_columns_have_comments(world: World) -> None:
    without = "SELECT {} FROM duckdb_{}s() WHERE schema_name = 'claude_code' AND comment IS NULL AND {} LIKE 'claude%'"
    world.write(TODAY)
    world.load(start=TODAY)
    assert world.sql(without.format("table_name", "table", "table_name")) == []
    assert world.sql(without.format("column_name", "column", "table_name")) == []
    create_views(world.pipeline)
    assert world.sql(without.format("view_name", "view", "view_name")) == []
    assert world.sql(without.format("column_name", "column", "table_name")) == []
    assert world.sql("SELECT DISTINCT comment FROM duckdb_columns() WHERE column_name = 'cost_usd'") == [
        (MEASURES["cost_usd"],)
    ]


def test_the_ledger_view_has_the_newest_fetch_and_knows_a_change(awkward: World) -> None:
    create_views(awkward.pipeline)
    rows = {(row["organization_id"], row["date"]): row for row in awkward.rows("claude_code_day_ledger")}

    assert set(rows) == {
        *((ONE, day) for day in DayRange(FIRST, TODAY).days() if day != GAP),
        *((OTHER, day) for day in DayRange(OTHER_FIRST, OTHER_LAST).days()),
    }
    assert [key for key, row in rows.items() if row["changed_after_final"]] == [(ONE, EMPTIED)]
    assert [key for key, row in rows.items() if not row["is_final"]] == [(ONE, TODAY)]
    assert rows[ONE, EMPTIED]["fetches"] == 2
    assert rows[ONE, EMPTIED]["records"] == 0
    assert all(row["records"] == len(awkward.others[organization][day]) for (organization, day), row in rows.items())


def test_additive_measures_agree_between_all_views_and_weeks_add_up(awkward: World) -> None:
    create_views(awkward.pipeline)

    def sums(view: str, measures: Any = MEASURES) -> list[Any]:
        wanted = ", ".join(f"SUM({name})" for name in measures)
        return awkward.sql(f"SELECT organization_id, {wanted} FROM {view} GROUP BY ALL ORDER BY ALL")

    truth = sums("claude_code_records")
    for view in ("person_days", "organization_days", "organization_weeks", "people", "mix_days"):
        assert sums(f"claude_code_{view}") == truth, view
    tools, tokens = ("accepted", "rejected"), [name for name in MEASURES if name.startswith("tokens")]
    assert sums("claude_code_tool_days", tools) == sums("claude_code_records", tools)
    assert sums("claude_code_model_days", tokens) == sums("claude_code_records", tokens)
    costs = "SELECT organization_id, SUM(cost) FROM claude_code_model_days WHERE currency = 'USD' GROUP BY 1 ORDER BY 1"
    assert awkward.sql(costs) == sums("claude_code_records", ["cost_usd"])
    assert awkward.sql("SELECT SUM(estimated_cost_usd) FROM claude_code_costs") == awkward.sql(
        "SELECT SUM(cost_usd) FROM claude_code_records"
    )

    weeks = awkward.rows("claude_code_organization_weeks")
    compared = 0
    for before, week in itertools.pairwise(weeks):
        if week["new_people"] is not None and week["retained_people"] is not None:
            compared += 1
            assert week["new_people"] + week["retained_people"] + week["returning_people"] == week["active_people"]
            assert week["retained_people"] + week["lapsed_people"] == before["active_people"]
    assert compared > 3
    at_start = awkward.rows("claude_code_cohorts", "weeks_since = 0")
    assert at_start
    assert all(math.isclose(row["retention"], 1) for row in at_start)


@pytest.mark.parametrize("identity", ["hash", "drop"])
def test_identities_change_who_is_named_and_dropped_ones_cannot_be_counted(
    tmp_path: Path, identity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__CLAUDE_CODE_ANALYTICS__ACTOR_IDENTITY", identity)
    monkeypatch.setenv("SOURCES__CLAUDE_CODE_ANALYTICS__IDENTITY_KEY", "a key of the tests, long enough for everybody")
    first = TODAY - dt.timedelta(days=40)
    organization = ScriptedOrganization(awkward_days(first, TODAY, ONE, 3), id=ONE)
    for records in organization.days.values():  # the pseudonym is of the text as it is, but for its case
        for record in records:
            if "email_address" in record["actor"]:
                record["actor"]["email_address"] = record["actor"]["email_address"].strip()
    world = World(tmp_path, organization=organization)
    world.backfill(first, TODAY, window_days=90)
    create_views(world.pipeline)

    plain = Plain(Loaded(organization.days, frozenset(organization.days) - {TODAY}))
    counted = [f"active_{who}_{days}d" for who in ("people", "keys") for days in (1, 7, 28)]
    found = {row["date"]: [row[name] for name in counted] for row in world.rows("claude_code_active_people")}
    expected = {row["date"]: [row[name] for name in counted] for row in plain.claude_code_active_people()}
    names = {row["actor"] for row in world.rows("claude_code_people")}
    assert not [name for name in names if "example" in (name or "")]
    if identity == "hash":
        assert found == expected
    else:
        assert names == {None}
        assert [row[2] for row in found.values()][-28:] == [None] * 28
        assert {row["new_people"] for row in world.rows("claude_code_organization_weeks")} == {None}
    totals = world.sql("SELECT SUM(sessions) FROM claude_code_organization_days")
    assert totals == [(sum(row["sessions"] or 0 for row in plain.records),)]
