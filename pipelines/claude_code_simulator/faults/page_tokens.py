"""Faults of the page token: expired, repeated, circular, missing or malformed, and pages that belong elsewhere."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx

from ..api.rendering import error_response, to_json
from ..api.simulated_api import Fault
from .builders import with_body

Page = dict[str, Any]

CIRCLE: Final = ("page_Y2lyY2xlLW9uZQ==", "page_Y2lyY2xlLXR3bw==")
AGAIN: Final = "page_YWdhaW4tYWdhaW4="
BAD_TOKENS = {"null": None, "empty": "", "number": 2, "object": {"token": "page_"}, "malformed": "page_&=?#%00 ключ"}


def _altered(change: Callable[[Page, httpx.Request, httpx.Response], Page]) -> Fault:
    """Returns the fault that changes a page. A 400, such as for a token made here, counts as an empty page."""

    def fault(request: httpx.Request, number: int) -> Callable[[httpx.Response], httpx.Response]:
        def alter(response: httpx.Response) -> httpx.Response:
            page: Page = {"data": [], "has_more": False, "next_page": None}
            if response.status_code == 200:
                page = json.loads(response.content)
            elif response.status_code != 400:
                return response
            return with_body(response, to_json(change(page, request, response)))

        return alter

    return fault


def _followed_by(token: Callable[[httpx.Request], object]) -> Fault:
    return _altered(lambda page, request, response: {**page, "has_more": True, "next_page": token(request)})


def _always(value: object) -> Callable[[httpx.Request], object]:
    return lambda request: value


def _empty_page(page: Page, request: httpx.Request, response: httpx.Response) -> Page:
    another_token = response.extensions.get("page_token")
    return {"data": [], "has_more": True, "next_page": another_token} if another_token else page


def _token_at_the_end(page: Page, request: httpx.Request, response: httpx.Response) -> Page:
    return page if page["has_more"] else {**page, "next_page": AGAIN}


def _misdated(count: int | None = None) -> Fault:
    """Returns the fault that moves the last `count` records of a page to the day before, or all of them."""

    def misdate(page: Page, request: httpx.Request, response: httpx.Response) -> Page:
        for row in page["data"] if count is None else page["data"][-count:]:
            day = dt.date.fromisoformat(row["date"][:10]) - dt.timedelta(days=1)
            row["date"] = f"{day.isoformat()}T00:00:00Z"
        return page

    return _altered(misdate)


PAGE_TOKEN_FAULTS: Final[Mapping[str, Fault]] = {
    "expired": lambda request, number: error_response(400, "page: Page token has expired"),
    "repeated": _followed_by(lambda request: request.url.params.get("page") or AGAIN),
    "circle": _followed_by(lambda request: CIRCLE[request.url.params.get("page") == CIRCLE[0]]),
    **{name: _followed_by(_always(token)) for name, token in BAD_TOKENS.items()},
    "absent": _altered(lambda page, request, response: {"data": page["data"], "has_more": True}),
    "records-of-another-day": _misdated(),
    "one-record-of-another-day": _misdated(1),
    # Odd, but without loss: the token leads to the records that belong here.
    "empty-page": _altered(_empty_page),
    "token-at-the-end": _altered(_token_at_the_end),
}
