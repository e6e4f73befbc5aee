"""Promises of the simulated API: routes, credentials, parameters, paging, rate limit, log and clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from claude_code_simulator import (
    Credentials,
    RateLimit,
    SampleOrganization,
    ScriptedOrganization,
    SimulatedApi,
    error_response,
    record,
)

REPORT = "/v1/organizations/usage_report/claude_code"
ME = "/v1/organizations/me"
DAY = dt.date(2026, 9, 1)
NOW = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)
KEY = Credentials()
VERSION = {"anthropic-version": "2023-06-01"}

Get = Callable[..., httpx.Response]
ReadDay = Callable[..., list[dict[str, Any]]]


def people(count: int) -> list[dict[str, Any]]:
    return [record(DAY, email=f"dev{n}@example.test") for n in range(count)]


@pytest.fixture
def api() -> SimulatedApi:
    """A day of 45 records."""
    return SimulatedApi(ScriptedOrganization({DAY: people(45)}), clock=lambda: NOW)


def message(response: httpx.Response, status: int) -> str:
    """The message of an error, which must have the documented shape."""
    body = response.json()
    assert (response.status_code, body["type"]) == (status, "error")
    assert body["request_id"] == response.headers["request-id"]
    return str(body["error"]["message"])


# Routes and credentials


@pytest.mark.parametrize(
    "headers",
    [
        {"x-api-key": KEY.admin_key},
        {"X-API-Key": KEY.service_key, "anthropic-version": "2026-10-21"},
        {"AUTHORIZATION": f"bearer {KEY.oauth_token}"},
    ],
)
@pytest.mark.parametrize("path", [REPORT, ME])
def test_good_credentials_are_accepted(get: Get, api: SimulatedApi, path: str, headers: dict[str, str]) -> None:
    assert get(api, path, headers={**VERSION, **headers}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status", "text"),
    [
        ({}, 401, "x-api-key header is required"),
        ({"x-api-key": ""}, 401, "invalid x-api-key"),
        ({"x-api-key": "sk-ant-admin01-unknown"}, 401, "invalid x-api-key"),
        ({"x-api-key": KEY.oauth_token}, 401, "invalid x-api-key"),
        ({"authorization": f"Bearer {KEY.admin_key}"}, 401, "Invalid bearer token"),
        ({"authorization": f"Basic {KEY.oauth_token}"}, 401, "Invalid bearer token"),
        ({"authorization": f"Bearer {KEY.expired_oauth_token}"}, 401, "OAuth token has expired"),
        ({"authorization": f"Bearer {KEY.unscoped_oauth_token}"}, 403, "Needed: ['org:admin']"),
        ({"x-api-key": KEY.workspace_key}, 403, "Missing required scopes. Got: ["),
        ({"x-api-key": KEY.enterprise_key}, 403, "Got: ['read:analytics'] Needed: ['api:admin']"),
        ({"x-api-key": KEY.admin_key, "origin": "https://x.test"}, 401, "CORS requests are not allowed"),
        ({"x-api-key": KEY.admin_key, "anthropic-version": "2099-01-01"}, 400, "2099-01-01"),
    ],
)
def test_other_requests_are_refused(
    get: Get, api: SimulatedApi, headers: dict[str, str], status: int, text: str
) -> None:
    for path in (REPORT, ME):
        assert text in message(get(api, path, headers={**VERSION, **headers}), status)


# Parameters and paging


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        *(("starting_at", value) for value in (None, "", "2026-9-1", "2026-09-01T00:00:00Z", "2026-09-01\n")),
        *(("starting_at", value) for value in ("20260901", "٢٠٢٦-٠٩-٠١", "2026-02-30")),  # noqa: RUF001
        *(("limit", value) for value in (0, -1, 1001, "9" * 5000, "ten", "1.5", "1_0", "")),
        *(("page", value) for value in ("", "2", "page_", "page_MjAyNS0wNS0xNFQwMDowMDowMFo=")),
    ],
)
def test_a_bad_parameter_is_named(get: Get, api: SimulatedApi, parameter: str, value: Any) -> None:
    assert message(get(api, **{parameter: value}), 400).startswith(f"{parameter}: ")


def test_the_pages_of_a_day_hold_every_record_once(read_day: ReadDay, api: SimulatedApi) -> None:
    for limit in (1, 7, 20, 44, 45, 1000):
        assert read_day(api, limit=limit) == people(45)
    assert len(api.requests) == 45 + 7 + 3 + 2 + 1 + 1


def test_what_changes_after_page_one_neither_appears_nor_shifts_nor_is_lost(
    get: Get, read_day: ReadDay, api: SimulatedApi
) -> None:
    days: Any = api.organization
    first = get(api)
    days.days[DAY].insert(0, record(DAY, email="late@example.test"))
    days.days[DAY][40]["actor"]["email_address"] = "renamed@example.test"
    second = get(api)
    days.days.clear()
    assert read_day(api, first) == people(45)
    assert len(read_day(api, second)) == 46
    assert read_day(api) == []


# Limit, time and log


@pytest.mark.parametrize("hint", ["seconds", "date", "nothing", "stale"])
def test_a_429_announces_the_wait_or_does_not(get: Get, api: SimulatedApi, hint: str) -> None:
    now = NOW
    api.clock = lambda: now
    api.rate_limit = RateLimit(burst=1, per_second=0.3, hint=hint)
    assert [get(api).status_code, get(api, ME).status_code] == [200, 200]
    refused = get(api)
    assert (message(refused, 429)[:18], refused.json()["error"]["type"]) == ("This request would", "rate_limit_error")
    after, reset = (refused.headers.get(name) for name in ("retry-after", "anthropic-ratelimit-requests-reset"))
    assert (after is None) == (hint in ("nothing", "stale"))
    assert (reset is not None) == (hint == "stale")
    if hint == "date":
        assert parsedate_to_datetime(after) == NOW + dt.timedelta(seconds=4)
    now += dt.timedelta(seconds=4)
    assert get(api).status_code == 200
    assert (api.rate_limit.taken, api.rate_limit.refused) == (2, 1)


def test_every_response_has_an_id_and_the_date_of_the_apis_clock(get: Get, api: SimulatedApi) -> None:
    moment = dt.datetime(1994, 11, 6, 3, 49, 37, 999_999, tzinfo=dt.timezone(dt.timedelta(hours=-5)))
    api.clock = lambda: moment
    api.fault = lambda request, number: httpx.Response(502, html="<h1>Bad gateway</h1>") if number == 2 else None
    responses = [get(api), get(api), get(api, ME), get(api, "/"), get(api, limit=0)]
    assert [response.status_code for response in responses] == [200, 502, 200, 404, 400]
    assert len({response.headers["request-id"] for response in responses}) == 5
    assert {response.headers["date"] for response in responses} == {"Sun, 06 Nov 1994 08:49:37 GMT"}


@pytest.mark.parametrize(("sent_on", "statuses"), [("all", {200, 403, 404}), ("200", {200}), ("never", set())])
def test_the_organization_is_in_the_header_of_all_responses_of_successes_or_of_none(
    get: Get, api: SimulatedApi, sent_on: Any, statuses: set[int]
) -> None:
    api = SimulatedApi(api.organization, organization_header=sent_on)
    refused = {**VERSION, "x-api-key": KEY.workspace_key}
    responses = [get(api), get(api, ME), get(api, "/"), get(api, headers=refused), get(api, ME, headers=refused)]
    assert [response.status_code for response in responses] == [200, 200, 404, 403, 403]
    named = [response for response in responses if "anthropic-organization-id" in response.headers]
    assert {response.status_code for response in named} == statuses
    assert {response.headers["anthropic-organization-id"] for response in named} <= {api.organization.id}


def test_the_organization_is_in_every_header_by_default_but_not_in_those_of_a_response_that_a_fault_made(
    get: Get, api: SimulatedApi
) -> None:
    api.fault = lambda request, number: error_response(403, "no") if number == 1 else None
    assert "anthropic-organization-id" not in get(api).headers
    assert get(api, "/").headers["anthropic-organization-id"] == api.organization.id


def test_the_sample_organization_restates_some_final_days_and_no_others() -> None:
    organization = SampleOrganization()
    restated = []
    for number in range(28):
        day = dt.date(2026, 10, 1) + dt.timedelta(days=number)
        midnight = dt.datetime.combine(day, dt.time(), dt.timezone.utc)
        early, late = (organization.records(day, midnight + dt.timedelta(hours=hours)) for hours in (30, 55))
        assert all(row in late for row in early)
        restated += [day.day] if len(early) < len(late) else []
    assert restated == [1, 19, 28]
