"""Prefetching of days: some read at a time, some ahead, all returned in order. Knows nothing of HTTP or pages.

While a batch is written to the warehouse, the days of the next one arrive: neither the API nor the processor is idle.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

T = TypeVar("T")

# Bytes, about, that are held or expected before no further day is begun.
BYTES_AHEAD = 8 * 2**20
HEARTBEAT_SECONDS = 0.5


class Prefetcher(Generic[T]):
    """Reads days in daemon threads, one for each day in flight.

    These threads call `read`, which may raise, and `size_of`, which returns the bytes that a result holds.
    """

    def __init__(self, read: Callable[[dt.date], T], *, at_once: int, size_of: Callable[[T], int]) -> None:
        self._read = read
        self._at_once = at_once
        self._size_of = size_of
        self._lock = threading.Lock()
        self._plan: dict[dt.date, None] = {}
        self._ahead: dict[dt.date, Future[tuple[T, int]]] = {}  # results and their sizes
        self._in_flight = 0
        self._held = 0
        self._usual_size = 0

    def expect(self, days: Iterable[dt.date]) -> None:
        """Plans days that will be requested later; they are read once those requested now are under way."""
        with self._lock:
            self._plan |= dict.fromkeys(day for day in days if day not in self._ahead)

    def results(self, days: Sequence[dt.date], heartbeat: Callable[[], object]) -> Iterator[T]:
        """Yields what `read` returned for the days, in this order, or raises what it raised.

        Nothing further is begun after a failed day. `heartbeat` is called twice a second while a day is waited for, and
        may raise to give up.
        """
        with self._lock:
            now = dict.fromkeys(day for day in days if day not in self._ahead)
            self._plan = now | self._plan
        self._fill()
        for day in days:
            future = self._claim(day)
            while not wait((future,), timeout=HEARTBEAT_SECONDS).done:
                heartbeat()
            result, size = future.result()
            with self._lock:
                self._held -= size
            self._fill()
            yield result

    def stop(self) -> None:
        """Ends the reading ahead: forgets what is planned and what was read."""
        with self._lock:
            self._plan, self._ahead = {}, {}

    def _claim(self, day: dt.date) -> Future[tuple[T, int]]:
        with self._lock:
            future = self._ahead.pop(day, None)
            if future is None:
                self._plan.pop(day, None)
                future = self._begin(day)
            return future

    def _fill(self) -> None:
        """Begins as many of the planned days as may be in flight."""
        with self._lock:
            while self._plan and self._in_flight < self._at_once:
                expected = self._held + self._in_flight * self._usual_size
                if expected and expected + self._usual_size > BYTES_AHEAD:
                    break
                day = next(iter(self._plan))
                del self._plan[day]
                self._ahead[day] = self._begin(day)

    def _begin(self, day: dt.date) -> Future[tuple[T, int]]:
        self._in_flight += 1
        future: Future[tuple[T, int]] = Future()
        threading.Thread(target=self._run, args=(day, future), name=f"prefetch {day}", daemon=True).start()
        return future

    def _run(self, day: dt.date, future: Future[tuple[T, int]]) -> None:
        try:
            result = self._read(day)
            size = self._size_of(result)
        except BaseException as error:  # noqa: BLE001  # raised again when the day's turn comes
            with self._lock:
                self._in_flight -= 1
                self._plan = {}
            future.set_exception(error)
            return
        with self._lock:
            self._in_flight -= 1
            self._usual_size = size
            self._held += size
        future.set_result((result, size))
        self._fill()
