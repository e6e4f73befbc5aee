"""The rate limit of an organization: a token bucket, and what a 429 says about the wait.

No number is documented for the analytics report. That all keys and reports of an organization draw from one
bucket, and that a 429 may come without `retry-after` or with a reset time in the past, was seen by others.
"""

from __future__ import annotations

import datetime as dt
import math
import threading
from collections.abc import Callable, Mapping
from email.utils import format_datetime
from typing import Final

from .answers import Refusal

RESET_HEADER: Final = "anthropic-ratelimit-requests-reset"


def _seconds(now: dt.datetime, wait: float) -> dict[str, str]:
    return {"retry-after": str(math.ceil(wait))}


def _date(now: dt.datetime, wait: float) -> dict[str, str]:
    moment = now + dt.timedelta(seconds=wait)
    whole = moment.replace(microsecond=0) + dt.timedelta(seconds=moment.microsecond > 0)
    return {"retry-after": format_datetime(whole, usegmt=True)}


def _stale(now: dt.datetime, wait: float) -> dict[str, str]:
    past = now - dt.timedelta(minutes=1)
    return {RESET_HEADER: past.strftime("%Y-%m-%dT%H:%M:%SZ")}


WAYS: Final[Mapping[str, Callable[[dt.datetime, float], dict[str, str]]]] = {
    "seconds": _seconds,
    "date": _date,
    "nothing": lambda now, wait: {},
    "stale": _stale,
}
"""Headers of a 429 by the way in which it says how long to wait."""


class RateLimit:
    """A token bucket for the reports of one organization; safe for several threads.

    Share one between several `SimulatedApi` for several readers of the organization, or draw from it with
    `take` as another reader would. It starts full.

    Args:
        burst: Requests that a full bucket holds.
        per_second: Requests that come back each second.
        says: How a 429 tells the wait: `seconds` or `date` in `retry-after`, `nothing`, or `stale`: no
            `retry-after`, and a reset time in the past.

    Attributes:
        taken: Requests that were let through.
        refused: Requests that were not.
    """

    def __init__(self, burst: int, per_second: float, *, says: str = "seconds") -> None:
        if burst < 1 or per_second <= 0 or says not in WAYS:
            message = f"burst must be 1 or more, per_second more than 0, and says one of {', '.join(WAYS)}"
            raise ValueError(message)
        self.burst = burst
        self.per_second = per_second
        self.says = says
        self.taken = 0
        self.refused = 0
        self._tokens = float(burst)
        self._at: dt.datetime | None = None
        self._lock = threading.Lock()

    def take(self, now: dt.datetime) -> float:
        """Draw one request at `now` (aware).

        Returns:
            0 if it is let through, else the seconds until there will be one.
        """
        with self._lock:
            passed = max(0.0, (now - (self._at or now)).total_seconds())
            self._tokens = min(float(self.burst), self._tokens + passed * self.per_second)
            self._at = max(now, self._at or now)
            wait = (1 - self._tokens) / self.per_second
            # Clocks have microseconds: whoever waits as long as told must not be refused for less than one.
            if wait > 1e-6:
                self.refused += 1
                return wait
            self._tokens -= 1
            self.taken += 1
            return 0.0

    def refusal(self, now: dt.datetime) -> Refusal | None:
        """Draw one request and return the 429 if there is none."""
        wait = self.take(now)
        if not wait:
            return None
        message = "This request would exceed your organization's rate limit. Please try again later."
        return Refusal(429, message, WAYS[self.says](now, wait))
