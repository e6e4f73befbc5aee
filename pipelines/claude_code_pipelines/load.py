"""The two jobs: an incremental load and a backfill, walked in windows that are committed one after the other."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import dlt

from claude_code_analytics import AnalyticsClient, ConfigurationError, claude_code_analytics
from claude_code_analytics.claude_code.pages import FetchedDay
from claude_code_analytics.dates import ONE_DAY, Day, DayRange, Progress, checked_range, last_final_day, parse_day
from claude_code_analytics.settings import (
    SAMPLE_ORGANIZATION_ID,
    SOURCE_NAME,
    UNKNOWN_ORGANIZATION,
    USAGE_TABLE,
    WINDOW_DAYS,
)

from .duckdb_file import kept_open
from .errors import plain_errors
from .journal import open_windows, strike_out, writing
from .ledger import Entry, read_entries
from .parameters import configured_client, configured_parameters
from .pipeline import Warehouse, commit, local_value, prepare, recreate_tables
from .windows import Window, backfill_windows, load_windows, ranges

_BACKFILL_NOTE = "claude_code_backfill"


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


@dataclass(frozen=True)
class _Mark:
    """Which backfill a note of progress belongs to: what was read with other settings is read again."""

    first: str
    last: str
    actor_identity: str
    organization_id: str | None = None


@plain_errors()
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
    given: dict[str, Any] = {"start_date": start, "end_date": end}
    parameters = configured_parameters(**{name: day for name, day in given.items() if day is not None})
    if parameters.end is not None:
        return _closed(target, parameters.start, parameters.end, window_days, client, watch, loading)
    with _job(target, window_days, client, watch, loading) as job:
        now = job.client.now()
        first = checked_range(parameters.start, now.date(), now, names=("start_date", "today")).first
        last = now.date() if parameters.include_today else last_final_day(now)
        progress = job.progress()
        if start is not None and progress and first < progress.cursor and not job.holds(first):
            job.client.notice(
                f"goes on after {progress.cursor}: --start {first} counts for a first load, use backfill for older days"
            )
        if progress and first > progress.cursor + ONE_DAY:
            job.client.notice(
                f"the days after {progress.cursor} and before {first} are left out, as --start or start_date says; "
                "use backfill for them"
            )
        if progress and progress.cursor > now.date():
            job.client.notice(
                f"an earlier load came to {progress.cursor}, which lies in the future: nothing is read until then; if "
                "a clock was wrong, backfill the days since"
            )
        windows: list[Window] = []
        if progress and not job.holds(progress.cursor) and first <= progress.cursor:
            # A cursor proves nothing where the warehouse is an older copy, or another organization moved it.
            missing = job.missing(DayRange(first, progress.cursor))
            job.client.notice(
                f"the ledger does not know {progress.cursor}, the cursor's day, of this organization: the "
                f"{sum(map(len, missing))} days up to it that are missing are read too"
            )
            windows = [window for days in missing for window in backfill_windows(days, window_days)]
        windows += load_windows(
            start=first,
            last=last,
            progress=progress,
            lookback_days=parameters.lookback_days,
            window_days=window_days,
        )
        job.walk(windows)
        return job.loading


@plain_errors()
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
    first, last = parse_day(start, "start"), parse_day(end, "end")
    mark = _Mark(first.isoformat(), last.isoformat(), configured_parameters().actor_identity)
    return _closed(target, first, last, window_days, client, watch, loading, mark)


def _closed(
    target: Warehouse,
    first: dt.date,
    last: dt.date,
    window_days: int,
    client: AnalyticsClient | None,
    watch: Watch | None,
    loading: Loading | None,
    mark: _Mark | None = None,
) -> Loading:
    with _job(target, window_days, client, watch, loading) as job:
        days = checked_range(first, last, job.client.now(), names=("start", "end"))
        rest: DayRange | None = days
        mark = replace(mark, organization_id=job.client.organization_id()) if mark else None
        if mark and (through := job.backfilled_through(days, mark)):
            job.loading.resumed_after = through
            rest = days.after(through)
        job.walk(backfill_windows(rest, window_days) if rest else [], mark)
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
        with target.claimed():
            yield _Job(target, window_days, connection, watch, Loading() if loading is None else loading)
    finally:
        if client is None:
            connection.close()


class _Job:
    """One load under way."""

    def __init__(
        self, target: Warehouse, window_days: int, client: AnalyticsClient, watch: Watch, loading: Loading
    ) -> None:
        self.client = client
        self._window_days = window_days
        self.loading = loading
        self._watch = watch
        self._pipeline = target.open()
        with kept_open(self._pipeline):
            entries = read_entries(self._pipeline)
            if entries is None:
                recreate_tables(self._pipeline)
            left = open_windows(self._pipeline)
        self._days = _days_of(client, entries or [])
        self._read: set[dt.date] = set()
        self._organization = client.organization_id()
        left = [window for window in left if window.concerns(self._organization)]
        now = client.now()
        self._open = [window for window in left if window.is_interrupted(self._pipeline, now)]
        for window in left:
            if window not in self._open:
                client.notice(
                    f"pipeline {window.pipeline} began to write {window.days} at {window.begun:%H:%M} UTC: these days "
                    "are left to it; if it was stopped, its next load reads them again, or in an hour any other"
                )

    def progress(self) -> Progress | None:
        """How far incremental loads have come."""
        return stored_progress(self._pipeline)

    def holds(self, day: dt.date) -> bool:
        """Whether the ledger knows the day."""
        return day in self._days

    def missing(self, days: DayRange) -> list[DayRange]:
        """The days that the ledger does not know."""
        return ranges(day for day in days.days() if not self.holds(day))

    def backfilled_through(self, days: DayRange, mark: _Mark) -> dt.date | None:
        """Last day that an interrupted backfill of `days` committed, where the ledger agrees."""
        note = dict(local_value(self._pipeline, _BACKFILL_NOTE) or {})
        through = note.pop("through", None)
        if through is None or note != asdict(mark):
            return None
        last = dt.date.fromisoformat(through)
        return None if self.missing(DayRange(days.first, last)) else last

    def walk(self, windows: list[Window], mark: _Mark | None = None) -> None:
        """Loads the windows, one after the other; notes in dlt's local state how far the backfill `mark` has come.

        Days that an interrupted load may have left half written come first, unless they are in the windows anyway.
        """
        planned = {day for window in windows for day in window.days.days()}
        again = sorted({day for window in self._open for day in window.days.days()} - planned)
        if self._open:
            self.client.notice(
                "a load was interrupted while it wrote: the days it may have left half done are read too"
            )
        first = [window for days in ranges(again) for window in backfill_windows(days, self._window_days)]
        self._watch.planned([*first, *windows])
        # An extract with a lookback chooses its days when it starts: after midnight others than were planned.
        certain = [window for window in (*first, *windows) if not window.lookback_days]
        with self.client.reading_ahead(day for window in certain for day in window.days.days()):
            for window in first:
                self._load(window)
            for window in windows:
                done = self._load(window)
                if mark and done:
                    note = None if window is windows[-1] else {**asdict(mark), "through": done.last.isoformat()}
                    self._pipeline.set_local_state_val(_BACKFILL_NOTE, note)

    def _load(self, window: Window) -> DayRange | None:
        """Loads one window; the days that were read, or None when there were none."""
        read: list[dt.date] = []
        records = size = 0

        def count(day: FetchedDay) -> None:
            nonlocal records, size
            read.append(day.date)
            records += day.record_count
            size += day.size
            self._watch.fetched(day)

        self.client.on_day(count)
        rows = prepare(self._pipeline, self._source(window))
        if not read:
            commit(self._pipeline)
            return None
        # Past midnight, an incremental extract may read a day later than was planned.
        days = DayRange(read[0], read[-1])
        noted = writing(self._pipeline, self._organization, days, self.client.now())
        with kept_open(self._pipeline, sum(rows.values()), size), noted:
            info = commit(self._pipeline)
        self._read |= set(read)
        for window_left in [left for left in self._open if self._read.issuperset(left.days.days())]:
            strike_out(self._pipeline, window_left.load_id)
            self._open.remove(window_left)
        self.loading.committed.append(replace(window, days=days))
        self.loading.days += len(read)
        self.loading.records += records
        self.loading.rows.update(rows)
        self.loading.destination = info.destination_displayable_credentials
        self._watch.committed(self.loading.committed[-1])
        return days

    def _source(self, window: Window) -> Any:
        return claude_code_analytics(
            start_date=window.days.first,
            end_date=None if window.moves_cursor else window.days.last,
            lookback_days=window.lookback_days,
            max_days=len(window.days),
            client=self.client,
        )


def stored_progress(pipeline: dlt.Pipeline) -> Progress | None:
    """How far incremental loads of a pipeline have come, from dlt's state."""
    resources: Any = pipeline.state.get("sources", {}).get(SOURCE_NAME, {}).get("resources", {})
    state = resources.get(USAGE_TABLE, {})
    cursor = state.get("incremental", {}).get("date", {}).get("last_value")
    settled = state.get("settled_through")
    return Progress(cursor, dt.date.fromisoformat(settled)) if cursor and settled else None


def _days_of(client: AnalyticsClient, entries: list[Entry]) -> set[dt.date]:
    """Days in the ledger that are those of the client's organization, or may be where the API does not name it.

    Keeps the sample organization and real ones apart, and tells when a dataset gets a further organization.
    """
    loaded = {entry.organization_id for entry in entries}
    organization = client.organization_id() if loaded else None
    if organization is None and SAMPLE_ORGANIZATION_ID not in loaded:
        return {entry.date for entry in entries}
    if organization not in loaded:
        _require_fit(organization or "one that the API does not name", loaded, client)
    ours = (organization, UNKNOWN_ORGANIZATION)
    return {entry.date for entry in entries if entry.organization_id in ours}


def _require_fit(organization: str, loaded: set[str], client: AnalyticsClient) -> None:
    names = ", ".join(sorted(loaded))
    if SAMPLE_ORGANIZATION_ID in (organization, *loaded):
        raise ConfigurationError(
            f"this dataset holds organization {names}, the load would add {organization}; sample and real data do not "
            "mix: choose another --pipeline or --dataset, or remove the sample's file"
        )
    client.notice(f"this dataset held organization {names} so far; {organization} is added beside it")
