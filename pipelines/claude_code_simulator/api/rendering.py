"""Bodies and headers of the API's responses: pages, errors, request ids and dates."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Mapping, Sequence
from email.utils import format_datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import httpx

# `error.type` by HTTP status.
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
    504: "timeout_error",
    529: "overloaded_error",
}

# Built once: `json.dumps` with separators makes a new encoder for every record.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Refusal(NamedTuple):
    """Reason for which a request gets an error, with its `error.message` and more headers such as `retry-after`."""

    status: int
    message: str
    headers: Mapping[str, str] = MappingProxyType({})


def to_json(value: Any) -> bytes:
    """Returns a value as compact JSON in UTF-8; a lone surrogate, which UTF-8 does not have, as an escape."""
    return _encode(value).encode(errors="backslashreplace")


def page_body(records: Sequence[bytes], next_page: str | None) -> bytes:
    """Returns the body of one page of records that are JSON already."""
    tail = to_json({"has_more": next_page is not None, "next_page": next_page})
    return b'{"data":[' + b",".join(records) + b"]," + tail[1:]


def json_response(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """Returns a response with a JSON body."""
    return httpx.Response(status, headers={"content-type": "application/json", **(headers or {})}, content=body)


def error_response(
    status: int,
    message: str,
    *,
    request_id: str | None = None,
    headers: Mapping[str, str] | None = None,
    details: Mapping[str, Any] | None = None,
) -> httpx.Response:
    """Returns an error in the documented shape.

    The request id, a new one by default, goes into the header and the body. Most errors lack `details`.
    """
    request_id = request_id or new_request_id()
    error: dict[str, Any] = {"type": ERROR_TYPES.get(status, "api_error"), "message": message}
    if details is not None:
        error["details"] = dict(details)
    body = {"type": "error", "error": error, "request_id": request_id}
    return json_response(status, to_json(body), {**(headers or {}), "request-id": request_id})


def new_request_id() -> str:
    """Returns an id that no other response has, in this run or another."""
    return f"req_{uuid.uuid4().hex[:24]}"


def http_date(moment: dt.datetime) -> str:
    """Returns an aware moment as the HTTP date of RFC 7231, which has whole seconds."""
    return format_datetime(moment.astimezone(dt.timezone.utc), usegmt=True)
