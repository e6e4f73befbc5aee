"""What the simulated API promises to whoever asks it over HTTP."""

from __future__ import annotations

import base64
import datetime as dt
import json
import string
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from claude_code_simulator import (
    Credentials,
    Organization,
    SampleOrganization,
    ScriptedOrganization,
    SimulatedApi,
    error_response,
    record,
)
from claude_code_simulator.neighbours import NEIGHBOURS
from claude_code_simulator.paging import Snapshots

REPORT = "/v1/organizations/usage_report/claude_code"
ME = "/v1/organizations/me"
DAY = dt.date(2026, 9, 1)
NEXT_DAY = dt.date(2026, 9, 2)
NOW = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)
KEY = Credentials()


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: dt.datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now


def scripted(count: int, day: dt.date = DAY) -> ScriptedOrganization:
    return ScriptedOrganization({day: [record(day, email=f"dev{n}@example.test") for n in range(count)]})


def simulated(organization: Organization | None = None, **options: Any) -> SimulatedApi:
    return SimulatedApi(scripted(45) if organization is None else organization, **{"clock": Clock(), **options})


def ask(
    api: SimulatedApi,
    path: str = REPORT,
    *,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    **params: Any,
) -> httpx.Response:
    """Send one good request, but for what a test says otherwise."""
    if path == REPORT:
        params = {"starting_at": DAY.isoformat(), **params}
    if headers is None:
        headers = {"x-api-key": KEY.admin_key, "anthropic-version": "2023-06-01"}
    with httpx.Client(transport=api.transport, base_url="https://api.example.test") as client:
        return client.request(method, path, params={k: v for k, v in params.items() if v is not None}, headers=headers)


def emails(response: httpx.Response) -> list[str]:
    return [row["actor"]["email_address"] for row in response.json()["data"]]


def read_on(api: SimulatedApi, first: httpx.Response, **params: Any) -> list[str]:
    """Follow a session from its first page to its end."""
    found, page = emails(first), first.json()
    while page["has_more"]:
        response = ask(api, page=page["next_page"], **params)
        found, page = found + emails(response), response.json()
    return found


def message(response: httpx.Response, status: int) -> str:
    """Return the message of a refusal, having checked that it is one, in the documented shape."""
    body = response.json()
    assert response.status_code == status
    assert body["type"] == "error"
    assert body["request_id"] == response.headers["request-id"]
    return str(body["error"]["message"])


def test_the_organization_says_who_it_is() -> None:
    organization = ScriptedOrganization(id="11111111-2222-3333-4444-555555555555", name="Ünits")
    response = ask(simulated(organization), ME)
    assert response.json() == {"id": organization.id, "type": "organization", "name": "Ünits"}
    assert response.headers["anthropic-organization-id"] == organization.id


@pytest.mark.parametrize("path", ["/", REPORT + "/", "/v1/organizations/usage_report", ME + "/x"])
def test_only_the_exact_paths_exist(path: str) -> None:
    response = ask(simulated(), path)
    message(response, 404)
    assert response.json()["error"]["type"] == "not_found_error"


@pytest.mark.parametrize("path", [REPORT, ME, *NEIGHBOURS])
def test_only_get_is_allowed(path: str) -> None:
    message(ask(simulated(), path, method="POST"), 405)


def test_every_response_has_an_id_of_its_own() -> None:
    def sometimes(request: httpx.Request, number: int) -> httpx.Response | None:
        return httpx.Response(502, html="<h1>Bad gateway</h1>") if number == 2 else None

    api = simulated(fault=sometimes)
    responses = [ask(api), ask(api), ask(api, ME), ask(api, "/"), ask(api, limit=0), ask(api)]
    assert len({response.headers["request-id"] for response in responses}) == len(responses)


def test_what_is_wrong_is_said_in_the_order_route_method_credential_version_parameter() -> None:
    api = simulated()
    bare: dict[str, str] = {}
    keyed = {"x-api-key": KEY.admin_key}
    assert ask(api, "/", method="POST", headers=bare).status_code == 404
    assert ask(api, method="POST", headers=bare).status_code == 405
    assert ask(api, headers=bare, limit=0).status_code == 401
    assert "anthropic-version" in message(ask(api, headers=keyed, limit=0), 400)
    assert message(ask(api, starting_at=None, limit=0), 400) == "starting_at: Field required"


@pytest.mark.parametrize(
    "headers",
    [
        {"x-api-key": KEY.admin_key},
        {"X-API-Key": KEY.admin_key},
        {"x-api-key": KEY.service_key},
        {"Authorization": f"Bearer {KEY.oauth_token}"},
        {"AUTHORIZATION": f"bearer {KEY.oauth_token}"},
    ],
)
@pytest.mark.parametrize("path", [REPORT, ME])
def test_good_credentials_are_accepted(path: str, headers: dict[str, str]) -> None:
    assert ask(simulated(), path, headers={**headers, "Anthropic-Version": "2023-06-01"}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status", "said"),
    [
        ({}, 401, "x-api-key header is required"),
        ({"x-api-key": ""}, 401, "invalid x-api-key"),
        ({"x-api-key": "sk-ant-admin01-unknown"}, 401, "invalid x-api-key"),
        ({"x-api-key": KEY.oauth_token}, 401, "invalid x-api-key"),
        ({"authorization": f"Bearer {KEY.admin_key}"}, 401, "Invalid bearer token"),
        ({"authorization": KEY.oauth_token}, 401, "Invalid bearer token"),
        ({"authorization": f"Basic {KEY.oauth_token}"}, 401, "Invalid bearer token"),
        ({"authorization": f"Bearer {KEY.expired_oauth_token}"}, 401, "OAuth token has expired"),
        ({"authorization": f"Bearer {KEY.unscoped_oauth_token}"}, 403, "Needed: ['org:admin']"),
        ({"x-api-key": KEY.workspace_key}, 403, "Missing required scopes. Got: ["),
        ({"x-api-key": KEY.enterprise_key}, 403, "Got: ['read:analytics'] Needed: ['api:admin']"),
        ({"x-api-key": KEY.admin_key, "origin": "https://x.test"}, 401, "CORS requests are not allowed"),
    ],
)
@pytest.mark.parametrize("path", [REPORT, ME, *NEIGHBOURS])
def test_other_credentials_are_refused(path: str, headers: dict[str, str], status: int, said: str) -> None:
    response = ask(simulated(), path, headers={**headers, "anthropic-version": "2023-06-01"})
    assert said in message(response, status)
    kind = {401: "authentication_error", 403: "permission_error"}[status]
    assert response.json()["error"]["type"] == kind


def test_the_status_for_a_wrong_kind_of_key_can_be_set() -> None:
    api = simulated(credentials=Credentials(wrong_kind_status=401))
    headers = {"x-api-key": KEY.workspace_key, "anthropic-version": "2023-06-01"}
    message(ask(api, headers=headers), 401)


def test_an_unknown_version_is_refused() -> None:
    headers = {"x-api-key": KEY.admin_key, "anthropic-version": "2099-01-01"}
    assert "2099-01-01" in message(ask(simulated(), headers=headers), 400)


@pytest.mark.parametrize(
    ("params", "parameter"),
    [
        ({"starting_at": None}, "starting_at"),
        ({"starting_at": ""}, "starting_at"),
        ({"starting_at": "2026-9-1"}, "starting_at"),
        ({"starting_at": "20260901"}, "starting_at"),
        ({"starting_at": "2026-09-01T00:00:00Z"}, "starting_at"),
        ({"starting_at": "2026-09-01\n"}, "starting_at"),
        ({"starting_at": "٢٠٢٦-٠٩-٠١"}, "starting_at"),  # noqa: RUF001
        ({"starting_at": "2026-02-30"}, "starting_at"),
        ({"limit": 0}, "limit"),
        ({"limit": -1}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"limit": "9" * 5000}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": "1.5"}, "limit"),
        ({"limit": "1_0"}, "limit"),
        ({"limit": ""}, "limit"),
        ({"page": ""}, "page"),
        ({"page": "2"}, "page"),
        ({"page": "page_"}, "page"),
        ({"page": "page_MjAyNS0wNS0xNFQwMDowMDowMFo="}, "page"),
    ],
)
def test_a_bad_parameter_is_named(params: dict[str, Any], parameter: str) -> None:
    response = ask(simulated(), **params)
    assert message(response, 400).startswith(f"{parameter}: ")
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_a_timestamp_and_an_impossible_date_are_told_apart() -> None:
    api = simulated()
    assert "match pattern" in message(ask(api, starting_at="2026-09-01T00:00:00Z"), 400)
    assert "valid date" in message(ask(api, starting_at="2026-02-30"), 400)


@pytest.mark.parametrize("limit", [1, 1000])
def test_the_ends_of_the_range_of_limits_are_good(limit: int) -> None:
    assert len(emails(ask(simulated(), limit=limit))) == min(limit, 45)


def test_unknown_parameters_are_ignored_or_rejected() -> None:
    assert ask(simulated(), ending_at="2026-09-02").status_code == 200
    strict = simulated(unknown_parameters="reject")
    assert message(ask(strict, ending_at="2026-09-02"), 400).startswith("ending_at: ")


def test_a_page_has_twenty_records_unless_asked_otherwise() -> None:
    response = ask(simulated())
    assert len(emails(response)) == 20
    assert response.json()["has_more"] is True


@pytest.mark.parametrize("limit", [1, 7, 20, 44, 45, 1000])
def test_the_pages_of_a_day_hold_every_record_once(limit: int) -> None:
    api = simulated()
    assert read_on(api, ask(api, limit=limit), limit=limit) == [f"dev{n}@example.test" for n in range(45)]
    assert len(api.requests) == -(-45 // limit)


def test_pages_can_be_smaller_than_asked_for() -> None:
    api = simulated(page_size=10)
    assert read_on(api, ask(api, limit=1000), limit=1000) == [f"dev{n}@example.test" for n in range(45)]
    assert len(api.requests) == 5
    assert len(emails(ask(api, limit=7))) == 7


def test_the_limit_may_change_between_pages() -> None:
    api = simulated()
    assert read_on(api, ask(api, limit=7)) == [f"dev{n}@example.test" for n in range(45)]


def test_a_last_page_that_is_full_ends_the_day() -> None:
    page = ask(simulated(scripted(40)), limit=40).json()
    assert (len(page["data"]), page["has_more"], page["next_page"]) == (40, False, None)


@pytest.mark.parametrize("day", ["2025-01-21", "2026-09-02", "2026-09-21"])
def test_a_day_without_data_past_or_future_is_an_empty_page(day: str) -> None:
    response = ask(simulated(), starting_at=day)
    assert response.status_code == 200
    assert response.content == b'{"data":[],"has_more":false,"next_page":null}'
    assert response.headers["content-type"] == "application/json"


def test_a_future_day_is_empty_even_if_it_is_scripted_and_can_be_refused() -> None:
    tomorrow = NOW.date() + dt.timedelta(days=1)
    assert emails(ask(simulated(scripted(1, tomorrow)), starting_at=tomorrow.isoformat())) == []
    strict = simulated(future_days="reject")
    assert message(ask(strict, starting_at=tomorrow.isoformat()), 400).startswith("starting_at: ")
    assert ask(strict, starting_at=NOW.date().isoformat()).status_code == 200


def test_today_begins_at_midnight_utc() -> None:
    late_in_new_york = dt.datetime(2026, 9, 1, 21, tzinfo=dt.timezone(dt.timedelta(hours=-4)))
    api = simulated(scripted(1, NEXT_DAY), clock=Clock(late_in_new_york))
    assert len(emails(ask(api, starting_at="2026-09-02"))) == 1


def test_a_token_is_opaque_base64_with_padding() -> None:
    token = ask(simulated()).json()["next_page"]
    assert token.startswith("page_")
    assert token.endswith("=")
    base64.b64decode(token.removeprefix("page_"), validate=True)


def test_what_changes_after_page_one_neither_appears_nor_shifts_nor_is_lost() -> None:
    organization = scripted(45)
    api = simulated(organization)
    first = ask(api)
    organization.days[DAY].insert(0, record(DAY, email="late@example.test"))
    del organization.days[DAY][30]
    organization.days[DAY][40]["actor"]["email_address"] = "renamed@example.test"
    assert read_on(api, first) == [f"dev{n}@example.test" for n in range(45)]
    assert "late@example.test" in emails(ask(api))


def test_a_day_emptied_after_page_one_is_still_read_to_its_end() -> None:
    organization = scripted(45)
    api = simulated(organization)
    first = ask(api)
    organization.days.clear()
    assert len(read_on(api, first)) == 45
    assert emails(ask(api)) == []


def test_two_sessions_of_a_day_see_each_its_own_version() -> None:
    organization = scripted(45)
    api = simulated(organization)
    before = ask(api)
    organization.days[DAY].append(record(DAY, email="late@example.test"))
    after = ask(api)
    assert (len(read_on(api, before)), len(read_on(api, after))) == (45, 46)


def test_today_does_not_grow_while_it_is_paged_through() -> None:
    clock = Clock(dt.datetime(2026, 9, 1, 12, tzinfo=dt.timezone.utc))
    api = simulated(SampleOrganization(), clock=clock)
    at_noon = ask(api, limit=1000).json()["data"]
    page = ask(api, limit=5).json()
    found = page["data"]
    while page["has_more"]:
        clock.now += dt.timedelta(minutes=20)
        page = ask(api, limit=5, page=page["next_page"]).json()
        found += page["data"]
    assert len(found) > 10
    assert found == at_noon
    assert ask(api, limit=1000).json()["data"] != at_noon


def test_a_token_outlives_the_process_if_the_organization_still_says_the_same_of_its_moment() -> None:
    noon = dt.datetime(2026, 9, 1, 12, tzinfo=dt.timezone.utc)
    first = simulated(SampleOrganization(), clock=Clock(noon))
    token = ask(first, limit=5).json()["next_page"]
    restarted = simulated(SampleOrganization(), clock=Clock(noon + dt.timedelta(hours=3)))
    assert ask(restarted, limit=5, page=token).json()["data"] == ask(first, limit=1000).json()["data"][5:10]


def test_a_token_whose_records_are_gone_is_refused_rather_than_answered_wrongly() -> None:
    token = ask(simulated()).json()["next_page"]
    assert message(ask(simulated(scripted(44)), page=token), 400).startswith("page: ")


def test_only_the_sessions_used_last_are_kept() -> None:
    snapshots = Snapshots(capacity=2)
    keys = [snapshots.keep([b"1"]), snapshots.keep([b"2"])]
    snapshots.get(keys[0])
    snapshots.keep([b"3"])
    assert snapshots.get(keys[0]) == [b"1"]
    assert snapshots.get(keys[1]) is None


def test_a_token_of_another_day_is_refused() -> None:
    organization = scripted(45)
    organization.days[NEXT_DAY] = organization.days[DAY]
    api = simulated(organization)
    token = ask(api).json()["next_page"]
    assert message(ask(api, page=token, starting_at="2026-09-02"), 400).startswith("page: ")


def test_a_token_of_another_organization_is_refused() -> None:
    token = ask(simulated()).json()["next_page"]
    other = scripted(45)
    other.id = "11111111-2222-3333-4444-555555555555"
    assert message(ask(simulated(other), page=token), 400).startswith("page: ")


def test_an_altered_token_is_refused_wherever_it_was_altered() -> None:
    api = simulated()
    token = ask(api).json()["next_page"]
    places = [(place, "B" if token[place] == "A" else "A") for place in range(len(token))]
    # Before the padding some characters differ only in bits that base64 does not use.
    last = token.index("=") - 1
    places += [(last, character) for character in string.ascii_letters if character != token[last]]
    for place, character in places:
        altered = token[:place] + character + token[place + 1 :]
        assert message(ask(api, page=altered), 400).startswith("page: ")


def test_a_session_can_expire_counted_from_its_first_page() -> None:
    clock = Clock()
    api = simulated(clock=clock, page_lifetime=dt.timedelta(hours=1))
    token = ask(api).json()["next_page"]
    clock.now += dt.timedelta(hours=1)
    second = ask(api, page=token)
    assert second.status_code == 200
    clock.now += dt.timedelta(seconds=1)
    assert message(ask(api, page=token), 400).startswith("page: ")
    assert message(ask(api, page=second.json()["next_page"]), 400).startswith("page: ")


def test_a_day_can_begin_with_an_empty_page_that_has_more() -> None:
    api = simulated(empty_first_page=True)
    first = ask(api)
    assert (emails(first), first.json()["has_more"]) == ([], True)
    assert len(read_on(api, first)) == 45
    assert ask(api, starting_at="2026-09-02").json()["has_more"] is False


def test_records_come_out_as_they_are_in_the_organization() -> None:
    organization = SampleOrganization()
    response = ask(simulated(organization), limit=1000)
    assert response.json()["data"] == organization.records(DAY, NOW)
    compact = json.dumps(response.json(), separators=(",", ":"), ensure_ascii=False)
    assert response.content == compact.encode()


def test_a_fault_answers_in_place_of_the_api_or_breaks_the_connection() -> None:
    def faults(request: httpx.Request, number: int) -> httpx.Response | Exception | None:
        if number == 1:
            return error_response(429, "Too many requests", headers={"retry-after": "7"})
        return httpx.ReadTimeout("slow") if number == 2 else None

    api = simulated(fault=faults)
    limited = ask(api, headers={})
    assert message(limited, 429) == "Too many requests"
    assert limited.json()["error"]["type"] == "rate_limit_error"
    assert limited.headers["retry-after"] == "7"
    with pytest.raises(httpx.ReadTimeout):
        ask(api)
    assert ask(api).status_code == 200
    assert [request.status for request in api.requests] == [429, None, 200]


def test_a_fault_may_alter_the_true_answer() -> None:
    def alter(response: httpx.Response) -> httpx.Response | Exception:
        return httpx.Response(200, json=response.json()["data"][:1])

    api = simulated(fault=lambda request, number: alter)
    assert len(ask(api).json()) == 1


def test_the_log_says_how_many_requests_were_in_flight() -> None:
    barrier = threading.Barrier(3)

    def together(request: httpx.Request, number: int) -> None:
        barrier.wait(10)

    api = simulated(fault=together)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: ask(api), range(3)))
    assert sorted(request.in_flight for request in api.requests) == [1, 2, 3]
    api.fault = None
    ask(api)
    assert api.requests[-1].in_flight == 1


def test_an_answer_takes_as_long_as_its_reader_waits() -> None:
    slept: list[float] = []
    api = simulated(latency=2.5, sleep=slept.append)
    headers = {"x-api-key": KEY.admin_key, "anthropic-version": "2023-06-01"}
    with httpx.Client(transport=api.transport, base_url="https://api.example.test", headers=headers) as client:
        assert client.get(ME, timeout=3).status_code == 200
        with pytest.raises(httpx.ReadTimeout):
            client.get(ME, timeout=2)
        assert client.get(ME, timeout=None).status_code == 200
    assert slept == [2.5, 2, 2.5]
    assert [request.status for request in api.requests] == [200, None, 200]


def test_the_log_says_what_was_asked_but_no_secret() -> None:
    api = simulated()
    ask(api, limit=5, headers={"X-Api-Key": KEY.admin_key, "User-Agent": "Me/1.0"})
    ask(api, ME, headers={"Authorization": f"Bearer {KEY.oauth_token}", "anthropic-version": "2023-06-01"})
    first, second = api.requests
    assert (first.method, first.path, first.status) == ("GET", REPORT, 400)
    assert first.params == {"starting_at": "2026-09-01", "limit": "5"}
    assert (first.headers["user-agent"], first.headers["x-api-key"]) == ("Me/1.0", "[redacted]")
    assert (second.path, second.status) == (ME, 200)
    assert "sk-ant" not in repr(api.requests)


def test_several_threads_may_ask_at_once() -> None:
    sample = SampleOrganization()
    numbers: list[int] = []

    def count(request: httpx.Request, number: int) -> None:
        numbers.append(number)

    api = simulated(sample, fault=count)
    days = [DAY + dt.timedelta(days=n) for n in range(14)]

    def read_day(day: dt.date) -> list[Any]:
        page = ask(api, starting_at=day.isoformat(), limit=9).json()
        found = page["data"]
        while page["has_more"]:
            page = ask(api, starting_at=day.isoformat(), limit=9, page=page["next_page"]).json()
            found += page["data"]
        return list(found)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read_day, days)) == [sample.records(day, NOW) for day in days]
    assert sorted(numbers) == list(range(1, len(api.requests) + 1))
