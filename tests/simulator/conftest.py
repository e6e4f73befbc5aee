"""Fixtures for tests of the simulated API, which needs neither dlt nor a network."""

from __future__ import annotations

import datetime as dt
import socket
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from claude_code_simulator import SimulatedApi

REPORT = "/v1/organizations/usage_report/claude_code"


@pytest.fixture(autouse=True)
def _own_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allows loopback only, and leaves out the dlt of the other tests."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        assert address[0] == "127.0.0.1"
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture
def get() -> Callable[..., httpx.Response]:
    """Sends one good request: `get(api, path, **params)`."""

    def get(
        api: SimulatedApi, path: str = REPORT, *, method: str = "GET", headers: Any = None, **params: Any
    ) -> httpx.Response:
        if path == REPORT:
            params = {"starting_at": dt.date(2026, 9, 1), **params}
        if headers is None:
            headers = {"x-api-key": api.credentials.admin_key, "anthropic-version": "2023-06-01"}
        with httpx.Client(transport=api.transport, base_url="https://x.test", timeout=60) as client:
            present = {name: str(value) for name, value in params.items() if value is not None}
            return client.request(method, path, params=present, headers=headers)

    return get


@pytest.fixture
def read_day(get: Callable[..., httpx.Response]) -> Callable[..., list[dict[str, Any]]]:
    """Returns the records of all pages of a day, after the first page if that is given: `read_day(api, **params)`."""

    def read_day(api: SimulatedApi, first: httpx.Response | None = None, **params: Any) -> list[dict[str, Any]]:
        page = (first or get(api, **params)).json()
        found: list[dict[str, Any]] = page["data"]
        while page["has_more"]:
            page = get(api, page=page["next_page"], **params).json()
            found += page["data"]
        return found

    return read_day
