"""All faults by name, as data, so that a test can run through every one of them.

Faults that no client could notice are left out, such as an empty day in place of one with records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ..api.simulated_api import Fault
from ..api.token_bucket import RESET_HEADER
from . import builders
from .page_tokens import PAGE_TOKEN_FAULTS, Page

STATUSES: Final = (400, 401, 402, 403, 404, 408, 409, 413, 429, 500, 502, 503, 504, 529)
PAST: Final = "2020-01-01T00:00:00Z"
ELSEWHERE: Final = {"location": "https://elsewhere.example.test/v1"}

# Headers of a 429 besides the plain one, which has none.
LIMITS: Final[Mapping[str, Mapping[str, str]]] = {
    "seconds": {"retry-after": "7"},
    "zero": {"retry-after": "0"},
    "negative": {"retry-after": "-5"},
    "fraction": {"retry-after": "1.5"},
    "past-date": {"retry-after": "Wed, 01 Jan 2020 00:00:00 GMT"},
    "nonsense": {"retry-after": "in a moment"},
    "infinite": {"retry-after": "inf"},
    "stale": {RESET_HEADER: PAST},
    "stale-with-seconds": {RESET_HEADER: PAST, "retry-after": "3"},
}

# Bodies that are no page.
WRONG_BODIES: Final[Mapping[str, bytes]] = {
    "empty": b"",
    "blank": b" \n\t ",
    "null": b"null",
    "true": b"true",
    "number": b"17",
    "string": b'"data"',
    "list": b'[{"data":[],"has_more":false,"next_page":null}]',
    "object": b"{}",
    "error": b'{"type":"error","error":{"type":"api_error","message":"Internal server error"},"request_id":"req_x"}',
    "deep": b"[" * 100_000,
    "deep-page": b'{"data":' + b"[" * 100_000 + b"]" * 100_000 + b',"has_more":false,"next_page":null}',
    "not-utf8": b'{"data":["\xff\xfe"],"has_more":false,"next_page":null}',
    "of-nulls": b'{"data":[null],"has_more":false,"next_page":null}',
    "of-texts": b'{"data":["a","b"],"has_more":false,"next_page":null}',
    "of-lists": b'{"data":[[]],"has_more":false,"next_page":null}',
}


def _with(**fields: Any) -> Callable[[Page], Page]:
    return lambda page: {**page, **fields}


def _without(*fields: str) -> Callable[[Page], Page]:
    return lambda page: {name: value for name, value in page.items() if name not in fields}


# Changes of true pages.
WRONG_PAGES: Final[Mapping[str, Callable[[Page], Any]]] = {
    "data-missing": _without("data"),
    "data-null": _with(data=None),
    "data-text": _with(data="records"),
    "data-object": lambda page: {**page, "data": dict(enumerate(page["data"]))},
    "more-missing": _without("has_more"),
    "more-null": _with(has_more=None),
    "more-text": _with(has_more="false"),
    "more-number": _with(has_more=0),
    "only-data": _without("has_more", "next_page"),
    "enveloped": lambda page: {"result": page},
    "in-a-list": lambda page: [page],
}

# Changes of true pages after which the bytes are no JSON.
WRONG_BYTES: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "twice": lambda body: body + body,
    "with-tail": lambda body: body + b"\x00",
    "with-comma": lambda body: body[:-1] + b",}",
    "with-nan": lambda body: body[:-1] + b',"x":NaN}',
    "utf16": lambda body: body.decode().encode("utf-16"),
    "single-quotes": lambda body: body.replace(b'"', b"'"),
}

# The part of a name before the first `-` is its family.
FAULTS: Final[Mapping[str, Fault]] = {
    **{f"status-{code}": builders.status(code) for code in STATUSES},
    **{f"status-{code}-{body}": builders.status(code, body) for code in STATUSES for body in ("bare", "html")},
    **{f"status-{code}-{body}": builders.status(code, body) for code in (401, 503) for body in builders.ERROR_BODIES},
    **{f"limit-{name}": builders.status(429, headers=headers) for name, headers in LIMITS.items()},
    "limit-spend": builders.status(429, error_code="enforced_spend_limit_reached"),
    **{f"redirect-{code}": builders.reply(b"", code, headers=ELSEWHERE) for code in (301, 302, 303, 307, 308)},
    "answer-204": builders.reply(b"", 204),
    "answer-206": builders.reply(b'{"data":[', 206),
    "answer-html": builders.reply(builders.PROXY_PAGE, content_type=builders.HTML),
    **{f"break-{name}": builders.broken(name) for name in builders.BREAKS},
    "cut-at-once": builders.cut(0.0),
    "cut-halfway": builders.cut(0.5),
    "cut-before-the-end": builders.cut(0.999),
    "closed-halfway": builders.cut(0.5, reset=False),
    "truncated-to-nothing": builders.rewritten(lambda body: b""),
    "truncated-halfway": builders.rewritten(lambda body: body[: len(body) // 2]),
    "truncated-before-the-end": builders.rewritten(lambda body: body[:-1]),
    "not-gzip": builders.altering(builders.mislabeled),
    "slow": builders.slow(10),
    "too-slow": builders.slow(600),
    **{f"body-{name}": builders.reply(body) for name, body in WRONG_BODIES.items()},
    **{f"body-{name}": builders.reworded(change) for name, change in WRONG_PAGES.items()},
    **{f"body-{name}": builders.rewritten(change) for name, change in WRONG_BYTES.items()},
    **{f"cursor-{name}": fault for name, fault in PAGE_TOKEN_FAULTS.items()},
}

# Faults after which a client that reads on has everything without a retry.
HARMLESS: Final = ("slow", "cursor-empty-page", "cursor-token-at-the-end")
