"""Each view, row by row, against plain Python over the raw records of awkward organizations."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from claude_code_analytics import ConfigurationError
from claude_code_analytics.dates import DayRange
from claude_code_pipelines import DaysNotHeld
from claude_code_pipelines.metrics.catalog import MEASURES, View
from claude_code_pipelines.metrics.catalog import VIEWS as CATALOG
from claude_code_pipelines.metrics.views import create_views
from claude_code_simulator import ScriptedOrganization, model_usage, record
from metrics.awkward import awkward_days
from metrics.compared import differences, read_without_views
from metrics.views_in_python import AMOUNTS, VIEWS, Loaded, Plain
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
        assert len(expected) > 20 or view == "claude_code_organization_months", view
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
    assert world.sql("SELECT DISTINCT comment FROM duckdb_columns() WHERE column_name = 'api_cost_usd'") == [
        (MEASURES["api_cost_usd"],)
    ]


def test_a_view_of_the_users_is_refused_by_name_and_an_outdated_one_of_ours_is_replaced(week: World) -> None:
    week.sql("CREATE VIEW claude_code_actors AS SELECT 1 AS mine")
    with pytest.raises(
        ConfigurationError, match="not created by `views`, and left as it is: claude_code_actors; rename"
    ):
        create_views(week.pipeline)
    assert week.sql("SELECT * FROM claude_code_actors") == [(1,)]
    week.sql("COMMENT ON VIEW claude_code_actors IS 'once ours [claude-code-analytics 0123456789ab]'")
    assert "claude_code_actors" in create_views(week.pipeline)
    assert week.sql("SELECT actor FROM claude_code_actors") == [("ada@example.test",)]
    assert create_views(week.pipeline) == []


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
    for view in ("actor_days", "organization_days", "organization_weeks", "organization_months", "actor_months"):
        assert sums(f"claude_code_{view}") == truth, view
    for view in ("actors", "mix_days"):
        assert sums(f"claude_code_{view}") == truth, view
    tools, tokens = ("accepted", "rejected"), [name for name in MEASURES if name.startswith("tokens")]
    assert sums("claude_code_tool_days", tools) == sums("claude_code_records", tools)
    assert sums("claude_code_model_days", [*tokens, *AMOUNTS]) == sums("claude_code_records", [*tokens, *AMOUNTS])
    assert sums("claude_code_costs", AMOUNTS) == sums("claude_code_records", AMOUNTS)
    counts = awkward.rows("claude_code_active_actors")
    assert all(row["active_1d"] <= row["active_7d"] <= row["active_28d"] for row in counts)

    compared = 0
    for kind in ("user_actor", "api_actor"):
        weeks = awkward.rows("claude_code_organization_weeks", f"actor_type = '{kind}'")
        for before, week in itertools.pairwise(weeks):
            if week["new_actors"] is not None and week["retained_actors"] is not None:
                compared += 1
                began = week["new_actors"] + week["retained_actors"] + week["returning_actors"]
                assert began == week["active_actors"]
                assert week["retained_actors"] + week["lapsed_actors"] == before["active_actors"]
    assert compared > 6
    at_start = awkward.rows("claude_code_cohorts", "weeks_since = 0")
    assert at_start
    assert all(math.isclose(row["retention"], 1) for row in at_start)


def wrong_views(world: World, plain: Plain) -> list[str]:
    """Returns what differs between the views of a world with one organization and plain Python."""
    create_views(world.pipeline)
    expected = {view: [{"organization_id": ONE, **row} for row in of(plain)] for view, of in VIEWS.items()}
    return [line for view, rows in expected.items() for line in differences(view, world.rows(view), rows)]


def test_pseudonyms_change_who_is_named_and_no_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__CLAUDE_CODE_ANALYTICS__ACTOR_IDENTITY", "hash")
    monkeypatch.setenv("SOURCES__CLAUDE_CODE_ANALYTICS__IDENTITY_KEY", "a key of the tests, long enough for everybody")
    first = TODAY - dt.timedelta(days=40)
    organization = ScriptedOrganization(awkward_days(first, TODAY, ONE, 3), id=ONE)
    for records in organization.days.values():  # the pseudonym is of the text as it is, but for its case
        for each in records:
            if "email_address" in each["actor"]:
                each["actor"]["email_address"] = each["actor"]["email_address"].strip().lower()
    world = World(tmp_path, organization=organization)
    world.backfill(first, TODAY, window_days=90)

    names = {row[0] for row in world.sql("SELECT actor__email_address FROM claude_code_usage")}
    assert not [name for name in names if "example" in (name or "")]
    assert not [line for line in wrong_views(world, plain_of(organization)) if "'actor'" not in line]


@pytest.mark.parametrize("days", [(0, 60), (20, 22)], ids=["all days", "some days"])
def test_dropped_identities_have_sums_and_no_counts(tmp_path: Path, days: tuple[int, int]) -> None:
    first = TODAY - dt.timedelta(days=60)
    begin, end = (first + dt.timedelta(days=number) for number in days)
    organization = ScriptedOrganization(awkward_days(first, TODAY, ONE, 3), id=ONE)
    world = World(tmp_path, organization=organization)
    world.backfill(first, TODAY, window_days=90)
    world.run(start_date=begin, end_date=end, actor_identity="drop")
    for day in DayRange(begin, end).days():
        for each in organization.days[day]:
            each["actor"] = {name: text if name == "type" else None for name, text in each["actor"].items()}

    wrong = wrong_views(world, plain_of(organization))
    assert not wrong, "\n".join(wrong)
    weeks = world.rows("claude_code_organization_weeks", "actor_type = 'user_actor'")
    counts = {row["active_actors"] for row in weeks}
    assert None in counts
    assert len(counts) > 1 or days == (0, 60)


def plain_of(organization: ScriptedOrganization) -> Plain:
    return Plain(Loaded(organization.days, frozenset(organization.days) - {TODAY}))


def test_whatever_a_key_does_no_number_of_people_moves(tmp_path: Path) -> None:
    before, after = around(tmp_path, api_key="nightly")
    for view in VIEWS:
        of_people = [[row for row in rows[view] if row.get("actor_type") != "api_actor"] for rows in (before, after)]
        if view != "claude_code_day_ledger":  # it counts records and fetches
            assert of_people[0] == of_people[1], view
    assert before["claude_code_organization_months"] != after["claude_code_organization_months"]


def test_whatever_subscribers_do_no_cost_moves(tmp_path: Path) -> None:
    before, after = around(tmp_path, email="person.1@example.test", customer_type="subscription")
    for view in (view for view in CATALOG if view.name in VIEWS):
        assert costs_in(view, before[view.name]) == costs_in(view, after[view.name]), view.name
    assert before["claude_code_organization_months"] != after["claude_code_organization_months"]


def costs_in(view: View, rows: list[dict[str, Any]]) -> list[str]:
    """Returns what a view says of cost, and where."""
    costs = [name for name in view.meanings if name.startswith(("api_cost", "other_cost", "cost_coverage"))]
    grain = [name for name in view.grain if name != "_dlt_id"]
    return sorted(str([row[name] for name in grain + costs]) for row in rows if any(row[name] for name in costs))


Rows = dict[str, list[dict[str, Any]]]


def around(tmp_path: Path, **who: Any) -> tuple[Rows, Rows]:
    """Returns the rows of all views before and after somebody did nearly all the work of an organization."""
    first = TODAY - dt.timedelta(days=60)
    organization = ScriptedOrganization(awkward_days(first, TODAY, ONE, 6), id=ONE)
    world = World(tmp_path, organization=organization)
    world.backfill(first, TODAY, window_days=90)
    create_views(world.pipeline)
    before = {view: world.rows(view) for view in VIEWS}
    for day, records in organization.days.items():
        records.append(record(day, organization_id=ONE, sessions=10**6, models=[model_usage("m", cents=10**9)], **who))
    world.backfill(first, TODAY, window_days=90)
    return before, {view: world.rows(view) for view in VIEWS}


def test_a_day_that_no_longer_decodes_is_in_no_view(world: World) -> None:
    first, torn = TODAY - dt.timedelta(days=2), TODAY - dt.timedelta(days=1)
    world.write_days(first, TODAY)
    world.backfill(first, TODAY)
    world.api.fault = lambda request, number: (
        httpx.Response(200, json={"data": ["no record"], "has_more": False, "next_page": None})
        if request.url.params.get("starting_at") == str(torn)
        else None
    )
    with pytest.raises(DaysNotHeld):
        world.backfill(first, TODAY)
    create_views(world.pipeline)

    assert world.sql("SELECT COUNT(*) FROM claude_code_usage") == [(3,)]
    for view in VIEWS:
        rows = world.rows(view)
        assert torn not in {row.get("date") for row in rows}
        assert not any(row.get("sessions", 0) > 6 for row in rows), view
