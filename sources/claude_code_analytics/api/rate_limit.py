"""Adaptive rate limiter shared by all requests of a client. Knows nothing of HTTP.

The organization's limit is shared with its other readers and not documented (decision D9), so the rate is learned from
the responses alone. `anthropic-ratelimit-*-reset` headers are not read: they lie in the past, or later than needed.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .retry import MAX_SILENCE, back_off

Sleep = Callable[[float], object]

# Seconds between requests. A slower rate is not believed: other things than the limit took the time.
LONGEST_INTERVAL = 10.0
# Seconds whose unused slots may be taken later: a pause or a load step must not slow the run down for ever.
_CATCH_UP = 2.0
# Granted requests between two 429s that show the rate well enough.
_GOOD_SAMPLE = 10
# Responses, for each request in flight, after which one more may be in flight.
_RESPONSES_TO_WIDEN = 12
# Responses after which a well-known rate is tried a little faster: seldom, so that few requests are refused.
_RESPONSES_TO_SPEED_UP = 80
# Clocks have microseconds: a shorter wait is none.
_CLOCK_TICK = 1e-6


class AdaptiveRate:
    """The rate that the API allows, learned from its 429s. Pure: all times are passed in, as seconds.

    It begins with one request in flight and widens after the first response. Nothing else slows it down until the first
    429. A limit that refills steadily (a token bucket, as the API's guide describes) is empty at each 429, so between
    two of them as many requests were granted as it refilled: that is the rate from then on. It is tried a little faster
    now and then, because the limit may have been raised, or its other readers gone.
    """

    def __init__(self, at_once: int, chance: Callable[[], float]) -> None:
        self.width = 1  # requests that may be in flight now
        self.interval = 0.0  # from one request to the next; 0 while no limit is known
        self.resume_at = -math.inf  # after a 429
        self._at_once = at_once
        self._chance = chance
        self._next_at = -math.inf
        self._limited_at: float | None = None
        self._granted = 0
        self._sample = 0
        self._steps = 0
        self._limited_in_a_row = 0

    def ready_at(self) -> float:
        """Returns when the next request may be sent, as far as is known now."""
        return max(self.resume_at, self._next_at)

    def sent(self, now: float) -> None:
        """Records a request. Slots of the last seconds that nobody used may be caught up on."""
        if self.interval:
            self._next_at = max(self._next_at, now - _CATCH_UP) + self.interval

    def responded(self, sent_at: float) -> None:
        """Records a response other than 429 to a request that was sent at `sent_at`."""
        self._limited_in_a_row = 0
        if self._limited_at is None:
            self.width = self._at_once
        elif sent_at > self._limited_at:
            self._granted += 1
            self._speed_up()

    def _speed_up(self) -> None:
        """Goes a little faster after a response, the less the better the rate is known."""
        if not self.interval:
            if self._granted % (_RESPONSES_TO_WIDEN * self.width) == 0:
                self.width = min(self.width + 1, self._at_once)
        elif self._sample < _GOOD_SAMPLE:
            self.interval *= 1 - 1 / (25 * (self._sample + 1))
        elif self._granted % _RESPONSES_TO_SPEED_UP == 0:
            self._steps += 1
            self.interval /= 1 + 0.02 * self._steps

    def limited(self, now: float, sent_at: float, retry_after: float | None) -> None:
        """Records a 429 that arrived at `now`; `retry_after` is in seconds, None where it was not sent."""
        if self._limited_at is not None and sent_at <= self._limited_at:
            # Sent before the last 429 arrived, so it says nothing new about the rate.
            self.resume_at = max(self.resume_at, now + (retry_after or 0.0))
            return
        self._limited_in_a_row += 1
        self._learn_interval(now)
        self.width = self._at_once if self.interval else 1
        self.resume_at = max(self.resume_at, now + self._pause(retry_after))
        self._next_at = now + self.interval
        self._granted = 0
        self._steps = 0
        self._limited_at = now

    def _learn_interval(self, now: float) -> None:
        if self._limited_at is None:
            return
        self._sample = self._granted
        if self._granted:
            margin = 1.02 if self._sample >= _GOOD_SAMPLE else 1.05
            self.interval = min(margin * (now - self._limited_at) / self._granted, LONGEST_INTERVAL)

    def _pause(self, retry_after: float | None) -> float:
        if retry_after is not None:
            return retry_after
        if self.interval and self._granted:
            return self.interval
        return back_off(self._limited_in_a_row, self._chance)


class Cancelled(Exception):
    """The run was cancelled; its waiting requests are not sent."""


@dataclass(eq=False)
class PausedTooLong(Exception):
    """The pause after a 429 lasts some more `seconds`, longer than a run waits."""

    seconds: float


class Cancellation:
    """Cancellation and waits of one run. Safe to share between its threads.

    `on_wait` is called with the seconds that all requests wait after a 429, once for each such pause.
    """

    def __init__(self, sleep: Sleep | None = None, on_wait: Callable[[float], object] | None = None) -> None:
        # When the first failure after the last response was; None before any.
        self.failing_since: float | None = None
        self._cancelled = threading.Event()
        self._sleep: Sleep = sleep or self._cancelled.wait
        self._on_wait = on_wait
        self._announced = -math.inf
        self._lock = threading.Lock()

    def cancel(self) -> None:
        self._cancelled.set()

    def check(self) -> None:
        if self._cancelled.is_set():
            raise Cancelled

    def pause(self, seconds: float) -> None:
        """Waits for one request; raises Cancelled if the run was cancelled before or meanwhile."""
        if seconds > 0 and not self._cancelled.is_set():
            self._sleep(seconds)
        self.check()

    def announce(self, until: float, now: float) -> None:
        with self._lock:
            is_new = until > self._announced
            self._announced = max(until, self._announced)
        if is_new and self._on_wait:
            self._on_wait(until - now)


class RateLimiter:
    """Slots for requests at the rate that the API allows; all wait while one waits. Safe to share between threads."""

    def __init__(self, *, at_once: int, monotonic: Callable[[], float], chance: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._rate = AdaptiveRate(at_once, chance)
        self._in_flight = 0
        self._responded_at = -math.inf

    @contextmanager
    def slot(self, cancellation: Cancellation) -> Iterator[float]:
        """Waits for a slot, holds it for the length of one request, and yields when it was given, in seconds."""
        sent_at = self._acquire(cancellation)
        try:
            yield sent_at
        finally:
            with self._changed:
                self._in_flight -= 1
                self._changed.notify_all()

    def _acquire(self, cancellation: Cancellation) -> float:
        while True:
            with self._changed:
                cancellation.check()
                now = self._monotonic()
                wait = self._rate.ready_at() - now
                if wait <= _CLOCK_TICK:
                    if self._in_flight < self._rate.width:
                        self._in_flight += 1
                        self._rate.sent(now)
                        return now
                    self._changed.wait()
                    continue
                resume_at = self._rate.resume_at
            if resume_at - now > MAX_SILENCE + _CLOCK_TICK:
                raise PausedTooLong(resume_at - now)
            if resume_at - now > _CLOCK_TICK:
                cancellation.announce(resume_at, now)
            cancellation.pause(wait)

    def responded(self, sent_at: float) -> None:
        """Records a response other than 429 to the request of a slot."""
        with self._changed:
            self._responded_at = self._monotonic()
            self._rate.responded(sent_at)
            self._changed.notify_all()

    def limited(self, sent_at: float, retry_after: float | None) -> None:
        """Records a 429 to the request of a slot; `retry_after` in seconds, where it was sent."""
        with self._changed:
            self._rate.limited(self._monotonic(), sent_at, retry_after)

    def failed(self, cancellation: Cancellation, wait: float) -> bool:
        """Records that a request of the run failed and would be sent again after `wait` seconds.

        Returns whether the API will have been silent for `MAX_SILENCE` by then: the run stops.
        """
        with self._changed:
            now = self._monotonic()
            if cancellation.failing_since is None or cancellation.failing_since < self._responded_at:
                cancellation.failing_since = now
            next_attempt = max(self._rate.resume_at, now + wait)
            return next_attempt - cancellation.failing_since > MAX_SILENCE + _CLOCK_TICK

    def wake(self) -> None:
        """Lets requests that wait for a slot see that their run was cancelled."""
        with self._changed:
            self._changed.notify_all()
