"""All faults by name, as data, so that a test can run through every one of them.

Left out is what no client could notice: a page that says that it is the last and is not, or an empty day
where there is one with records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from . import cursors, faults
from .answers import Fault
from .faults import answer, broken, cut, redirect, reworded, rewritten, slow, status, truncated
from .rate import RESET_HEADER
from .wire import BREAKS

Page = dict[str, Any]

STATUSES: Final = (400, 401, 402, 403, 404, 408, 409, 413, 429, 500, 502, 503, 504, 529)
PAST: Final = "2020-01-01T00:00:00Z"

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
"""Headers of a 429 besides the plain one, which has none."""

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
"""Bodies that are no page."""


def _with(**fields: Any) -> Callable[[Page], Page]:
    return lambda page: {**page, **fields}


def _without(*fields: str) -> Callable[[Page], Page]:
    return lambda page: {name: value for name, value in page.items() if name not in fields}


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
"""True pages, spoilt."""

REWRITTEN: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "twice": lambda body: body + body,
    "with-tail": lambda body: body + b"\x00",
    "with-comma": lambda body: body[:-1] + b",}",
    "with-nan": lambda body: body[:-1] + b',"x":NaN}',
    "utf16": lambda body: body.decode().encode("utf-16"),
    "single-quotes": lambda body: body.replace(b'"', b"'"),
}
"""True pages whose bytes are no JSON any more."""

CURSORS: Final[Mapping[str, Fault]] = {
    "expired": cursors.expired,
    "repeated": cursors.repeated,
    "circle": cursors.circle,
    "null": cursors.missing(None),
    "empty": cursors.missing(""),
    "number": cursors.missing(2),
    "object": cursors.missing({"token": "page_"}),
    "absent": cursors.absent,
    "malformed": cursors.malformed,
    "of-another-day": cursors.of_another_day,
    "records-of-another-day": cursors.records_of_another_day(),
    "one-record-of-another-day": cursors.records_of_another_day(1),
    "empty-page": cursors.empty_page,
    "token-at-the-end": cursors.token_at_the_end,
}

FAULTS: Final[Mapping[str, Fault]] = {
    **{f"status-{code}": status(code) for code in STATUSES},
    **{f"status-{code}-{body}": status(code, body) for code in STATUSES for body in ("bare", "html")},
    **{f"status-503-{body}": status(503, body) for body in faults.ODD_BODIES},
    **{f"status-401-{body}": status(401, body) for body in faults.ODD_BODIES},
    **{f"limit-{name}": status(429, headers=headers) for name, headers in LIMITS.items()},
    "limit-spend": status(429, error_code="enforced_spend_limit_reached"),
    **{f"redirect-{code}": redirect(code) for code in (301, 302, 303, 307, 308)},
    "answer-204": answer(b"", code=204),
    "answer-206": answer(b'{"data":[', code=206),
    "answer-html": answer(faults.PAGE_OF_A_PROXY, content_type=faults.HTML),
    **{f"break-{how.replace(' ', '-')}": broken(how) for how in BREAKS},
    "cut-at-once": cut(0.0),
    "cut-halfway": cut(0.5),
    "cut-before-the-end": cut(0.999),
    "closed-halfway": cut(0.5, reset=False),
    "truncated-to-nothing": truncated(0.0),
    "truncated-halfway": truncated(0.5),
    "truncated-before-the-end": truncated(0.999),
    "not-gzip": faults.mislabelled(),
    "slow": slow(10),
    "too-slow": slow(600),
    **{f"body-{name}": answer(body) for name, body in WRONG_BODIES.items()},
    **{f"body-{name}": reworded(change) for name, change in WRONG_PAGES.items()},
    **{f"body-{name}": rewritten(change) for name, change in REWRITTEN.items()},
    **{f"cursor-{name}": fault for name, fault in CURSORS.items()},
}
"""The faults by name. The part before the first `-` tells what they have in common."""

HARMLESS: Final = ("slow", "cursor-empty-page", "cursor-token-at-the-end")
"""Faults after which a client that reads on has everything, without asking anything twice."""
