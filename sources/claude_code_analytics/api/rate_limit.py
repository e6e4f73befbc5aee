"""Who may ask the API when, and how long everybody waits after a refusal. Knows nothing of what is asked.

The organization's limit is shared with its other readers and not documented (decision D9), so all requests of a run
pass one governor, and the pace that the API allows is learned from its answers alone. `anthropic-ratelimit-*-reset`
headers are not read: they were seen to lie in the past, and name the time when the whole limit is restored, which is
later than needed.
"""

from __future__ import annotations

import datetime as dt
import math
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

Clock = Callable[[], dt.datetime]
Sleep = Callable[[float], object]

SHORTEST_WAIT = 1.0
LONGEST_WAIT = 120.0
LONGEST_INTERVAL = 10.0
"""Seconds; a pace slower than that is not believed: other things than the limit took the time."""
PATIENCE = dt.timedelta(minutes=30)
"""A run stops when the API has not given one answer for so long."""


def utc_now() -> dt.datetime:
    """The time, aware, in UTC."""
    return dt.datetime.now(dt.timezone.utc)


def back_off(attempt: int, chance: Callable[[], float] = random.random) -> float:
    """Seconds to wait before the next try: doubles each time up to two minutes, with a quarter of jitter either way.

    Args:
        attempt: Number of failures so far, from 1.
        chance: Gives a number in [0, 1).
    """
    return min(SHORTEST_WAIT * 2.0 ** min(attempt - 1, 10), LONGEST_WAIT) * (0.75 + chance() / 2)


class Pace:
    """How fast the API lets one ask. Knows neither threads nor clocks: all times are handed in, as seconds.

    It begins with one request at a time and opens up after the first answer. Nothing else slows it down until the first
    429. A limit that refills steadily (a token bucket, as the API's guide describes) is empty at each 429, so between
    two of them as many requests were granted as it refilled: that is the pace from then on. It is tried a little faster
    now and then, because the limit may be wider than it was, or its other readers gone.

    Args:
        at_once: Most requests under way at one time.
        chance: Gives a number in [0, 1), for jitter.

    Attributes:
        width: Requests that may be under way now.
        interval: Seconds from one request to the next; 0 while no limit is known.
    """

    def __init__(self, at_once: int, chance: Callable[[], float] = random.random) -> None:
        self.width = 1
        self.interval = 0.0
        self._at_once = at_once
        self._chance = chance
        self._resume_at = -math.inf
        self._next_at = -math.inf
        self._refused_at: float | None = None
        self._granted = 0
        self._sample = 0
        self._steps = 0
        self._in_vain = 0

    def ready_at(self) -> float:
        """When the next request may be sent, as far as is known now."""
        return max(self._resume_at, self._next_at)

    @property
    def resume_at(self) -> float:
        """Until when everybody waits because of a 429."""
        return self._resume_at

    def started(self, now: float) -> None:
        """Notes that a request is sent. Turns that nobody took are made up for, those of the last seconds."""
        if self.interval:
            self._next_at = max(self._next_at, now - _MADE_UP_FOR) + self.interval

    def answered(self, started: float) -> None:
        """Notes an answer other than 429 to a request that was sent at `started`."""
        self._in_vain = 0
        if self._refused_at is None:
            self.width = self._at_once
        elif started > self._refused_at:
            self._granted += 1
            self._open_up()

    def _open_up(self) -> None:
        """Goes a little faster after an answer, the less the better the pace is known."""
        if not self.interval:
            if self._granted % (_ANSWERS_TO_WIDEN * self.width) == 0:
                self.width = min(self.width + 1, self._at_once)
        elif self._sample < _GOOD_SAMPLE:
            self.interval *= 1 - 1 / (25 * (self._sample + 1))
        elif self._granted % _ANSWERS_TO_TRY_FASTER == 0:
            self._steps += 1
            self.interval /= 1 + 0.02 * self._steps

    def refused(self, now: float, started: float, retry_after: float | None) -> None:
        """Notes a 429.

        Args:
            now: When it came.
            started: When its request was sent. One that was sent before an earlier refusal was known adds nothing to
                it.
            retry_after: Seconds that the API asked for, where it did.
        """
        if self._refused_at is not None and started <= self._refused_at:
            self._resume_at = max(self._resume_at, now + (retry_after or 0.0))
            return
        self._in_vain += 1
        if self._refused_at is None:
            self.width = 1
        else:
            self._sample = self._granted
            if self._granted:
                margin = 1.02 if self._sample >= _GOOD_SAMPLE else 1.05
                self.interval = min(margin * (now - self._refused_at) / self._granted, LONGEST_INTERVAL)
            self.width = self._at_once if self.interval else 1
        if retry_after is not None:
            wait = retry_after
        elif self.interval and self._granted:
            wait = self.interval
        else:
            wait = back_off(self._in_vain, self._chance)
        self._granted = 0
        self._steps = 0
        self._refused_at = now
        self._resume_at = max(self._resume_at, now + wait)
        self._next_at = now + self.interval


_MADE_UP_FOR = 2.0
"""Seconds whose unused turns may be taken later: a wait, or a load step, must not slow the run down for ever."""
_GOOD_SAMPLE = 10
"""Granted requests between two refusals that tell the pace well enough."""
_ANSWERS_TO_WIDEN = 12
"""Answers, for each request under way, after which one more may be under way."""
_ANSWERS_TO_TRY_FASTER = 80
"""Answers after which a well-known pace is tried a little faster: seldom, so that few requests are refused."""


@dataclass
class Turn:
    """One request's permission to be sent.

    Attributes:
        started: When it was given, in seconds.
    """

    started: float


class Halted(Exception):
    """The run is over; a request that waited for its turn must not be sent any more."""


class Governor:
    """Gives each request its turn at the right pace; everyone waits while one waits. Safe to share between threads.

    Args:
        at_once: Most requests under way at one time.
        clock: Gives the time, aware UTC.
        sleep: Waits for some seconds; by default a wait that `halt` cuts short.
        chance: Gives a number in [0, 1), for jitter.
        on_wait: Told until when everybody waits.
    """

    def __init__(
        self,
        *,
        at_once: int,
        clock: Clock = utc_now,
        sleep: Sleep | None = None,
        chance: Callable[[], float] = random.random,
        on_wait: Callable[[dt.datetime], object] = lambda until: None,
    ) -> None:
        self.on_wait = on_wait
        self._clock = clock
        self._halt = threading.Event()
        self._sleep: Sleep = sleep or self._halt.wait
        self._free = threading.Condition()
        self._pace = Pace(at_once, chance)
        self._under_way = 0
        self._failing_since: float | None = None

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """Waits for a turn and holds it for the length of one request.

        Raises:
            Halted: The run was stopped meanwhile.
        """
        while True:
            with self._free:
                if self._halt.is_set():
                    raise Halted
                now = self._now()
                wait = self._pace.ready_at() - now
                if wait <= _CLOCK_TICK and self._under_way < self._pace.width:
                    self._under_way += 1
                    self._pace.started(now)
                    turn = Turn(now)
                    break
                if wait <= _CLOCK_TICK:
                    self._free.wait()
                    continue
            self._sleep(wait)
        try:
            yield turn
        finally:
            with self._free:
                self._under_way -= 1
                self._free.notify_all()

    def answered(self, turn: Turn) -> None:
        """Notes an answer to the turn's request, other than 429."""
        with self._free:
            self._failing_since = None
            self._pace.answered(turn.started)
            self._free.notify_all()

    def refused(self, turn: Turn, retry_after: float | None) -> None:
        """Notes a 429 to the turn's request; `retry_after` in seconds, where the API asked for a wait."""
        with self._free:
            now = self._now()
            self._failing_since = self._failing_since or now
            self._pace.refused(now, turn.started, retry_after)
            until = self._pace.resume_at
        self.on_wait(dt.datetime.fromtimestamp(until, dt.timezone.utc))

    def out_of_patience(self, wait: float = 0.0) -> bool:
        """Notes a failure. True when the API will not have answered for `PATIENCE` after all present waits.

        Args:
            wait: Seconds that the failed request would wait.
        """
        with self._free:
            now = self._now()
            self._failing_since = self._failing_since or now
            next_try = max(self._pace.resume_at, now + wait)
            return next_try - self._failing_since > PATIENCE.total_seconds() + _CLOCK_TICK

    def pause(self, seconds: float) -> None:
        """Waits on behalf of one request only (a fault of the network, say)."""
        if seconds > 0:
            self._sleep(seconds)

    def halt(self) -> None:
        """Stops the run: whoever waits for a turn gets `Halted` instead."""
        self._halt.set()
        with self._free:
            self._free.notify_all()

    def resume(self) -> None:
        """Lets requests pass again after `halt`."""
        self._halt.clear()

    def _now(self) -> float:
        return self._clock().timestamp()


_CLOCK_TICK = 1e-6
"""Clocks have microseconds: less than one need not be waited for."""
