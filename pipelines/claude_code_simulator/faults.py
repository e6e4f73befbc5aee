"""The vocabulary of faults: functions that each make one way in which an answer goes wrong.

A fault is what the `fault` hook of `SimulatedApi` takes, so each can be set there as it is, to happen every
time; `script` says on which request it happens instead, and `catalogue` names all of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx

from . import wire
from .answers import ERROR_TYPES, Alteration, Fault, error_response, json_response, to_json

JSON: Final = "application/json"
HTML: Final = "text/html; charset=utf-8"
PAGE_OF_A_PROXY: Final = b"<html><head><title>Error</title></head><body><center>cloudflare</center></body></html>"

ODD_BODIES: Final[Mapping[str, tuple[bytes, str]]] = {
    "html": (PAGE_OF_A_PROXY, HTML),
    "empty": (b"", "text/plain"),
    "text": ("überlastet, \x00 später".encode(), "text/plain; charset=utf-8"),
    "bytes": (b"\xff\xfe\x00\x9f" * 100, "application/octet-stream"),
    "bare": (b'{"error":{"message":"no type, no request id"}}', JSON),
    "list": (b'[{"type":"error"}]', JSON),
    "string": (b'{"type":"error","error":"a string","request_id":17}', JSON),
    "long": (b'{"error":{"type":"api_error","message":"' + b"x" * 20_000 + b'"}}', JSON),
}
"""Bodies that an error may have besides the documented one, with their content type."""


def altering(alteration: Alteration) -> Fault:
    """Make the fault that sends what `alteration` makes of the true answer."""
    return lambda request, number: alteration


def status(code: int, body: str = "documented", headers: Mapping[str, str] | None = None, **details: Any) -> Fault:
    """Answer with an error.

    Args:
        code: HTTP status.
        body: `documented`, or one of `ODD_BODIES`.
        headers: More headers, such as `retry-after`.
        **details: `error.details` of the documented body.
    """

    def fault(request: httpx.Request, number: int) -> httpx.Response:
        if body == "documented":
            return error_response(code, _message(code), headers=headers, details=details or None)
        content, kind = ODD_BODIES[body]
        return httpx.Response(code, headers={"content-type": kind, **(headers or {})}, content=content)

    return fault


def answer(content: bytes, *, code: int = 200, content_type: str = JSON) -> Fault:
    """Answer with any body, as if all were well."""
    return lambda request, number: httpx.Response(code, headers={"content-type": content_type}, content=content)


def redirect(code: int, location: str = "https://elsewhere.example.test/v1") -> Fault:
    """Send the client elsewhere."""
    return lambda request, number: httpx.Response(code, headers={"location": location})


def broken(how: str) -> Fault:
    """Fail before there is any answer, in one of the ways of `wire.BREAKS`.

    The API has seen the request by then; over HTTP all of them are a reset, but for `read timeout`, which
    keeps the client waiting.
    """
    kind, text = wire.BREAKS[how]
    return lambda request, number: kind(text, request=request)


def cut(part: float, *, reset: bool = True) -> Fault:
    """Break the connection when this share of the body has arrived: reset, or closed in good order."""
    return altering(lambda response: wire.cut(response, part, reset=reset))


def truncated(part: float) -> Fault:
    """Send only this share of the body, as if it were all."""
    return rewritten(lambda body: body[: int(len(body) * part)])


def mislabelled(encoding: str = "gzip") -> Fault:
    """Send a body that is not encoded as the header says."""
    return altering(lambda response: wire.mislabelled(response, encoding))


def slow(seconds: float) -> Fault:
    """Answer truly, but late: a `ReadTimeout` for who does not wait that long, else by the hook `sleep`."""

    def late(response: httpx.Response) -> httpx.Response:
        response.extensions["delay"] = seconds
        return response

    return altering(late)


def meanwhile(action: Callable[[], object]) -> Fault:
    """Answer truly, and let something happen just after that: data that arrives, a day that ends."""

    def then(response: httpx.Response) -> httpx.Response:
        action()
        return response

    return altering(then)


def rewritten(change: Callable[[bytes], bytes]) -> Fault:
    """Change the body of a true page; another answer is left as it is."""
    return altering(lambda response: _same(response, change(response.content)) if response.is_success else response)


def reworded(change: Callable[[dict[str, Any]], Any]) -> Fault:
    """Change a true page, decoded; another answer is left as it is."""
    return rewritten(lambda body: to_json(change(json.loads(body))))


def _same(response: httpx.Response, body: bytes) -> httpx.Response:
    """Return the answer with another body."""
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    return json_response(response.status_code, body, headers)


def _message(code: int) -> str:
    return ERROR_TYPES.get(code, "api_error").replace("_", " ").capitalize()
