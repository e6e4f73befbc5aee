"""What the tests of the simulated API share: a way to ask it."""

from __future__ import annotations

import datetime as dt
import socket
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from claude_code_simulator import SimulatedApi

REPORT = "/v1/organizations/usage_report/claude_code"

Ask = Callable[..., httpx.Response]


@pytest.fixture(autouse=True)
def _own_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives each test no network. The simulated API knows nothing of dlt, so what makes a world of it is left out."""

    def refuse(self: socket.socket, address: object) -> None:
        message = f"a test tried to reach {address}"
        raise AssertionError(message)

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def ask() -> Ask:
    """Sends one good request: `ask(api, path, **params)`; `starting_at` may be a date."""

    def ask(api: SimulatedApi, path: str = REPORT, *, timeout: float = 60.0, **params: Any) -> httpx.Response:
        if isinstance(params.get("starting_at"), dt.date):
            params["starting_at"] = params["starting_at"].isoformat()
        headers = {"x-api-key": api.credentials.admin_key, "anthropic-version": "2023-06-01"}
        with httpx.Client(transport=api.transport, base_url="https://api.example.test", headers=headers) as client:
            return client.get(path, params={k: v for k, v in params.items() if v is not None}, timeout=timeout)

    return ask


@pytest.fixture
def read_day(ask: Ask) -> Callable[..., list[dict[str, Any]]]:
    """Reads all pages of a day: `read_day(api, day, limit)`; every answer has to be a page."""

    def read_day(api: SimulatedApi, day: dt.date, limit: int = 1000) -> list[dict[str, Any]]:
        page = ask(api, starting_at=day, limit=limit).json()
        found: list[dict[str, Any]] = page["data"]
        while page["has_more"]:
            page = ask(api, starting_at=day, limit=limit, page=page["next_page"]).json()
            found += page["data"]
        return found

    return read_day
