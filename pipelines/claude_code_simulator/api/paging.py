"""Requests for a page of a day: their parameters, and the paging sessions that they belong to."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final

from .rendering import page_body

PREFIX: Final = "page_"
# Sessions kept. The tokens of older ones have expired.
CAPACITY: Final = 32


class InvalidParameter(ValueError):
    """A parameter is refused. The text is the API's message, `<param>: <reason>`."""


def read_query(params: Mapping[str, str]) -> tuple[dt.date, int, str | None]:
    """Returns the day, the limit and the page token of a request. Undocumented parameters are ignored."""
    day, limit = params.get("starting_at"), params.get("limit", "20")
    if day is None:
        raise InvalidParameter("starting_at: Field required")
    # `[0-9]` and not `\d`, which accepts the digits of every script.
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day):
        raise InvalidParameter(r"starting_at: String should match pattern '^\d{4}-\d{2}-\d{2}$'")
    try:
        parsed = dt.date.fromisoformat(day)
    except ValueError:
        raise InvalidParameter("starting_at: Input should be a valid date") from None
    if not re.fullmatch(r"[0-9]{1,4}", limit) or not 1 <= int(limit) <= 1000:
        raise InvalidParameter("limit: Input should be an integer between 1 and 1000")
    return parsed, int(limit), params.get("page")


class Paging:
    """The paging sessions of an API. Safe for several threads."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, Sequence[bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, day: dt.date, limit: int, records: Sequence[bytes], now: dt.datetime) -> tuple[bytes, str]:
        """Returns the first page of a new session, whose records are these, and another token for that page."""
        seen = hashlib.sha256(f"{day}|{now.isoformat()}|".encode() + b"\n".join(records))
        session = seen.hexdigest()[:16]
        with self._lock:
            self._sessions[session] = records
            if len(self._sessions) > CAPACITY:
                self._sessions.popitem(last=False)
        return _page(day, limit, session, records, position=0, visit=0)

    def resume(self, day: dt.date, limit: int, token: str) -> tuple[bytes, str]:
        """Returns the page that a token leads to, and another token for that page."""
        try:
            text = base64.b64decode(token.removeprefix(PREFIX), validate=True).decode()
            its_day, session, position, visit = text.split("|")
            if token != _token(its_day, session, int(position), int(visit)):
                raise ValueError(token)  # base64 is lenient about stray bits before the padding
        except ValueError:
            raise InvalidParameter("page: Invalid page token") from None
        if its_day != day.isoformat():
            raise InvalidParameter("page: Page token belongs to another starting_at")
        with self._lock:
            records = self._sessions.get(session)
        if records is None:
            raise InvalidParameter("page: Page token has expired")
        return _page(day, limit, session, records, int(position), int(visit))


def _page(
    day: dt.date, limit: int, session: str, records: Sequence[bytes], position: int, visit: int
) -> tuple[bytes, str]:
    end = position + limit
    following = _token(day.isoformat(), session, end, 0) if end < len(records) else None
    # A client that meets a token twice suspects a circle, so each visit of a page has its own.
    return page_body(records[position:end], following), _token(day.isoformat(), session, position, visit + 1)


def _token(day: str, session: str, position: int, visit: int) -> str:
    # 41 bytes: base64 of that ends in `=`, which catches a client that does not percent-encode.
    return PREFIX + base64.b64encode(f"{day}|{session}|{position:08d}|{visit:04d}".encode()).decode()
