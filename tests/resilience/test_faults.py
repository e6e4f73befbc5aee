"""Faults of the API: a day is exact, or one line names it and what was loaded of it before stays.

Every fault of the simulator's catalogue, on the first, a middle and the last page of a day, once and for ever.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from itertools import product
from typing import Any

import pytest

from claude_code_analytics import AnalyticsClient, ApiError, CredentialRefused
from claude_code_analytics.api.retry import MAX_SILENCE
from claude_code_analytics.claude_code.pages import fetch_day
from claude_code_analytics.dates import ONE_DAY
from claude_code_pipelines import DaysNotHeld
from claude_code_simulator import FAULTS, HARMLESS, FaultScript, On, model_usage, record
from support.tally import Tally
from support.world import TODAY, World, wrong_days

PAGES: list[Any] = [1, 2, "last"]
# Pages that arrive whole and hold something that is no record: their day does not decode (decision D5a).
UNDECODABLE = ("body-deep", "body-deep-page", "body-of-nulls", "body-of-texts", "body-of-lists")
READABLE = [name for name in FAULTS if name not in UNDECODABLE]
NOT_UTF8 = "body-not-utf8"  # read again once; what stays so does not decode
EXACT, DAYS_NOT_HELD = "exact", "DaysNotHeld"
DAYS = [TODAY - 2 * ONE_DAY, TODAY - ONE_DAY, TODAY]
SECONDS_PER_RESPONSE = 5.0


def expected(name: str, page: Any, *, lasts: bool) -> str:
    """Returns how a day ends in which this fault happens once, or every time."""
    family, _, rest = name.partition("-")
    about = rest[:3] if family == "status" else name
    if name in HARMLESS and not (lasts and name == "cursor-empty-page" and page == "last"):
        return EXACT
    if about in ("401", "403"):
        return "CredentialRefused"
    if about in ("402", "404", "413", "limit-spend") or family == "redirect" or name in ("answer-204", "answer-206"):
        return "RequestRefused"
    if about in ("400", "cursor-expired"):  # with a page token the day starts over, once
        return "RequestRefused" if lasts or page == 1 else EXACT
    if not lasts:
        return EXACT
    if name == NOT_UTF8:
        return "UndecodableDay"
    # some cursors lead to a page where the API refuses the token
    refused = ("cursor-malformed", "cursor-of-another-day", "cursor-circle")
    if name in refused or (name == "cursor-repeated" and page == 1):
        return "RequestRefused"
    return "UnexpectedResponse" if family == "cursor" else "ApiUnavailable"


def people(day: dt.date, version: int = 0) -> list[dict[str, Any]]:
    """Returns a day of three pages of two records; each version has other numbers, rows more and less."""
    return [
        record(
            day,
            email=f"dev{number + version}@example.test",
            sessions=1 + number + 10 * version,
            tools={"edit_tool": (number, version), **({"write_tool": (1, 1)} if (number + version) % 2 else {})},
            models=[model_usage(f"model-{m}", cents=100 * version + number) for m in range((number + version) % 3)],
        )
        for number in range(5 + version % 2)
    ]


@pytest.fixture
def three_days(world: World) -> World:
    """Three days on three pages each, from an API that takes its time."""
    world.api.page_size = 2
    world.api.latency, world.api.sleep = SECONDS_PER_RESPONSE, world.clock.sleep
    for day in DAYS:
        world.write(day, *people(day))
    return world


def require_one_line(error: BaseException, days: set[Any]) -> str:
    assert isinstance(error, ApiError)
    assert error.day in days
    assert type(error) is not ApiError
    assert str(error).startswith(f"{error.day}: ")
    assert "\n" not in str(error)
    assert len(str(error)) < 700
    return type(error).__name__


def read(client: AnalyticsClient, world: World, day: dt.date) -> str:
    """Reads a day, which must be exact or one named error."""
    try:
        fetched = fetch_day(client.session(), day)
    except ApiError as error:
        return require_one_line(error, {day})
    records = [each for body in fetched.bodies for each in json.loads(body)["data"]]
    assert records == world.organization.days[day]
    return EXACT


# The same statuses with other bodies are slow.
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if re.match(r"status-\d+-", name) else ()) for name in READABLE],
)
def test_a_day_is_read_whole_or_ends_with_one_named_error(three_days: World, tally: Tally, name: str) -> None:
    for page, times in product(PAGES, (1, None)):
        script = FaultScript(On(name, day=DAYS[1], page=page, times=times))
        three_days.api.fault = script
        began = three_days.clock.now
        three_days.api.requests.clear()
        with three_days.client() as client:
            ended = read(client, three_days, DAYS[1])
            assert script.happened
            assert ended == expected(name, page, lasts=times is None), (page, times)
            assert three_days.clock.now - began < 2 * dt.timedelta(seconds=MAX_SILENCE)
            assert len(three_days.api.requests) < 2 * MAX_SILENCE / SECONDS_PER_RESPONSE
            assert ended == "CredentialRefused" or read(client, three_days, DAYS[2]) == EXACT
        tally.add("faults, at the client", ended)


# In the warehouse


def load(world: World, *faults: On, **options: Any) -> str:
    """Loads the days of the organization; each is the truth, or if it is named what it was before."""
    before = world.contents().days if world.database.exists() else {}
    faulty = sorted({each.day for each in faults if each.day})
    days = sorted(world.organization.days)
    script = FaultScript(*faults)
    world.api.fault = script
    world.clock.move(minutes=1)
    error: ApiError | DaysNotHeld | None = None
    try:
        world.backfill(days[0], days[-1], **options)
    except (CredentialRefused, DaysNotHeld) as raised:
        error = raised
    if error is None:
        assert not [on for on in script.pending if on.times]
        world.require_truth(days)
        return EXACT
    contents = world.contents()
    if isinstance(error, ApiError):
        assert contents.days == before
        return require_one_line(error, set(faulty))
    assert error.days == error.report.unread == faulty
    assert re.match(rf"1 day could not be read: {faulty[0]}; {faulty[0]}: .+$", str(error))
    assert [contents.days[day] for day in faulty] == [before[day] for day in faulty]
    assert not wrong_days(contents, world.api).keys() - faulty
    return DAYS_NOT_HELD


def many_days(world: World, number: int) -> list[dt.date]:
    world.api.page_size = 2
    days = [TODAY - back * ONE_DAY for back in range(number)]
    for each, day in enumerate(days):
        world.write(day, *people(day, each % 3))
    return days


def test_faults_that_pass_leave_no_trace_in_the_warehouse(world: World, tally: Tally) -> None:
    passing = [name for name in READABLE if expected(name, 2, lasts=False) == EXACT]
    days = many_days(world, len(passing))
    faults = [On(name, day=day, page=2) for name, day in zip(passing, days, strict=True)]
    assert load(world, *faults, window_days=len(days)) == EXACT
    tally.add("faults, in the warehouse", EXACT, len(passing))


@pytest.mark.slow
def test_faults_that_last_keep_their_day_as_it_was_and_the_others_are_loaded(world: World, tally: Tally) -> None:
    days = many_days(world, 3)
    assert load(world) == EXACT
    for day in days:
        world.write(day, *people(day, 5))
    for number, name in enumerate(READABLE):
        if name == NOT_UTF8:
            continue
        page = PAGES[number % 3]
        ended = load(world, On(name, day=days[1], page=page, times=None))
        wanted = expected(name, page, lasts=True)
        stops = wanted == EXACT or name.startswith("status-401")
        assert ended == (wanted if stops else DAYS_NOT_HELD), (name, page)
        tally.add("faults, in the warehouse", ended)
        if ended == EXACT:
            for day in days:
                world.write(day, *people(day, number))
    assert load(world) == EXACT
