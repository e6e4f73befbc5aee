"""One world for every destination: whatever happened, the tables hold what the API returned last, value by value."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

from claude_code_analytics import ConfigurationError
from claude_code_pipelines.metrics.views import create_views
from claude_code_simulator import record
from destinations.scenario import IDENTITY_KEY, pseudonymous, require_truth, some_records, write_days
from support.exactness import differences
from support.expected import PLACES
from support.world import FIRST_DAY, LEDGER, MODELS, RECORD_TABLES, TODAY, TOOLS, USAGE, World

# Google's client warns at every read where its faster way is not installed, which would bypass the stand-in.
pytestmark = pytest.mark.filterwarnings("ignore:Cannot create BigQuery Storage client")

ONE_DAY = dt.timedelta(days=1)


@pytest.mark.parametrize("door", [pytest.param("load", marks=pytest.mark.smoke), "run"])
def test_loads_follow_days_that_grow_shrink_and_become_empty(world: World, door: str) -> None:
    load = getattr(world, door)
    write_days(world, FIRST_DAY, TODAY)
    world.write(FIRST_DAY + 2 * ONE_DAY)
    loaded = load()
    contents = require_truth(world, [FIRST_DAY, TODAY])
    assert contents.rows == {USAGE: 18, TOOLS: 24, MODELS: 30, LEDGER: 7}
    if door == "load":
        assert loaded.rows == contents.rows
    status = world.status()
    assert status.rows == {name: contents.rows[name] for name in RECORD_TABLES}
    assert (status.days("partial"), len(status.days("held")), status.has_gap) == ([TODAY], 6, False)

    world.clock.move(days=1)
    world.write(FIRST_DAY, *some_records(FIRST_DAY, 90), record(FIRST_DAY, email="late@example.test"))
    world.write(FIRST_DAY + ONE_DAY)
    world.write(TODAY, *[record(TODAY)] * 3)
    write_days(world, TODAY + ONE_DAY, TODAY + ONE_DAY, sessions=50)
    load()
    contents = require_truth(world)
    assert FIRST_DAY + ONE_DAY not in contents.days
    assert len(contents.days[TODAY]) == 3
    assert world.cursor() == TODAY + ONE_DAY
    status = world.status()
    assert (status.days("changed"), status.has_gap) == ([FIRST_DAY, FIRST_DAY + ONE_DAY], False)


def test_organizations_in_one_dataset_leave_each_other_alone(make_world: Callable[..., World]) -> None:
    one = make_world("11111111-aaaa-4a55-9d3e-3c2f5a7b9e10")
    two = make_world("22222222-bbbb-4b66-8e4f-4d3e6b8c0f21", name="other", machine="other")
    for number, world in enumerate((one, two)):
        write_days(world, FIRST_DAY, TODAY, sessions=10 * number)
        world.load()

    for day in (FIRST_DAY, FIRST_DAY + ONE_DAY):
        one.write(day)
        two.write(day, *some_records(day, 70, two.organization.id))
    one.run()
    two.backfill(FIRST_DAY, FIRST_DAY)

    tables = one.backend.tables(one.dataset)
    assert differences(tables, {each.organization.id: each.api for each in (one, two)}) == {}
    left = {row["organization_id"] for row in tables[USAGE] if row["date"] <= FIRST_DAY + ONE_DAY}
    assert left == {two.organization.id}


def test_fields_that_appear_later_become_columns(make_world: Callable[..., World]) -> None:
    world = make_world(places=(*PLACES, "flag", "note", "share", "core_metrics.reviews", "labels", "origin"))
    write_days(world, FIRST_DAY, TODAY)
    world.load()
    world.clock.move(days=1)
    known = some_records(TODAY, 5)
    world.write(
        TODAY,
        {**known[0], "flag": True, "note": 'it\'s 50% \\ "new"', "share": 0.125, "labels": ["a", {"b": 1}]},
        {**known[1], "flag": False, "note": "", "origin": {"kind": "ci", "runs": [1, 2.5, None]}},
        {**known[2], "core_metrics": {**known[2]["core_metrics"], "reviews": 4}},
    )
    world.load()
    require_truth(world)

    world.clock.move(days=1)
    world.write(TODAY, {**known[0], "note": "still here", "share": 1, "labels": []}, known[1])
    world.write(TODAY + ONE_DAY, {**some_records(TODAY + ONE_DAY, 1)[0], "origin": {"kind": "Zürich's"}})
    world.lose_working_folder()
    world.run()

    require_truth(world)
    assert not world.status().has_gap


def test_actors_are_stored_as_pseudonyms(make_world: Callable[..., World]) -> None:
    world = make_world(as_stored=pseudonymous)
    write_days(world, TODAY, TODAY)
    world.run(start_date=TODAY, actor_identity="hash", identity_key=IDENTITY_KEY)

    require_truth(world)
    assert "ada@" not in str(world.backend.tables(world.dataset))


def test_the_proof_finds_every_way_in_which_a_day_can_be_wrong(world: World) -> None:
    write_days(world, FIRST_DAY, TODAY)
    world.load()
    backend, dataset = world.backend, world.dataset
    days = [FIRST_DAY + number * ONE_DAY for number in range(7)]
    on = [f"date = DATE '{day}'" for day in days]

    backend.delete(dataset, MODELS, on[0])
    backend.double(dataset, TOOLS, on[1])
    backend.update(dataset, USAGE, "date", f"DATE '{days[3]}'", on[2])  # moved to a day that has rows
    backend.update(dataset, MODELS, "_dlt_load_id", "'1'", on[4])
    backend.delete(dataset, LEDGER, on[5])
    backend.delete(dataset, TOOLS, f"{on[6]} AND accepted = 3")
    backend.double(dataset, TOOLS, f"{on[6]} AND accepted = 1")  # one row lost and another doubled: the number is right

    (found,) = world.status().organizations
    number = "row counts differ from the ledger"
    others = ["rows of another load", "rows without a ledger entry", "rows are doubled"]
    assert found.problems == dict(zip(days, [number, number, number, number, *others], strict=True))

    world.clock.move(days=30)  # all are settled: only the proof has them read again
    world.run()

    require_truth(world, days)
    assert not world.status().has_gap


def test_a_load_that_died_between_two_tables_is_healed_elsewhere(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One table disappears after the days were read and before they are written, so the load ends there."""
    monkeypatch.setenv("LOAD__RAISE_ON_MAX_RETRIES", "1")
    monkeypatch.setenv("LOAD__WORKERS", "4")  # the tables side by side
    write_days(world, FIRST_DAY, TODAY)
    world.load()

    write_days(world, FIRST_DAY, TODAY, sessions=40)
    world.write(FIRST_DAY)
    world.api.fault = lambda request, number: take_away(request)

    def take_away(request: Any) -> None:
        if request.url.params.get("starting_at") == TODAY.isoformat():
            world.backend.rename(world.dataset, MODELS, "taken_away")

    with pytest.raises(PipelineStepFailed):
        world.run()
    world.api.fault = None
    world.backend.rename(world.dataset, "taken_away", MODELS)
    assert world.status().days("inconsistent")

    world.lose_working_folder()
    world.clock.move(days=1)
    world.run()

    require_truth(world)
    assert not world.status().has_gap


def test_what_a_wrong_clock_dated_into_the_future_is_mended_by_the_next_load(world: World) -> None:
    write_days(world, FIRST_DAY, TODAY)
    world.clock.move(days=40)  # the clocks of the machine and of the API alike
    world.load()
    assert world.status().organizations[0].newest == TODAY + 40 * ONE_DAY

    world.clock.move(days=-40)
    write_days(world, FIRST_DAY, TODAY, sessions=40)
    world.lose_working_folder()
    world.api.last.clear()
    world.run()

    require_truth(world, [FIRST_DAY, TODAY])
    (found,) = world.status().organizations
    assert (found.newest, found.last) == (TODAY, TODAY)
    assert not world.status().has_gap


def test_tables_that_were_dropped_are_created_and_filled_again(world: World) -> None:
    write_days(world, FIRST_DAY, TODAY)
    world.load()
    for table in (*RECORD_TABLES, LEDGER):
        world.backend.drop(world.dataset, table)

    world.load()

    require_truth(world)
    assert world.days_requested() == [FIRST_DAY + number * ONE_DAY for number in range(7)]


def test_columns_that_an_older_version_lacks_or_somebody_dropped_are_added(world: World) -> None:
    write_days(world, FIRST_DAY, TODAY)
    world.load()
    for door, is_lost in ((world.load, False), (world.run, True), (world.run, False), (world.load, True)):
        for table, column in ((USAGE, "subscription_type"), (LEDGER, "cells")):
            world.backend.drop_column(world.dataset, table, column)
        if is_lost:
            world.lose_working_folder()
        assert not world.status(last=FIRST_DAY).has_gap
        write_days(world, TODAY, TODAY, sessions=world.clock.now.second)
        world.clock.move(seconds=5)
        door()
        require_truth(world, [TODAY])
        assert not world.status(last=TODAY).has_gap


def test_ranges_of_one_run_and_packages_of_one_load_replace_their_own_days(world: World) -> None:
    write_days(world, FIRST_DAY, TODAY)
    world.run()
    world.write(FIRST_DAY)
    write_days(world, FIRST_DAY + ONE_DAY, TODAY, sessions=50)

    ranges = [(FIRST_DAY, FIRST_DAY + ONE_DAY), (FIRST_DAY + ONE_DAY, FIRST_DAY + 4 * ONE_DAY)]
    world.pipeline.run([world.source(start_date=first, end_date=last) for first, last in ranges])

    require_truth(world)
    assert not world.status().has_gap
    if world.backend.name == "filesystem":  # Delta tables take one package at a time
        return
    for day in (FIRST_DAY, TODAY):
        world.write(day)
        world.pipeline.extract(world.source(start_date=day, end_date=day))
    world.pipeline.normalize()
    world.pipeline.load()

    assert {FIRST_DAY, TODAY}.isdisjoint(require_truth(world).days)


def test_the_view_of_costs_is_exact(world: World) -> None:
    world.write(TODAY, *some_records(TODAY, 1))
    world.load(start=TODAY)
    if world.backend.name == "filesystem":
        with pytest.raises(ConfigurationError, match="Delta tables have no views"):
            create_views(world.pipeline)
        return
    assert "claude_code_costs" in create_views(world.pipeline)
    view = world.backend.qualified(world.dataset, "claude_code_costs")

    costs = world.backend.run(f"SELECT api_cost_usd FROM {view} WHERE model <> 'm' ORDER BY 1")

    assert [cost for (cost,) in costs] == [0, Decimal("0.19"), Decimal("0.19")]
