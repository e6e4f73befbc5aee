"""Proxies, certificates and hosts: common settings work, and wrong ones are named at once with what to do."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from claude_code_analytics import AnalyticsClient, ApiUnavailable, ConfigurationError
from claude_code_analytics.api.network import proxy_for
from claude_code_analytics.claude_code.pages import fetch_day

DAY = dt.date(2026, 9, 1)
KEY = "sk-ant-admin01-very-secret"
API = httpx.URL("https://api.anthropic.com")
PAGE = b'{"data":[],"has_more":false}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
Serve = Callable[[socket.socket], None]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, _own_world: None) -> None:
    """Starts with no proxy and the usual certificates, and lets a test reach this machine and no other."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)

    def connect(self: socket.socket, address: tuple[str, int]) -> None:
        assert address[0] == "127.0.0.1"
        super(socket.socket, self).connect(address)

    monkeypatch.setattr(socket.socket, "connect", connect)


@contextmanager
def listening(*replies: Serve) -> Iterator[str]:
    """Serves one connection after the other, each in its way, the last way for all that follow; yields the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            number = 0
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:  # closed: the test is over
                    return
                with connection:
                    if connection.recv(65536):
                        replies[min(number, len(replies) - 1)](connection)
                number += 1

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def sending(content: bytes) -> Serve:
    return lambda connection: connection.sendall(content)


def resetting(content: bytes) -> Serve:
    def reset(connection: socket.socket) -> None:
        connection.sendall(content)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return reset


def failure(clock: Any, error: type[Exception] = ApiUnavailable, **options: Any) -> str:
    """Returns the error of a run, after checking that it is one line, comes at once and is safe to show."""
    began = clock.now
    client = AnalyticsClient(api_key=KEY, clock=clock, sleep=clock.sleep, chance=lambda: 0.5, **options)
    with client, pytest.raises(error) as caught:
        fetch_day(client.session(), DAY)
    assert clock.now == began
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200
    assert not any(secret in str(caught.value) for secret in (KEY, "geheim"))
    return str(caught.value)


# Breaks of real connections


def test_breaks_of_real_connections_lose_nothing(clock: Any) -> None:
    whole = HEAD + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(PAGE) + PAGE
    faults = [
        sending(b""),
        resetting(whole[:-10]),
        sending(whole[:-10]),
        sending(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n" + PAGE[:5] + b"\r\n"),
        sending(HEAD + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n" + PAGE),
        sending(HEAD + b"Connection: close\r\n\r\n" + PAGE[:-10]),
    ]
    with listening(*faults, sending(whole)) as address:
        client = AnalyticsClient(api_key=KEY, base_url=address, clock=clock, sleep=clock.sleep)
        assert fetch_day(client.session(), DAY).bodies == (PAGE,)
    assert len(clock.slept) == len(faults)


# Proxies


@pytest.mark.parametrize(
    ("no_proxy", "url", "exempt"),
    [
        ("*", API, True),
        ("localhost, *", API, True),
        ("anthropic.com", API, True),
        (".anthropic.com", API, True),
        ("*.Anthropic.com", API, True),
        ("localhost api.anthropic.com:443", API, True),
        ("api.anthropic.com:8443", API, False),
        ("thropic.com", API, False),
        ("*.corp", httpx.URL("https://gateway.corp:8443"), True),
        ("10.1.2.3", httpx.URL("https://10.1.2.3"), True),
        ("::1", httpx.URL("https://[::1]:8000"), True),
        ("localhost,fd00::/8,[::1],10.0.0.0/8,.corp", API, False),
        (" , ,/,:,[,*.,://", API, False),
    ],
)
def test_no_proxy_exempts_hosts_and_domains(
    monkeypatch: pytest.MonkeyPatch, no_proxy: str, url: httpx.URL, exempt: bool
) -> None:
    monkeypatch.setenv("NO_PROXY", no_proxy)
    monkeypatch.setenv("HTTPS_PROXY", "http://192.0.2.1:3128")
    assert proxy_for(url) == (None if exempt else ("HTTPS_PROXY", httpx.URL("http://192.0.2.1:3128")))


def test_an_exempt_host_is_reached_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "localhost,fd00::/8,[::1],127.0.0.1,.corp")
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:3128")
    with listening(sending(HEAD + b"Connection: close\r\n\r\n" + PAGE)) as address:
        assert fetch_day(AnalyticsClient(api_key=KEY, base_url=address).session(), DAY).bodies == (PAGE,)


@pytest.mark.parametrize(
    ("variables", "proxy"),
    [
        ({}, None),
        ({"HTTP_PROXY": "http://one:1"}, None),
        ({"https_proxy": "http://one:1", "ALL_PROXY": "socks://two"}, ("https_proxy", "http://one:1")),
        ({"ALL_PROXY": "one:1"}, ("ALL_PROXY", "http://one:1")),
        ({"HTTPS_PROXY": "http://me:geheim@one:1"}, ("HTTPS_PROXY", "http://me:geheim@one:1")),
        ({"HTTPS_PROXY": "http://one:1", "NO_PROXY": "anthropic.com"}, None),
    ],
)
def test_the_proxy_is_that_of_the_scheme_else_that_of_all(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], proxy: tuple[str, str] | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(API) == (proxy and (proxy[0], httpx.URL(proxy[1])))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALL_PROXY", "socks://me:geheim@proxy:1080"),
        ("HTTPS_PROXY", "ftp://me:geheim@proxy"),
        ("HTTPS_PROXY", "http://"),
        ("HTTPS_PROXY", "http://me:geheim@proxy:port"),
        ("HTTPS_PROXY", "http://me:geheim@proxy:99999"),
        ("HTTPS_PROXY", "http://me:geheim@my proxy:3128"),
        ("ALL_PROXY", "socks5://me:geheim@proxy:1080"),
        ("SSL_CERT_FILE", "/nope"),
        ("SSL_CERT_FILE", "."),
        ("SSL_CERT_FILE", __file__),
    ],
)
def test_a_setting_of_the_environment_that_cannot_work_is_named(
    monkeypatch: pytest.MonkeyPatch, clock: Any, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert failure(clock, ConfigurationError).startswith(f"{name} ")


def test_a_proxy_that_wants_a_password_is_named_at_once(monkeypatch: pytest.MonkeyPatch, clock: Any) -> None:
    with listening(sending(b"HTTP/1.1 407 Proxy Authentication\x1b[2J Required\r\n\r\n")) as address:
        monkeypatch.setenv("HTTPS_PROXY", address)
        text = failure(clock)
    assert "the proxy 127.0.0.1 refused to connect to api.anthropic.com (407" in text
    assert "put its user name and password into HTTPS_PROXY" in text
    assert text.isprintable()


# Hosts and certificates


def unknown(*arguments: object, **options: object) -> None:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def not_resolved_yet(*arguments: object, **options: object) -> None:
    raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


def test_an_unknown_host_is_named_at_once(monkeypatch: pytest.MonkeyPatch, clock: Any) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "api.anthropc.com is an unknown host" in failure(clock, base_url="https://api.anthropc.com")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.corp:3128")
    assert "the proxy proxy.corp is an unknown host; check HTTPS_PROXY" in failure(clock)


@pytest.mark.parametrize(("failing", "has_responded"), [(unknown, True), (not_resolved_yet, False)])
def test_a_host_that_cannot_be_resolved_for_a_while_is_a_passing_fault(
    monkeypatch: pytest.MonkeyPatch, clock: Any, failing: Any, has_responded: bool
) -> None:
    page = sending(HEAD + b"Connection: close\r\n\r\n" + PAGE)
    resolve, waits = socket.getaddrinfo, []

    def recover(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            monkeypatch.setattr(socket, "getaddrinfo", resolve)

    with listening(page) as address:
        session = AnalyticsClient(api_key=KEY, base_url=address, clock=clock, sleep=recover).session()
        if has_responded:
            fetch_day(session, DAY)
        monkeypatch.setattr(socket, "getaddrinfo", failing)
        fetch_day(session, DAY)
    assert len(waits) == 3


def test_an_untrusted_certificate_is_named_at_once(clock: Any) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        try:
            error = ssl.SSLCertVerificationError()
            error.verify_message = "self-signed certificate in certificate chain"
            raise error
        except ssl.SSLError as cause:
            raise httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]") from cause

    text = failure(clock, transport=httpx.MockTransport(refuse))
    assert "the certificate of api.anthropic.com is not trusted (self-signed certificate in certificate chain)" in text
    assert "set SSL_CERT_FILE" in text


def test_a_port_that_does_not_speak_tls_is_named_at_once(monkeypatch: pytest.MonkeyPatch, clock: Any) -> None:
    plain = sending(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with listening(plain) as address:
        assert "127.0.0.1 does not speak TLS" in failure(clock, base_url=address.replace("http", "https"))
    with listening(plain) as address:
        monkeypatch.setenv("HTTPS_PROXY", address.replace("http", "https"))
        assert "the proxy 127.0.0.1 does not speak TLS; write http:// in HTTPS_PROXY" in failure(clock)


def test_a_host_that_does_not_respond_is_named_before_the_retries(clock: Any, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("[Errno 111] Connection refused")

    transport = httpx.MockTransport(refuse)
    client = AnalyticsClient(api_key=KEY, transport=transport, clock=clock, sleep=clock.sleep, chance=lambda: 0.5)
    with client, pytest.raises(ApiUnavailable):
        fetch_day(client.session(), DAY)
    assert [record.getMessage() for record in caplog.records] == [
        f"2026-09-01: api.anthropic.com could not be reached (ConnectError); trying again in {2**number} s"
        for number in range(6)
    ]
