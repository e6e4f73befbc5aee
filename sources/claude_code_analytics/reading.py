"""Days read ahead of whoever asks for them, some at a time, and given in the order asked for. Knows nothing of HTTP.

While a window is written to the warehouse, the days of the next one arrive: a slow API is never left idle.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, wait

from .pages import FetchedDay

BYTES_AHEAD = 64 * 2**20
"""Bytes of pages, about, that are held or expected before no further day is begun."""
_SECONDS_BETWEEN_LOOKS = 0.5


class Reader:
    """Reads days in threads of its own, one for each day in flight; they keep no process alive.

    Args:
        read: Reads one day; raises where it cannot.
        at_once: Days in flight at once.
    """

    def __init__(self, read: Callable[[dt.date], FetchedDay], at_once: int) -> None:
        self._read = read
        self._at_once = at_once
        self._lock = threading.Lock()
        self._round = object()
        self._plan: dict[dt.date, None] = {}
        self._ahead: dict[dt.date, Future[FetchedDay]] = {}
        self._under_way = 0
        self._held = 0
        self._usual_size = 0

    def expect(self, dates: Iterable[dt.date]) -> None:
        """Plans days that will be asked for by and by; they are read once those asked for now are on their way."""
        with self._lock:
            self._plan |= dict.fromkeys(date for date in dates if date not in self._ahead)

    def days(self, dates: Sequence[dt.date], alive: Callable[[], object]) -> Iterator[FetchedDay]:
        """Gives the days, in this order.

        Args:
            dates: The days.
            alive: Called twice a second while a day is waited for; may raise to give up.

        Raises:
            Exception: What `read` raised for a day, or `alive`.
        """
        with self._lock:
            now = dict.fromkeys(date for date in dates if date not in self._ahead)
            self._plan = now | self._plan
        self._fill()
        for date in dates:
            future = self._claim(date)
            while not wait((future,), timeout=_SECONDS_BETWEEN_LOOKS).done:
                alive()
            day = future.result()
            with self._lock:
                self._held -= day.size
            self._fill()
            yield day

    def stop(self) -> None:
        """Forgets what is planned, and what was read and not asked for."""
        with self._lock:
            self._round = object()
            self._plan, self._ahead = {}, {}
            self._under_way = self._held = 0

    def _claim(self, date: dt.date) -> Future[FetchedDay]:
        with self._lock:
            future = self._ahead.pop(date, None)
            if future is None:
                self._plan.pop(date, None)
                future = self._begin(date)
        return future

    def _fill(self) -> None:
        """Begins as many of the planned days as may be in flight."""
        with self._lock:
            while self._plan and self._under_way < self._at_once:
                expected = self._held + self._under_way * self._usual_size
                if expected and expected + self._usual_size > BYTES_AHEAD:
                    break
                date = next(iter(self._plan))
                del self._plan[date]
                self._ahead[date] = self._begin(date)

    def _begin(self, date: dt.date) -> Future[FetchedDay]:
        self._under_way += 1
        future: Future[FetchedDay] = Future()
        name = f"claude-code-day {date}"
        threading.Thread(target=self._run, args=(date, future, self._round), name=name, daemon=True).start()
        return future

    def _run(self, date: dt.date, future: Future[FetchedDay], began_in: object) -> None:
        day: FetchedDay | None = None
        error: BaseException | None = None
        try:
            day = self._read(date)
        except BaseException as raised:  # noqa: BLE001  # whoever asks for the day gets it
            error = raised
        with self._lock:
            if began_in is self._round:  # not stopped meanwhile
                self._under_way -= 1
                if day is None:
                    self._plan = {}  # nothing else is begun
                else:
                    self._usual_size = day.size
                    self._held += day.size
        if day is None:
            future.set_exception(error)
        else:
            future.set_result(day)
            self._fill()
