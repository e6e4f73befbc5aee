"""Pages of one day: requested one after the other, and checked to be pages of that day.

A page whose records are all as documented is decoded here, once. Any other keeps its bytes: what is odd about a record
is an error of its day, not of the request.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ..api.client import Response, Session
from ..api.network import Params
from ..constants import PAGE_LIMIT, REPORT_PATH
from ..exceptions import ApiError, RequestRefused, UndecodableDay, UnexpectedResponse
from ..json_codec import reject_constant
from .record_types import documented_types

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
    """One page of a day."""

    body: bytes
    record_count: int
    days: frozenset[str]  # dates of the records, as text; odd values are left out
    next_page: str | None  # token of the next page; None on the last, empty where the API names none
    documented: list[Any] | None = None  # the records, decoded, if all of them are as documented
    is_utf8: bool = True  # as JSON has to be


@dataclass(frozen=True)
class FetchedDay:
    """All pages of one UTC day."""

    date: dt.date
    bodies: tuple[bytes, ...]
    record_count: int
    request_id: str | None  # of the last page
    fetched_at: dt.datetime  # the request for the first page (UTC): the state of the data that the records show
    documented: list[Any] | None = None  # the records, decoded, if all are as documented; shaping uses them up

    @property
    def nbytes(self) -> int:
        return sum(map(len, self.bodies))


def fetch_day(session: Session, date: dt.date) -> FetchedDay:
    """Reads all pages of one UTC day, or raises the ApiError that names it.

    A page cursor that is missing, that the API refuses, or that leads in circles or to another day makes the day start
    over once, from its first page. UndecodableDay means that a page is nested too deep, or not UTF-8 twice.
    """
    try:
        return _fetch(session, date)
    except _LostCursor as lost:
        logger.info("%s; reading the day again from its first page", lost.error)
    try:
        return _fetch(session, date)
    except _LostCursor as lost:
        raise lost.error from None


@dataclass(eq=False)
class _LostCursor(Exception):
    """A page cursor is of no use; the day may be started over."""

    error: ApiError


def _fetch(session: Session, date: dt.date) -> FetchedDay:
    began = session.mark()
    pages: dict[str | None, Page] = {}  # by the token of the next one
    records = 0
    params: Params = {"starting_at": date.isoformat(), "limit": PAGE_LIMIT}
    while True:
        try:
            response = _get_page(session, params, date)
        except RequestRefused as refusal:
            if refusal.status == 400 and pages:
                raise _LostCursor(refusal) from None
            raise
        page = response.value
        lost = _problem(page, date, pages.keys(), records)
        if lost:
            what = f"{lost}; nothing of this day was loaded, run again later"
            raise _LostCursor(UnexpectedResponse(what, day=date, status=200, request_id=response.request_id))
        pages[page.next_page] = page
        records += page.record_count
        if page.next_page is None:
            return _whole_day(date, list(pages.values()), response.request_id, session.at(began))
        params["page"] = page.next_page


def _get_page(session: Session, params: Params, date: dt.date) -> Response[Page]:
    for _ in range(2):  # one that is not UTF-8 was perhaps damaged on its way
        response = session.get(REPORT_PATH, params, read_page, date)
        if response.value is None:
            problem = "nested too deep to be decoded"
            break
        if response.value.is_utf8:
            return response  # type: ignore[return-value]  # not None
        problem = "not UTF-8"
    what = f"a page is {problem}; nothing of this day was loaded"
    raise UndecodableDay(what, day=date, status=200, request_id=response.request_id)


def _problem(page: Page, date: dt.date, tokens: Collection[str | None], records: int) -> str | None:
    """Returns what is wrong with a page of `date` after these tokens and so many records, or None."""
    if page.next_page == "":
        return "the API returned has_more but no next_page"
    if page.next_page in tokens or len(tokens) >= min(PAGES_PER_DAY, records + EMPTY_PAGES_PER_DAY):
        return "the API's page cursor leads in circles"
    for named in page.days:
        if _ISO_DAY.match(named) and named[:10] != date.isoformat():
            return f"the API returned records of {named[:10]}"
    return None


def _whole_day(date: dt.date, pages: Sequence[Page], request_id: str | None, fetched_at: dt.datetime) -> FetchedDay:
    decoded = [page.documented for page in pages if page.documented is not None]
    return FetchedDay(
        date=date,
        bodies=tuple(page.body for page in pages),
        record_count=sum(page.record_count for page in pages),
        request_id=request_id,
        fetched_at=fetched_at,
        documented=[record for records in decoded for record in records] if len(decoded) == len(pages) else None,
    )


def read_page(body: bytes) -> Page | None:
    """Decodes one page, or at least its envelope: records may be anything.

    The day goes on only where `has_more` is true and `next_page` is a non-empty text. None is a page that is nested too
    deep for any decoder.
    """
    try:
        page = documented_types().decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _read_leniently(body)
    days = frozenset(record.date for record in page.data if isinstance(record.date, str))
    return Page(body, len(page.data), days, _next_page(page.has_more, page.next_page), page.data)


def _read_leniently(body: bytes) -> Page | None:
    """Reads the envelope of a page whose records may be null, or hold lone surrogates or endless integers."""
    text = body.decode(errors="replace")
    try:
        page = json.loads(text, parse_int=len, parse_float=len, parse_constant=reject_constant)
    except RecursionError:
        return None
    except ValueError as error:
        raise NotAPage("the response is not (whole) JSON") from error
    records, has_more, token = _envelope(page)
    dates = [record.get("date") for record in records if isinstance(record, dict)]
    days = frozenset(date for date in dates if isinstance(date, str))
    is_utf8 = "\ufffd" not in text or text.encode() == body
    return Page(body, len(records), days, _next_page(has_more, token), is_utf8=is_utf8)


def _envelope(page: Any) -> tuple[list[Any], bool, Any]:
    if not isinstance(page, dict) or not isinstance(page.get("data"), list):
        raise NotAPage("the response is not a page of records: it has no list `data`")
    if not isinstance(page.get("has_more"), bool):
        raise NotAPage("the response is not a page of records: it has no true or false `has_more`")
    return page["data"], page["has_more"], page.get("next_page")


def _next_page(has_more: bool, token: Any) -> str | None:
    if not has_more:
        return None
    return token if isinstance(token, str) and token.isprintable() else ""
