"""Faults of the page cursor: tokens that expire, repeat, are missing or belong elsewhere.

They alter the true answer, so that a client that follows them is led where a broken API would lead it. All
are functions of the request and the answer: nothing is remembered, and each may happen once or every time.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import httpx

from .answers import Alteration, Fault, error_response, json_response, to_json
from .paging import Cursor, decode, encode

CIRCLE: Final = ("page_Y2lyY2xlLW9uZQ==", "page_Y2lyY2xlLXR3bw==")
AGAIN: Final = "page_YWdhaW4tYWdhaW4="

Page = dict[str, Any]


def expired(request: httpx.Request, number: int) -> httpx.Response:
    """Refuse the token of this page; without one, refuse all the same."""
    return error_response(400, "page: Page token has expired")


def repeated(request: httpx.Request, number: int) -> Alteration:
    """Give as next token the one that led here, and a token of its own after the first page."""
    return _onward(lambda page, response: request.url.params.get("page") or AGAIN)


def circle(request: httpx.Request, number: int) -> Alteration:
    """Give one of two tokens that lead to each other."""
    return _onward(lambda page, response: CIRCLE[request.url.params.get("page") == CIRCLE[0]])


def missing(token: Any) -> Fault:
    """Say that there is more, with no token that could be followed: null, empty, of another type."""
    return lambda request, number: _onward(lambda page, response: token)


def absent(request: httpx.Request, number: int) -> Alteration:
    """Say that there is more, and leave `next_page` out."""
    return _altered(lambda page, response: {"data": page["data"], "has_more": True})


def of_another_day(request: httpx.Request, number: int) -> Alteration:
    """Give a good token of the day before."""

    def token(page: Page, response: httpx.Response) -> str:
        organization = response.headers.get("anthropic-organization-id", "")
        here = response.extensions.get("page_token")
        cursor = (
            decode(here(), organization)
            if here
            else Cursor(dt.date(2026, 1, 1), dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc), 0, "0" * 16)
        )
        return encode(replace(cursor, day=cursor.day - dt.timedelta(days=1)), organization)

    return _onward(token)


def malformed(request: httpx.Request, number: int) -> Alteration:
    """Give a token that the API will not take back."""
    return _onward(lambda page, response: "page_&=?#%00 ключ")


def empty_page(request: httpx.Request, number: int) -> Alteration:
    """Give an empty page that has more, and a token for the records that belong here: odd, but no loss."""

    def emptied(page: Page, response: httpx.Response) -> Page:
        here = response.extensions.get("page_token")
        return {"data": [], "has_more": True, "next_page": here()} if here else page

    return _altered(emptied)


def records_of_another_day(how_many: int | None = None) -> Fault:
    """Move this many records of the page, from its end, to the day before; all of them if None."""

    def misdated(page: Page, response: httpx.Response) -> Page:
        rows = page["data"]
        for row in rows if how_many is None else rows[-how_many:]:
            day = dt.date.fromisoformat(row["date"][:10]) - dt.timedelta(days=1)
            row["date"] = f"{day.isoformat()}T00:00:00Z"
        return page

    return lambda request, number: _altered(misdated)


def token_at_the_end(request: httpx.Request, number: int) -> Alteration:
    """Give a token where there is no more; odd, but no loss."""
    return _altered(lambda page, response: page if page["has_more"] else {**page, "next_page": AGAIN})


def _onward(token: Callable[[Page, httpx.Response], Any]) -> Alteration:
    return _altered(lambda page, response: {**page, "has_more": True, "next_page": token(page, response)})


def _altered(change: Callable[[Page, httpx.Response], Page]) -> Alteration:
    """Alter the page of an answer; a 400, such as to a token made here, counts as an empty page."""

    def alter(response: httpx.Response) -> httpx.Response:
        page: Page = {"data": [], "has_more": False, "next_page": None}
        if response.status_code == 200:
            page = json.loads(response.content)
        elif response.status_code != 400:
            return response
        headers: Mapping[str, str] = {
            name: value for name, value in response.headers.items() if name != "content-length"
        }
        altered = json_response(200, to_json(change(page, response)), headers)
        altered.extensions.update(response.extensions)
        return altered

    return alter
