"""The client gives a day whole or an error that names it, is polite, and keeps the credential to itself."""

from __future__ import annotations

import datetime as dt
import json
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from claude_code_analytics import (
    AnalyticsClient,
    ApiError,
    ApiUnavailable,
    ConfigurationError,
    CredentialRefused,
    RequestRefused,
    UnexpectedResponse,
)
from claude_code_analytics.api.client import FAULTS_PER_REQUEST
from claude_code_analytics.api.responses import retry_after
from claude_code_analytics.claude_code.pages import FetchedDay
from claude_code_simulator import SimulatedApi, error_response, record

DAY = dt.date(2026, 9, 1)
NEXT_DAY = dt.date(2026, 9, 2)
ME = "/v1/organizations/me"
REPORT = "/v1/organizations/usage_report/claude_code"
Connect = Callable[..., AnalyticsClient]
Answer = Callable[[], "httpx.Response | Exception"]


def days_of(count: int) -> list[dt.date]:
    return [DAY + dt.timedelta(days=number) for number in range(count)]


def people(count: int, day: dt.date = DAY) -> list[dict[str, Any]]:
    return [record(day, email=f"dev{number}@example.test") for number in range(count)]


def first(*answers: Answer) -> Callable[[httpx.Request, int], httpx.Response | Exception | None]:
    """A fault hook that gives these answers to the first questions, and lets the others through."""
    waiting = list(answers)
    lock = threading.Lock()

    def fault(request: httpx.Request, number: int) -> httpx.Response | Exception | None:
        with lock:
            return waiting.pop(0)() if waiting else None

    return fault


def always(answer: Answer) -> Callable[[httpx.Request, int], httpx.Response | Exception | None]:
    return lambda request, number: answer()


def limited(**headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: error_response(429, "This request would exceed your rate limit.", headers=named)


def page(*records: Any, next_page: str | None = None) -> Answer:
    body = {"data": records, "has_more": next_page is not None, "next_page": next_page}
    return lambda: httpx.Response(200, json=body)


# Pages


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (1, 1), (999, 1), (1000, 1), (1001, 2), (2000, 2), (2001, 3)])
def test_a_day_is_read_to_its_last_page(api: SimulatedApi, connect: Connect, count: int, pages: int) -> None:
    api.organization.days[DAY] = people(count)
    day = connect().day(DAY)
    assert len(day.bodies) == pages == len(api.requests)
    assert [found["actor"] for found in day.records()] == [sent["actor"] for sent in people(count)]


def test_an_empty_page_that_has_more_does_not_end_the_day(api: SimulatedApi, connect: Connect) -> None:
    api.empty_first_page = True
    api.organization.days[DAY] = people(3)
    assert len(connect().day(DAY).records()) == 3


def test_every_page_is_asked_for_as_the_reference_says(api: SimulatedApi, connect: Connect) -> None:
    api.unknown_parameters = "reject"
    api.organization.days[DAY] = people(2001)
    day = connect().day(DAY)
    assert [set(request.params) for request in api.requests] == [
        {"starting_at", "limit"},
        {"starting_at", "limit", "page"},
        {"starting_at", "limit", "page"},
    ]
    for request in api.requests:
        assert (request.method, request.path) == ("GET", REPORT)
        assert (request.params["starting_at"], request.params["limit"]) == ("2026-09-01", "1000")
        assert request.headers["anthropic-version"] == "2023-06-01"
        assert request.headers["user-agent"].startswith("claude-code-analytics/")
        assert "origin" not in request.headers
    assert day.request_id


def test_days_come_in_the_order_asked_for(api: SimulatedApi, connect: Connect) -> None:
    for day in days_of(20):
        api.organization.days[day] = people(2, day)
    assert [day.date for day in connect().days(days_of(20))] == days_of(20)
    assert len(api.requests) == 20


def test_no_more_days_than_allowed_are_in_flight(api: SimulatedApi, connect: Connect) -> None:
    under_way, most, lock = 0, 0, threading.Lock()
    together = threading.Barrier(3)

    def send(request: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        if request.url.params["starting_at"] != DAY.isoformat():
            together.wait(timeout=10)  # three must be here at once, or this breaks
        with lock:
            under_way -= 1
        return api.handle(request)

    with connect(transport=httpx.MockTransport(send), max_concurrent_days=3) as client:
        assert len(list(client.days(days_of(10)))) == 10
    assert most == 3


# Credentials


def test_a_key_goes_into_x_api_key_and_a_token_into_authorization(api: SimulatedApi, connect: Connect) -> None:
    assert connect(api_key=api.credentials.admin_key).organization_id() == api.organization.id
    assert connect(api_key=api.credentials.service_key).organization_id() == api.organization.id
    assert connect(access_token=api.credentials.oauth_token).organization_id() == api.organization.id
    assert ["x-api-key" in request.headers for request in api.requests] == [True, True, False]
    assert ["authorization" in request.headers for request in api.requests] == [False, False, True]


def test_a_token_is_used_instead_of_a_key(api: SimulatedApi, connect: Connect) -> None:
    connect(api_key="sk-wrong", access_token=api.credentials.oauth_token).day(DAY)
    assert "x-api-key" not in api.requests[0].headers


def test_white_space_around_a_credential_is_dropped(api: SimulatedApi, connect: Connect) -> None:
    connect(api_key=f"  {api.credentials.admin_key}\r\n").day(DAY)
    connect(access_token=f"\t{api.credentials.oauth_token} ").day(DAY)


@pytest.mark.parametrize("name", ["api_key", "access_token"])
@pytest.mark.parametrize(
    "odd", ["sk-secret\nsecond-line", "sk-secret second", "sk-secret\x00", "sk-sécret", "sk-\u2028x"]
)
def test_a_credential_that_no_header_can_carry_is_refused_without_being_shown(
    connect: Connect, name: str, odd: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} holds spaces or characters") as caught:
        connect(**{name: odd})
    assert "sk-" not in str(caught.value)


@pytest.mark.parametrize("nothing", [None, "", "   "])
def test_without_a_credential_nothing_is_asked(api: SimulatedApi, clock: Any, nothing: str | None) -> None:
    client = AnalyticsClient(api_key=nothing, transport=api.transport, clock=clock)
    with pytest.raises(ConfigurationError, match=r"no credential: set .*ANTHROPIC_ADMIN_KEY"):
        client.day(DAY)
    with pytest.raises(ConfigurationError, match=r"no credential"):
        list(client.days([DAY]))
    assert api.requests == []


@pytest.mark.parametrize(
    ("kind", "status", "advice"),
    [
        ("unknown_key", 401, "use an Admin API key"),
        ("workspace_key", 403, "usually belongs to a workspace"),
        ("enterprise_key", 403, "usually is an Enterprise Analytics key"),
        ("oauth_as_key", 401, "looks like an OAuth token: set it as access_token"),
        ("expired_oauth_token", 401, "get a fresh OAuth token with the org:admin scope"),
        ("unscoped_oauth_token", 403, "get a fresh OAuth token with the org:admin scope"),
    ],
)
def test_a_refused_credential_is_explained_by_its_kind(
    api: SimulatedApi, connect: Connect, kind: str, status: int, advice: str
) -> None:
    text = {"unknown_key": "sk-ant-admin01-unknown", "oauth_as_key": api.credentials.oauth_token}.get(kind)
    text = text or getattr(api.credentials, kind)
    client = connect(**{"access_token" if kind.endswith("oauth_token") else "api_key": text})
    with pytest.raises(CredentialRefused, match=f"2026-09-01: .*{advice}.*request-id req_") as caught:
        client.day(DAY)
    assert (caught.value.status, caught.value.day) == (status, DAY)
    assert text not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("concurrent", [1, 4, 16])
def test_a_refused_credential_is_asked_a_handful_of_times_at_most(
    api: SimulatedApi, connect: Connect, concurrent: int
) -> None:
    client = connect(api_key="sk-ant-admin01-revoked", max_concurrent_days=concurrent)
    client.organization_id()
    for _ in range(3):
        with pytest.raises(CredentialRefused):
            list(client.days(days_of(60)))
    assert len(api.requests) <= 1 + concurrent


def test_a_credential_that_is_revoked_on_the_way_is_refused_and_not_given_up_on(
    api: SimulatedApi, connect: Connect
) -> None:
    api.fault = lambda request, number: error_response(401, "invalid x-api-key") if number > 5 else None
    with pytest.raises(CredentialRefused, match=r"invalid x-api-key"):
        list(connect().days(days_of(60)))
    assert len(api.requests) <= 5 + 4


def test_no_credential_in_any_error_or_log(
    api: SimulatedApi, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key = "sk-ant-admin01-very-secret"
    answers: list[Answer] = [
        lambda: error_response(401, f"invalid x-api-key {key}"),
        lambda: error_response(400, f"header x-api-key: {key} is odd"),
        lambda: httpx.Response(502, text=f"<html>x-api-key: {key}</html>"),
        lambda: httpx.Response(200, text=f"x-api-key: {key}"),
        lambda: httpx.Response(301, headers={"location": f"https://elsewhere.test/?key={key}"}),
        lambda: error_response(429, f"slow down, {key}"),
        lambda: httpx.ConnectError(f"no route for {key}"),
    ]
    for answer in answers:
        api.fault = always(answer)
        client = connect(api_key=key)
        client.organization_id() if answer is not answers[5] else None
        with pytest.raises(ApiError) as caught:
            client.day(DAY)
        assert key not in str(caught.value)
        assert key not in repr(client)
    assert key not in caplog.text


def test_a_key_is_never_shown(connect: Connect) -> None:
    client = connect(api_key="sk-ant-admin01-very-secret")
    assert "very-secret" not in repr(client._credential)


def test_redirects_are_not_followed(api: SimulatedApi, connect: Connect) -> None:
    api.fault = always(lambda: httpx.Response(307, headers={"location": "https://elsewhere.test/v1"}))
    with pytest.raises(RequestRefused, match=r"redirect \(307\), which is never followed; check base_url"):
        connect().day(DAY)
    assert len(api.requests) == 1


# Rate limits


NOW = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30),
        ("0.5", 0.5),
        (" 7 ", 7),
        (format_datetime(NOW + dt.timedelta(seconds=90), usegmt=True), 90),
        ("Sun, 20 Sep 2026 12:01:00", 60),
        (format_datetime(NOW - dt.timedelta(seconds=90), usegmt=True), None),
        ("0", None),
        ("-5", None),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("5s", None),
        ("Wed, 99 Foo 2026", None),
        ("Wed, 21 Oct 99999999999999999999 07:28:00 GMT", None),
        ("Wed, 21 Oct 2026 07:28:00 +99999999999999999999", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after(httpx.Response(429, headers={"retry-after": value}), NOW) == seconds


def test_a_huge_retry_after_is_still_a_time() -> None:
    for value in ("1e15", "99999999999999999999", "1e300"):
        found = retry_after(httpx.Response(429, headers={"retry-after": value}), NOW)
        assert found is not None
        assert NOW + dt.timedelta(seconds=found) > NOW + dt.timedelta(minutes=30)


@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        ({"retry_after": "42"}, 42),
        ({"retry_after": format_datetime(NOW + dt.timedelta(seconds=42), usegmt=True)}, 42),
        ({}, 1),
        ({"retry_after": "odd"}, 1),
        ({"anthropic_ratelimit_requests_reset": "2026-09-20T11:00:00Z"}, 1),
        ({"anthropic_ratelimit_requests_reset": "2026-09-20T18:00:00Z"}, 1),
        ({"retry_after": "3", "anthropic_ratelimit_requests_reset": "2026-09-20T18:00:00Z"}, 3),
    ],
)
def test_a_rate_limit_is_waited_for(
    api: SimulatedApi, connect: Connect, clock: Any, headers: dict[str, str], waited: float
) -> None:
    api.organization.days[DAY] = people(3)
    api.fault = first(limited(**headers))
    assert len(connect().day(DAY).records()) == 3
    assert sum(clock.slept) == waited


def test_waits_without_retry_after_outlast_a_minute(api: SimulatedApi, connect: Connect, clock: Any) -> None:
    api.fault = first(*[limited()] * 8)
    connect().day(DAY)
    assert clock.slept == [1, 2, 4, 8, 16, 32, 64, 120]


def test_everyone_waits_while_one_waits(api: SimulatedApi, connect: Connect, clock: Any) -> None:
    asked_at: list[dt.datetime] = []

    def fault(request: httpx.Request, number: int) -> httpx.Response | None:
        asked_at.append(clock.now)
        return limited(retry_after="60")() if number == 1 else None

    api.fault = fault
    assert len(list(connect(max_concurrent_days=8).days(days_of(12)))) == 12
    assert all(moment >= asked_at[0] + dt.timedelta(seconds=60) for moment in asked_at[1:])


@pytest.mark.parametrize("headers", [{}, {"retry_after": "60"}, {"retry_after": "1801"}, {"retry_after": "1e300"}])
def test_thirty_minutes_without_an_answer_are_a_clean_stop(
    api: SimulatedApi, connect: Connect, clock: Any, headers: dict[str, str]
) -> None:
    began = clock.now
    api.fault = always(limited(**headers))
    with pytest.raises(ApiUnavailable, match=r"2026-09-01: .*429.*run again later.*request-id") as caught:
        connect().day(DAY)
    assert caught.value.status == 429
    assert clock.now - began <= dt.timedelta(minutes=31)


@pytest.mark.parametrize("headers", [{}, {"retry_after": "60"}, {"retry_after": "7200"}, {"retry_after": "1e300"}])
def test_a_rate_limit_at_the_very_first_question_does_not_wait_longer(
    api: SimulatedApi, connect: Connect, clock: Any, headers: dict[str, str]
) -> None:
    began = clock.now
    api.fault = always(limited(**headers))
    client = connect()
    with pytest.raises(ApiUnavailable, match=r"429"):  # noqa: PT012  # whichever of the two stops
        client.organization_id()
        list(client.days(days_of(3)))
    assert clock.now - began <= dt.timedelta(minutes=35)


def test_a_limit_that_lets_one_through_now_and_then_is_endured(api: SimulatedApi, connect: Connect, clock: Any) -> None:
    answers = dict.fromkeys(days_of(5), 0)

    def fault(request: httpx.Request, number: int) -> httpx.Response | None:
        day = dt.date.fromisoformat(request.url.params["starting_at"])
        answers[day] += 1
        return limited(retry_after="1000")() if answers[day] == 1 else None

    api.fault = fault
    assert len(list(connect(max_concurrent_days=1).days(days_of(5)))) == 5
    assert 5000 <= sum(clock.slept) < 5100  # what the API asked for, and a moment between two requests


def test_a_spend_limit_is_not_waited_for(api: SimulatedApi, connect: Connect, clock: Any) -> None:
    error = {"type": "rate_limit_error", "message": "limit", "details": {"error_code": "enforced_spend_limit_reached"}}
    api.fault = always(lambda: httpx.Response(429, json={"type": "error", "error": error}))
    with pytest.raises(RequestRefused, match=r"spend limit is reached, and waiting does not help"):
        connect().day(DAY)
    assert (len(api.requests), clock.slept) == (1, [])


# Faults


FAULTS: dict[str, Answer] = {
    "500": lambda: error_response(500, "Internal server error"),
    "502 HTML": lambda: httpx.Response(502, text="<html>\n<h1>Bad Gateway</h1>\n</html>"),
    "503 empty": lambda: httpx.Response(503),
    "529": lambda: error_response(529, "Overloaded", headers={"retry-after": "5"}),
    "408": lambda: httpx.Response(408),
    "409": lambda: error_response(409, "Conflict"),
    "time-out": lambda: httpx.ReadTimeout("too slow"),
    "reset": lambda: httpx.RemoteProtocolError("peer closed connection"),
    "no route": lambda: httpx.ConnectError("no route to host"),
    "truncated": lambda: httpx.Response(200, content=b'{"data":[{"date":"2026-09-01T00:00'),
    "empty": lambda: httpx.Response(200, content=b""),
    "HTML": lambda: httpx.Response(200, text="<html>Sign in</html>"),
    "not UTF-8": lambda: httpx.Response(200, content=b'{"data":[],"has_more":false,"x":"\xff"}'),
    "not gzip": lambda: httpx.Response(200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(b"no gzip")),
    "wrong shape": lambda: httpx.Response(200, json={"data": {"date": "2026-09-01"}, "has_more": False}),
    "error with 200": lambda: httpx.Response(200, json={"type": "error", "error": {"message": "sorry"}}),
    "more without token": lambda: httpx.Response(200, json={"data": [], "has_more": True, "next_page": None}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_passing_fault_is_asked_again(api: SimulatedApi, connect: Connect, name: str) -> None:
    api.organization.days[DAY] = people(1500)
    api.fault = first(FAULTS[name], lambda: FAULTS[name](), lambda: FAULTS[name]())
    assert len(connect().day(DAY).records()) == 1500


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_stays_is_one_error_that_names_the_day(
    api: SimulatedApi, connect: Connect, clock: Any, name: str
) -> None:
    api.fault = always(FAULTS[name])
    with pytest.raises((ApiUnavailable, UnexpectedResponse), match=r"2026-09-01: .*run again") as caught:
        connect().day(DAY)
    assert len(api.requests) == FAULTS_PER_REQUEST
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert 30 <= sum(clock.slept) <= 180
    if caught.value.status:
        assert caught.value.request_id
        assert caught.value.request_id in str(caught.value)


def test_a_fault_in_the_middle_of_a_day_loses_no_page(api: SimulatedApi, connect: Connect) -> None:
    api.organization.days[DAY] = people(3000)
    api.fault = lambda request, number: httpx.ReadTimeout("slow") if number % 2 == 0 else None
    assert len(connect().day(DAY).records()) == 3000


def test_a_failed_day_ends_the_others(api: SimulatedApi, connect: Connect) -> None:
    bad = days_of(60)[2]

    def fault(request: httpx.Request, number: int) -> httpx.Response | None:
        return error_response(400, "odd") if request.url.params["starting_at"] == bad.isoformat() else None

    api.fault = fault
    read: list[dt.date] = []
    with pytest.raises(RequestRefused, match=r"2026-09-03: .*400 odd"):
        read.extend(day.date for day in connect().days(days_of(60)))
    assert len(api.requests) < 30


def test_days_are_given_as_they_were_prepared_in_the_order_asked_for(connect: Connect) -> None:
    def prepare(day: FetchedDay) -> FetchedDay:
        return replace(day, request_id=f"prepared {day.date}")

    given = list(connect().days(days_of(20), prepare=prepare))

    assert [day.request_id for day in given] == [f"prepared {date}" for date in days_of(20)]


def test_a_day_that_cannot_be_prepared_is_an_error_of_its_turn(connect: Connect) -> None:
    def prepare(day: FetchedDay) -> FetchedDay:
        if day.date == days_of(5)[3]:
            raise UnexpectedResponse("odd", day=day.date)
        return day

    read: list[dt.date] = []
    with pytest.raises(UnexpectedResponse, match="2026-09-04: odd"):
        read.extend(day.date for day in connect().days(days_of(5), prepare=prepare))
    assert read == days_of(3)


def test_days_that_were_read_ahead_are_read_again_where_they_are_wanted_otherwise(
    api: SimulatedApi, connect: Connect
) -> None:
    def first(day: FetchedDay) -> FetchedDay:
        return replace(day, request_id="first")

    def second(day: FetchedDay) -> FetchedDay:
        return replace(day, request_id="second")

    client = connect()
    with client.reading_ahead(days_of(4)):
        assert [day.request_id for day in client.days(days_of(2), prepare=first)] == ["first"] * 2
        assert [day.request_id for day in client.days(days_of(4)[2:], prepare=second)] == ["second"] * 2


@pytest.mark.parametrize("status", [400, 402, 404, 405, 413, 422])
def test_a_refused_request_is_asked_once_and_explained(api: SimulatedApi, connect: Connect, status: int) -> None:
    api.fault = always(lambda: error_response(status, "starting_at: odd", request_id="req_for_support"))
    with pytest.raises(RequestRefused, match=r"2026-09-01: .*starting_at: odd; .*\[request-id req_for_support\]"):
        connect().day(DAY)
    assert len(api.requests) == 1


def test_the_request_id_is_found_in_the_body_where_no_header_has_it(api: SimulatedApi, connect: Connect) -> None:
    def send(request: httpx.Request) -> httpx.Response:
        return httpx.Response(404, json={"type": "error", "error": {"message": "no"}, "request_id": "req_body"})

    with pytest.raises(RequestRefused, match=r"\[request-id req_body\]"):
        connect(transport=httpx.MockTransport(send)).day(DAY)


# Cursors


def test_a_cursor_that_expired_makes_the_day_start_over_once(api: SimulatedApi, connect: Connect) -> None:
    api.organization.days[DAY] = people(2500)
    refused = False

    def fault(request: httpx.Request, number: int) -> httpx.Response | None:
        nonlocal refused
        if number == 3 and not refused:
            refused = True
            return error_response(400, "page: Page token has expired")
        return None

    api.fault = fault
    assert len(connect().day(DAY).records()) == 2500
    assert ["page" in request.params for request in api.requests] == [False, True, True, False, True, True]


def test_a_cursor_that_keeps_expiring_is_an_error(api: SimulatedApi, connect: Connect) -> None:
    api.organization.days[DAY] = people(2500)
    api.page_lifetime = dt.timedelta(seconds=-1)
    with pytest.raises(RequestRefused, match=r"2026-09-01: .*Page token has expired"):
        connect().day(DAY)
    assert len(api.requests) == 4


def test_a_cursor_that_repeats_makes_the_day_start_over_once(api: SimulatedApi, connect: Connect) -> None:
    api.organization.days[DAY] = people(2)
    api.fault = first(page(next_page="page_a"), page(next_page="page_a"))
    assert len(connect().day(DAY).records()) == 2
    api.requests.clear()
    api.fault = always(page(next_page="page_a"))
    with pytest.raises(UnexpectedResponse, match=r"2026-09-01: .*leads in circles; nothing of this day was loaded"):
        connect().day(DAY)
    assert len(api.requests) == 4


def test_a_cursor_that_leads_in_a_wider_circle_is_found_too(api: SimulatedApi, connect: Connect) -> None:
    api.fault = lambda request, number: page(next_page=f"page_{number % 3}")()  # type: ignore[return-value]
    with pytest.raises(UnexpectedResponse, match=r"leads in circles"):
        connect().day(DAY)
    assert len(api.requests) == 8


def test_records_of_another_day_make_the_day_start_over_once(api: SimulatedApi, connect: Connect) -> None:
    api.organization.days[DAY] = people(2)
    api.fault = first(page(record(NEXT_DAY)))
    assert len(connect().day(DAY).records()) == 2
    api.organization.days[DAY] = [record(DAY), record(NEXT_DAY)]
    api.requests.clear()
    with pytest.raises(
        UnexpectedResponse, match=r"2026-09-01: .*records of 2026-09-02; nothing of this day was loaded"
    ):
        connect().day(DAY)
    assert len(api.requests) == 2


def test_a_day_written_without_time_is_the_same_day(api: SimulatedApi, connect: Connect) -> None:
    api.organization.days[DAY] = [record(DAY, date="2026-09-01")]
    assert len(connect().day(DAY).records()) == 1


# The organization


def test_the_organization_is_asked_for_once(api: SimulatedApi, connect: Connect) -> None:
    client = connect()
    assert [client.organization_id(), client.organization_id()] == [api.organization.id] * 2
    assert [request.path for request in api.requests] == [ME]


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_an_organization_that_is_not_told_is_no_error(api: SimulatedApi, connect: Connect, status: int) -> None:
    api.fault = always(lambda: error_response(status, "not for you"))
    client = connect()
    assert [client.organization_id(), client.organization_id()] == [None, None]
    assert "not for you" in str(client.organization_problem)


@pytest.mark.parametrize("answer", [{}, [], None, {"id": None}, {"id": ""}, {"id": 5}, "me"])
def test_an_answer_without_an_id_names_no_organization(api: SimulatedApi, connect: Connect, answer: Any) -> None:
    api.fault = always(lambda: httpx.Response(200, content=json.dumps(answer).encode()))
    assert connect().organization_id() is None


# Where the API is


@pytest.mark.parametrize("odd", ["", "api.anthropic.com", "ftp://api.anthropic.com", "https://", "http://", None, 5])
def test_a_base_url_that_is_none_is_refused(connect: Connect, odd: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"base_url is no http\(s\) address"):
        connect(base_url=odd)


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_proxy_with_a_path_can_stand_in_front(api: SimulatedApi, connect: Connect, slash: str) -> None:
    asked: list[str] = []

    def send(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url.copy_with(query=None)))
        return page()()  # type: ignore[return-value]

    connect(transport=httpx.MockTransport(send), base_url=f"https://proxy.test/anthropic{slash}").day(DAY)
    assert asked == [f"https://proxy.test/anthropic{REPORT}"]


def test_an_unencrypted_address_is_warned_about(connect: Connect, warnings_of: Callable[[], list[str]]) -> None:
    connect(base_url="http://localhost:8000")
    assert warnings_of() == []
    connect(base_url="http://proxy.test")
    assert "not encrypted" in warnings_of()[0]
