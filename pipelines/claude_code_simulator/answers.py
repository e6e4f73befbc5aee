"""What the simulated API answers with: pages and errors, as values and as HTTP responses.

Holds the shapes of the bodies and headers, and the type of the hook that may put another answer in their
place. Which answer a request gets is decided by `credentials`, `parameters`, `rate` and `api`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import httpx

ERROR_TYPES: Final[Mapping[int, str]] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    502: "api_error",
    503: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""`error.type` by HTTP status."""

Alteration = Callable[[httpx.Response], httpx.Response | Exception]
"""Takes the true answer and returns what is sent, or raised, in its place."""

Fault = Callable[[httpx.Request, int], httpx.Response | Exception | Alteration | None]
"""Is asked with each request and its running number, from 1. A response is sent in place of the true one, an
exception is raised, an `Alteration` is given the true answer, and None lets the request through."""

# Built once: `json.dumps` with separators makes a new encoder for every record.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Refusal(NamedTuple):
    """Why a request is not answered with data.

    Attributes:
        status: HTTP status, a key of `ERROR_TYPES`.
        message: `error.message`.
        headers: More headers, such as `retry-after`.
    """

    status: int
    message: str
    headers: Mapping[str, str] = MappingProxyType({})


def to_json(value: Any) -> bytes:
    """Write a value as compact JSON in UTF-8."""
    return _encode(value).encode()


def page_body(records: Sequence[bytes], next_page: str | None) -> bytes:
    """Build the body of one page from records that are JSON already."""
    tail = to_json({"has_more": next_page is not None, "next_page": next_page})
    return b'{"data":[' + b",".join(records) + b"]," + tail[1:]


def json_response(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """Wrap a JSON body as a response."""
    return httpx.Response(status, headers={"content-type": "application/json", **(headers or {})}, content=body)


def error_response(
    status: int,
    message: str,
    *,
    error_type: str | None = None,
    request_id: str | None = None,
    headers: Mapping[str, str] | None = None,
    details: Mapping[str, Any] | None = None,
) -> httpx.Response:
    """Build an error in the documented shape; also for the `fault` hooks of tests.

    Args:
        status: HTTP status.
        message: `error.message`.
        error_type: `error.type`; the one that belongs to the status unless given.
        request_id: Goes into the header and the body; a new one unless given.
        headers: More headers, such as `retry-after`.
        details: `error.details`, which most errors do not have.
    """
    request_id = request_id or new_request_id()
    error: dict[str, Any] = {"type": error_type or ERROR_TYPES.get(status, "api_error"), "message": message}
    if details is not None:
        error["details"] = dict(details)
    body = {"type": "error", "error": error, "request_id": request_id}
    return json_response(status, to_json(body), {**(headers or {}), "request-id": request_id})


def new_request_id() -> str:
    """Return an id that no other response has, in this run or another."""
    return f"req_{uuid.uuid4().hex[:24]}"
