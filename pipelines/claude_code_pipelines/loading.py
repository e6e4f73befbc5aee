"""The two jobs: an incremental load and a backfill, walked in windows that are committed one after the other."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import dlt

from claude_code_analytics import AnalyticsClient, ConfigurationError, claude_code_analytics
from claude_code_analytics.days import Day, DayRange, Progress, checked_range, last_final_day, parse_day
from claude_code_analytics.pages import FetchedDay
from claude_code_analytics.settings import SOURCE_NAME, USAGE_TABLE, WINDOW_DAYS
from claude_code_analytics.simulator import SAMPLE_ORGANIZATION_ID

from .ledger import Entry, read_entries
from .parameters import configured_client, configured_parameters
from .plan import Window, backfill_windows, load_windows
from .warehouse import Warehouse, run

_BACKFILL_MARK = "claude_code_backfill"


class Watch:
    """What follows a load while it goes on; this one ignores everything."""

    def planned(self, windows: list[Window]) -> None:
        """The load is about to read these windows."""

    def fetched(self, day: FetchedDay) -> None:
        """A day arrived whole."""

    def waiting(self, until: dt.datetime) -> None:
        """The API asked for a pause; everything waits until then."""

    def committed(self, window: Window) -> None:
        """A window is in the warehouse."""


@dataclass
class Loading:
    """How far a load came. Filled while it goes on, so that it tells what is committed when the load fails.

    Attributes:
        committed: Windows that are in the warehouse.
        days: Days in them.
        records: Records in them.
        rows: Rows that they wrote, by table.
        destination: The warehouse as dlt names it, without passwords.
        resumed_after: Last day that an interrupted backfill of the same range had committed, where there was one.
    """

    committed: list[Window] = field(default_factory=list)
    days: int = 0
    records: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    destination: str = ""
    resumed_after: dt.date | None = None


def load(
    target: Warehouse,
    *,
    start: Day | None = None,
    end: Day | None = None,
    window_days: int = WINDOW_DAYS,
    client: AnalyticsClient | None = None,
    watch: Watch | None = None,
    loading: Loading | None = None,
) -> Loading:
    """Loads what is new, and reads the lookback days again. Goes on where the last load stopped.

    Args:
        target: Where to.
        start: First day of a first load; by default what the source is configured with.
        end: Last day, inclusive. Set: a closed range, which leaves the cursor alone.
        window_days: Days that are committed together.
        client: Client to use instead of one made from dlt's configuration.
        watch: Told about the progress.
        loading: Filled on the way, for whoever wants to know after an error.

    Returns:
        What was loaded.

    Raises:
        ConfigurationError: A mistake in arguments or configuration.
        DestinationError: The warehouse did not do its part.
        ApiError: A day could not be read; earlier windows stay.
    """
    parameters = configured_parameters() if start is None else configured_parameters(start_date=start)
    if end is not None:
        return _closed(target, parameters.start, end, window_days, client, watch, loading, resume=False)
    with _job(target, window_days, client, watch, loading) as job:
        now = job.client.now()
        first = checked_range(parameters.start, now.date(), now, names=("start_date", "today")).first
        last = now.date() if parameters.include_today else last_final_day(now)
        progress = job.progress()
        windows: list[Window] = []
        if progress and not job.holds(progress.cursor):
            # The cursor of a warehouse that lost its ledger proves nothing: what lies before it is read again.
            job.client.notice(f"the ledger does not know {progress.cursor}, the cursor's day: all days are read again")
            windows = backfill_windows(DayRange(first, max(first, progress.cursor)), window_days)
        windows += load_windows(
            start=first,
            last=last,
            progress=progress,
            lookback_days=parameters.lookback_days,
            window_days=window_days,
        )
        job.walk(windows, start=first)
        return job.loading


def backfill(
    target: Warehouse,
    start: Day,
    end: Day,
    *,
    window_days: int = WINDOW_DAYS,
    client: AnalyticsClient | None = None,
    watch: Watch | None = None,
    loading: Loading | None = None,
) -> Loading:
    """Loads a closed range and leaves the cursor alone. An interrupted one of the same range goes on where it stopped.

    Args:
        target: Where to.
        start: First day, inclusive.
        end: Last day, inclusive.
        window_days: Days that are committed together.
        client: Client to use instead of one made from dlt's configuration.
        watch: Told about the progress.
        loading: Filled on the way, for whoever wants to know after an error.

    Returns:
        What was loaded.

    Raises:
        ConfigurationError: A mistake in arguments or configuration.
        DestinationError: The warehouse did not do its part.
        ApiError: A day could not be read; earlier windows stay.
    """
    return _closed(target, start, end, window_days, client, watch, loading, resume=True)


def _closed(
    target: Warehouse,
    start: Day,
    end: Day,
    window_days: int,
    client: AnalyticsClient | None,
    watch: Watch | None,
    loading: Loading | None,
    *,
    resume: bool,
) -> Loading:
    with _job(target, window_days, client, watch, loading) as job:
        days = checked_range(parse_day(start, "start"), parse_day(end, "end"), job.client.now(), names=("start", "end"))
        rest: DayRange | None = days
        if resume and (through := job.backfilled_through(days)):
            job.loading.resumed_after = through
            rest = days.after(through)
        job.walk(backfill_windows(rest, window_days) if rest else [], start=days.first, mark=days if resume else None)
        return job.loading


@contextmanager
def _job(
    target: Warehouse,
    window_days: int,
    client: AnalyticsClient | None,
    watch: Watch | None,
    loading: Loading | None,
) -> Iterator[_Job]:
    """What both jobs need: a client, an opened pipeline that belongs to the warehouse, somebody to tell."""
    if window_days < 1:
        raise ConfigurationError(f"the window is {window_days} days; it must be 1 or more")
    connection = client or configured_client()
    watch = watch or Watch()
    connection.on_day(watch.fetched)
    connection.on_wait(watch.waiting)
    try:
        connection.require_credential()
        yield _Job(target, connection, watch, Loading() if loading is None else loading)
    finally:
        if client is None:
            connection.close()


class _Job:
    """One load under way."""

    def __init__(self, target: Warehouse, client: AnalyticsClient, watch: Watch, loading: Loading) -> None:
        self.client = client
        self.loading = loading
        self._watch = watch
        self._pipeline = target.open()
        self._entries = read_entries(self._pipeline)
        progress = self.progress()
        if progress and not self.holds(progress.cursor):
            # dlt keeps its state by the pipeline's name, also where the name was used with another warehouse before
            self._pipeline = self._pipeline.drop()
            self._pipeline.sync_destination()
            self._entries = read_entries(self._pipeline)
        _check_organization(self._entries, client)

    def progress(self) -> Progress | None:
        """How far incremental loads have come."""
        return stored_progress(self._pipeline)

    def holds(self, day: dt.date) -> bool:
        """Whether the ledger knows the day."""
        return any(entry.date == day for entry in self._entries)

    def backfilled_through(self, days: DayRange) -> dt.date | None:
        """Last day that an interrupted backfill of `days` committed, where the ledger agrees."""
        mark = _local_value(self._pipeline, _BACKFILL_MARK) or {}
        if (mark.get("first"), mark.get("last")) != (days.first.isoformat(), days.last.isoformat()):
            return None
        through = dt.date.fromisoformat(mark["through"])
        known = {entry.date for entry in self._entries}
        return through if known.issuperset(DayRange(days.first, through).days()) else None

    def walk(self, windows: list[Window], *, start: dt.date, mark: DayRange | None = None) -> None:
        """Loads the windows, one after the other; notes in dlt's local state how far a backfill of `mark` has come."""
        self._watch.planned(windows)
        for window in windows:
            records = 0

            def count(day: FetchedDay) -> None:
                nonlocal records
                records += day.record_count
                self._watch.fetched(day)

            self.client.on_day(count)
            info, rows = run(self._pipeline, self._source(window, start))
            self.loading.committed.append(window)
            self.loading.days += len(window.days)
            self.loading.records += records
            self.loading.rows.update(rows)
            self.loading.destination = info.destination_displayable_credentials
            if mark:
                through = None if window.days.last >= mark.last else window.days.last.isoformat()
                note = {"first": mark.first.isoformat(), "last": mark.last.isoformat(), "through": through}
                self._pipeline.set_local_state_val(_BACKFILL_MARK, note if through else None)
            self._watch.committed(window)

    def _source(self, window: Window, start: dt.date) -> Any:
        if window.moves_cursor:
            return claude_code_analytics(
                start_date=start, lookback_days=window.lookback_days, max_days=len(window.days), client=self.client
            )
        return claude_code_analytics(start_date=window.days.first, end_date=window.days.last, client=self.client)


def stored_progress(pipeline: dlt.Pipeline) -> Progress | None:
    """How far incremental loads of a pipeline have come, from dlt's state."""
    resources: Any = pipeline.state.get("sources", {}).get(SOURCE_NAME, {}).get("resources", {})
    state = resources.get(USAGE_TABLE, {})
    cursor = state.get("incremental", {}).get("date", {}).get("last_value")
    settled = state.get("settled_through")
    return Progress(cursor, dt.date.fromisoformat(settled)) if cursor and settled else None


def _local_value(pipeline: dlt.Pipeline, key: str) -> Any:
    try:
        return pipeline.get_local_state_val(key)
    except KeyError:
        return None


def _check_organization(entries: list[Entry], client: AnalyticsClient) -> None:
    """Keeps the sample organization and real ones apart, and tells when a dataset gets a further organization."""
    loaded = {entry.organization_id for entry in entries}
    organization = client.organization_id() if loaded else None
    if organization is None or organization in loaded:
        return
    names = ", ".join(sorted(loaded))
    if SAMPLE_ORGANIZATION_ID in (organization, *loaded):
        raise ConfigurationError(
            f"this dataset holds organization {names}, the load would add {organization}; sample and real data do not "
            "mix: choose another --pipeline or --dataset, or remove the sample's file"
        )
    client.notice(f"this dataset held organization {names} so far; {organization} is added beside it")
