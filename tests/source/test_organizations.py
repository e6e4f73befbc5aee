"""Whose days these are: each sentence of decision D3, at the plain door."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

from claude_code_analytics import ApiUnavailable, ConfigurationError, CredentialRefused
from claude_code_simulator import OMITTED, SAMPLE_ORGANIZATION_ID, FaultScript, On, ScriptedOrganization, record
from support.days import CLOSED, MONDAY, TUESDAY, back, people
from support.refusals import refuse_organization, refused
from support.world import LEDGER, TODAY, USAGE, World, counts

ME = "/v1/organizations/me"
OTHER_ID = "0b9c6f0e-0000-4000-8000-000000000002"
REAL_ID = "0b9c6f0e-0000-4000-8000-00000000000a"


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


def owners(world: World, table: str = USAGE) -> dict[str, int]:
    """Returns the rows of each organization."""
    return dict(world.sql(f"SELECT organization_id, count(*) FROM {table} GROUP BY 1"))


# The id comes from `organizations/me`, requested once a run


def test_the_own_id_is_requested_once_a_run_and_is_that_of_every_row(world: World) -> None:
    world.write(MONDAY, record(MONDAY, organization_id=OMITTED), record(MONDAY, organization_id=None))
    for _ in range(2):
        world.run()
        assert sum(request.path == ME for request in world.api.requests) == 1
        assert counts(world) == (2, 2, 2)
    assert owners(world) == {SAMPLE_ORGANIZATION_ID: 2}
    assert owners(world, LEDGER).keys() == {SAMPLE_ORGANIZATION_ID}


@pytest.mark.parametrize(("fault", "error"), [("status-503", ApiUnavailable), ("status-401", CredentialRefused)])
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


# Where that endpoint is refused for good


@pytest.mark.parametrize("status", [403, 404])
def test_the_header_of_a_page_names_the_organization(world: World, status: int) -> None:
    world.api.fault = refuse_organization(status)
    world.api.organization_header = "200"
    world.write(MONDAY, *people(2))
    world.run(lookback_days=0)
    assert owners(world) == {SAMPLE_ORGANIZATION_ID: 2}
    assert owners(world, LEDGER) == {SAMPLE_ORGANIZATION_ID: 7}
    world.write(MONDAY)
    world.run(**CLOSED)
    assert counts(world) == (0, 0, 0)
    world.require_truth(CLOSED.values())


def test_the_parameter_names_it_where_no_response_does(world: World) -> None:
    world.api.fault = refuse_organization()
    world.api.organization_header = "never"
    world.write(MONDAY, *people(2))
    with refused(ConfigurationError, match="did not name the organization .*; set the parameter organization_id"):
        world.run()
    world.run(organization_id=SAMPLE_ORGANIZATION_ID.upper())
    assert owners(world) == {SAMPLE_ORGANIZATION_ID.upper(): 2}
    world.api.fault = None
    world.run(**CLOSED)  # the dataset's spelling stays
    assert owners(world) == {SAMPLE_ORGANIZATION_ID.upper(): 2}
    assert world.status().days("inconsistent") == []


@pytest.mark.parametrize("fault", [None, refuse_organization()])
def test_a_parameter_that_contradicts_the_api_is_refused_with_both_ids(world: World, fault: Any) -> None:
    world.api.fault = fault
    with refused(ConfigurationError, match=f"organization_id is {OTHER_ID}, .* reads .* {SAMPLE_ORGANIZATION_ID}"):
        world.run(organization_id=OTHER_ID)


# Two ids, and two spellings


def test_an_id_in_capitals_is_the_same_organization(world: World) -> None:
    world.write(MONDAY, *people(2))
    world.run()
    world.organization.id = SAMPLE_ORGANIZATION_ID.upper()
    world.write(MONDAY, *people(1))
    world.run(**CLOSED)
    assert owners(world) == {SAMPLE_ORGANIZATION_ID: 1}
    assert [each.organization_id for each in world.status().organizations] == [SAMPLE_ORGANIZATION_ID]
    world.run(lookback_days=0)
    assert world.days_requested() == [TODAY]


@pytest.mark.parametrize("stored", [SAMPLE_ORGANIZATION_ID, OTHER_ID])
def test_of_two_ids_that_the_api_names_the_datasets_own_is_used_and_a_warning_says_so(
    world: World, warnings_of: Any, stored: str
) -> None:
    world.organization.id = stored
    world.run(**CLOSED)
    answer = httpx.Response(200, json={"id": OTHER_ID}, headers={"anthropic-organization-id": SAMPLE_ORGANIZATION_ID})
    world.api.fault = lambda request, number: answer if request.url.path == ME else None
    world.write(MONDAY, *people(1, organization_id=stored))
    world.run(**CLOSED)
    assert owners(world, LEDGER).keys() == {stored}
    assert [text for text in warnings_of() if f"days are loaded as those of {stored}" in text]


@pytest.mark.parametrize("is_open_first", [True, False])
def test_an_organization_with_another_id_in_the_headers_of_pages_is_never_held_under_both(
    world: World, warnings_of: Any, is_open_first: bool
) -> None:
    """`organizations/me` is closed at first, or later."""
    world.organization.id = REAL_ID
    world.api.organization_header = "200"

    def respond(is_open: bool) -> None:
        answer = httpx.Response(200, json={"id": OTHER_ID})
        world.api.fault = (
            (lambda request, number: answer if request.url.path == ME else None) if is_open else (refuse_organization())
        )

    respond(is_open_first)
    world.run(**CLOSED)
    own = OTHER_ID if is_open_first else REAL_ID
    assert owners(world, LEDGER) == {own: 2}
    respond(not is_open_first)
    if is_open_first:
        with refused(ConfigurationError, match=f"holds organization {own}, and {REAL_ID} may be another id of it"):
            world.run(**CLOSED)
        assert owners(world, LEDGER) == {own: 2}
        world.run(**CLOSED, organization_id=REAL_ID)
        assert owners(world, LEDGER) == {own: 2, REAL_ID: 2}
    else:
        world.run(**CLOSED)
        assert owners(world, LEDGER) == {own: 4}
        assert [text for text in warnings_of() if f"days are loaded as those of {own}" in text]


@pytest.mark.parametrize("stored", [None, REAL_ID.upper(), OTHER_ID])
@pytest.mark.parametrize("given", [REAL_ID, OTHER_ID])
def test_of_two_ids_that_the_api_names_the_parameter_decides_before_the_dataset(
    world: World, warnings_of: Any, given: str, stored: str | None
) -> None:
    if stored:
        world.organization.id = stored
        world.run(**CLOSED)
    answer = httpx.Response(200, json={"id": OTHER_ID}, headers={"anthropic-organization-id": REAL_ID})
    world.api.fault = lambda request, number: answer if request.url.path == ME else None
    world.clock.move(minutes=1)
    world.run(**CLOSED, organization_id=given)
    own = stored if stored and stored.lower() == given else given
    (newest,) = world.sql(f"SELECT DISTINCT organization_id FROM {LEDGER} WHERE fetched_at >= ?", world.clock.now)[0]
    assert newest == own
    assert [text for text in warnings_of() if f"days are loaded as those of {own}" in text]
    assert len([text for text in warnings_of() if "is added beside it" in text]) == (stored not in (None, own))


@pytest.mark.parametrize("ids", [(OTHER_ID, OTHER_ID.upper()), ("Team-org", "team-ORG")])
def test_two_spellings_in_one_run_on_a_fresh_dataset_are_one_organization(world: World, ids: tuple[str, str]) -> None:
    world.write(MONDAY, *people(2))
    # each source asks for its own organization: the first answer is the first source's
    answers = iter(ids)
    world.api.fault = lambda request, number: (
        httpx.Response(200, json={"id": next(answers)}) if request.url.path == ME else None
    )
    world.pipeline.run([world.source(**CLOSED), world.source(**{**CLOSED, "end_date": back(4)})])
    assert owners(world) == {ids[0]: 2}
    assert owners(world, LEDGER) == {ids[0]: 3}
    assert [each.organization_id for each in world.status().organizations] == [ids[0]]


@pytest.mark.parametrize("given", ["unknown", "Unknown "])
def test_the_id_of_what_an_unreleased_version_could_not_attribute_is_refused_at_once(world: World, given: str) -> None:
    with pytest.raises(ConfigurationError, match=r"organization_id is 'Unknown ?'|organization_id is 'unknown'"):
        world.source(organization_id=given)
    assert world.api.requests == []


# A record that names another organization


def test_a_record_of_another_organization_keeps_that_text_in_a_variant_column(world: World, warnings_of: Any) -> None:
    for number in (3, 1):
        world.write(MONDAY, *people(number, organization_id="child-org"), record(MONDAY, terminal_type="tmux"))
        world.run(**CLOSED)
        assert owners(world) == {SAMPLE_ORGANIZATION_ID: number + 1}
        assert world.column("organization_id__v_text").count("child-org") == number
    assert owners(world, LEDGER).keys() == {SAMPLE_ORGANIZATION_ID}
    assert len([text for text in warnings_of() if "organization_id that is loaded are kept in" in text]) == 2
    assert world.status().days("inconsistent") == []


def test_an_id_of_any_text_is_data_and_never_sql(world: World) -> None:
    odd = "o'; DROP TABLE x; -- {0} %s @day"
    world.api.fault = refuse_organization()
    world.api.organization_header = "never"
    for number in (2, 1):
        world.write(MONDAY, *people(number, organization_id=odd))
        world.run(**CLOSED, organization_id=odd)
        assert owners(world) == {odd: number}
    world.require_truth([MONDAY])


# Two organizations in one dataset


def test_two_keys_never_touch_each_others_days(world: World, other: World, warnings_of: Any) -> None:
    world.organization.id = OTHER_ID
    world.write(MONDAY, *people(2, organization_id=OTHER_ID))
    other.write(MONDAY, *people(3, organization_id="other-org"))
    world.run(**CLOSED)
    other.run(**CLOSED)
    assert owners(world) == {OTHER_ID: 2, "other-org": 3}
    assert [text for text in warnings_of() if "other-org is added beside it" in text]
    other.write(MONDAY)
    other.run(**CLOSED)
    assert owners(world) == {OTHER_ID: 2}
    world.write(MONDAY)
    other.write(MONDAY, *people(1, organization_id="other-org"))
    other.run(**CLOSED)
    world.run(**CLOSED)
    assert owners(world) == {"other-org": 1}
    assert world.status().days("inconsistent") == []


@pytest.mark.parametrize("door", ["run", "load", "backfill"])
def test_a_second_organization_is_said_and_the_sample_refused_at_every_door(
    world: World, other: World, warnings_of: Any, door: str
) -> None:
    doors = {"run": other.run, "load": other.load, "backfill": lambda: other.backfill(MONDAY, TUESDAY)}
    world.organization.id = OTHER_ID
    world.run(**CLOSED)
    doors[door]()
    warned = [text for text in warnings_of() if "is added beside it" in text]
    assert warned == [f"the dataset held organization {OTHER_ID} so far; other-org is added beside it"]

    other.organization.id = SAMPLE_ORGANIZATION_ID
    with pytest.raises((ConfigurationError, PipelineStepFailed), match="sample and real data do not mix"):
        doors[door]()
    assert other.days_requested() == []


def test_two_keys_in_one_run_are_said_too(world: World, other: World, warnings_of: Any) -> None:
    world.organization.id = OTHER_ID
    world.pipeline.run([world.source(**CLOSED), other.source(**CLOSED)])
    assert owners(world, LEDGER) == {OTHER_ID: 2, "other-org": 2}
    assert [text for text in warnings_of() if "other-org is added beside it" in text]


def test_a_dataset_of_the_unreleased_version_is_refused(world: World, other: World) -> None:
    world.write(MONDAY, *people(1))
    world.run()
    world.sql(f"UPDATE {USAGE} SET organization_id = 'unknown' WHERE date = DATE '{MONDAY}'")
    for each in (world, other):
        with refused(ConfigurationError, match="rows of an organization 'unknown'"):
            each.run()
        assert each.days_requested() == []
