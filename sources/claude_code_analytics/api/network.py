"""HTTP connections to one host: proxy, certificates and deadline, and what is wrong where they fail.

httpx 0.28 reads the environment itself, and fails on what is common there (`NO_PROXY=fd00::/8`). Only one host is ever
contacted, so whether a proxy is used is decided once, here, from the same variables.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple, cast
from urllib.request import getproxies

import httpx

from ..exceptions import ConfigurationError
from ..foreign_text import printable

# Seconds: to connect, between two reads, and for a whole response, however steadily its bytes arrive.
CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
RESPONSE_SECONDS = 300.0

# Query parameters of a request.
Params = dict[str, str | int]

PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")


class NoResponse(Exception):
    """No whole response arrived. The text is one line: what happened, and what to do."""

    def __init__(self, what: str, *, is_setup: bool = False) -> None:
        super().__init__(what)
        self.is_setup = is_setup  # waiting does not help


class Proxy(NamedTuple):
    """A proxy, and the environment variable that names it."""

    variable: str
    url: httpx.URL


class Connection:
    """Connections to one host, opened with the first request. Safe to share between threads.

    The environment's proxy and certificates are not read where a transport is given.
    """

    def __init__(
        self,
        base_url: httpx.URL,
        headers: dict[str, str],
        transport: httpx.BaseTransport | None,
        monotonic: Callable[[], float],
    ) -> None:
        self._base_url = base_url
        self._headers = headers
        self._transport = transport
        self._monotonic = monotonic
        self._proxy: Proxy | None = None
        self._client: httpx.Client | None = None
        self._lock = threading.Lock()
        self.is_closed = False

    def get(self, path: str, params: Params) -> httpx.Response:
        """Sends one GET request and returns the whole response, or raises NoResponse."""
        client = self._open()
        try:
            return self._read(client, path, params)
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise self._explain(error) from None

    def close(self) -> None:
        with self._lock:
            self.is_closed = True
            if self._client:
                self._client.close()

    def _read(self, client: httpx.Client, path: str, params: Params) -> httpx.Response:
        deadline = self._monotonic() + RESPONSE_SECONDS
        body = bytearray()
        with client.stream("GET", path, params=params) as response:
            # Bytes as they arrive: a compressed body may drip for long without a decoded byte.
            for chunk in cast("httpx.SyncByteStream", response.stream):
                body += chunk
                if self._monotonic() > deadline:
                    raise httpx.ReadTimeout(f"no whole response within {RESPONSE_SECONDS:.0f} s")
        return httpx.Response(response.status_code, headers=response.headers, content=bytes(body))

    def _open(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                self._client = httpx.Client(
                    base_url=self._base_url,
                    headers=self._headers,
                    timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
                    transport=self._transport or self._environment_transport(),
                    trust_env=False,
                    follow_redirects=False,
                )
                if self.is_closed:
                    self._client.close()
            return self._client

    def _environment_transport(self) -> httpx.BaseTransport:
        try:
            trusted = httpx.create_ssl_context(trust_env=True)
        except OSError:  # ssl.SSLError too
            file = os.environ.get("SSL_CERT_FILE")
            raise ConfigurationError(f"SSL_CERT_FILE is {file}, which cannot be read as certificates") from None
        self._proxy = proxy_for(self._base_url)
        if self._proxy is None:
            return httpx.HTTPTransport(verify=trusted, trust_env=False)
        variable, url = self._proxy
        proxy = httpx.Proxy(url, ssl_context=trusted if url.scheme == "https" else None)
        try:
            return httpx.HTTPTransport(verify=trusted, trust_env=False, proxy=proxy)
        except ImportError:
            raise ConfigurationError(f"{variable} is a SOCKS proxy, which needs: pip install 'httpx[socks]'") from None

    def _explain(self, error: httpx.HTTPError) -> NoResponse:
        host, proxy = self._base_url.host, self._proxy
        setup = next(filter(None, map(self._setup_problem, _causes(error))), None)
        if setup:
            return NoResponse(setup, is_setup=True)
        if proxy and isinstance(error, httpx.ProxyError):
            return _refusal_of(proxy, host, error)
        kind = type(error).__name__
        if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
            return NoResponse(f"{host} did not respond in time ({kind}); run again later")
        through = f" through the proxy {proxy.url.host}" if proxy else ""
        return NoResponse(f"{host} could not be reached{through} ({kind}); check the network and run again")

    def _setup_problem(self, cause: BaseException) -> str | None:
        """Returns what is wrong with the setup, where that is the cause."""
        host, proxy = self._base_url.host, self._proxy
        if isinstance(cause, ssl.SSLCertVerificationError):
            reason = cause.verify_message or "verification failed"
            return f"the certificate of {host} is not trusted ({reason}); set SSL_CERT_FILE to your CA bundle"
        # EAI_AGAIN passes: a container may start before its DNS.
        if isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN:
            if proxy:
                return f"the proxy {proxy.url.host} is an unknown host; check {proxy.variable}"
            return f"{host} is an unknown host; check base_url and DNS"
        if isinstance(cause, ssl.SSLError) and cause.reason == "WRONG_VERSION_NUMBER":
            if proxy and proxy.url.scheme == "https":
                return f"the proxy {proxy.url.host} does not speak TLS; write http:// in {proxy.variable}"
            return f"{host} does not speak TLS on that port; check base_url"
        return None


def _refusal_of(proxy: Proxy, host: str, error: httpx.ProxyError) -> NoResponse:
    status = printable(str(error)[:60])
    what = f"the proxy {proxy.url.host} refused to connect to {host} ({status})"
    if status.startswith("407"):
        return NoResponse(f"{what}; put its user name and password into {proxy.variable}", is_setup=True)
    return NoResponse(f"{what}; check {proxy.variable}, or run again later", is_setup=status.startswith("4"))


def proxy_for(url: httpx.URL) -> Proxy | None:
    """Returns the proxy for requests to `url`, or None where there is none."""
    proxies = getproxies()
    kind = url.scheme if proxies.get(url.scheme) else "all"
    address = proxies.get(kind)
    if not address or _is_exempt(url, proxies.get("no", "")):
        return None
    lower = f"{kind}_proxy"
    variable = lower if lower in os.environ else lower.upper()
    try:
        proxy = httpx.URL(address if "://" in address else f"http://{address}")
    except httpx.InvalidURL:
        proxy = httpx.URL("")
    if proxy.scheme not in PROXY_SCHEMES or not can_connect(proxy):
        # Its text is not repeated, for it may hold a password.
        raise ConfigurationError(f"{variable} must be an address such as http://proxy.example.com:8080")
    return Proxy(variable, proxy)


def can_connect(url: httpx.URL) -> bool:
    """Returns whether host and port of an address can exist. httpx accepts port 99999, and encodes spaces in a host."""
    return bool(url.host) and "%" not in url.host and 0 < (url.port or 1) < 2**16


def _is_exempt(url: httpx.URL, no_proxy: str) -> bool:
    """Returns whether `NO_PROXY` lists `*`, the host or a domain above it, each with or without a port."""
    entries = re.split(r"[,\s]+", no_proxy.lower())
    if "*" in entries:
        return True
    port = url.port or {"http": 80, "https": 443}[url.scheme]
    names = [name for entry in entries if (name := entry.lstrip("*."))]
    return any(f".{url.host}:{port}".endswith((f".{name}", f".{name}:{port}")) for name in names)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
