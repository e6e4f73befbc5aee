"""The planner: which days a run reads. Pure, from the proof, the range and the clock (decisions D4, D5)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from ..constants import FINAL_AFTER
from ..dates import ONE_DAY, DayRange, end_of
from ..warehouse.proof import DayState


@dataclass(frozen=True)
class Plan:
    """The days of a run, oldest first."""

    days: tuple[dt.date, ...] = ()
    # Days that need reading too, and wait for a later run because of `max_days`; those fetched longest ago come first.
    waiting: tuple[dt.date, ...] = ()

    def following(self, skipped: int) -> Plan:
        """Plans the days that are read in the place of so many that were skipped."""
        return Plan(tuple(sorted(self.waiting[:skipped])), self.waiting[skipped:])


def days_to_read(
    states: Mapping[dt.date, DayState],
    *,
    first: dt.date,
    last: dt.date,
    lookback_days: int,
    max_days: int | None = None,
) -> Plan:
    """Plans an incremental run: every day of the range that is not held, or was read before it was settled.

    Where `max_days` cuts the list, the days fetched longest ago come first. A day that was never fetched counts as
    fetched at its own start, so no day starves, not even behind one that can never be held.
    """
    if last < first:
        return Plan()
    candidates = [day for day in DayRange(first, last).days() if _needs_reading(day, states.get(day), lookback_days)]
    if max_days is None or len(candidates) <= max_days:
        return Plan(tuple(candidates))
    candidates.sort(key=lambda day: (_fetched_at(day, states.get(day)), day))
    return Plan((), tuple(candidates)).following(max_days)


def _needs_reading(day: dt.date, state: DayState | None, lookback_days: int) -> bool:
    if state is None or state.fetched_at is None or not state.is_held:
        return True
    return not is_settled(day, state.fetched_at, lookback_days)


def _fetched_at(day: dt.date, state: DayState | None) -> dt.datetime:
    start = dt.datetime.combine(day, dt.time(), dt.timezone.utc)
    return start if state is None or state.fetched_at is None else state.fetched_at


def is_settled(day: dt.date, fetched_at: dt.datetime, lookback_days: int) -> bool:
    """Returns whether a fetch at `fetched_at` (aware UTC) was late enough not to be repeated (decision D4)."""
    try:
        return fetched_at >= end_of(day) + max(FINAL_AFTER, ONE_DAY * lookback_days)
    except OverflowError:  # a lookback longer than the calendar: never settled
        return False
