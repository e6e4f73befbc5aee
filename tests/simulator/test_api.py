"""Promises of the simulated API: routes, credentials, parameters, paging, rate limit, log and clock."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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


def test_only_get_on_the_exact_paths_exists(get: Get, api: SimulatedApi) -> None:
    for path in ("/", REPORT + "/", "/v1/organizations/usage_report", ME + "/x"):
        response = get(api, path)
        assert message(response, 404)
        assert response.json()["error"]["type"] == "not_found_error"
    for path in (REPORT, ME):
        message(get(api, path, method="POST"), 405)


def test_the_organization_is_named(get: Get, api: SimulatedApi) -> None:
    response = get(api, ME)
    assert response.json() == {"id": api.organization.id, "type": "organization", "name": "Scripted Organization"}
    assert response.headers["anthropic-organization-id"] == api.organization.id


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


def test_a_page_has_twenty_records_by_default_and_can_be_made_smaller(get: Get, api: SimulatedApi) -> None:
    assert len(get(api).json()["data"]) == 20
    api.page_size = 10
    assert [len(get(api, limit=limit).json()["data"]) for limit in (1000, 7)] == [10, 7]


@pytest.mark.parametrize("day", ["2025-01-21", "2026-09-02", "2026-09-21"])
def test_a_day_without_data_past_or_future_is_an_empty_page(get: Get, api: SimulatedApi, day: str) -> None:
    api.organization = ScriptedOrganization({DAY: people(1), dt.date(2026, 9, 21): people(1)})
    response = get(api, starting_at=day)
    assert response.content == b'{"data":[],"has_more":false,"next_page":null}'
    assert response.headers["content-type"] == "application/json"


def test_a_token_is_opaque_base64_with_padding_and_belongs_to_its_day(get: Get, api: SimulatedApi) -> None:
    token = get(api).json()["next_page"]
    base64.b64decode(token.removeprefix("page_"), validate=True)
    assert token.endswith("=")
    assert "another starting_at" in message(get(api, starting_at="2026-09-02", page=token), 400)


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


def test_the_oldest_sessions_expire(get: Get, api: SimulatedApi) -> None:
    token = get(api).json()["next_page"]
    for day in range(40):
        get(api, starting_at=DAY - dt.timedelta(days=day + 1))
    assert message(get(api, page=token), 400) == "page: Page token has expired"


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


def test_a_client_that_waits_as_long_as_announced_is_let_through() -> None:
    limit, now = RateLimit(burst=2, per_second=0.3), NOW
    assert [limit.take(now), limit.take(now)] == [0, 0]
    for _ in range(100):
        now += dt.timedelta(seconds=limit.take(now))
        assert limit.take(now) == 0
    assert limit.take(NOW) > 0  # a clock that goes back gives nothing


def test_every_response_has_an_id_and_the_date_of_the_apis_clock(get: Get, api: SimulatedApi) -> None:
    moment = dt.datetime(1994, 11, 6, 3, 49, 37, 999_999, tzinfo=dt.timezone(dt.timedelta(hours=-5)))
    api.clock = lambda: moment
    api.fault = lambda request, number: httpx.Response(502, html="<h1>Bad gateway</h1>") if number == 2 else None
    responses = [get(api), get(api), get(api, ME), get(api, "/"), get(api, limit=0)]
    assert [response.status_code for response in responses] == [200, 502, 200, 404, 400]
    assert len({response.headers["request-id"] for response in responses}) == 5
    assert {response.headers["date"] for response in responses} == {"Sun, 06 Nov 1994 08:49:37 GMT"}


def test_the_date_is_that_of_sending_and_can_be_set_apart_from_the_clock(get: Get, api: SimulatedApi) -> None:
    now = NOW

    def sleep(seconds: float) -> None:
        nonlocal now
        now += dt.timedelta(seconds=seconds)

    api.clock, api.sleep, api.latency = (lambda: now), sleep, 5.0
    assert get(api).headers["date"] == "Sun, 20 Sep 2026 12:00:05 GMT"
    api.date_clock = lambda: now - dt.timedelta(hours=9)
    assert get(api).headers["date"] == "Sun, 20 Sep 2026 03:00:10 GMT"


def test_a_response_that_takes_longer_than_the_client_waits_is_a_timeout(api: SimulatedApi) -> None:
    slept: list[float] = []
    api.latency, api.sleep = 2.5, slept.append
    with httpx.Client(transport=api.transport, base_url="https://api.example.test") as client:
        assert client.get(ME, timeout=3).status_code == 401
        with pytest.raises(httpx.ReadTimeout):
            client.get(ME, timeout=2)
    assert slept == [2.5, 2]
    assert [request.status for request in api.requests] == [401, None]


def test_the_log_has_every_request_but_no_secret(get: Get, api: SimulatedApi) -> None:
    get(api, limit=5, headers={"X-Api-Key": KEY.admin_key, "User-Agent": "Me/1.0"})
    get(api, ME, headers={"Authorization": f"Bearer {KEY.oauth_token}", **VERSION})
    first, second = api.requests
    assert (first.method, first.path, first.status) == ("GET", REPORT, 400)
    assert first.params == {"starting_at": "2026-09-01", "limit": "5"}
    assert (first.headers["user-agent"], first.headers["x-api-key"]) == ("Me/1.0", "[redacted]")
    assert (second.path, second.status) == (ME, 200)
    assert "sk-ant" not in repr(api.requests)


def test_several_threads_may_read_at_once(read_day: ReadDay) -> None:
    sample = SampleOrganization()
    api = SimulatedApi(sample, clock=lambda: NOW)
    days = [DAY + dt.timedelta(days=n) for n in range(14)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda day: read_day(api, starting_at=day, limit=9), days))
    assert found == [sample.records(day, NOW) for day in days]
