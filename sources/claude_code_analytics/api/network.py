"""HTTP connections to one host: proxy, certificates and deadline, and what is wrong where they fail.

httpx 0.28 reads the environment itself, and fails on what is common there (`NO_PROXY=fd00::/8`). Only one host is ever
contacted, so whether a proxy is used is decided once, here, from the same variables.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from urllib.request import getproxies

import httpx

from ..exceptions import ConfigurationError

# Seconds: to connect, between two reads, and for a whole response, however steadily its bytes arrive.
CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
RESPONSE_SECONDS = 300.0

PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")
_PORT = re.compile(r"(?P<host>.+?)(?::(?P<port>\d+))?", re.ASCII)


class Connection:
    """Connections to one host, opened with the first request. Safe to share between threads.

    Args:
        base_url: Scheme, host and path that all requests begin with.
        headers: Headers of all requests.
        transport: What sends the requests, for tests and special networks; the environment is not read then.
        monotonic: Returns seconds that never go back.
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
        self._proxy: tuple[str, httpx.URL] | None = None
        self._client: httpx.Client | None = None
        self._lock = threading.Lock()
        self.is_closed = False

    def get(self, path: str, params: dict[str, str | int]) -> httpx.Response:
        """Sends one GET request and returns the whole response.

        Raises:
            httpx.HTTPError: No whole response arrived in time; see `explain`.
            ConfigurationError: A proxy or certificates in the environment cannot be used.
        """
        client = self._open()
        deadline = self._monotonic() + RESPONSE_SECONDS
        with client.stream("GET", path, params=params) as response:
            if response.is_stream_consumed:  # a transport of a test made it whole
                return response
            body = bytearray()
            for chunk in response.iter_raw():
                body += chunk
                if self._monotonic() > deadline:
                    raise httpx.ReadTimeout(f"no whole response within {RESPONSE_SECONDS:.0f} s")
        return httpx.Response(response.status_code, headers=response.headers, content=bytes(body))

    def explain(self, error: httpx.HTTPError) -> tuple[str, bool]:
        """Returns what happened and what to do, on one line, and whether it is the setup, which waiting can't mend."""
        host = self._base_url.host
        variable, proxy = self._proxy or ("", None)
        for cause in _causes(error):
            if isinstance(cause, ssl.SSLCertVerificationError):
                reason = cause.verify_message or "verification failed"
                return f"the certificate of {host} is not trusted ({reason}); set SSL_CERT_FILE to your CA bundle", True
            if isinstance(cause, socket.gaierror):
                if proxy:
                    return f"the proxy {proxy.host} is an unknown host; check {variable}", True
                return f"{host} is an unknown host; check base_url and DNS", True
            if isinstance(cause, ssl.SSLError) and cause.reason == "WRONG_VERSION_NUMBER":
                if proxy and proxy.scheme == "https":
                    return f"the proxy {proxy.host} does not speak TLS; write http:// in {variable}", True
                return f"{host} does not speak TLS on that port; check base_url", True
        if proxy and isinstance(error, httpx.ProxyError):
            status = "".join(letter for letter in str(error)[:60] if letter.isprintable())
            what = f"the proxy {proxy.host} refused to connect to {host} ({status})"
            if status.startswith("407"):
                return f"{what}; put its user name and password into {variable}", True
            return f"{what}; check {variable}, or run again later", status.startswith("4")
        if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
            return f"{host} did not respond in time ({type(error).__name__}); run again later", False
        through = f" through the proxy {proxy.host}" if proxy else ""
        return f"{host} could not be reached{through} ({type(error).__name__}); check the network and run again", False

    def close(self) -> None:
        """Closes all connections; later requests fail."""
        with self._lock:
            self.is_closed = True
            if self._client:
                self._client.close()

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
        """Builds a transport with the proxy and the certificates that the environment names."""
        trusted = trusted_certificates()
        self._proxy = proxy_for(self._base_url)
        if self._proxy is None:
            return httpx.HTTPTransport(verify=trusted, trust_env=False)
        variable, url = self._proxy
        proxy = httpx.Proxy(url, ssl_context=trusted if url.scheme == "https" else None)
        try:
            return httpx.HTTPTransport(verify=trusted, trust_env=False, proxy=proxy)
        except ImportError:
            raise ConfigurationError(f"{variable} is a SOCKS proxy, which needs: pip install 'httpx[socks]'") from None


def proxy_for(url: httpx.URL) -> tuple[str, httpx.URL] | None:
    """Returns the proxy for requests to `url` and the variable that names it, or None where there is none.

    Raises:
        ConfigurationError: It cannot be used. Its text is not repeated, for it may hold a password.
    """
    proxies = getproxies()
    kind = url.scheme if proxies.get(url.scheme) else "all"
    address = proxies.get(kind)
    port = url.port or {"http": 80, "https": 443}[url.scheme]
    if not address or is_exempt(url.host, port, proxies.get("no", "")):
        return None
    lower = f"{kind}_proxy"
    variable = lower if lower in os.environ else lower.upper()
    try:
        proxy = httpx.URL(address if "://" in address else f"http://{address}")
    except httpx.InvalidURL:
        proxy = httpx.URL("")
    if proxy.scheme not in PROXY_SCHEMES or not can_connect(proxy):
        raise ConfigurationError(f"{variable} must be an address such as http://proxy.example.com:8080")
    return variable, proxy


def can_connect(url: httpx.URL) -> bool:
    """Returns whether host and port of an address can exist. httpx accepts port 99999, and encodes spaces in a host."""
    return bool(url.host) and "%" not in url.host and 0 < (url.port or 1) < 2**16


def is_exempt(host: str, port: int, no_proxy: str) -> bool:
    """Returns whether `NO_PROXY` exempts a host from the proxy.

    Entries are `*`, addresses and ranges (`10.0.0.0/8`, `fd00::/8`, `[::1]`), and names that stand for their subdomains
    too (`corp.example`, `.corp.example`, `*.corp.example`), each with or without a port. Others are ignored.
    """
    host = host.lower().rstrip(".")
    for entry in re.split(r"[,\s]+", no_proxy.lower()):
        entry = entry.rpartition("://")[2]
        if entry == "*" or _in_network(host, entry):
            return True
        match = _PORT.fullmatch(entry)
        if match is None or (match["port"] and int(match["port"]) != port):
            continue
        name = match["host"]
        if match["port"] and _in_network(host, name):
            return True
        name = name.removeprefix("*").strip(".")
        if name and (host == name or host.endswith(f".{name}")):
            return True
    return False


def _in_network(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(re.sub(r"[\[\]]", "", network), strict=False)
    except ValueError:
        return False


def trusted_certificates() -> ssl.SSLContext:
    """Returns the certificates to trust: those of SSL_CERT_FILE or SSL_CERT_DIR, else those that come with httpx.

    Raises:
        ConfigurationError: A variable names what holds no certificates.
    """
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if file:
        try:
            return ssl.create_default_context(cafile=file)
        except OSError:  # ssl.SSLError too
            raise ConfigurationError(f"SSL_CERT_FILE is {file}, which cannot be read as certificates") from None
    if folder:
        # A list, as OpenSSL has it. Python ignores folders that do not exist, and would trust nobody.
        if not any(map(os.path.isdir, folder.split(os.pathsep))):
            raise ConfigurationError(f"SSL_CERT_DIR is {folder}, which is not a folder")
        return ssl.create_default_context(capath=folder)
    return httpx.create_ssl_context(trust_env=False)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
