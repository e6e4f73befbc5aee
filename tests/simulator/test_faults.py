"""What scripted faults promise: they happen when and as often as they are said to, and the truth comes after."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import httpx
import pytest

from claude_code_simulator import FAULTS, HARMLESS, FaultScript, On, ScriptedOrganization, SimulatedApi, record
from claude_code_simulator.faults import ODD_BODIES, altering, meanwhile, status
from claude_code_simulator.wire import BREAKS

FIRST = dt.date(2026, 9, 1)
SECOND = dt.date(2026, 9, 2)
NOW = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)
ME = "/v1/organizations/me"


@pytest.fixture
def api() -> SimulatedApi:
    """Two days of three pages of ten."""
    days = {day: [record(day, email=f"dev{n}@example.test") for n in range(30)] for day in (FIRST, SECOND)}
    return SimulatedApi(ScriptedOrganization(days), clock=lambda: NOW)


def outcome(ask: Any, api: SimulatedApi, **params: Any) -> tuple[Any, ...]:
    """All that a client gets to see of one request."""
    try:
        response = ask(api, limit=10, **params)
    except httpx.HTTPError as error:
        return (type(error), str(error))
    volatile = {"request-id", "date"}
    return (
        response.status_code,
        {name: value for name, value in response.headers.items() if name not in volatile},
        response.content.replace(response.headers.get("request-id", "-").encode(), b"req"),
    )


def walk(ask: Any, api: SimulatedApi, day: dt.date) -> list[int | None]:
    """Ask for the pages of a day as if none could be wrong, each again until it is right; the statuses."""
    token, statuses = None, []
    for _ in range(20):
        response = ask(api, starting_at=day, limit=10, page=token)
        statuses.append(response.status_code)
        if response.status_code == 200:
            token = response.json()["next_page"]
            if token is None:
                return statuses
    raise AssertionError(statuses)


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_happens_once_on_any_page_and_the_truth_comes_after(ask: Any, api: SimulatedApi, name: str) -> None:
    tokens: list[str | None] = [None]
    while (token := ask(api, starting_at=FIRST, limit=10, page=tokens[-1]).json()["next_page"]) is not None:
        tokens.append(token)
    truths = [outcome(ask, api, starting_at=FIRST, page=token) for token in tokens]
    pages: tuple[Any, ...] = (1, 2, "last")
    for here, page in enumerate(pages):
        api.fault = script = FaultScript(On(name, day=FIRST, page=page))
        for token, truth in zip(tokens[:here], truths, strict=False):
            assert outcome(ask, api, starting_at=FIRST, page=token) == truth
        assert script.pending
        faulty = outcome(ask, api, starting_at=FIRST, page=tokens[here])
        assert [fault for _, fault in script.happened] == [name]
        assert not script.pending
        unseen = name == "slow" or (name == "cursor-token-at-the-end" and page != "last")
        assert (faulty == truths[here]) == unseen
        assert outcome(ask, api, starting_at=FIRST, page=tokens[here]) == truths[here]


@pytest.mark.parametrize("name", HARMLESS)
def test_after_a_harmless_fault_a_reader_who_reads_on_has_everything(
    api: SimulatedApi, read_day: Any, name: str
) -> None:
    truth = read_day(api, FIRST)
    for limit in (1000, 30, 10):
        for page in (1, 2, "last"):
            api.fault = FaultScript(On(name, page=page))
            assert read_day(api, FIRST, limit) == truth


def test_there_are_faults_of_every_kind() -> None:
    assert len(FAULTS) > 100
    assert {name.split("-")[0] for name in FAULTS} == {
        *("status", "limit", "redirect", "answer", "break", "cut", "closed", "truncated", "not", "slow", "too"),
        *("body", "cursor"),
    }


@pytest.mark.parametrize(
    ("on", "statuses"),
    [
        (On("status-503"), [503, 200, 200, 200]),
        (On("status-503", request=2), [200, 503, 200, 200]),
        (On("status-503", page=2, times=3), [200, 503, 503, 503, 200, 200]),
        (On("status-503", page="last", times=2), [200, 200, 503, 503, 200]),
        (On("status-503", after=1), [200, 503, 200, 200]),
        (On("status-503", day=FIRST, times=2), [503, 503, 200, 200, 200]),
        (On("status-503", day=SECOND), [200, 200, 200]),
        (On("status-503", path=ME), [200, 200, 200]),
        (On(status(504), page=3), [200, 200, 504, 200]),
    ],
)
def test_a_fault_happens_where_it_is_scripted(ask: Any, api: SimulatedApi, on: On, statuses: list[int]) -> None:
    api.fault = script = FaultScript(on)
    assert walk(ask, api, FIRST) == statuses
    assert script.pending == ([] if {503, 504} & set(statuses) else [on])


def test_a_fault_may_happen_every_time(ask: Any, api: SimulatedApi) -> None:
    api.fault = FaultScript(On("status-529", times=None))
    assert [ask(api, starting_at=FIRST).status_code for _ in range(5)] == [529] * 5
    assert ask(api, ME).status_code == 200


def test_a_day_started_anew_starts_at_its_first_page(ask: Any, api: SimulatedApi) -> None:
    api.fault = FaultScript(On("status-503", page=1, after=1))
    assert walk(ask, api, FIRST) == [200, 200, 200]
    assert walk(ask, api, FIRST) == [503, 200, 200, 200]


def test_several_faults_happen_in_their_order(ask: Any, api: SimulatedApi) -> None:
    api.fault = script = FaultScript(
        On("status-500", times=2), On("status-503", page=2), On("status-504", day=SECOND, page="last")
    )
    assert walk(ask, api, FIRST) == [500, 500, 200, 503, 200, 200]
    assert walk(ask, api, SECOND) == [200, 200, 504, 200]
    assert [name for _, name in script.happened] == ["status-500", "status-500", "status-503", "status-504"]
    assert [number for number, _ in script.happened] == [1, 2, 4, 9]


def test_a_fault_of_a_refused_request_still_happens(api: SimulatedApi) -> None:
    api.fault = FaultScript(On("break-connection-reset", path=None))
    with httpx.Client(transport=api.transport, base_url="https://api.example.test") as client:
        with pytest.raises(httpx.ReadError):
            client.get(ME)
        assert client.get(ME).status_code == 401


def test_something_may_happen_between_two_pages(ask: Any, api: SimulatedApi, read_day: Any) -> None:
    days: Any = api.organization
    late = record(FIRST, email="late@example.test")
    api.fault = FaultScript(On(meanwhile(lambda: days.days[FIRST].insert(0, late)), page=1))
    assert late not in read_day(api, FIRST, limit=10)
    assert late in read_day(api, FIRST, limit=10)


def test_a_circle_of_two_tokens_never_ends_while_it_happens_every_time(ask: Any, api: SimulatedApi) -> None:
    api.fault = FaultScript(On("cursor-circle", after=1, times=None))
    token, seen = None, []
    for _ in range(8):
        token = ask(api, starting_at=FIRST, limit=10, page=token).json()["next_page"]
        seen.append(token)
    assert len(set(seen[1:])) == 2
    assert seen[1:3] * 3 == seen[1:7]


def test_a_repeated_token_leads_to_the_same_page_again(ask: Any, api: SimulatedApi) -> None:
    api.fault = FaultScript(On("cursor-repeated", page=2, times=None))
    token = ask(api, starting_at=FIRST, limit=10).json()["next_page"]
    second = ask(api, starting_at=FIRST, limit=10, page=token).json()
    assert second["next_page"] == token
    assert ask(api, starting_at=FIRST, limit=10, page=token).json() == second


def test_a_good_token_of_another_day_is_refused_by_the_true_api(ask: Any, api: SimulatedApi) -> None:
    api.fault = FaultScript(On("cursor-of-another-day"))
    token = ask(api, starting_at=SECOND).json()["next_page"]
    refused = ask(api, starting_at=SECOND, page=token)
    assert refused.json()["error"]["message"] == "page: Page token belongs to another starting_at"
    assert ask(api, starting_at=FIRST, page=token).status_code == 200


@pytest.mark.parametrize("body", ODD_BODIES)
def test_an_error_may_have_any_body_and_any_header(ask: Any, api: SimulatedApi, body: str) -> None:
    api.fault = status(502, body, headers={"retry-after": "9"})
    response = ask(api, starting_at=FIRST)
    assert (response.status_code, response.headers["retry-after"]) == (502, "9")
    assert response.content == ODD_BODIES[body][0]


@pytest.mark.parametrize("how", BREAKS)
def test_a_connection_breaks_as_httpx_says_it(ask: Any, api: SimulatedApi, how: str) -> None:
    api.fault = FAULTS[f"break-{how.replace(' ', '-')}"]
    with pytest.raises(BREAKS[how][0]) as raised:
        ask(api, starting_at=FIRST)
    assert raised.value.request.url.path.endswith("claude_code")


def test_a_body_breaks_off_for_async_clients_too(api: SimulatedApi) -> None:
    api.fault = FAULTS["cut-halfway"]
    headers = {"x-api-key": api.credentials.admin_key, "anthropic-version": "2023-06-01"}

    async def get() -> None:
        async with httpx.AsyncClient(transport=api.transport, base_url="https://x.test", headers=headers) as client:
            await client.get(ME)

    with pytest.raises(httpx.ReadError):
        asyncio.run(get())


def test_how_much_arrived_is_seen_by_who_reads_in_pieces(api: SimulatedApi) -> None:
    api.fault = FAULTS["cut-halfway"]
    headers = {"x-api-key": api.credentials.admin_key, "anthropic-version": "2023-06-01"}
    arrived: list[bytes] = []
    with (
        httpx.Client(transport=api.transport, base_url="https://x.test", headers=headers) as client,
        client.stream("GET", ME) as response,
        pytest.raises(httpx.ReadError),
    ):
        arrived.extend(response.iter_raw())
    assert len(b"".join(arrived)) == int(response.headers["content-length"]) // 2


def test_a_fault_of_ones_own_is_scripted_like_any_other(ask: Any, api: SimulatedApi) -> None:
    teapot = altering(lambda response: httpx.Response(418, content=response.content))
    api.fault = script = FaultScript(On(teapot, page=2))
    assert walk(ask, api, FIRST) == [200, 418, 200, 200]
    assert len(script.happened) == 1
