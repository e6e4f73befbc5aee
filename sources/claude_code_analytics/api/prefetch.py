"""Days read ahead of whoever asks for them, some at a time, and given in the order asked for. Knows nothing of HTTP.

While a window is written to the warehouse, the days of the next one arrive and are prepared: neither a slow API nor the
processor is left idle.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass

from ..claude_code.pages import FetchedDay

BYTES_AHEAD = 24 * 2**20
"""Bytes of pages, about, that are held or expected before no further day is begun."""
_SECONDS_BETWEEN_LOOKS = 0.5

Prepare = Callable[[FetchedDay], FetchedDay]
"""What is done with a day before it is given."""


def as_it_came(day: FetchedDay) -> FetchedDay:
    """Prepares nothing."""
    return day


@dataclass(frozen=True)
class _Begun:
    """A day on its way, and how it will be prepared."""

    day: Future[FetchedDay]
    prepare: Prepare


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
        self._prepare: Prepare = as_it_came
        self._preparing = threading.Lock()
        self._ahead: dict[dt.date, _Begun] = {}
        self._under_way = 0
        self._held = 0
        self._usual_size = 0

    def expect(self, dates: Iterable[dt.date]) -> None:
        """Plans days that will be asked for by and by; they are read once those asked for now are on their way."""
        with self._lock:
            self._plan |= dict.fromkeys(date for date in dates if date not in self._ahead)

    def days(self, dates: Sequence[dt.date], alive: Callable[[], object], prepare: Prepare) -> Iterator[FetchedDay]:
        """Gives the days, in this order.

        Args:
            dates: The days.
            alive: Called twice a second while a day is waited for; may raise to give up.
            prepare: What is done with each day before it is given, one day at a time.

        Raises:
            Exception: What `read` or `prepare` raised for a day, or `alive`.
        """
        with self._lock:
            self._prepare = prepare
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
            begun = self._ahead.pop(date, None)
            if begun is None or begun.prepare != self._prepare:
                self._plan.pop(date, None)
                begun = self._begin(date)
        return begun.day

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

    def _begin(self, date: dt.date) -> _Begun:
        self._under_way += 1
        begun = _Begun(Future(), self._prepare)
        name = f"claude-code-day {date}"
        threading.Thread(target=self._run, args=(date, begun, self._round), name=name, daemon=True).start()
        return begun

    def _run(self, date: dt.date, begun: _Begun, began_in: object) -> None:
        try:
            day = self._read(date)
        except BaseException as error:  # noqa: BLE001  # whoever asks for the day gets it
            with self._lock:
                if began_in is self._round:  # not stopped meanwhile
                    self._under_way -= 1
                    self._plan = {}  # nothing else is begun
            begun.day.set_exception(error)
            return
        with self._lock:
            if began_in is self._round:
                self._under_way -= 1
                self._usual_size = day.size
                self._held += day.size
        self._fill()  # the next day is on its way while this one is prepared
        try:
            with self._preparing:  # side by side they would only take more memory
                prepared = begun.prepare(day)
        except BaseException as error:  # noqa: BLE001  # whoever asks for the day gets it
            begun.day.set_exception(error)
            return
        with self._lock:
            if began_in is self._round:
                self._held += prepared.size - day.size
        begun.day.set_result(prepared)
        self._fill()
