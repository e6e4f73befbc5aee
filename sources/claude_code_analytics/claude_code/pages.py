"""Pages of one day: requested one after the other, checked to be pages of that day, kept as bytes.

Records are decoded when the day is shaped. So days that wait for their turn are bytes and not a hundred thousand small
objects, and a record with odd content is an error of its day, not of the request.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec

from ..api.client import Session
from ..constants import PAGE_LIMIT, REPORT_PATH
from ..exceptions import ApiError, RequestRefused, UndecodableDay, UnexpectedResponse
from ..report import FetchedDay

logger = logging.getLogger("claude_code_analytics")

# More pages than any organization has in a day: beyond, the page cursor leads in circles.
PAGES_PER_DAY = 10_000
# A day fails with this many more pages than records: a server that keeps issuing new tokens would never finish.
EMPTY_PAGES_PER_DAY = 100

_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class NotAPage(ValueError):
    """The body is not a page of records, for the reason in the text."""


@dataclass(frozen=True)
class Page:
    """One page of a day, checked but not decoded.

    Attributes:
        body: The response body.
        record_count: Records on it.
        days: Dates of the records, as text; odd values are left out.
        next_page: Token of the next page, or None on the last.
        is_utf8: Whether all of it is UTF-8, as JSON has to be.
    """

    body: bytes
    record_count: int
    days: frozenset[str]
    next_page: str | None
    is_utf8: bool = True


def fetch_day(session: Session, date: dt.date) -> FetchedDay:
    """Reads all pages of one UTC day.

    A page cursor that the API refuses, that leads in circles or to another day makes the day start over once, from its
    first page: the error reference does not say how long a cursor lives.

    Raises:
        ApiError: The day could not be read whole; the error names it.
        UndecodableDay: A page is nested too deep for any decoder, or not UTF-8.
        ConfigurationError: There is no credential.
    """
    try:
        return _fetch(session, date)
    except _LostCursor as lost:
        logger.info("%s; reading the day again from its first page", lost)
    try:
        return _fetch(session, date)
    except _LostCursor as lost:
        raise lost.error from None


class _LostCursor(Exception):
    """A page cursor is of no use; the day may be started over."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(str(error))
        self.error = error


def _fetch(session: Session, date: dt.date) -> FetchedDay:
    fetched_at = session.now()
    bodies: list[bytes] = []
    records = 0
    tokens: set[str] = set()
    params: dict[str, str | int] = {"starting_at": date.isoformat(), "limit": PAGE_LIMIT}
    while True:
        try:
            response = session.get(REPORT_PATH, params, read_page, date)
            if response.value and not response.value.is_utf8:  # perhaps it was damaged on its way
                response = session.get(REPORT_PATH, params, read_page, date)
        except RequestRefused as refusal:
            if refusal.status == 400 and tokens:
                raise _LostCursor(refusal) from None
            raise
        page, request_id = response.value, response.request_id
        if page is None or not page.is_utf8:
            problem = "nested too deep to be decoded" if page is None else "not UTF-8"
            what = f"a page is {problem}; nothing of this day was loaded"
            raise UndecodableDay(what, day=date, status=200, request_id=request_id)
        lost = _problem(page, date, tokens, records)
        if lost:
            what = f"{lost}; nothing of this day was loaded, run again later"
            raise _LostCursor(UnexpectedResponse(what, day=date, status=200, request_id=request_id))
        bodies.append(page.body)
        records += page.record_count
        if page.next_page is None:
            return FetchedDay(date, tuple(bodies), records, request_id, fetched_at)
        tokens.add(page.next_page)
        params["page"] = page.next_page


def _problem(page: Page, date: dt.date, tokens: set[str], records: int) -> str | None:
    """Returns what is wrong with a page of `date` after these tokens and so many records, or None."""
    if page.next_page in tokens or len(tokens) >= min(PAGES_PER_DAY, records + EMPTY_PAGES_PER_DAY):
        return "the API's page cursor leads in circles"
    for named in page.days:
        if _ISO_DAY.match(named) and named[:10] != date.isoformat():
            return f"the API returned records of {named[:10]}"
    return None


def read_page(body: bytes) -> Page | None:
    """Checks one page. Records may be anything; None where the page is nested too deep for any decoder.

    The day goes on only where `has_more` is true and `next_page` is a non-empty text. `has_more` without a token would
    cut the day short and is refused.

    Raises:
        NotAPage: Not JSON, or not the shape of a page.
    """
    text = body.decode(errors="replace")
    try:
        try:
            page = _decoder().decode(body)
            count, dates, has_more, next_page = (
                len(page.data),
                [r.date for r in page.data],
                page.has_more,
                page.next_page,
            )
        except (msgspec.DecodeError, UnicodeDecodeError):  # no page, or one whose records hold what msgspec refuses
            count, dates, has_more, next_page = _read_leniently(text)
    except RecursionError:
        return None
    except json.JSONDecodeError as error:
        raise NotAPage("the response is not (whole) JSON") from error
    if has_more and not (isinstance(next_page, str) and next_page.isprintable() and next_page):
        raise NotAPage("the response has has_more but no next_page")
    days = frozenset(date for date in dates if isinstance(date, str))
    is_utf8 = "\ufffd" not in text or text.encode() == body
    return Page(body, count, days, next_page if has_more else None, is_utf8)


@cache
def _decoder() -> msgspec.json.Decoder[Any]:
    """Returns a decoder for the envelope alone: it skips what it does not read, many times faster than decoding."""
    head = msgspec.defstruct("Head", [("date", Any, None)], gc=False)
    fields: list[Any] = [("data", list[head]), ("has_more", bool), ("next_page", Any, None)]  # type: ignore[valid-type]
    return msgspec.json.Decoder(msgspec.defstruct("Envelope", fields))


def _read_leniently(text: str) -> tuple[int, list[Any], bool, Any]:
    """Reads the envelope of a page whose records may be null, or hold lone surrogates or endless integers."""
    page = json.loads(text, parse_int=len, parse_float=len, parse_constant=_refuse_constant)
    if not isinstance(page, dict) or not isinstance(page.get("data"), list):
        raise NotAPage("the response is not a page of records: it has no list `data`")
    if not isinstance(page.get("has_more"), bool):
        raise NotAPage("the response is not a page of records: it has no true or false `has_more`")
    dates = [record.get("date") for record in page["data"] if isinstance(record, dict)]
    return len(page["data"]), dates, page["has_more"], page.get("next_page")


def _refuse_constant(name: str) -> Any:
    """Refuses NaN and Infinity, which Python takes for JSON."""
    raise NotAPage("the response is not (whole) JSON")
