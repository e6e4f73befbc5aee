"""Builders of faults. Each fault works as the `fault` hook of `SimulatedApi`, where it happens every time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import httpx

from ..api.rendering import ERROR_TYPES, error_response, json_response, to_json
from ..api.simulated_api import Alteration, Fault

JSON: Final = "application/json"
HTML: Final = "text/html; charset=utf-8"
PROXY_PAGE: Final = b"<html><head><title>Error</title></head><body><center>cloudflare</center></body></html>"

# Bodies of errors besides the documented one, with their content type.
ERROR_BODIES: Final[Mapping[str, tuple[bytes, str]]] = {
    "html": (PROXY_PAGE, HTML),
    "empty": (b"", "text/plain"),
    "text": ("überlastet, \x00 später".encode(), "text/plain; charset=utf-8"),
    "bytes": (b"\xff\xfe\x00\x9f" * 100, "application/octet-stream"),
    "bare": (b'{"error":{"message":"no type, no request id"}}', JSON),
    "list": (b'[{"type":"error"}]', JSON),
    "string": (b'{"type":"error","error":"a string","request_id":17}', JSON),
    "long": (b'{"error":{"type":"api_error","message":"' + b"x" * 20_000 + b'"}}', JSON),
}

# Failures before any response, with the text that httpx gives them. Over HTTP all of them are a reset, except that
# `closed-early` closes the connection in good order and `read-timeout` keeps the client waiting.
BREAKS: Final[Mapping[str, tuple[type[httpx.TransportError], str]]] = {
    "connection-refused": (httpx.ConnectError, "[Errno 111] Connection refused"),
    "connect-timeout": (httpx.ConnectTimeout, "The connect operation timed out"),
    "connection-reset": (httpx.ReadError, "[Errno 104] Connection reset by peer"),
    "read-timeout": (httpx.ReadTimeout, "The read operation timed out"),
    "write-failed": (httpx.WriteError, "[Errno 32] Broken pipe"),
    "write-timeout": (httpx.WriteTimeout, "The write operation timed out"),
    "closed-early": (httpx.RemoteProtocolError, "Server disconnected without sending a response."),
    "proxy-failed": (httpx.ProxyError, "502 Bad Gateway"),
}


class _Stream(httpx.SyncByteStream):
    """A body as it arrives: some bytes, and perhaps an error after them."""

    def __init__(self, sent: bytes, error: Exception | None = None) -> None:
        self.sent = sent
        self.error = error

    def __iter__(self) -> Iterator[bytes]:
        yield self.sent
        if self.error is not None:
            raise self.error


def altering(alteration: Alteration) -> Fault:
    """Returns the fault that applies `alteration` to the true response."""
    return lambda request, number: alteration


def reply(content: bytes, code: int = 200, content_type: str = JSON, headers: Mapping[str, str] | None = None) -> Fault:
    """Returns the fault that sends these bytes."""
    head = {"content-type": content_type, **(headers or {})}
    return lambda request, number: httpx.Response(code, headers=head, content=content)


def status(code: int, body: str | None = None, headers: Mapping[str, str] | None = None, **details: Any) -> Fault:
    """Returns the fault that sends an error, with a body of `ERROR_BODIES` or else the documented one."""
    if body is not None:
        return reply(ERROR_BODIES[body][0], code, ERROR_BODIES[body][1], headers)
    message = ERROR_TYPES.get(code, "api_error").replace("_", " ").capitalize()
    return lambda request, number: error_response(code, message, headers=headers, details=details or None)


def broken(name: str) -> Fault:
    """Returns the fault that fails before any response, as named in `BREAKS`."""
    error, text = BREAKS[name]
    return lambda request, number: error(text, request=request)


def cut(share: float, *, reset: bool = True) -> Fault:
    """Returns the fault that breaks the connection after this share of the body: by reset, or closed in good order."""

    def cut_off(response: httpx.Response) -> httpx.Response:
        body = response.content
        error: Exception = httpx.ReadError("[Errno 104] Connection reset by peer")
        if not reset:
            error = httpx.RemoteProtocolError("peer closed connection without sending complete message body")
        headers = {**response.headers, "content-length": str(len(body))}
        stream = _Stream(body[: int(len(body) * share)], error)
        return httpx.Response(response.status_code, headers=headers, stream=stream)

    return altering(cut_off)


def mislabeled(response: httpx.Response) -> httpx.Response:
    """Alters a response to claim gzip for a body that is none."""
    headers = {**response.headers, "content-encoding": "gzip"}
    return httpx.Response(response.status_code, headers=headers, stream=_Stream(response.content))


def slow(seconds: float) -> Fault:
    """Returns the fault that delays the true response: a `ReadTimeout` for clients that wait less."""

    def delay(response: httpx.Response) -> httpx.Response:
        response.extensions["delay"] = seconds
        return response

    return altering(delay)


def rewritten(change: Callable[[bytes], bytes]) -> Fault:
    """Returns the fault that changes the body of a true page. Errors pass unchanged."""
    return altering(lambda response: with_body(response, change(response.content)) if response.is_success else response)


def reworded(change: Callable[[dict[str, Any]], Any]) -> Fault:
    """Returns the fault that changes a true page, decoded. Errors pass unchanged."""
    return rewritten(lambda body: to_json(change(json.loads(body))))


def with_body(response: httpx.Response, body: bytes) -> httpx.Response:
    """Returns a 200 with the headers of `response` and another body."""
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    return json_response(200, body, headers)
