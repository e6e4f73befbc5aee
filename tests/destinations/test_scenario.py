"""One scenario for every destination: whatever happened, the tables hold what the API returned last, value by value."""

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
from destinations.scenario import IDENTITY_KEY, OTHER_ORGANIZATION, Scenario, pseudonymous, some_records
from support.expected import PLACES
from support.world import FIRST_DAY, LEDGER, MODELS, RECORD_TABLES, TODAY, TOOLS, USAGE

# Google's client warns at every read where its faster way is not installed, which would bypass the stand-in.
pytestmark = pytest.mark.filterwarnings("ignore:Cannot create BigQuery Storage client")

ONE_DAY = dt.timedelta(days=1)
on_sql = pytest.mark.parametrize("backend", ["postgres", "bigquery", "snowflake"], indirect=True)


@pytest.mark.parametrize("door", ["load", pytest.param("run", marks=pytest.mark.slow)])
def test_loads_follow_days_that_grow_shrink_and_become_empty(scenario: Scenario, door: str) -> None:
    load = getattr(scenario, door)
    scenario.write_days(FIRST_DAY, TODAY)
    scenario.write(FIRST_DAY + 2 * ONE_DAY)
    loaded = load()
    contents = scenario.require_truth([FIRST_DAY, TODAY])
    assert contents.rows == {USAGE: 18, TOOLS: 24, MODELS: 30, LEDGER: 7}
    if door == "load":
        assert loaded.rows == contents.rows
    status = scenario.status()
    assert status.rows == {name: contents.rows[name] for name in RECORD_TABLES}
    assert (status.days("partial"), len(status.days("held")), status.has_gap) == ([TODAY], 6, False)

    scenario.clock.move(days=1)
    scenario.write(FIRST_DAY, *some_records(FIRST_DAY, 90), record(FIRST_DAY, email="late@example.test"))
    scenario.write(FIRST_DAY + ONE_DAY)
    scenario.write(TODAY, *[record(TODAY)] * 3)
    scenario.write_days(TODAY + ONE_DAY, TODAY + ONE_DAY, sessions=50)
    load()
    contents = scenario.require_truth()
    assert FIRST_DAY + ONE_DAY not in contents.days
    assert len(contents.days[TODAY]) == 3
    assert scenario.cursor() == TODAY + ONE_DAY
    status = scenario.status()
    assert (status.days("changed"), status.has_gap) == ([FIRST_DAY, FIRST_DAY + ONE_DAY], False)


def test_organizations_in_one_dataset_leave_each_other_alone(make_scenario: Callable[..., Scenario]) -> None:
    one, two = make_scenario(), make_scenario(organization=OTHER_ORGANIZATION, name="other", machine="other")
    for number, scenario in enumerate((one, two)):
        scenario.write_days(FIRST_DAY, TODAY, sessions=10 * number)
        scenario.load()

    for day in (FIRST_DAY, FIRST_DAY + ONE_DAY):
        one.write(day)
        two.write(day, *some_records(day, 70))
    one.run()
    two.backfill(FIRST_DAY, FIRST_DAY)

    assert {FIRST_DAY, FIRST_DAY + ONE_DAY}.isdisjoint(one.require_truth().days)
    two.require_truth()


def test_fields_that_appear_later_become_columns(make_scenario: Callable[..., Scenario]) -> None:
    scenario = make_scenario(fields=(*PLACES, "flag", "note", "share", "core_metrics.reviews", "labels", "origin"))
    scenario.write_days(FIRST_DAY, TODAY)
    scenario.load()
    scenario.clock.move(days=1)
    known = some_records(TODAY, 5)
    scenario.write(
        TODAY,
        {**known[0], "flag": True, "note": 'it\'s 50% \\ "new"', "share": 0.125, "labels": ["a", {"b": 1}]},
        {**known[1], "flag": False, "note": "", "origin": {"kind": "ci", "runs": [1, 2.5, None]}},
        {**known[2], "core_metrics": {**known[2]["core_metrics"], "reviews": 4}},
    )
    scenario.load()
    scenario.require_truth()

    scenario.clock.move(days=1)
    scenario.write(TODAY, {**known[0], "note": "still here", "share": 1, "labels": []}, known[1])
    scenario.write(TODAY + ONE_DAY, {**some_records(TODAY + ONE_DAY, 1)[0], "origin": {"kind": "Zürich's"}})
    scenario.lose_working_folder()
    scenario.run()

    scenario.require_truth()
    assert not scenario.status().has_gap


def test_actors_are_stored_as_pseudonyms(make_scenario: Callable[..., Scenario]) -> None:
    scenario = make_scenario(as_stored=pseudonymous)
    scenario.write_days(TODAY, TODAY)
    scenario.run(start_date=TODAY, actor_identity="hash", identity_key=IDENTITY_KEY)

    scenario.require_truth()
    assert "ada@" not in str(scenario.backend.tables(scenario.dataset))


def test_the_proof_finds_every_way_in_which_a_day_can_be_wrong(scenario: Scenario) -> None:
    scenario.write_days(FIRST_DAY, TODAY)
    scenario.load()
    backend, dataset = scenario.backend, scenario.dataset
    days = [FIRST_DAY + number * ONE_DAY for number in range(7)]
    on = [f"date = DATE '{day}'" for day in days]

    backend.delete(dataset, MODELS, on[0])
    backend.double(dataset, TOOLS, on[1])
    backend.update(dataset, USAGE, "date", f"DATE '{days[3]}'", on[2])  # moved to a day that has rows
    backend.update(dataset, MODELS, "_dlt_load_id", "'1'", on[4])
    backend.delete(dataset, LEDGER, on[5])
    backend.delete(dataset, TOOLS, f"{on[6]} AND accepted = 3")
    backend.double(dataset, TOOLS, f"{on[6]} AND accepted = 1")  # one row lost and another doubled: the number is right

    (found,) = scenario.status().organizations
    number = "row counts differ from the ledger"
    others = ["rows of another load", "rows without a ledger entry", "rows are doubled"]
    assert found.problems == dict(zip(days, [number, number, number, number, *others], strict=True))

    scenario.clock.move(days=30)  # all are settled: only the proof has them read again
    scenario.run()

    scenario.require_truth(days)
    assert not scenario.status().has_gap


def test_a_load_that_died_between_two_tables_is_healed_elsewhere(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One table disappears after the days were read and before they are written, so the load ends there."""
    monkeypatch.setenv("LOAD__RAISE_ON_MAX_RETRIES", "1")
    monkeypatch.setenv("LOAD__WORKERS", "4")  # the tables side by side
    scenario.write_days(FIRST_DAY, TODAY)
    scenario.load()

    scenario.write_days(FIRST_DAY, TODAY, sessions=40)
    scenario.write(FIRST_DAY)
    scenario.api.fault = lambda request, number: take_away(request)

    def take_away(request: Any) -> None:
        if request.url.params.get("starting_at") == TODAY.isoformat():
            scenario.backend.rename(scenario.dataset, MODELS, "taken_away")

    with pytest.raises(PipelineStepFailed):
        scenario.run()
    scenario.api.fault = None
    scenario.backend.rename(scenario.dataset, "taken_away", MODELS)
    assert scenario.status().days("inconsistent")

    scenario.lose_working_folder()
    scenario.clock.move(days=1)
    scenario.run()

    scenario.require_truth()
    assert not scenario.status().has_gap


def test_tables_that_were_dropped_are_created_and_filled_again(scenario: Scenario) -> None:
    scenario.write_days(FIRST_DAY, TODAY)
    scenario.load()
    for table in (*RECORD_TABLES, LEDGER):
        scenario.backend.drop(scenario.dataset, table)

    scenario.load()

    scenario.require_truth()
    assert scenario.days_requested() == [FIRST_DAY + number * ONE_DAY for number in range(7)]


def test_columns_that_an_older_version_lacks_or_somebody_dropped_are_added(scenario: Scenario) -> None:
    scenario.write_days(FIRST_DAY, TODAY)
    scenario.load()
    for door, is_lost in ((scenario.load, False), (scenario.run, True), (scenario.run, False), (scenario.load, True)):
        for table, column in ((USAGE, "terminal_type"), (LEDGER, "actor_identity")):
            scenario.backend.drop_column(scenario.dataset, table, column)
        if is_lost:
            scenario.lose_working_folder()
        assert not scenario.status(last=FIRST_DAY).has_gap
        scenario.write_days(TODAY, TODAY, sessions=scenario.clock.now.second)
        scenario.clock.move(seconds=5)
        door()
        scenario.require_truth([TODAY])
        assert not scenario.status(last=TODAY).has_gap


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
def test_a_type_that_somebody_changed_is_noticed_before_values_are_rounded(scenario: Scenario) -> None:
    scenario.write(TODAY, record(TODAY))
    scenario.run(start_date=TODAY)
    staging = f"{scenario.dataset}_staging"
    money = r"estimated_cost__amount is decimal\(38,2\), not decimal\(38,9\)"
    for dataset, table, column, kinds, message in (
        (scenario.dataset, MODELS, "estimated_cost__amount", ("DECIMAL(38, 2)", "DECIMAL(38, 9)"), money),
        (scenario.dataset, LEDGER, "is_final", ("VARCHAR", "BOOLEAN"), "is_final is text, not bool"),
        (staging, MODELS, "estimated_cost__amount", ("DECIMAL(38, 2)", "DECIMAL(38, 9)"), f"{money} in the staging"),
    ):
        change, undo = (
            f"ALTER TABLE {scenario.backend.qualified(dataset, table)} ALTER COLUMN {column} TYPE {kind}"
            + (f" USING {column}::{kind}" if scenario.backend.name == "postgres" else "")
            for kind in kinds
        )
        scenario.backend.run(change)
        with pytest.raises(ConfigurationError, match=f"{table}.{message}"):
            scenario.load(start=TODAY)
        with pytest.raises(PipelineStepFailed, match=f"{table}.{message}"):
            scenario.run(start_date=TODAY)
        scenario.backend.run(undo)
    scenario.run(start_date=TODAY)
    scenario.require_truth()


def test_two_ranges_in_one_run_and_a_day_read_twice_are_right(scenario: Scenario) -> None:
    scenario.write_days(FIRST_DAY, TODAY)
    scenario.run()
    scenario.write(FIRST_DAY)
    scenario.write_days(FIRST_DAY + ONE_DAY, TODAY, sessions=50)

    ranges = [(FIRST_DAY, FIRST_DAY + ONE_DAY), (FIRST_DAY + ONE_DAY, FIRST_DAY + 4 * ONE_DAY)]
    scenario.pipeline.run([scenario.source(start_date=first, end_date=last) for first, last in ranges])

    scenario.require_truth()
    assert not scenario.status().has_gap


@on_sql
def test_two_extracted_packages_replace_their_own_days(scenario: Scenario) -> None:
    scenario.write_days(FIRST_DAY, TODAY)
    scenario.run()
    for day in (FIRST_DAY, TODAY):
        scenario.write(day)
        scenario.pipeline.extract(scenario.source(start_date=day, end_date=day))
    scenario.pipeline.normalize()
    scenario.pipeline.load()

    assert {FIRST_DAY, TODAY}.isdisjoint(scenario.require_truth().days)


def test_the_view_of_costs_is_exact(scenario: Scenario) -> None:
    scenario.write(TODAY, *some_records(TODAY, 1))
    scenario.load(start=TODAY)
    if scenario.backend.name == "filesystem":
        with pytest.raises(ConfigurationError, match="Delta tables have no views"):
            create_views(scenario.pipeline)
        return
    assert "claude_code_costs" in create_views(scenario.pipeline)
    view = scenario.backend.qualified(scenario.dataset, "claude_code_costs")

    costs = scenario.backend.run(f"SELECT estimated_cost_usd FROM {view} WHERE model <> 'm' ORDER BY 1")

    assert [cost for (cost,) in costs] == [0, Decimal("0.19"), Decimal("0.19")]
