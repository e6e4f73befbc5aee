"""Progress of a load: a bar on a terminal, plain lines elsewhere. Writes to standard error."""

from __future__ import annotations

import datetime as dt
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from claude_code_analytics.dates import list_ranges

from ..events import LoadObserver

_SECONDS_BETWEEN_LINES = 10.0
# A window is usually written in less.
SECONDS_OF_WRITING = 10.0
_STILL_WRITING = "still writing: the destination is slow, or another session holds a lock on a table"


class Display(LoadObserver):
    """An observer that also prints messages; a context manager around a load. This one shows messages only."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.committed_days: list[dt.date] = []
        self._now = now
        self._began = now()
        self._planned = self._records = 0
        self._printed: set[str] = set()
        self._slow_write = threading.Timer(0, lambda: None)

    def print(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)  # noqa: T201  # the display's purpose

    def finish(self, lines: Iterable[str]) -> None:
        """Ends the display, and prints the summary to standard output.

        Everything is committed by now, so a summary that cannot be printed is no failure.
        """
        self.__exit__()
        with suppress(OSError):
            print(*lines, sep="\n", flush=True)  # noqa: T201  # the command's result

    def planned(self, days: Sequence[dt.date]) -> None:
        self._planned += len(days)  # of several loads, all that is known of so far

    def fetched(self, day: dt.date, records: int) -> None:
        self._records += records

    def failed(self, day: dt.date, reason: str) -> None:
        self.fetched(day, 0)  # the reason is in the log

    def waiting(self, until: dt.datetime) -> None:
        self._print_once(
            f"rate limit (429): waiting until {until:%H:%M:%S} UTC"
        )  # several requests are refused together

    def writing(self, days: Sequence[dt.date]) -> None:
        self._slow_write.cancel()
        self._slow_write = threading.Timer(SECONDS_OF_WRITING, self._print_once, [_STILL_WRITING])
        self._slow_write.daemon = True
        self._slow_write.start()

    def committed(self, days: Sequence[dt.date]) -> None:
        self._slow_write.cancel()
        self.committed_days += days

    def repeating(self, days: Sequence[dt.date], seconds: float) -> None:
        self._slow_write.cancel()
        self.print(f"{_days(days)} not held yet ({list_ranges(days)}); reading them again in {seconds:.0f} s")

    def __enter__(self) -> Display:
        return self

    def __exit__(self, *raised: object) -> None:
        self._slow_write.cancel()

    def _print_once(self, line: str) -> None:
        if line not in self._printed:
            self._printed.add(line)
            self.print(line)

    def _rate(self) -> float:
        """Returns the records a second."""
        return self._records / max(self._now() - self._began, 1e-9)


class Lines(Display):
    """Plain lines, for logs: one for each window, and one every ten seconds within a long one."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__(now)
        self._last_line = self._began
        self._days = 0

    def planned(self, days: Sequence[dt.date]) -> None:
        super().planned(days)
        if days:
            self.print(f"reading {_days(days)}: {list_ranges(days)}")

    def fetched(self, day: dt.date, records: int) -> None:
        super().fetched(day, records)
        self._days += 1
        if self._now() - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._print_progress(f"read {day}")

    def committed(self, days: Sequence[dt.date]) -> None:
        super().committed(days)
        self._print_progress(f"committed {list_ranges(days)}")

    def _print_progress(self, what: str) -> None:
        self._last_line = self._now()
        days_left = max(self._planned - self._days, 0)
        seconds_left = (self._last_line - self._began) * days_left / self._days if self._days else 0.0
        self.print(
            f"{what}  {self._days}/{self._planned} days  {self._records:,} records  "
            f"{self._rate():,.0f}/s  {seconds_left:.0f} s left"
        )


class Bar(Display):
    """A bar with days done of days to do, records, rate and time left."""

    def __init__(self) -> None:
        from rich.console import Console  # only a terminal needs it, and it takes 60 ms
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        super().__init__()
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
        self._bar.start()
        return self

    def __exit__(self, *raised: object) -> None:
        super().__exit__()
        self._bar.stop()

    def print(self, line: str) -> None:
        self._bar.console.print(line, markup=False, highlight=False)

    def planned(self, days: Sequence[dt.date]) -> None:
        super().planned(days)
        if self._task is None:
            self._task = self._bar.add_task("reading", records=0, rate=0.0)
        self._bar.update(self._task, total=self._planned)

    def fetched(self, day: dt.date, records: int) -> None:
        super().fetched(day, records)
        self._bar.update(self._task, advance=1, records=self._records, rate=self._rate(), description=f"{day}")

    def writing(self, days: Sequence[dt.date]) -> None:
        super().writing(days)
        self._bar.update(self._task, description=f"writing {_days(days)}")

    def committed(self, days: Sequence[dt.date]) -> None:
        super().committed(days)
        self.print(f"committed {list_ranges(days)}")
        self._bar.update(self._task, description="reading")


def display(style: str) -> Display:
    """Makes the display for `auto` (a bar on a terminal), `bar`, `plain` or `none`."""
    if style == "auto":
        style = "bar" if sys.stderr.isatty() else "plain"
    displays: dict[str, type[Display]] = {"bar": Bar, "plain": Lines, "none": Display}
    return displays[style]()


def _days(days: Sequence[dt.date]) -> str:
    return "1 day" if len(days) == 1 else f"{len(days)} days"
