"""What a person sees while a load goes on: a bar on a terminal, plain lines elsewhere. Writes to standard error."""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from claude_code_analytics.claude_code.pages import FetchedDay

from ..load import Watch
from ..windows import Window

STYLES = ("auto", "bar", "plain", "none")
_SECONDS_BETWEEN_LINES = 10.0


class Display(Watch):
    """A watch that is also told what to say; used as a context manager around a load. This one says only messages."""

    def say(self, line: str) -> None:
        """Shows a line that stays."""
        print(line, file=sys.stderr, flush=True)  # noqa: T201  # showing lines is what it is for

    def __enter__(self) -> Display:
        """Begins to show."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops to show."""


def display(style: str) -> Display:
    """The display for `auto` (a bar on a terminal), `bar`, `plain` or `none`."""
    if style == "auto":
        style = "bar" if sys.stderr.isatty() else "plain"
    displays: dict[str, type[Display]] = {"bar": Bar, "plain": Lines, "none": Display}
    return displays[style]()


class Lines(Display):
    """Plain lines, for logs: one for each window, and one every ten seconds within a long one."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """Takes the clock that the lines are timed with, in seconds."""
        self._now = now
        self._began = self._last_line = now()
        self._days = self._planned = self._records = 0
        self._last_wait = ""

    def planned(self, windows: list[Window]) -> None:
        """Says how much there is to do."""
        self._planned = sum(len(window.days) for window in windows)
        if windows:
            self.say(f"reading {self._planned} days, {windows[0].days.first} to {windows[-1].days.last}")

    def fetched(self, day: FetchedDay) -> None:
        """Counts the day; says so when nothing was said for a while."""
        self._days += 1
        self._records += day.record_count
        if self._now() - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._say_where(f"read {day.date}")

    def waiting(self, until: dt.datetime) -> None:
        """Says until when everything waits; once, where several requests were refused together."""
        line = f"the API asked to slow down (429); waiting until {until:%H:%M:%S} UTC"
        if line != self._last_wait:
            self.say(line)
        self._last_wait = line

    def committed(self, window: Window) -> None:
        """Says which days are in the warehouse."""
        self._say_where(f"committed {window.days}")

    def _say_where(self, what: str) -> None:
        self._last_line = self._now()
        seconds = max(self._last_line - self._began, 1e-9)
        left = seconds / self._days * max(self._planned - self._days, 0) if self._days else 0.0
        self.say(
            f"{what}  {self._days}/{self._planned} days  {self._records:,} records  "
            f"{self._records / seconds:,.0f}/s  {left:.0f} s left"
        )


class Bar(Display):
    """A bar with days done of days to do, records, rate and time left."""

    def __init__(self) -> None:
        """Prepares the bar; nothing is shown before the load begins."""
        from rich.console import Console  # only a terminal needs it, and it takes 60 ms
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._records = 0
        self._began = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("days  {task.fields[records]:,} records  {task.fields[rate]:,.0f}/s"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task: Any = None

    def __enter__(self) -> Bar:
        """Shows the bar."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Takes the bar away."""
        self._bar.stop()

    def say(self, line: str) -> None:
        """Shows a line above the bar."""
        self._bar.console.print(line, markup=False, highlight=False)

    def planned(self, windows: list[Window]) -> None:
        """Sets the length of the bar."""
        total = sum(len(window.days) for window in windows)
        self._task = self._bar.add_task("reading", total=total, records=0, rate=0.0)

    def fetched(self, day: FetchedDay) -> None:
        """Moves the bar by a day."""
        self._records += day.record_count
        rate = self._records / max(time.monotonic() - self._began, 1e-9)
        self._bar.update(self._task, advance=1, records=self._records, rate=rate, description=f"{day.date}")

    def waiting(self, until: dt.datetime) -> None:
        """Shows until when everything waits."""
        if self._task is not None:
            self._bar.update(self._task, description=f"waits until {until:%H:%M:%S} UTC (429)")

    def committed(self, window: Window) -> None:
        """Shows which days are in the warehouse."""
        self.say(f"committed {window.days}")
