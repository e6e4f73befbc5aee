"""Paging sessions: which records are on a page, and which token leads to the next one.

A session sees the day as it was when its first page was asked for. What a token looks like, and how the
records of a session are kept, stands in `paging`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from .answers import page_body, to_json
from .organization import Organization
from .paging import Cursor, Snapshots, digest, encode
from .parameters import InvalidParameter, Query


class Sessions:
    """The paging sessions of an API; safe for several threads."""

    def __init__(self) -> None:
        self._snapshots = Snapshots()

    def page(
        self,
        organization: Organization,
        query: Query,
        now: dt.datetime,
        *,
        lifetime: dt.timedelta | None = None,
        empty_first: bool = False,
    ) -> tuple[bytes, Callable[[], str]]:
        """Answer one request.

        Args:
            organization: What is reported.
            query: What is asked for.
            now: The moment of the question, aware, UTC.
            lifetime: How long tokens are good, counted from the first page; for ever if None.
            empty_first: Start a day that has records with an empty page.

        Returns:
            The body of the page, and a function that makes another token for the same page.

        Raises:
            InvalidParameter: The token is not good any more.
        """
        limit, position, boundary = query.limit, 0, now
        if query.cursor is None:
            records = _day(organization, query.day, now)
            if empty_first:
                limit = 0
        else:
            position, boundary = query.cursor.position, query.cursor.boundary
            if lifetime is not None and now - boundary > lifetime:
                raise InvalidParameter("page", "Page token has expired")
            records = self._continued(organization, query.cursor)

        def token(place: int, moment: dt.datetime) -> str:
            return encode(Cursor(query.day, moment, place, self._snapshots.keep(records)), organization.id)

        def here() -> str:
            # A microsecond makes it differ from the token that led here, which would look like a circle.
            return token(position, boundary + dt.timedelta(microseconds=1))

        end = position + limit
        following = token(end, boundary) if end < len(records) else None
        return page_body(records[position:end], following), here

    def _continued(self, organization: Organization, cursor: Cursor) -> Sequence[bytes]:
        records = self._snapshots.get(cursor.snapshot)
        if records is None:
            # Long ago, or another process: good if the organization still says the same of that moment.
            records = _day(organization, cursor.day, cursor.boundary)
            if digest(records) != cursor.snapshot:
                raise InvalidParameter("page", "Page token has expired")
        return records


def _day(organization: Organization, day: dt.date, now: dt.datetime) -> Sequence[bytes]:
    """Ask the organization; JSON at once, so that a later change to its records changes nothing here."""
    if day > now.date():
        return []
    return [to_json(record) for record in organization.records(day, now)]
