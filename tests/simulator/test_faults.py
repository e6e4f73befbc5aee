"""Promises of scripted faults: they happen when and as often as scripted, and the truth comes after."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from claude_code_simulator import HARMLESS, FaultScript, On, ScriptedOrganization, SimulatedApi, record
from claude_code_simulator.faults.builders import altering

FIRST = dt.date(2026, 9, 1)
SECOND = dt.date(2026, 9, 2)
NOW = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)

Get = Callable[..., httpx.Response]
ReadDay = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def api() -> SimulatedApi:
    """Two days of three pages of ten."""
    days = {day: [record(day, email=f"dev{n}@example.test") for n in range(30)] for day in (FIRST, SECOND)}
    return SimulatedApi(ScriptedOrganization(days), clock=lambda: NOW, page_size=10)


def walk(get: Get, api: SimulatedApi, day: dt.date) -> list[int]:
    """The statuses of the pages of a day, each requested again until it is right."""
    token, statuses = None, []
    while len(statuses) < 20:
        response = get(api, starting_at=day, page=token)
        statuses.append(response.status_code)
        if response.status_code == 200:
            token = response.json()["next_page"]
            if token is None:
                break
    return statuses


@pytest.mark.parametrize("name", HARMLESS)
def test_after_a_harmless_fault_a_client_that_reads_on_has_everything(
    api: SimulatedApi, read_day: ReadDay, name: str
) -> None:
    truth = read_day(api)
    for page_size in (1000, 30, 10):
        api.page_size = page_size
        for page in (1, 2, "last"):
            api.fault = FaultScript(On(name, page=page))  # type: ignore[arg-type]
            assert read_day(api) == truth


@pytest.mark.parametrize(
    ("on", "statuses"),
    [
        (On("status-503"), [503, 200, 200, 200]),
        (On("status-503", page=2, times=3), [200, 503, 503, 503, 200, 200]),
        (On("status-503", page="last", times=2), [200, 200, 503, 503, 200]),
        (On("status-503", after=1), [200, 503, 200, 200]),
        (On("status-503", day=FIRST, times=2), [503, 503, 200, 200, 200]),
        (On("status-503", day=SECOND), [200, 200, 200]),
        (On("status-503", path="/v1/organizations/me"), [200, 200, 200]),
        (On("status-529", times=None), [529] * 20),
        (On(altering(lambda response: httpx.Response(418, content=response.content)), page=3), [200, 200, 418, 200]),
    ],
)
def test_a_fault_happens_where_it_is_scripted(get: Get, api: SimulatedApi, on: On, statuses: list[int]) -> None:
    api.fault = script = FaultScript(on)
    assert walk(get, api, FIRST) == statuses
    assert script.pending == ([] if set(statuses) != {200} else [on])


def test_several_faults_happen_in_their_order(get: Get, api: SimulatedApi) -> None:
    api.fault = script = FaultScript(
        On("status-500", times=2), On("status-503", page=2), On("status-504", day=SECOND, page="last")
    )
    assert walk(get, api, FIRST) == [500, 500, 200, 503, 200, 200]
    assert walk(get, api, SECOND) == [200, 200, 504, 200]
    assert script.happened == [(1, "status-500"), (2, "status-500"), (4, "status-503"), (9, "status-504")]
