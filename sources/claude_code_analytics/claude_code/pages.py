"""Pages of records and the day that they make up. Response bodies in, checked values out.

A page is checked when it arrives and decoded when its day is shaped, so that days that wait for their turn are bytes
and not a hundred thousand small objects. Numbers stay exact: integers as `int` of any size, others as `Decimal` (D8).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from ..dates import is_final
from ..exceptions import UnexpectedResponse
from .record_types import KnownPage

Record = dict[str, Any]

_INTEGER_DIGITS = 40


class NotAPage(ValueError):
    """The body is no page; the text says why. The client turns it into an error that names the day."""


@dataclass(frozen=True)
class Page:
    """One page of a day, checked but not decoded.

    Attributes:
        body: The response body.
        record_count: Records on it.
        days: The days that they name, as text; odd values are left out.
        next_page: Token of the next page, or None on the last.
    """

    body: bytes
    record_count: int
    days: frozenset[str]
    next_page: str | None


@dataclass(frozen=True)
class FetchedDay:
    """All that the API said about one day.

    Attributes:
        date: The UTC day.
        bodies: Response bodies of its pages.
        record_count: Records on all of them.
        request_id: `request-id` of the last page, where it was sent.
        fetched_at: When the first page was asked for (UTC): the state of the data that the records show.
    """

    date: dt.date
    bodies: tuple[bytes, ...]
    record_count: int
    request_id: str | None
    fetched_at: dt.datetime

    @property
    def is_final(self) -> bool:
        """Whether the day was over, and settled, when it was asked for."""
        return is_final(self.date, self.fetched_at)

    @property
    def size(self) -> int:
        """Bytes of its pages, or of what has been made of them."""
        return sum(map(len, self.bodies))

    def known_records(self) -> list[Any] | None:
        """The records of all pages as `KnownRecord`, or None where one is not as the API reference has it."""
        try:
            return [record for body in self.bodies for record in _KNOWN_DECODER.decode(body).data]
        except (msgspec.ValidationError, *_NOT_JSON):
            return None

    def records(self) -> list[Record]:
        """The records of all pages, decoded.

        Raises:
            UnexpectedResponse: A record holds what no decoder takes.
        """
        try:
            return [record for body in self.bodies for record in read_json(body)["data"]]
        except NotAPage as error:
            raise UnexpectedResponse(str(error), day=self.date, status=200, request_id=self.request_id) from error


class _Head(msgspec.Struct, gc=False):
    """What the check reads of a record."""

    date: Any = None


class _Envelope(msgspec.Struct):
    """What the check reads of a page."""

    data: list[_Head]
    has_more: bool
    next_page: Any = None


def read_page(body: bytes) -> Page:
    """Checks one page.

    The day goes on only where `has_more` is true and `next_page` is a non-empty text; `has_more` without a token would
    cut the day short and is refused.

    Raises:
        NotAPage: Not JSON, or not the shape of a page.
    """
    try:
        body.decode()
        page = _PAGE_DECODER.decode(body)
    except msgspec.ValidationError as error:
        raise NotAPage(f"the answer is no page of records ({error})") from error
    except _NOT_JSON as error:
        raise NotAPage("the answer is not (whole) JSON") from error
    if page.has_more and not (isinstance(page.next_page, str) and page.next_page):
        raise NotAPage("the answer says has_more but gives no next_page")
    days = frozenset(head.date for head in page.data if isinstance(head.date, str))
    return Page(body, len(page.data), days, page.next_page if page.has_more else None)


def read_json(body: bytes) -> Any:
    """Decodes JSON with exact numbers.

    Raises:
        NotAPage: Not JSON, not UTF-8, or nested beyond reason.
    """
    try:
        return _DECODER.decode(body)
    except _NOT_JSON as error:
        raise NotAPage("the answer is not (whole) JSON") from error


def _exact(text: str) -> int | Decimal | str:
    """A number with a point or an exponent: an integer where it is one (`19.0`), else the decimal as written.

    An exponent that no decimal has leaves the text.
    """
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    whole = number.adjusted() < _INTEGER_DIGITS and number == number.to_integral_value()
    return int(number) if whole else number


_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=_exact)
_KNOWN_DECODER = msgspec.json.Decoder(KnownPage, float_hook=_exact)
_PAGE_DECODER = msgspec.json.Decoder(_Envelope)
