"""Whose days these are: each sentence of decision D3, at the plain door."""

from __future__ import annotations

from typing import Any

import pytest

from claude_code_analytics import ApiUnavailable, ConfigurationError, UnexpectedResponse
from claude_code_simulator import OMITTED, SAMPLE_ORGANIZATION_ID, FaultScript, On, ScriptedOrganization, record
from support.plain import CLOSED, MONDAY, TUESDAY, WEEK, counts, people, refuse_organization, refused
from support.world import LEDGER, TODAY, USAGE, World

ME = "/v1/organizations/me"
# The same organization, as `organizations/me` spells it.
TAGGED = "org_01SpelledOtherwise"


@pytest.fixture
def other(world: World) -> World:
    """A second key, of another organization, that loads into the same dataset from its own machine."""
    return World(
        world.folder,
        clock=world.clock,
        organization=ScriptedOrganization(id="other-org"),
        database=world.database,
        machine="other",
        name="other",
    )


def named(world: World, organization_id: str) -> None:
    """Has `organizations/me` return this id, whatever the records carry."""
    world.organization.id = organization_id


def owners(world: World, table: str = USAGE) -> dict[str, int]:
    """Returns the rows of each organization."""
    return dict(world.sql(f"SELECT organization_id, count(*) FROM {table} GROUP BY 1"))


# The id comes from `organizations/me`, requested once a run


def test_the_own_id_is_requested_once_a_run_and_fills_in_where_a_record_has_none(world: World) -> None:
    world.write(MONDAY, record(MONDAY, organization_id=OMITTED), record(MONDAY, organization_id=None))
    for _ in range(2):
        world.run()
        assert sum(request.path == ME for request in world.api.requests) == 1
        assert counts(world) == (2, 2, 2)
    assert owners(world) == {SAMPLE_ORGANIZATION_ID: 2}


@pytest.mark.parametrize(("fault", "error"), [("status-503", ApiUnavailable)])
def test_a_passing_fault_or_a_refused_credential_fails_the_run_before_any_day_is_read(
    world: World, fault: str, error: Any
) -> None:
    world.write(TODAY, *people(2, TODAY))
    world.run()
    world.write(TODAY)
    world.api.fault = FaultScript(On(fault, path=ME, times=None))
    with refused(error):
        world.run()
    assert (world.days_requested(), counts(world)) == ([], (2, 2, 2))
    world.api.fault = None
    world.run()
    assert counts(world) == (0, 0, 0)


# Where the id is refused for good


@pytest.mark.parametrize("fault", ["status-403"])
def test_the_datasets_only_real_id_is_the_own_id(world: World, warnings_of: Any, fault: str) -> None:
    world.write(MONDAY, *people(2))
    world.write(TUESDAY, *people(2, TUESDAY))
    world.run()
    world.api.fault = FaultScript(On(fault, path=ME, times=None))
    world.write(MONDAY)
    world.write(TUESDAY, record(TUESDAY, organization_id=OMITTED))
    world.run(**CLOSED)
    assert owners(world) == {SAMPLE_ORGANIZATION_ID: 1}
    assert set(world.column("organization_id", LEDGER)) == {SAMPLE_ORGANIZATION_ID}
    assert warnings_of() == []
    world.run(lookback_days=0)
    assert world.days_requested() == [TODAY]


def test_where_the_dataset_has_none_yet_records_keep_their_id_and_empty_days_are_unknown(
    world: World, warnings_of: Any
) -> None:
    world.api.fault = refuse_organization()
    world.write(MONDAY, *people(2))
    world.write(TUESDAY, record(TUESDAY, organization_id=OMITTED))
    world.run(lookback_days=0)
    assert owners(world) == {SAMPLE_ORGANIZATION_ID: 2, "unknown": 1}
    assert owners(world, LEDGER) == {SAMPLE_ORGANIZATION_ID: 1, "unknown": 6}
    assert sum("days without records belong to 'unknown'" in text for text in warnings_of()) == 1


@pytest.mark.parametrize("door", ["load", "backfill"])
def test_a_first_load_is_held_whether_or_not_the_api_names_the_organization(world: World, door: str) -> None:
    world.api.fault = refuse_organization()
    world.write_days(MONDAY, TUESDAY)  # the other days are empty, and belong to `unknown`
    report = world.load() if door == "load" else world.backfill(MONDAY, TODAY)
    assert report.days == WEEK
    assert len(world.api.requests) == 8  # each day once
    world.require_truth(WEEK)


def test_unknown_days_become_those_of_the_real_id_without_rows_left_behind(world: World) -> None:
    world.api.fault = refuse_organization()
    world.write_days(MONDAY, TODAY)
    for day in (MONDAY, TUESDAY):
        world.write(day, *(record(day, organization_id=OMITTED) for _ in range(2)))
    world.write(WEEK[2])
    world.clock.move(days=30)
    world.run()
    assert owners(world) == {SAMPLE_ORGANIZATION_ID: 4, "unknown": 4}
    world.api.fault = None
    world.write(TUESDAY)
    world.run()
    assert owners(world) == {SAMPLE_ORGANIZATION_ID: 6}
    assert [world.column("date").count(day) for day in WEEK[:3]] == [2, 0, 0]
    assert world.sql(f"SELECT count(*) FROM {USAGE} WHERE organization_id IS NULL") == [(0,)]
    assert world.status().days("inconsistent") == []
    world.run(lookback_days=0)
    assert world.days_requested() == [world.clock.now.date()]


def test_a_day_of_unknown_records_that_became_empty_is_emptied(world: World) -> None:
    world.api.fault = refuse_organization()
    world.write(TODAY, record(TODAY, organization_id=OMITTED))
    world.run()
    world.write(TODAY)
    world.run()
    assert counts(world) == (0, 0, 0)
    assert world.status().days("inconsistent") == []


def test_several_real_ids_in_the_dataset_are_refused(world: World, other: World) -> None:
    world.write(MONDAY, *people(1))
    world.run()
    other.run()
    world.api.fault = refuse_organization()
    with refused(ConfigurationError, match="the dataset holds .*other-org.*: use a key that may read"):
        world.run()
    assert world.days_requested() == []


def test_a_record_of_another_organization_than_the_only_one_is_refused(world: World) -> None:
    world.write(TODAY, *people(2, TODAY))
    world.run()
    world.api.fault = refuse_organization()
    world.write(TODAY, *people(2, TODAY), record(TODAY, organization_id="foreign-org"))
    with refused(UnexpectedResponse, match=f"{TODAY}: records belong to organization foreign-org"):
        world.run()
    assert owners(world) == {SAMPLE_ORGANIZATION_ID: 2}


def test_a_dataset_with_unknown_rows_refuses_a_second_real_id(world: World, other: World) -> None:
    world.write(MONDAY, *people(1))
    world.run()
    world.sql(f"UPDATE {USAGE} SET organization_id = 'unknown' WHERE date = DATE '{MONDAY}'")
    with refused(ConfigurationError, match="days of an unknown organization beside .*other-org cannot be kept apart"):
        other.run()
    assert other.days_requested() == []
    world.run()
    world.require_truth(WEEK)
    other.run()


# Two organizations in one dataset


def test_two_keys_never_touch_each_others_days(world: World, other: World) -> None:
    world.write(MONDAY, *people(2))
    other.write(MONDAY, *people(3, organization_id="other-org"))
    world.run(**CLOSED)
    other.run(**CLOSED)
    assert owners(world) == {SAMPLE_ORGANIZATION_ID: 2, "other-org": 3}
    other.write(MONDAY)
    other.run(**CLOSED)
    assert owners(world) == {SAMPLE_ORGANIZATION_ID: 2}
    world.write(MONDAY)
    other.write(MONDAY, *people(1, organization_id="other-org"))
    other.run(**CLOSED)
    world.run(**CLOSED)
    assert owners(world) == {"other-org": 1}
    assert world.status().days("inconsistent") == []


def test_a_record_of_another_organization_is_replaced_with_its_day(world: World) -> None:
    for number in (3, 1):
        world.write(MONDAY, *people(number, organization_id="child-org"), *people(1))
        world.run(**CLOSED)
        assert owners(world) == {"child-org": number, SAMPLE_ORGANIZATION_ID: 1}
    assert set(world.column("organization_id", LEDGER)) == {SAMPLE_ORGANIZATION_ID, "child-org"}


# One organization, two spellings: `org_...` from `organizations/me`, a UUID in the records


def test_an_id_that_is_spelled_in_two_ways_is_one_organization(world: World) -> None:
    named(world, TAGGED)
    for day in WEEK[:3]:
        world.write(day, record(day))
    world.clock.move(days=30)
    for requested in (37, 1):
        world.run(lookback_days=0)
        assert len(world.days_requested()) == requested
    assert owners(world) == {SAMPLE_ORGANIZATION_ID: 3}
    assert [each.organization_id for each in world.status().organizations] == [TAGGED]
    world.write(MONDAY)
    world.run(**CLOSED)
    assert owners(world) == {SAMPLE_ORGANIZATION_ID: 2}
    assert world.status().days("inconsistent") == []
    world.require_truth(WEEK[:2])


def test_both_spellings_are_the_datasets_only_id_where_it_is_refused_later(world: World) -> None:
    named(world, TAGGED)
    world.write(MONDAY, *people(2))
    world.run(lookback_days=0)
    world.api.fault = refuse_organization()
    world.write(MONDAY, *people(1))
    world.run(**CLOSED)
    assert owners(world) == {SAMPLE_ORGANIZATION_ID: 1}
    world.run(lookback_days=0)
    assert world.days_requested() == [TODAY]


def test_an_id_of_any_text_is_data_and_never_sql(world: World) -> None:
    odd = "o'; DROP TABLE x; -- {0} %s @day"
    for number in (2, 1):
        world.write(MONDAY, *people(number, organization_id=odd))
        world.run(**CLOSED)
        assert owners(world) == {odd: number}
    world.require_truth([MONDAY])
