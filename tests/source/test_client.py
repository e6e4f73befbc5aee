"""The client reads a day whole or raises one error that names it, is polite, and keeps credentials and runs apart."""

from __future__ import annotations

import datetime as dt
import json
import logging
import threading
from collections.abc import Callable, Iterator
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
    UndecodableDay,
    UnexpectedResponse,
)
from claude_code_analytics.api.client import Organization, Session
from claude_code_analytics.api.prefetch import Prefetcher
from claude_code_analytics.api.responses import retry_after
from claude_code_analytics.claude_code.pages import FetchedDay, fetch_day
from claude_code_analytics.dates import is_final as is_final_at
from claude_code_simulator import SimulatedApi, error_response, record

DAY = dt.date(2026, 9, 1)
NOW = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)
KEY = "sk-ant-admin01-very-secret"
HEADER = "anthropic-organization-id"
ME = "/v1/organizations/me"
REPORT = "/v1/organizations/usage_report/claude_code"
Connect = Callable[..., AnalyticsClient]
Reply = Callable[[], "httpx.Response | Exception"]
Hook = Callable[[httpx.Request, int], "httpx.Response | Exception | None"]


def days_of(count: int) -> list[dt.date]:
    return [DAY + dt.timedelta(days=number) for number in range(count)]


def people(count: int, day: dt.date = DAY) -> list[dict[str, Any]]:
    return [record(day, email=f"dev{number}@example.test") for number in range(count)]


def records(day: FetchedDay) -> list[dict[str, Any]]:
    return [found for body in day.bodies for found in json.loads(body)["data"]]


def first(*replies: Reply) -> Hook:
    """Sends these replies to the first requests, and lets the others through."""
    waiting, lock = list(replies), threading.Lock()

    def fault(request: httpx.Request, number: int) -> httpx.Response | Exception | None:
        with lock:
            return waiting.pop(0)() if waiting else None

    return fault


def always(reply: Reply) -> Hook:
    return lambda request, number: reply()


def limited(**headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: error_response(429, "This request would exceed your rate limit.", headers=named)


def page(*found: Any, next_page: str | None = None) -> Reply:
    body = {"data": found, "has_more": next_page is not None, "next_page": next_page}
    return lambda: httpx.Response(200, json=body)


def read(session: Session, days: list[dt.date], at_once: int = 4) -> Iterator[FetchedDay]:
    """Reads days as the source does."""
    fetch = Prefetcher(lambda day: fetch_day(session, day), at_once=at_once, size_of=lambda day: day.nbytes)
    try:
        yield from fetch.results(days, lambda: None)
    finally:
        fetch.stop()
        session.cancel()


@pytest.fixture
def session(connect: Connect) -> Session:
    return connect().session()


# Pages of a day


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (1000, 1), (2001, 3)])
def test_a_day_is_read_to_its_last_page(api: SimulatedApi, session: Session, count: int, pages: int) -> None:
    api.organization.days[DAY] = people(count)
    day = fetch_day(session, DAY)
    assert (len(day.bodies), day.record_count) == (pages, count)
    assert records(day) == people(count)


def test_every_page_is_requested_as_the_reference_says(api: SimulatedApi, session: Session) -> None:
    api.organization.days[DAY] = people(2001)
    assert fetch_day(session, DAY).request_id
    assert [sorted(request.params) for request in api.requests] == [
        ["limit", "starting_at"],
        ["limit", "page", "starting_at"],
        ["limit", "page", "starting_at"],
    ]
    for request in api.requests:
        assert (request.method, request.path) == ("GET", REPORT)
        assert (request.params["starting_at"], request.params["limit"]) == ("2026-09-01", "1000")
        assert request.headers["anthropic-version"] == "2023-06-01"
        assert request.headers["user-agent"].startswith("dlt-claude-code-analytics/")


@pytest.mark.parametrize(("seconds", "is_final"), [(-1, False), (0, True)])
def test_a_day_is_final_by_the_time_of_its_first_request(
    api: SimulatedApi, session: Session, clock: Any, seconds: int, is_final: bool
) -> None:
    clock.now = dt.datetime(2026, 9, 2, 6, tzinfo=dt.timezone.utc) + dt.timedelta(seconds=seconds)
    api.latency, api.sleep = 2.0, clock.sleep
    began = clock.now
    day = fetch_day(session, DAY)
    assert (is_final_at(day.date, day.fetched_at), day.fetched_at) == (is_final, began)


def test_a_page_nested_too_deep_is_an_error_of_its_day_without_retries(api: SimulatedApi, session: Session) -> None:
    api.fault = always(lambda: httpx.Response(200, content=b'{"data":[' + b"[" * 100_000))
    with pytest.raises(UndecodableDay, match=r"2026-09-01: .*nested too deep.*request-id"):
        fetch_day(session, DAY)
    assert len(api.requests) == 1


# Cursors


def circle(length: int) -> Hook:
    return lambda request, number: page(next_page=f"page_{number % length}")()


@pytest.mark.parametrize(
    ("lost", "error"),
    [
        (lambda request, number: error_response(400, "page: expired") if "page" in request.url.params else None, "400"),
        (circle(1), "cursor leads in circles"),
        (circle(3), "cursor leads in circles"),
        (always(page(record(DAY + dt.timedelta(days=1)))), "returned records of 2026-09-02"),
    ],
)
def test_a_cursor_that_leads_nowhere_makes_the_day_start_over_once(
    api: SimulatedApi, connect: Connect, lost: Hook, error: str
) -> None:
    api.organization.days[DAY] = people(2001)
    starts = 0

    def once(request: httpx.Request, number: int) -> Any:
        nonlocal starts
        starts += "page" not in request.url.params
        return lost(request, number) if starts == 1 else None

    api.fault = once
    assert records(fetch_day(connect().session(), DAY)) == people(2001)

    api.requests.clear()
    api.fault = lost
    with pytest.raises((RequestRefused, UnexpectedResponse), match=f"2026-09-01: .*{error}"):
        fetch_day(connect().session(), DAY)
    assert ["page" in request.params for request in api.requests].count(False) == 2


def test_tokens_without_records_end_some_time(api: SimulatedApi, session: Session) -> None:
    api.fault = lambda request, number: page(next_page=f"page_{number}")()
    with pytest.raises(UnexpectedResponse, match="circles"):
        fetch_day(session, DAY)
    assert len(api.requests) == 2 * 101


# Faults


def test_a_body_of_one_byte_a_second_has_an_end(connect: Connect, clock: Any) -> None:
    class Trickle(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            while True:
                clock.move(seconds=1)
                yield b" "

    for encoding in ("identity", "gzip"):
        began = clock.now
        transport = httpx.MockTransport(
            lambda request, encoding=encoding: httpx.Response(  # type: ignore[misc]
                200, headers={"content-encoding": encoding}, stream=Trickle()
            )
        )
        with pytest.raises(ApiUnavailable, match=r"2026-09-01: .*did not respond in time"):
            fetch_day(connect(transport=transport).session(), DAY)
        assert clock.now - began < dt.timedelta(minutes=40)


def test_a_fault_is_retried_seven_times_about_a_minute_in_all(api: SimulatedApi, session: Session, clock: Any) -> None:
    busy = always(lambda: error_response(503, "busy"))
    api.fault = lambda request, number: busy(request, number) if number < 7 else None
    fetch_day(session, DAY)
    assert clock.slept == [1, 2, 4, 8, 16, 32]
    api.fault = busy
    with pytest.raises(ApiUnavailable, match=r"2026-09-01: the API kept failing \(503 busy\); run again later"):
        fetch_day(session, DAY)
    assert len(api.requests) == 7 + 7


@pytest.mark.parametrize(("seconds", "attempts", "warnings"), [(1, 7, 0), (60, 6, 5), (301, 2, 1)])
def test_a_host_that_falls_silent_is_named_and_tried_for_five_minutes_but_twice_at_least(
    api: SimulatedApi, session: Session, clock: Any, warnings_of: Any, seconds: int, attempts: int, warnings: int
) -> None:
    session.organization()

    def silent(request: httpx.Request, number: int) -> Exception:
        clock.move(seconds=seconds)
        return httpx.ReadTimeout("The read operation timed out", request=request)

    api.fault = silent
    with pytest.raises(ApiUnavailable, match="did not respond in time"):
        fetch_day(session, DAY)
    assert len(api.requests) == 1 + attempts
    assert [text.partition("; ")[2] for text in warnings_of()] == [
        f"trying again in {2**number} s" for number in range(warnings)
    ]
    assert all(
        text.startswith("2026-09-01: api.anthropic.com did not respond in time (ReadTimeout)") for text in warnings_of()
    )


def test_no_error_holds_the_request_and_with_it_the_credential(api: SimulatedApi, session: Session) -> None:
    api.fault = lambda request, number: httpx.ConnectError("refused", request=request)
    with pytest.raises(ApiUnavailable) as raised:
        fetch_day(session, DAY)
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)


def test_redirects_are_not_followed(api: SimulatedApi, session: Session) -> None:
    api.fault = always(lambda: httpx.Response(307, headers={"location": "https://elsewhere.test/v1"}))
    with pytest.raises(RequestRefused, match=r"redirect \(307\), which is never followed; check base_url"):
        fetch_day(session, DAY)
    assert len(api.requests) == 1


# Rate limits


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        *[("30", 30), ("0.5", 0.5), (" 7 ", 7), ("1e15", 86_400)],
        (format_datetime(NOW + dt.timedelta(seconds=90), usegmt=True), 90),
        ("Sun, 20 Sep 2026 12:01:00", 60),
        (format_datetime(NOW - dt.timedelta(seconds=90), usegmt=True), None),
        *[(odd, None) for odd in ("0", "-5", "", "soon", "nan", "inf", "5s", "Wed, 99 Foo 2026")],
        ("Wed, 21 Oct 99999999999999999999 07:28:00 GMT", None),
        ("Wed, 21 Oct 2026 07:28:00 +99999999999999999999", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after(httpx.Response(429, headers={"retry-after": value}), NOW) == seconds


@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        ({"retry_after": "42"}, 42),
        ({"retry_after": format_datetime(NOW + dt.timedelta(seconds=42), usegmt=True)}, 42),
        ({}, 1),
        ({"anthropic_ratelimit_requests_reset": "2026-09-20T18:00:00Z"}, 1),
    ],
)
def test_a_rate_limit_is_waited_out(
    api: SimulatedApi, connect: Connect, clock: Any, headers: dict[str, str], waited: float
) -> None:
    until: list[dt.datetime] = []
    api.fault = first(limited(**headers))
    fetch_day(connect().session(until.append), DAY)
    assert sum(clock.slept) == waited
    assert until == [NOW + dt.timedelta(seconds=waited)]


@pytest.mark.parametrize("after", [None, "1e300"])
def test_thirty_minutes_without_a_response_are_a_clean_stop(
    api: SimulatedApi, connect: Connect, clock: Any, after: str | None
) -> None:
    api.fault = always(limited(**({"retry_after": after} if after else {})))
    client = connect()
    with pytest.raises(ApiUnavailable, match=r"429.*run again later") as caught:
        client.session().organization()
    with pytest.raises(ApiUnavailable, match=r"2026-09-01: .*429.*run again later"):
        list(read(client.session(), days_of(3)))
    assert caught.value.status == 429
    assert clock.now - NOW <= dt.timedelta(minutes=65)


def test_twenty_minutes_of_rate_limits_are_endured_and_so_are_many_pauses(
    api: SimulatedApi, connect: Connect, clock: Any
) -> None:
    until = NOW + dt.timedelta(minutes=20)
    api.fault = lambda request, number: limited()() if clock.now < until else None
    assert len(list(read(connect().session(), days_of(3)))) == 3
    seen: set[str] = set()

    def once_a_day(request: httpx.Request, number: int) -> Any:
        day = request.url.params["starting_at"]
        return None if day in seen else (seen.add(day), limited(retry_after="1000")())[1]

    api.fault = once_a_day
    assert len(list(read(connect(max_concurrent_days=1).session(), days_of(5), at_once=1))) == 5
    assert clock.now - until > dt.timedelta(seconds=5000)


def test_rate_limits_between_faults_count_neither_as_attempts_nor_as_time(api: SimulatedApi, session: Session) -> None:
    def busy() -> httpx.Response:
        return error_response(503, "busy")

    mixed = [busy, limited(retry_after="301")] * 5
    api.fault = first(*mixed, busy)
    fetch_day(session, DAY)
    assert len(api.requests) == 5 + 5 + 2
    api.fault = first(*mixed, busy, busy)
    with pytest.raises(ApiUnavailable, match="503 busy"):
        fetch_day(session, DAY)


def test_a_spend_limit_is_not_waited_for(api: SimulatedApi, session: Session, clock: Any) -> None:
    error = {"type": "rate_limit_error", "message": "limit", "details": {"error_code": "enforced_spend_limit_reached"}}
    api.fault = always(lambda: httpx.Response(429, json={"type": "error", "error": error}))
    with pytest.raises(RequestRefused, match=r"spend limit is reached, and waiting does not help"):
        fetch_day(session, DAY)
    assert (len(api.requests), clock.slept) == (1, [])


def test_a_clock_set_back_while_a_rate_limit_is_waited_for_prolongs_no_wait(api: SimulatedApi) -> None:
    seconds, wall = [0.0], [NOW]

    def sleep(duration: float) -> None:
        seconds[0] += duration
        wall[0] -= dt.timedelta(hours=1)

    api.fault = first(limited(retry_after="30"))
    client = AnalyticsClient(
        api_key=api.credentials.admin_key,
        transport=api.transport,
        clock=lambda: wall[0],
        monotonic=lambda: seconds[0],
        sleep=sleep,
    )
    fetch_day(client.session(), DAY)
    assert seconds == [30]


@pytest.mark.parametrize("odd", [0, -1, 1.5, True])
def test_a_client_that_could_send_nothing_is_refused(connect: Connect, odd: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"max_concurrent_days is .*; it must be a whole number, 1 or more"):
        connect(max_concurrent_days=odd)


# Sessions


def test_sessions_of_one_client_have_observers_and_cancellations_of_their_own(
    api: SimulatedApi, connect: Connect
) -> None:
    client = connect()
    heard: tuple[list[dt.datetime], list[dt.datetime]] = ([], [])
    one, other = (client.session(until.append) for until in heard)
    api.fault = first(limited(retry_after="30"))
    fetch_day(one, DAY)
    one.cancel()
    assert fetch_day(other, DAY).date == DAY
    assert [len(until) for until in heard] == [1, 0]
    with pytest.raises(ApiUnavailable, match="2026-09-01: stopped"):
        fetch_day(one, DAY)
    api.fault = first(limited(retry_after="30"))
    fetch_day(other, DAY)
    assert [len(until) for until in heard] == [1, 1]


# Credentials


@pytest.mark.parametrize("name", ["api_key", "access_token"])
def test_a_key_goes_into_x_api_key_and_a_token_which_goes_first_into_authorization(
    api: SimulatedApi, connect: Connect, name: str
) -> None:
    given = {"api_key": f"  {api.credentials.admin_key}\r\n"}
    if name == "access_token":
        given = {"api_key": "sk-wrong", name: f"\t{api.credentials.oauth_token} "}
    fetch_day(connect(**given).session(), DAY)
    sent = {"x-api-key", "authorization"} & set(api.requests[0].headers)
    assert sent == {"x-api-key" if name == "api_key" else "authorization"}


@pytest.mark.parametrize("name", ["api_key", "access_token"])
@pytest.mark.parametrize("odd", ["sk-secret\nsecond-line", "sk-secret second", "sk-secret\x00", "sk-sécret"])
def test_a_credential_that_no_header_can_carry_is_refused_without_being_shown(
    connect: Connect, name: str, odd: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} holds spaces or characters") as caught:
        connect(**{name: odd})
    assert "sk-" not in str(caught.value)


@pytest.mark.parametrize("nothing", [None, "", "   "])
def test_without_a_credential_nothing_is_requested(api: SimulatedApi, clock: Any, nothing: str | None) -> None:
    client = AnalyticsClient(api_key=nothing, transport=api.transport, clock=clock)
    for request in (client.require_credential, client.session().organization, lambda: fetch_day(client.session(), DAY)):
        with pytest.raises(ConfigurationError, match=r"no credential: set .*ANTHROPIC_ADMIN_KEY"):
            request()
    assert api.requests == []


@pytest.mark.parametrize("name", ["api_key", "access_token", "transport", "clock", "monotonic", "sleep", "chance"])
def test_an_argument_of_another_type_is_refused_without_its_value(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name} is of type int; it must be of type [A-Za-z ]+$"):
        AnalyticsClient(**{"api_key": KEY, name: 5})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "status", "advice"),
    [
        ("sk-ant-admin01-unknown", 401, "use an Admin API key"),
        ('"sk-ant-admin01-quoted"', 401, "remove the quotes"),
        ("workspace_key", 403, "usually belongs to a workspace"),
        ("enterprise_key", 403, "usually is an Enterprise Analytics key"),
        ("oauth_token", 401, "looks like an OAuth token: set it as access_token"),
        ("expired_oauth_token", 401, "get a fresh OAuth token with the org:admin scope"),
        ("unscoped_oauth_token", 403, "get a fresh OAuth token with the org:admin scope"),
    ],
)
def test_a_refused_credential_is_explained_by_its_kind(
    api: SimulatedApi, connect: Connect, kind: str, status: int, advice: str
) -> None:
    text = getattr(api.credentials, kind, kind)
    client = connect(**{"access_token" if kind.endswith("d_oauth_token") else "api_key": text})
    with pytest.raises(CredentialRefused, match=f"2026-09-01: .*{advice}.*request-id req_") as caught:
        fetch_day(client.session(), DAY)
    assert (caught.value.status, caught.value.day) == (status, DAY)
    assert text.strip('"') not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_refused_credential_is_not_tried_again(api: SimulatedApi, connect: Connect) -> None:
    concurrent = 4
    api.fault = lambda request, number: error_response(401, "invalid x-api-key") if number > 5 else None
    session = connect(max_concurrent_days=concurrent).session()
    for _ in range(3):
        with pytest.raises(CredentialRefused, match=r"invalid x-api-key"):
            list(read(session, days_of(60), concurrent))
    assert len(api.requests) <= 5 + concurrent


ECHOES: list[Reply] = [
    lambda: error_response(401, f"invalid x-api-key {KEY}"),
    lambda: error_response(400, f"header x-api-key: {KEY} is odd"),
    lambda: httpx.Response(502, text=f"<html>x-api-key: {KEY}</html>"),
    lambda: httpx.Response(200, text=f"x-api-key: {KEY}"),
    lambda: httpx.Response(301, headers={"location": f"https://elsewhere.test/?key={KEY}"}),
    lambda: error_response(429, f"slow down, {KEY}"),
    lambda: httpx.ConnectError(f"no route for {KEY}"),
    lambda: httpx.Response(404, headers={"request-id": KEY}),
    lambda: error_response(404, f"{KEY}\x1b[2J\nerror: faked"),
]


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("given", [KEY, f'"{KEY}"'])
def test_neither_the_credential_nor_control_characters_are_in_any_error_or_log(
    api: SimulatedApi, connect: Connect, caplog: pytest.LogCaptureFixture, echo: Reply, given: str
) -> None:
    caplog.set_level(logging.DEBUG)
    api.fault = always(echo)
    client = connect(api_key=given)
    with pytest.raises(ApiError) as caught:
        fetch_day(client.session(), DAY)
    assert KEY not in f"{caught.value} {caught.value.request_id} {client!r} {client._credential!r} {caplog.text}"
    assert str(caught.value).isprintable()


# The organization


def test_the_organization_is_requested_once_a_session(api: SimulatedApi, connect: Connect) -> None:
    client = connect()
    session = client.session()
    organization = Organization(api.organization.id, api.organization.name, header_id=api.organization.id)
    assert [session.organization(), session.organization()] == [organization] * 2
    assert [request.path for request in api.requests] == [ME]
    client.session().organization()
    assert len(api.requests) == 2


@pytest.mark.parametrize("status", [403, 404, 400])
@pytest.mark.parametrize("header", [{HEADER: "org-of-the-header"}, {}])
def test_a_refusal_of_the_organization_is_a_problem_and_not_an_error_and_may_name_it_in_its_header(
    api: SimulatedApi, session: Session, status: int, header: dict[str, str]
) -> None:
    api.fault = first(lambda: error_response(status, "not for you", headers=header))
    organization = session.organization()
    assert (organization.id, organization.name) == (None, None)
    assert organization.header_id == header.get(HEADER)
    assert "not for you" in str(organization.problem)
    assert session.organization() is organization
    assert fetch_day(session, DAY).date == DAY


@pytest.mark.parametrize(("status", "error"), [(401, CredentialRefused), (307, RequestRefused), (503, ApiUnavailable)])
def test_any_other_failure_to_name_the_organization_is_an_error(
    api: SimulatedApi, session: Session, status: int, error: type[ApiError]
) -> None:
    api.fault = always(lambda: error_response(status, "no", headers={HEADER: "org-of-the-header"}))
    with pytest.raises(error):
        session.organization()


ODD_IDS = ["", "unknown", "Unknown", "a\nb", "\x1b[2J", f"org {KEY}", "x" * 300, " padded"]


@pytest.mark.parametrize("reply", [{}, [], None, "me", *({"id": odd} for odd in (None, 5, *ODD_IDS))])
def test_an_id_that_cannot_be_one_is_none(api: SimulatedApi, connect: Connect, reply: Any) -> None:
    api.fault = always(lambda: httpx.Response(200, content=json.dumps(reply).encode()))
    organization = connect(api_key=KEY).session().organization()
    assert (organization.id, organization.header_id) == (None, None)
    assert str(organization.problem).isprintable()
    assert KEY not in str(organization.problem)


@pytest.mark.parametrize("odd", ODD_IDS)
def test_an_id_in_a_header_that_cannot_be_one_is_none(api: SimulatedApi, connect: Connect, odd: str) -> None:
    api.fault = always(lambda: httpx.Response(200, headers={HEADER: odd}, json={"id": "own", "name": "Own"}))
    assert connect(api_key=KEY).session().organization() == Organization("own", "Own")


@pytest.mark.parametrize(
    ("name", "kept"), [("A\nB\x1b[2J  C", "A B [2J C"), (f"of {KEY}", "of ***"), ("", None), (None, None), (5, None)]
)
def test_the_name_of_the_organization_is_cleaned(api: SimulatedApi, connect: Connect, name: Any, kept: Any) -> None:
    api.fault = always(lambda: httpx.Response(200, json={"id": "own", "name": name}))
    assert connect(api_key=KEY).session().organization().name == kept


def test_every_response_has_the_organization_of_its_header(api: SimulatedApi, session: Session) -> None:
    params: dict[str, str | int] = {"starting_at": str(DAY)}
    assert session.get(REPORT, params, bytes).organization_id == api.organization.id
    api.fault = always(page())
    assert session.get(REPORT, params, bytes).organization_id is None


# The address


@pytest.mark.parametrize(
    "odd", ["", "api.anthropic.com", "ftp://api.anthropic.com", "https://api.anthropic.com:99999", "https://", None, 5]
)
def test_a_base_url_that_is_no_address_is_refused(connect: Connect, odd: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"base_url must be an http:// or https:// address"):
        connect(base_url=odd)


def test_a_password_in_base_url_is_refused_without_being_shown(connect: Connect) -> None:
    with pytest.raises(ConfigurationError, match="must not contain a user name, a password or a query") as caught:
        connect(base_url="https://me:geheim@proxy.test")
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_base_url_may_have_a_path(connect: Connect, slash: str) -> None:
    sent: list[str] = []

    def send(request: httpx.Request) -> Any:
        sent.append(str(request.url.copy_with(query=None)))
        return page()()

    client = connect(transport=httpx.MockTransport(send), base_url=f"https://proxy.test/anthropic{slash}")
    fetch_day(client.session(), DAY)
    assert sent == [f"https://proxy.test/anthropic{REPORT}"]


def test_an_unencrypted_address_is_warned_about(connect: Connect, warnings_of: Callable[[], list[str]]) -> None:
    connect(base_url="http://localhost:8000")
    assert warnings_of() == []
    connect(base_url="http://proxy.test")
    assert "not encrypted" in warnings_of()[0]
