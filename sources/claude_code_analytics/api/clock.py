"""Clocks of a client: monotonic for waits and deadlines, and the time of day checked against the API (decision D13)."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

# Returns the time, aware, in UTC.
Clock = Callable[[], dt.datetime]

# Machine minus `Date` header. The header has whole seconds, rounded down, and a response takes a while to arrive.
MOST_BEHIND = dt.timedelta(seconds=-1)
MOST_AHEAD = dt.timedelta(seconds=3)
# Years that a `Date` header is believed in. A proxy without a clock sends 1970.
PLAUSIBLE_YEARS = range(2025, 2100)


def utc_now() -> dt.datetime:
    """Returns the time, aware, in UTC."""
    return dt.datetime.now(dt.timezone.utc)


def parse_http_date(text: str) -> dt.datetime | None:
    """Parses an HTTP date; None where it is none. A date without a zone is UTC."""
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=dt.timezone.utc) if moment.tzinfo is None else moment.astimezone(dt.timezone.utc)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


class ApiClock:
    """The time of the API. Safe to share between threads.

    The machine's clock is used as long as the API's `Date` headers agree with it. Where they don't, the header is
    carried on by the monotonic clock, which is derived from `clock` where only that is injected.
    """

    def __init__(self, clock: Clock = utc_now, monotonic: Callable[[], float] | None = None) -> None:
        self._machine = clock
        if monotonic is None:
            monotonic = time.monotonic if clock is utc_now else lambda: clock().timestamp()
        # Returns seconds that never go back, for waits and deadlines.
        self.monotonic = monotonic
        self._lock = threading.Lock()
        self._anchor: tuple[dt.datetime, float] | None = None

    def now(self) -> dt.datetime:
        """Returns the time of the API, aware, in UTC."""
        anchor = self._anchor
        if anchor is None:
            return self._machine()
        moment, read_at = anchor
        return moment + dt.timedelta(seconds=self.monotonic() - read_at)

    def observe(self, date_header: str | None) -> None:
        """Corrects the time where it differs from the `Date` header of a response that has just arrived."""
        moment = parse_http_date(date_header) if date_header else None
        if moment is None or moment.year not in PLAUSIBLE_YEARS:
            return
        with self._lock:
            if not _agree(self.now(), moment):
                self._anchor = None if _agree(self._machine(), moment) else (moment, self.monotonic())


def _agree(ours: dt.datetime, header: dt.datetime) -> bool:
    return MOST_BEHIND <= ours - header <= MOST_AHEAD
