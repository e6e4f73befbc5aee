"""Days that could not be read: why, and when so many of them in a row stop a run (decision D5a)."""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from ..api.prefetch import BYTES_AHEAD
from ..exceptions import ApiError, UnexpectedResponse

logger = logging.getLogger("claude_code_analytics")

# Statuses that are about the day of a request. Other refusals (rights, billing, a redirect) may be about all requests.
_STATUSES_OF_A_DAY = frozenset({400, 404, 413})
# Days in a row, without a success in between, that stop a run: those whose requests fail, because the API is down, and
# those with a fault of their own, because the fault is then not theirs.
_MOST_IN_A_ROW = {False: 3, True: 10}


@dataclass(frozen=True)
class FailedDay:
    """A day that could not be read."""

    # As many as may be held: until a failed day has its turn, no further day is begun.
    nbytes: ClassVar[int] = BYTES_AHEAD

    date: dt.date
    fetched_at: dt.datetime  # the request for the first page (UTC)
    error: ApiError

    @property
    def has_own_fault(self) -> bool:
        """True if the API responded, and badly for this day; False if it did not respond as an API."""
        return isinstance(self.error, UnexpectedResponse) or self.error.status in _STATUSES_OF_A_DAY


class Failures:
    """The failed days of a run. `on_failed` is called with the day and the reason for each."""

    def __init__(self, on_failed: Callable[[dt.date, str], object]) -> None:
        self.errors: dict[dt.date, ApiError] = {}  # in the order of reading
        self.skipped = 0  # days without a fault of their own, which leave no trace in the warehouse
        self.final: ApiError | None = None  # the error that stops the run
        self._in_a_row: Counter[bool] = Counter()
        self._on_failed = on_failed

    def end_row(self) -> None:
        """Records a success."""
        self._in_a_row.clear()

    def add(self, day: FailedDay) -> bool:
        """Records a failed day. Returns whether the run goes on."""
        kind = day.has_own_fault
        self.errors[day.date] = day.error
        self.skipped += not kind
        self._in_a_row[kind] += 1
        if self._in_a_row[kind] == _MOST_IN_A_ROW[kind]:
            self.final = day.error
            return False
        logger.error("%s; the load goes on without this day", day.error)
        self._on_failed(day.date, str(day.error))
        return True

    def raise_final(self) -> None:
        """Raises the error that stops the run, if there is one."""
        if self.final:
            raise self.final
