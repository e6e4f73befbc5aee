"""Retries of one request: what is retried, how often, after how long. Knows neither HTTP nor the rate limiter."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

from ..exceptions import ApiError

T = TypeVar("T")

# Statuses besides 5xx that may clear by themselves. 429 concerns all requests and is the rate limiter's.
PASSING_STATUSES = frozenset({408, 409, 425})
# Attempts of one request that meets faults (5xx, resets, time-outs, broken bodies): about a minute in all.
MAX_ATTEMPTS = 7
# Attempts of a request that fails after so many seconds: after a minute of silence, or five of a body that drips.
SLOW_SECONDS = 30.0
MAX_SLOW_ATTEMPTS = 4
# Attempts where the setup is wrong (unknown host, untrusted certificate, proxy without password): waiting can't help.
MAX_SETUP_ATTEMPTS = 2
# Seconds. A run stops when no request got a response for so long.
MAX_SILENCE = 1800.0
# Seconds between attempts: doubling from the first to the second.
SHORTEST_WAIT = 1.0
LONGEST_WAIT = 120.0


class Retry(Exception):
    """An attempt failed, and the same request may succeed later.

    Args:
        error: What to raise where it is not retried any more.
        attempts: Most attempts of a request that ends this way; None for as many as it takes.
        retry_after: Seconds to wait by the `retry-after` header.
    """

    def __init__(
        self, error: ApiError, *, attempts: int | None = MAX_ATTEMPTS, retry_after: float | None = None
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.attempts = attempts
        self.retry_after = retry_after


def is_passing(status: int) -> bool:
    """Returns whether a status may clear by itself, rate limits aside."""
    return status in PASSING_STATUSES or status >= 500


def back_off(failures: int, chance: Callable[[], float] = random.random) -> float:
    """Returns seconds to wait before the next attempt, doubling up to two minutes, with 25% of jitter either way.

    Args:
        failures: Failures so far, from 1.
        chance: Returns a number in [0, 1).
    """
    return min(SHORTEST_WAIT * 2.0 ** min(failures - 1, 10), LONGEST_WAIT) * (0.75 + chance() / 2)


def call_with_retries(
    attempt: Callable[[], T],
    *,
    gives_up: Callable[[float], bool],
    pause: Callable[[float], object],
    chance: Callable[[], float] = random.random,
) -> T:
    """Calls `attempt` until it returns.

    Args:
        attempt: Raises `Retry` where another attempt makes sense.
        gives_up: Called after each failure with the seconds until the next attempt; True ends the request.
        pause: Waits for some seconds.
        chance: Returns a number in [0, 1), for jitter.

    Raises:
        ApiError: That of the last failure.
    """
    faults = 0
    while True:
        try:
            return attempt()
        except Retry as retry:
            failure = retry
        wait = 0.0  # after a rate limit, which has no limit of attempts, the limiter makes all requests wait
        if failure.attempts is not None:
            faults += 1
            wait = failure.retry_after or back_off(faults, chance)
        if gives_up(wait) or (failure.attempts is not None and faults >= failure.attempts):
            # Raised outside the `except`: httpx's error holds the request, and with it the credential.
            raise failure.error
        pause(wait)
