"""Rate limit of an organization: a token bucket, and the headers of its 429.

No number is documented for the analytics report. One bucket for all keys of an organization, a 429 without
`retry-after`, and reset times in the past have all been observed.
"""

from __future__ import annotations

import datetime as dt
import math
import threading
from collections.abc import Callable, Mapping
from typing import Final

from .rendering import Refusal, http_date

RESET_HEADER: Final = "anthropic-ratelimit-requests-reset"

# Headers of a 429 by the name of its hint, from the moment and the seconds to wait.
HINTS: Final[Mapping[str, Callable[[dt.datetime, float], dict[str, str]]]] = {
    "seconds": lambda now, wait: {"retry-after": str(math.ceil(wait))},
    "date": lambda now, wait: {"retry-after": http_date(now + dt.timedelta(seconds=wait + 1, microseconds=-1))},
    "nothing": lambda now, wait: {},
    "stale": lambda now, wait: {RESET_HEADER: f"{now - dt.timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"},
}


class RateLimit:
    """A token bucket for one organization, full at first. Safe for several threads.

    Several `SimulatedApi` may share one, and `take` draws from it as another reader of the organization would.

    Args:
        burst: Requests that a full bucket holds.
        per_second: Requests that come back each second.
        hint: How a 429 announces the wait: `seconds` or `date` in `retry-after`, `nothing`, or `stale`, which is a
            reset time in the past and no `retry-after`.

    Attributes:
        taken: Requests let through.
        refused: Requests refused.
    """

    def __init__(self, burst: int, per_second: float, *, hint: str = "seconds") -> None:
        self.taken = 0
        self.refused = 0
        self._burst = burst
        self._per_second = per_second
        self._hint = HINTS[hint]
        self._tokens = float(burst)
        self._at: dt.datetime | None = None
        self._lock = threading.Lock()

    def take(self, now: dt.datetime) -> float:
        """Draws one request at `now` (aware). Returns the seconds until there is one, or 0 if it is let through."""
        with self._lock:
            passed = max(0.0, (now - (self._at or now)).total_seconds())
            self._tokens = min(float(self._burst), self._tokens + passed * self._per_second)
            self._at = max(now, self._at or now)
            wait = (1 - self._tokens) / self._per_second
            # Clocks have microseconds: a client that waits as long as announced must not be refused for less than one.
            if wait > 1e-6:
                self.refused += 1
                return wait
            self._tokens -= 1
            self.taken += 1
            return 0.0

    def refusal(self, now: dt.datetime) -> Refusal | None:
        """Draws one request and returns the 429 if there is none."""
        wait = self.take(now)
        if not wait:
            return None
        message = "This request would exceed your organization's rate limit. Please try again later."
        return Refusal(429, message, self._hint(now, wait))
