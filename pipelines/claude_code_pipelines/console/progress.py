"""Progress of a load: a bar on a terminal, plain lines elsewhere. Writes to standard error."""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any

from claude_code_analytics.dates import list_ranges

from ..events import LoadObserver

STYLES = ("auto", "bar", "plain", "none")
_SECONDS_BETWEEN_LINES = 10.0


class Display(LoadObserver):
    """An observer that also prints messages; a context manager around a load. This one shows messages only.

    Attributes:
        committed_days: Days that were committed so far.
    """

    def __init__(self) -> None:
        """Begins with nothing committed."""
        self.committed_days: list[dt.date] = []

    def print(self, line: str) -> None:
        """Shows a line that stays."""
        print(line, file=sys.stderr, flush=True)  # noqa: T201  # the display's purpose

    def finish(self, lines: Iterable[str]) -> None:
        """Ends the display, and prints the summary to standard output.

        Everything is committed by now, so a summary that cannot be printed is no failure.
        """
        self.__exit__(None, None, None)
        with suppress(OSError):
            print(*lines, sep="\n", flush=True)  # noqa: T201  # the command's result

    def committed(self, days: Sequence[dt.date]) -> None:
        """Counts the days."""
        self.committed_days += days

    def blocked(self, reason: str) -> None:
        """Shows what the load waits for."""
        self.print(reason)

    def repeating(self, days: Sequence[dt.date], seconds: float) -> None:
        """Shows why the load waits."""
        self.print(f"{_days(days)} not held yet ({list_ranges(days)}); reading them again in {seconds:.0f} s")

    def __enter__(self) -> Display:
        """Starts the display."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops the display."""


def display(style: str) -> Display:
    """Makes the display for `auto` (a bar on a terminal), `bar`, `plain` or `none`."""
    if style == "auto":
        style = "bar" if sys.stderr.isatty() else "plain"
    displays: dict[str, type[Display]] = {"bar": Bar, "plain": Lines, "none": Display}
    return displays[style]()


class Lines(Display):
    """Plain lines, for logs: one for each window, and one every ten seconds within a long one."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """Takes the clock that the lines are timed with, in seconds."""
        super().__init__()
        self._now = now
        self._began = self._last_line = now()
        self._days = self._planned = self._records = 0
        self._last_wait = ""

    def planned(self, days: Sequence[dt.date]) -> None:
        """Shows how much there is to do: of several loads, all that is known of so far."""
        self._planned += len(days)
        if days:
            self.print(f"reading {_days(days)}: {list_ranges(days)}")

    def fetched(self, day: dt.date, records: int) -> None:
        """Counts the day, and shows it after ten seconds without a line."""
        self._days += 1
        self._records += records
        if self._now() - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._print_progress(f"read {day}")

    def waiting(self, until: dt.datetime) -> None:
        """Shows until when all requests wait; once where several were refused together."""
        line = _waiting(until)
        if line != self._last_wait:
            self.print(line)
        self._last_wait = line

    def committed(self, days: Sequence[dt.date]) -> None:
        """Shows which days are in the warehouse."""
        super().committed(days)
        self._print_progress(f"committed {list_ranges(days)}")

    def _print_progress(self, what: str) -> None:
        self._last_line = self._now()
        seconds = max(self._last_line - self._began, 1e-9)
        left = seconds / self._days * max(self._planned - self._days, 0) if self._days else 0.0
        self.print(
            f"{what}  {self._days}/{self._planned} days  {self._records:,} records  "
            f"{self._records / seconds:,.0f}/s  {left:.0f} s left"
        )


class Bar(Display):
    """A bar with days done of days to do, records, rate and time left."""

    def __init__(self) -> None:
        """Prepares the bar; nothing is shown before the load begins."""
        from rich.console import Console  # only a terminal needs it, and it takes 60 ms
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        super().__init__()
        self._records = self._total = 0
        self._last_wait = ""
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
        """Removes the bar."""
        self._bar.stop()

    def print(self, line: str) -> None:
        """Shows a line above the bar."""
        self._bar.console.print(line, markup=False, highlight=False)

    def planned(self, days: Sequence[dt.date]) -> None:
        """Sets the length of the bar; a second load makes it longer."""
        self._total += len(days)
        if self._task is None:
            self._task = self._bar.add_task("reading", records=0, rate=0.0)
        self._bar.update(self._task, total=self._total)

    def fetched(self, day: dt.date, records: int) -> None:
        """Moves the bar by a day."""
        self._records += records
        rate = self._records / max(time.monotonic() - self._began, 1e-9)
        self._bar.update(self._task, advance=1, records=self._records, rate=rate, description=f"{day}")

    def waiting(self, until: dt.datetime) -> None:
        """Shows until when all requests wait, in a line that stays."""
        line = _waiting(until)
        if line != self._last_wait:
            self.print(line)
        self._last_wait = line

    def writing(self, days: Sequence[dt.date]) -> None:
        """Shows that a window is written, while the bar does not move."""
        self._bar.update(self._task, description=f"writing {_days(days)}")

    def committed(self, days: Sequence[dt.date]) -> None:
        """Shows which days are in the warehouse."""
        super().committed(days)
        self.print(f"committed {list_ranges(days)}")
        self._bar.update(self._task, description="reading")


def _waiting(until: dt.datetime) -> str:
    return f"rate limit (429): waiting until {until:%H:%M:%S} UTC"


def _days(days: Sequence[dt.date]) -> str:
    return "1 day" if len(days) == 1 else f"{len(days)} days"
