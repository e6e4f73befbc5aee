"""Adaptive rate limiter shared by all requests of a client. Knows nothing of HTTP.

The organization's limit is shared with its other readers and not documented (decision D9). So all requests pass one
limiter, and the rate is learned from the responses alone. `anthropic-ratelimit-*-reset` headers are not read: they were
seen to lie in the past, and name the time when the whole limit is restored, which is later than needed.
"""

from __future__ import annotations

import math
import random
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

    Args:
        at_once: Most requests in flight.
        chance: Returns a number in [0, 1), for jitter.

    Attributes:
        width: Requests that may be in flight now.
        interval: Seconds from one request to the next; 0 while no limit is known.
        resume_at: When requests may be sent again after a 429.
    """

    def __init__(self, at_once: int, chance: Callable[[], float] = random.random) -> None:
        self.width = 1
        self.interval = 0.0
        self.resume_at = -math.inf
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
        """Records a 429.

        Args:
            now: When it arrived.
            sent_at: When its request was sent. A request sent before an earlier 429 arrived adds nothing to that one.
            retry_after: Seconds to wait by the `retry-after` header, where it was sent.
        """
        if self._limited_at is not None and sent_at <= self._limited_at:
            self.resume_at = max(self.resume_at, now + (retry_after or 0.0))
            return
        self._limited_in_a_row += 1
        if self._limited_at is None:
            self.width = 1
        else:
            self._sample = self._granted
            if self._granted:
                margin = 1.02 if self._sample >= _GOOD_SAMPLE else 1.05
                self.interval = min(margin * (now - self._limited_at) / self._granted, LONGEST_INTERVAL)
            self.width = self._at_once if self.interval else 1
        if retry_after is not None:
            wait = retry_after
        elif self.interval and self._granted:
            wait = self.interval
        else:
            wait = back_off(self._limited_in_a_row, self._chance)
        self._granted = 0
        self._steps = 0
        self._limited_at = now
        self.resume_at = max(self.resume_at, now + wait)
        self._next_at = now + self.interval


class Cancelled(Exception):
    """The run was cancelled; its waiting requests are not sent."""


class PausedTooLong(Exception):
    """The pause after a 429 is longer than a run waits.

    Attributes:
        seconds: How long it still lasts.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"{seconds:.0f} s")
        self.seconds = seconds


class Run:
    """Cancellation and waits of one run. Safe to share between its threads.

    Args:
        sleep: Waits for some seconds; by default until `cancel`.
        on_wait: Called with the seconds that all requests wait after a 429, once for each such pause.

    Attributes:
        failing_since: When the first failure after the last response was, in seconds; None before any.
    """

    def __init__(self, sleep: Sleep | None = None, on_wait: Callable[[float], object] | None = None) -> None:
        self.failing_since: float | None = None
        self._cancelled = threading.Event()
        self._sleep: Sleep = sleep or self._cancelled.wait
        self._on_wait = on_wait
        self._announced = -math.inf
        self._lock = threading.Lock()

    def cancel(self) -> None:
        """Ends the waits of this run."""
        self._cancelled.set()

    def check(self) -> None:
        """Raises Cancelled after `cancel`."""
        if self._cancelled.is_set():
            raise Cancelled

    def pause(self, seconds: float) -> None:
        """Waits for one request.

        Raises:
            Cancelled: The run was cancelled before or meanwhile.
        """
        if seconds > 0 and not self._cancelled.is_set():
            self._sleep(seconds)
        self.check()

    def announce(self, until: float, now: float) -> None:
        """Reports a pause to the observer, once."""
        with self._lock:
            is_new = until > self._announced
            self._announced = max(until, self._announced)
        if is_new and self._on_wait:
            self._on_wait(until - now)


@dataclass(frozen=True)
class Slot:
    """Permission to send one request.

    Attributes:
        sent_at: When it was given, in seconds.
    """

    sent_at: float


class RateLimiter:
    """Slots for requests at the rate that the API allows; all wait while one waits. Safe to share between threads.

    Args:
        at_once: Most requests in flight.
        monotonic: Returns seconds that never go back.
        chance: Returns a number in [0, 1), for jitter.
    """

    def __init__(
        self, *, at_once: int, monotonic: Callable[[], float], chance: Callable[[], float] = random.random
    ) -> None:
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._rate = AdaptiveRate(at_once, chance)
        self._in_flight = 0
        self._responded_at = -math.inf

    @contextmanager
    def slot(self, run: Run) -> Iterator[Slot]:
        """Waits for a slot and holds it for the length of one request.

        Raises:
            Cancelled: The run was cancelled meanwhile.
            PausedTooLong: All requests wait for longer than a run does.
        """
        slot = Slot(self._acquire(run))
        try:
            yield slot
        finally:
            with self._changed:
                self._in_flight -= 1
                self._changed.notify_all()

    def _acquire(self, run: Run) -> float:
        while True:
            with self._changed:
                run.check()
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
                run.announce(resume_at, now)
            run.pause(wait)

    def responded(self, slot: Slot) -> None:
        """Records a response to the slot's request, other than 429."""
        with self._changed:
            self._responded_at = self._monotonic()
            self._rate.responded(slot.sent_at)
            self._changed.notify_all()

    def limited(self, slot: Slot, retry_after: float | None) -> None:
        """Records a 429 to the slot's request; `retry_after` in seconds, where it was sent."""
        with self._changed:
            self._rate.limited(self._monotonic(), slot.sent_at, retry_after)

    def note_failure(self, run: Run) -> None:
        """Records that a request of the run failed: without a response from now on, it stops after `MAX_SILENCE`."""
        with self._changed:
            if run.failing_since is None or run.failing_since < self._responded_at:
                run.failing_since = self._monotonic()

    def deadline_passed(self, run: Run, wait: float = 0.0) -> bool:
        """Returns whether the API will have been silent for `MAX_SILENCE` after all present waits.

        Args:
            run: The run.
            wait: Seconds that its failed request would wait.
        """
        with self._changed:
            if run.failing_since is None or run.failing_since < self._responded_at:
                return False
            next_attempt = max(self._rate.resume_at, self._monotonic() + wait)
            return next_attempt - run.failing_since > MAX_SILENCE + _CLOCK_TICK

    def wake(self) -> None:
        """Lets requests that wait for a slot see that their run was cancelled."""
        with self._changed:
            self._changed.notify_all()
