"""The governor: who may ask the API when, and how long everybody waits after a refusal. Knows nothing of what is asked.

The organization's limit is shared with its other readers and not documented (decision D9), so all requests of a run
pass one governor. It starts with one request at a time, opens up after the first answer, closes down when the API
answers 429, and lets everyone wait while one waits. `anthropic-ratelimit-*-reset` headers are not read: they were seen
to lie in the past, and name the time when the whole limit is restored, which is later than needed.
"""

from __future__ import annotations

import datetime as dt
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

Clock = Callable[[], dt.datetime]
Sleep = Callable[[float], object]

SHORTEST_WAIT = 1.0
LONGEST_WAIT = 120.0
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


@dataclass
class Turn:
    """One request's permission to be sent.

    Attributes:
        started: When it was given.
    """

    started: dt.datetime


class Halted(Exception):
    """The run is over; a request that waited for its turn must not be sent any more."""


class Governor:
    """Gives each request its turn. Safe to share between threads.

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
        self._at_once = at_once
        self._clock = clock
        self._chance = chance
        self._halt = threading.Event()
        self._sleep: Sleep = sleep or self._halt.wait
        self._free = threading.Condition()
        self._allowed = 1
        self._under_way = 0
        self._answers = 0
        self._refusals = 0
        self._refused_at: dt.datetime | None = None
        self._resume_at = clock()
        self._failing_since: dt.datetime | None = None

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
                wait = (self._resume_at - self._clock()).total_seconds()
                if wait <= 0 and self._under_way < self._allowed:
                    self._under_way += 1
                    turn = Turn(self._clock())
                    break
                if wait <= 0:
                    self._free.wait()
                    continue
            self._sleep(wait)
        try:
            yield turn
        finally:
            with self._free:
                self._under_way -= 1
                self._free.notify_all()

    def answered(self) -> None:
        """Notes an answer: opens up again, one more at a time after every ten answers at the present width."""
        with self._free:
            self._failing_since = None
            self._refusals = 0
            self._answers += 1
            if self._refused_at is None:
                self._allowed = self._at_once
            elif self._answers >= 10 * self._allowed:
                self._answers = 0
                self._allowed = min(self._allowed + 1, self._at_once)
            self._free.notify_all()

    def refused(self, turn: Turn, retry_after: float | None) -> None:
        """Notes a 429: everybody waits, and fewer ask afterwards.

        Args:
            turn: The refused request's turn. One that was sent before an earlier refusal was known adds nothing to it.
            retry_after: Seconds that the API asked for, where it did.
        """
        with self._free:
            now = self._clock()
            self._failing_since = self._failing_since or now
            if self._refused_at is None or turn.started > self._refused_at:
                self._refused_at = now
                self._refusals += 1
                self._answers = 0
                self._allowed = max(1, self._allowed // 2)
                wait = back_off(self._refusals, self._chance) if retry_after is None else retry_after
            else:
                wait = retry_after or 0.0
            self._resume_at = max(self._resume_at, now + dt.timedelta(seconds=wait))
            until = self._resume_at
        self.on_wait(until)

    def out_of_patience(self, wait: float = 0.0) -> bool:
        """Notes a failure. True when the API will not have answered for `PATIENCE` after all present waits.

        Args:
            wait: Seconds that the failed request would wait.
        """
        with self._free:
            now = self._clock()
            self._failing_since = self._failing_since or now
            next_try = max(self._resume_at, now + dt.timedelta(seconds=wait))
            return next_try - self._failing_since > PATIENCE

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
