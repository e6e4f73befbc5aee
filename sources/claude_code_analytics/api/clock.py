"""Clocks: monotonic for waits and deadlines, and the time of day of a run, checked against the API (decision D13)."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from ..constants import CLOCKS_MOST_APART
from ..exceptions import ConfigurationError

# Returns the time, aware, in UTC.
Clock = Callable[[], dt.datetime]
# Returns seconds that never go back.
Monotonic = Callable[[], float]

# Machine minus `Date` header. The header has whole seconds, rounded down, and a response takes a while to arrive.
MOST_BEHIND = dt.timedelta(seconds=-1)
MOST_AHEAD = dt.timedelta(seconds=3)
# Apart by this or more: a warning.
WARNED_FROM = dt.timedelta(hours=1)
# Years of a clock, right or wrong. A proxy without one sends 1970.
PLAUSIBLE_YEARS = range(2000, 2101)

_SHOWN = "%Y-%m-%d %H:%M:%S"

logger = logging.getLogger("claude_code_analytics")


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


def monotonic_of(clock: Clock) -> Monotonic:
    """Returns the machine's monotonic clock, or one that follows an injected clock."""
    return time.monotonic if clock is utc_now else lambda: clock().timestamp()


class RunClock:
    """The time of a run. Safe to share between threads.

    The first response with a usable `Date` header settles it: the machine's time where the two agree, else the
    header's. From there on it is carried on by the monotonic clock, so a clock that is set meanwhile changes nothing.
    """

    def __init__(self, machine: Clock, monotonic: Monotonic) -> None:
        self._machine = machine
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._settled: tuple[dt.datetime, float] | None = None
        self._doubt = CLOCKS_MOST_APART

    def latest(self) -> dt.datetime | None:
        """Returns the time after which no run with a right clock is by now; None until the API's time is known.

        Where machine and API agree, their time is right. Where they do not, nobody knows which of them is.
        """
        return self.now() + self._doubt if self._settled else None

    def now(self) -> dt.datetime:
        """Returns the time, aware, in UTC."""
        return self.at(self._monotonic())

    def mark(self) -> float:
        """Returns the present moment, for `at`."""
        return self._monotonic()

    def at(self, mark: float) -> dt.datetime:
        """Returns the time of a moment, aware, in UTC. It may differ once the API's time is known."""
        if self._settled is None:
            return self._machine() + dt.timedelta(seconds=mark - self._monotonic())
        moment, read_at = self._settled
        return moment + dt.timedelta(seconds=mark - read_at)

    def observe(self, date_header: str | None) -> None:
        """Settles the time by a response that has just arrived. Raises ConfigurationError where a clock is broken."""
        header = parse_http_date(date_header) if date_header else None
        if header is None or header.year not in PLAUSIBLE_YEARS:
            return
        with self._lock:
            if self._settled is None:
                machine = self._machine()
                self._settled = _chosen(machine, header), self._monotonic()
                if abs(machine - header) < WARNED_FROM:
                    self._doubt = WARNED_FROM


def _chosen(machine: dt.datetime, header: dt.datetime) -> dt.datetime:
    apart = machine - header
    both = f"the clock of this machine shows {machine:{_SHOWN}}, the API's {header:{_SHOWN}} (UTC)"
    if abs(apart) > CLOCKS_MOST_APART:
        raise ConfigurationError(f"{both}; one of them is wrong: set the clock, or bypass a proxy that sends old dates")
    if abs(apart) >= WARNED_FROM:
        logger.warning("%s; the API's is used", both)
    return machine if MOST_BEHIND <= apart <= MOST_AHEAD else header
