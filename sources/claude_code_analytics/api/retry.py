"""Facts about retries: what is retried, how often, after how long. Knows neither HTTP nor the rate limiter."""

from __future__ import annotations

from collections.abc import Callable

# Statuses besides 5xx that may clear by themselves. 429 concerns all requests and is the rate limiter's.
PASSING_STATUSES = frozenset({408, 409, 425})
# One request that meets faults (5xx, resets, time-outs, broken bodies) ends after so many attempts, which take about a
# minute where each fails at once, or so many seconds after its first failure, whichever comes first.
MAX_ATTEMPTS = 7
MAX_FAILING_SECONDS = 300.0
# Seconds. A run stops when no request got a response for so long.
MAX_SILENCE = 1800.0
# Seconds between attempts: doubling from the first to the second.
SHORTEST_WAIT = 1.0
LONGEST_WAIT = 120.0


def is_passing(status: int) -> bool:
    """Returns whether a status may clear by itself, rate limits aside."""
    return status in PASSING_STATUSES or status >= 500


def back_off(failures: int, chance: Callable[[], float]) -> float:
    """Returns seconds to wait after so many failures, doubling up to two minutes, with 25% of jitter either way."""
    return min(SHORTEST_WAIT * 2.0 ** min(failures - 1, 10), LONGEST_WAIT) * (0.75 + chance() / 2)
