"""Promises of the HTTP server: the same responses, and real breaks of real connections."""

from __future__ import annotations

import datetime as dt
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from claude_code_simulator import ScriptedOrganization, SimulatedApi, record, serve
from claude_code_simulator.__main__ import main

REPORT = "/v1/organizations/usage_report/claude_code"
DAY = dt.date(2026, 9, 1)
PARAMS = {"starting_at": "2026-09-01"}
NOW = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)


@pytest.fixture
def api() -> SimulatedApi:
    records = [record(DAY, email=f"dev{n}@example.test") for n in range(25)]
    return SimulatedApi(ScriptedOrganization({DAY: records}), clock=lambda: NOW)


@pytest.fixture
def client(api: SimulatedApi) -> Iterator[httpx.Client]:
    headers = {"x-api-key": api.credentials.admin_key, "anthropic-version": "2023-06-01"}
    with serve(api) as base_url, httpx.Client(base_url=base_url, headers=headers, timeout=10, trust_env=False) as http:
        yield http


def test_responses_are_the_same_over_http(api: SimulatedApi, client: httpx.Client) -> None:
    with httpx.Client(transport=api.transport, base_url="http://x.test", headers=client.headers) as direct:
        token = direct.get(REPORT, params={**PARAMS, "limit": 7}).json()["next_page"]
        for params in ({}, PARAMS, {**PARAMS, "limit": "7", "page": token}, {"starting_at": "ä=&"}):
            over_http, in_process = client.get(REPORT, params=params), direct.get(REPORT, params=params)
            assert over_http.status_code == in_process.status_code
            assert over_http.headers.get_list("date") == ["Sun, 20 Sep 2026 12:00:00 GMT"]
            assert api.requests[-1].params == api.requests[-2].params
            if over_http.status_code == 200:
                assert over_http.content == in_process.content
    assert client.post(REPORT, content=b"GET / HTTP/1.1\r\n\r\n").status_code == 405
    assert client.get("/%2e%2e/x y").status_code == 404
    assert "sk-ant" not in repr(api.requests)


def test_it_is_started_by_hand_and_stopped_with_ctrl_c() -> None:
    command = [sys.executable, "-m", "claude_code_simulator", "--port", "0", "--developers", "30"]
    with subprocess.Popen([*command, "--founded", "2026-08-31"], stdout=subprocess.PIPE, text=True) as server:  # noqa: S603
        line = server.stdout.readline() if server.stdout else ""
        base_url, key = re.fullmatch(r"(\S+)  x-api-key: (\S+)\n", line).groups()  # type: ignore[union-attr]
        headers = {"x-api-key": key, "anthropic-version": "2023-06-01"}
        with httpx.Client(base_url=base_url, headers=headers, trust_env=False) as http:
            found = [http.get(REPORT, params={"starting_at": f"2026-08-{day}"}).json()["data"] for day in (30, 31)]
        server.send_signal(signal.SIGINT)
        assert server.wait(10) == 0
    assert [bool(records) for records in found] == [False, True]


def test_a_port_that_is_taken_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["--port", str(taken.getsockname()[1])]) == 1
    assert re.fullmatch(r"cannot listen on port \d+: .+\n", capsys.readouterr().err)
