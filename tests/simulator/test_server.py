"""What the simulated API promises as an HTTP server: the same answers, and real breaks of real connections."""

from __future__ import annotations

import datetime as dt
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from claude_code_simulator import FAULTS, FaultScript, On, ScriptedOrganization, SimulatedApi, record
from claude_code_simulator.__main__ import main
from claude_code_simulator.wire import BREAKS

pytest.importorskip("uvicorn")
from claude_code_simulator.server import asgi, serve

REPORT = "/v1/organizations/usage_report/claude_code"
FIRST = dt.date(2026, 9, 1)
DAY = {"starting_at": FIRST.isoformat()}
NOW = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)
SOURCES = Path(sys.modules["claude_code_analytics"].__file__ or "").parents[1]


@pytest.fixture(autouse=True)
def _loopback(monkeypatch: pytest.MonkeyPatch, _own_world: None) -> None:
    """Lets these tests reach the one host that is not a network."""

    def connect(self: socket.socket, address: tuple[str, int]) -> None:
        assert address[0] == "127.0.0.1"
        super(socket.socket, self).connect(address)

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture
def api() -> SimulatedApi:
    records = [record(FIRST, email=f"dev{n}@example.test") for n in range(25)]
    return SimulatedApi(ScriptedOrganization({FIRST: records}), clock=lambda: NOW)


@pytest.fixture
def client(api: SimulatedApi) -> Iterator[httpx.Client]:
    headers = {"x-api-key": api.credentials.admin_key, "anthropic-version": "2023-06-01"}
    with serve(api) as base_url, httpx.Client(base_url=base_url, headers=headers, timeout=10, trust_env=False) as http:
        yield http


def test_answers_are_the_same_over_http(api: SimulatedApi, client: httpx.Client) -> None:
    with httpx.Client(transport=api.transport, base_url="http://x.test", headers=client.headers) as direct:
        token = direct.get(REPORT, params={**DAY, "limit": 7}).json()["next_page"]
        for params in ({}, DAY, {**DAY, "limit": "7", "page": token}, {**DAY, "limit": "0"}, {"starting_at": "ä=&"}):
            over_http, in_process = client.get(REPORT, params=params), direct.get(REPORT, params=params)
            assert over_http.status_code == in_process.status_code
            assert api.requests[-1].params == api.requests[-2].params
            if over_http.status_code == 200:
                assert over_http.content == in_process.content
    assert client.post(REPORT).status_code == 405
    assert client.get("/%2e%2e/x y").status_code == 404


def test_the_log_knows_no_secret_of_requests_over_http(api: SimulatedApi, client: httpx.Client) -> None:
    client.get(REPORT, params=DAY, headers={"Authorization": "Bearer sk-ant-secret"})
    assert api.requests[-1].headers["x-api-key"] == "[redacted]"
    assert "sk-ant" not in repr(api.requests)


def test_several_clients_are_answered_at_once(api: SimulatedApi, client: httpx.Client) -> None:
    api.latency = 0.2
    with ThreadPoolExecutor(8) as pool:
        assert {answer.status_code for answer in pool.map(lambda _: client.get(REPORT, params=DAY), range(8))} == {200}
    assert max(request.in_flight for request in api.requests) > 2


def test_every_fault_can_be_served_and_the_truth_comes_after(api: SimulatedApi, client: httpx.Client) -> None:
    truth = client.get(REPORT, params=DAY).content
    for name in FAULTS:
        if name in ("slow", "too-slow", "break-read-timeout"):
            continue
        api.fault = script = FaultScript(On(name))
        try:
            answer = client.get(REPORT, params=DAY)
        except httpx.HTTPError:
            assert name.startswith(("break", "cut", "closed", "not-gzip")), name
        else:
            assert answer.status_code != 200 or answer.content != truth or name == "cursor-token-at-the-end", name
        assert script.happened, name
        assert client.get(REPORT, params=DAY).content == truth, name


@pytest.mark.parametrize("name", ["cut-halfway", *(f"break-{how.replace(' ', '-')}" for how in BREAKS)])
def test_a_break_is_a_break_of_the_real_connection(api: SimulatedApi, client: httpx.Client, name: str) -> None:
    api.fault = FAULTS[name]
    kinds = {"break-read-timeout": httpx.ReadTimeout, "break-closed-early": httpx.RemoteProtocolError}
    with pytest.raises(kinds.get(name, httpx.ReadError)):
        client.get(REPORT, params=DAY, timeout=0.3 if "timeout" in name else 10)
    assert api.requests[-1].path == REPORT


def test_a_body_that_is_closed_early_is_missed(api: SimulatedApi, client: httpx.Client) -> None:
    api.fault = FAULTS["closed-halfway"]
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        client.get(REPORT, params=DAY)


def test_slow_answers_do_not_hold_up_the_end_of_the_server(api: SimulatedApi) -> None:
    api.fault = FAULTS["too-slow"]
    began = time.monotonic()
    with serve(api) as base_url, pytest.raises(httpx.ReadTimeout):
        httpx.get(base_url + REPORT, params=DAY, timeout=0.1, trust_env=False)
    assert time.monotonic() - began < 5


def test_two_servers_run_side_by_side(api: SimulatedApi) -> None:
    other = SimulatedApi(ScriptedOrganization(id="11111111-2222-3333-4444-555555555555"))
    headers = {"x-api-key": api.credentials.admin_key, "anthropic-version": "2023-06-01"}
    with serve(api) as one, serve(other) as two:
        ids = [
            httpx.get(f"{url}/v1/organizations/me", headers=headers, trust_env=False).json()["id"] for url in (one, two)
        ]
    assert ids == [api.organization.id, other.organization.id]


def test_any_asgi_client_may_use_the_application(api: SimulatedApi) -> None:
    import asyncio

    async def get() -> httpx.Response:
        headers = {"x-api-key": api.credentials.admin_key, "anthropic-version": "2023-06-01"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(asgi(api)), base_url="http://x.test") as http:
            return await http.get(REPORT, params=DAY, headers=headers)

    assert asyncio.run(get()).status_code == 200


def test_it_is_started_by_hand_and_stopped_with_ctrl_c() -> None:
    command = [sys.executable, "-m", "claude_code_simulator", "--port", "0", "--developers", "30"]
    command += ["--latency-ms", "5", "--rate", "0.001", "--burst", "2", "--says", "stale", "--fault", "status-529@1"]
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:  # noqa: S603
        said = server.stdout.readline() if server.stdout else ""
        base_url, key = re.fullmatch(r"(\S+)  x-api-key: (\S+)\n", said).groups()  # type: ignore[union-attr]
        headers = {"x-api-key": key, "anthropic-version": "2023-06-01"}
        with httpx.Client(base_url=base_url, headers=headers, trust_env=False) as http:
            answers = [http.get(REPORT, params=DAY) for _ in range(3)]
        server.send_signal(signal.SIGINT)
        assert server.wait(10) == 0
    assert [answer.status_code for answer in answers] == [200, 529, 429]
    assert "retry-after" not in answers[2].headers


def test_what_is_wrong_at_the_start_is_said_in_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["--port", str(taken.getsockname()[1])]) == 1
    assert re.fullmatch(r"cannot listen on 127\.0\.0\.1:\d+: .+\n", capsys.readouterr().err)
    with pytest.raises(SystemExit):
        main(["--fault", "no such fault"])
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "claude_code_simulator.server")
    assert main([]) == 1
    said: Any = capsys.readouterr().err.splitlines()[-1]
    assert said.endswith("needs uvicorn: pip install 'claude-code-analytics[simulator]'")
