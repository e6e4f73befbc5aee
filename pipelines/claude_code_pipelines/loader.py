"""The two jobs, `load` and `backfill`: windows of days, each committed and proven before the next one starts."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import dlt

from claude_code_analytics import AnalyticsClient, ConfigurationError, DestinationError
from claude_code_analytics.claude_code.report import CLAUDE_CODE
from claude_code_analytics.config import SourceConfig, resolve_config
from claude_code_analytics.constants import START_DATE
from claude_code_analytics.dates import Day, DayRange, check_range, last_final_day, parse_day
from claude_code_analytics.report import DailyReport, FetchedDay, ShapedDay
from claude_code_analytics.run.planner import Plan, days_to_read
from claude_code_analytics.run.resource import PlannedDays
from claude_code_analytics.run.run import DailyRun, OnceLogger
from claude_code_analytics.source import planned_source
from claude_code_analytics.warehouse.destinations import destination_named, kind_of
from claude_code_analytics.warehouse.proof import DayState, Proof

from .comments import comment_tables
from .duckdb_file import kept_open, release_memory
from .error_messages import translate_errors
from .events import DaysNotHeld, LoadObserver, LoadReport
from .locks import reported_locks
from .warehouse import (
    BACKFILL_NOTE,
    Warehouse,
    abort_own_packages,
    active_pipeline_kept,
    local_value,
    locked,
    put_in_order,
    read_warehouse,
    restore_tables,
)

WINDOW_DAYS = 31

# Days that are not held after they were written are read again, after a wait that doubles (decision D5b): another load
# is writing them. The randomness keeps two loads from meeting again.
MOST_REPEATS = 5
FIRST_WAIT = 2.0

# A destination error is retried once: a passing one clears, and waiting five times for a table that rejects rows is
# only slow.
MOST_FAILED_WRITES = 2

# The simulator's sample organization; it shares no code with the connector.
SAMPLE_ORGANIZATION_ID = "5a3f1c0d-7e2b-4b6a-9c41-d2e8f0a6b713"

# An interrupted backfill of the same range goes on where it stopped, for this long.
RESUMABLE = dt.timedelta(hours=24)


def load(
    target: Warehouse | dlt.Pipeline,
    *,
    start: Day | None = None,
    end: Day | None = None,
    window_days: int = WINDOW_DAYS,
    client: AnalyticsClient | None = None,
    observer: LoadObserver | None = None,
    report: DailyReport = CLAUDE_CODE,
) -> LoadReport:
    """Loads every day that is not held or not settled yet, up to today.

    Args:
        target: The warehouse, or a dlt pipeline of the caller's.
        start: First day; None: the configured one, else the first day that the dataset has, else 2025-01-01.
        end: Last day, inclusive. Set: a closed range, as `backfill`.
        window_days: Days that are committed together.
        client: A client to use instead of the configured one.
        observer: Follows the load.
        report: The report to load.

    Returns:
        What was loaded.

    Raises:
        ConfigurationError: A mistake in arguments or configuration.
        DestinationError: The warehouse failed.
        ApiError: A day could not be read; earlier windows stay.
        DaysNotHeld: Days that the warehouse does not hold after all.
    """
    config = _resolve_config(start, end)
    if config.end_date is not None:
        first = config.start_date or dt.date.fromisoformat(START_DATE)
        return _load_range(target, report, config, first, config.end_date, window_days, client, observer)
    with active_pipeline_kept(), _job(target, report, config, window_days, client, observer) as job:
        return job.load_new()


def backfill(
    target: Warehouse | dlt.Pipeline,
    start: Day,
    end: Day,
    *,
    window_days: int = WINDOW_DAYS,
    client: AnalyticsClient | None = None,
    observer: LoadObserver | None = None,
    report: DailyReport = CLAUDE_CODE,
) -> LoadReport:
    """Loads all days of a closed range, and leaves the cursor alone.

    A backfill that was interrupted resumes where it stopped if the same range is loaded within 24 hours.

    Args:
        target: The warehouse, or a dlt pipeline of the caller's.
        start: First day, inclusive.
        end: Last day, inclusive.
        window_days: Days that are committed together.
        client: A client to use instead of the configured one.
        observer: Follows the load.
        report: The report to load.

    Returns:
        What was loaded.

    Raises:
        ConfigurationError: A mistake in arguments or configuration.
        DestinationError: The warehouse failed.
        ApiError: A day could not be read; earlier windows stay.
        DaysNotHeld: Days that the warehouse does not hold after all.
    """
    first, last = parse_day(start, "start"), parse_day(end, "end")
    check_range(first, last, names=("start", "end"))
    config = _resolve_config(first, last)
    return _load_range(target, report, config, first, last, window_days, client, observer)


def _resolve_config(first: Day | None, last: Day | None) -> SourceConfig:
    with translate_errors("the configuration could not be read"):
        return resolve_config(start_date=first, end_date=last)


def _load_range(
    target: Warehouse | dlt.Pipeline,
    report: DailyReport,
    config: SourceConfig,
    first: dt.date,
    last: dt.date,
    window_days: int,
    client: AnalyticsClient | None,
    observer: LoadObserver | None,
) -> LoadReport:
    with active_pipeline_kept(), _job(target, report, config, window_days, client, observer) as job:
        return job.load_range(DayRange(first, last))


@contextmanager
def _job(
    target: Warehouse | dlt.Pipeline,
    report: DailyReport,
    config: SourceConfig,
    window_days: int,
    client: AnalyticsClient | None,
    observer: LoadObserver | None,
) -> Iterator[_Job]:
    """Opens what a job needs: credential, lock, pipeline, organization, proof."""
    if window_days < 1:
        raise ConfigurationError(f"the window is {window_days} days; it must be 1 or more")
    pipeline = target.dlt_pipeline() if isinstance(target, Warehouse) else target
    if pipeline.refresh:
        raise ConfigurationError(
            f"the pipeline's refresh is {pipeline.refresh!r}, and each window would drop the one before; leave it out, "
            "and read days again with backfill"
        )
    destination = destination_named(kind_of(pipeline))
    opened = client or config.client()
    observer = observer or LoadObserver()
    try:
        opened.require_credential()
        with locked(pipeline):
            run = DailyRun(report, config, opened.session(observer.waiting), opened.max_concurrent_days, OnceLogger())
            try:
                run.session.organization()  # the first response brings the API's clock
                check_range(config.start_date, config.end_date, run.session.now().date())
                put_in_order(pipeline, destination)
                yield _Job(pipeline, run, window_days, observer)
            finally:
                run.close()
    finally:
        if client is None:
            opened.close()


class _Job:
    """One load under way."""

    def __init__(self, pipeline: dlt.Pipeline, run: DailyRun, window_days: int, observer: LoadObserver) -> None:
        self._pipeline = pipeline
        self._run = run
        self._window_days = window_days
        self._observer = observer
        self._report = LoadReport()
        self._fetched: dict[dt.date, tuple[int, Counter[str]]] = {}
        self._began = run.session.now()
        self._problem = ""
        run.on_day = self._count

    @property
    def _daily_report(self) -> DailyReport:
        return self._run.report

    def load_new(self) -> LoadReport:
        """Loads what is not held or not settled."""
        config, now = self._run.config, self._run.session.now()
        proof = self._identify()
        first = config.start_date or proof.first_day(self._run.organization) or dt.date.fromisoformat(START_DATE)
        plan = days_to_read(
            self._states(proof),
            first=first,
            last=now.date() if config.include_today else last_final_day(now),
            lookback_days=config.lookback_days,
            max_days=config.max_days,
        )
        return self._walk(plan, proof, moves_cursor=True)

    def load_range(self, days: DayRange) -> LoadReport:
        """Loads all days of a closed range, less those that an interrupted load of the same range had loaded."""
        proof = self._identify()
        began = self._begin_range(days)
        states = self._states(proof)
        done = [day for day in days.days() if began and day in states and _is_held_since(states[day], began)]
        self._report.resumed = len(done)
        plan = Plan(tuple(day for day in days.days() if day not in set(done)))
        report = self._walk(plan, proof, moves_cursor=False)
        self._pipeline.set_local_state_val(BACKFILL_NOTE, None)
        return report

    def _identify(self) -> Proof:
        """Proves what the warehouse holds, and finds out whose days are loaded."""
        with kept_open(self._pipeline):
            proof = self._prove()
            restore_tables(self._pipeline, proof, self._daily_report)
        self._run.identify(proof)
        self._run.check_identity(proof)
        _check_neighbours(self._run, proof)
        return proof

    def _begin_range(self, days: DayRange) -> dt.datetime | None:
        """Returns when an interrupted load of this range began, less than 24 hours ago; None where this one begins."""
        now = self._run.session.now()
        key = {
            "first": days.first.isoformat(),
            "last": days.last.isoformat(),
            "organization": self._run.organization,
            "actor_identity": self._run.config.actors().label,
        }
        noted: dict[str, Any] = dict(local_value(self._pipeline, BACKFILL_NOTE) or {})
        began = noted.pop("began", None)
        if began is not None and noted == key and now - dt.datetime.fromisoformat(began) < RESUMABLE:
            return dt.datetime.fromisoformat(began)
        self._pipeline.set_local_state_val(BACKFILL_NOTE, {**key, "began": now.isoformat()})
        return None

    def _walk(self, plan: Plan, proof: Proof, *, moves_cursor: bool) -> LoadReport:
        """Loads the days window by window; raises at the end for those that are not held."""
        self._report.waiting = plan.waiting
        self._observer.planned(plan.days)
        self._run.reader.expect(plan.days)
        not_held: list[dt.date] = []
        for at in range(0, len(plan.days), self._window_days):
            window = plan.days[at : at + self._window_days]
            missing = self._load_window(window, proof, moves_cursor=moves_cursor)
            held = tuple(day for day in window if day not in missing)
            if held:
                self._report.windows.append(held)
                for day in held:
                    records, rows = self._fetched[day]
                    self._report.records += records
                    self._report.rows += rows
                self._observer.committed(held)
            not_held += missing
        if self._report.windows and len(proof.stored) <= len(self._daily_report.tables):  # a table is new
            with kept_open(self._pipeline):
                comment_tables(self._pipeline, self._daily_report)
        if not_held:
            undecoded = [error for day, error in self._run.undecoded.items() if day in not_held]
            raise DaysNotHeld(not_held, self._report, str(undecoded[0] if undecoded else self._problem))
        return self._report

    def _load_window(self, days: Sequence[dt.date], proof: Proof, *, moves_cursor: bool) -> list[dt.date]:
        """Writes a window until the warehouse proves that it holds it; returns the days that it does not hold."""
        missing = list(days)
        failures = 0
        for repeat in range(MOST_REPEATS + 1):
            try:
                self._write(PlannedDays(self._run, tuple(missing), proof, moves_cursor))
            except DestinationError:
                failures += 1
                with translate_errors("the failed load could not be aborted"):
                    abort_own_packages(self._pipeline)
                if failures == MOST_FAILED_WRITES:
                    raise
            missing = self._not_held(days)
            if not missing or repeat == MOST_REPEATS:
                break
            seconds = FIRST_WAIT * 2**repeat * random.uniform(0.5, 1.5)  # noqa: S311  # no secret
            self._observer.repeating(missing, seconds)
            self._run.session.pause(seconds)
            missing = self._not_held(days)
            if not missing:
                break
        return [*missing, *(day for day in days if day in self._run.undecoded)]

    def _write(self, planned: PlannedDays) -> None:
        with translate_errors("the window could not be written"):
            self._pipeline.extract(planned_source(self._run.config, planned))
            self._observer.writing(planned.days)
            self._pipeline.normalize()
            release_memory()
            rows = sum(self._fetched[day][1].total() for day in planned.days)
            with kept_open(self._pipeline, rows), reported_locks(self._pipeline, self._observer.blocked):
                info = self._pipeline.load()
            info.raise_on_failed_jobs()  # whatever load.raise_on_failed_jobs says (decision D5c)
        self._report.destination = info.destination_displayable_credentials

    def _not_held(self, days: Sequence[dt.date]) -> list[dt.date]:
        """Proves a window; returns its days that no fetch since the load began holds.

        After a failed write the tables may hold an earlier fetch. A day that does not decode is not read again.
        """
        with kept_open(self._pipeline):
            states = self._states(self._prove(first=days[0], last=days[-1]))
        missing = [
            day
            for day in days
            if day not in self._run.undecoded and not (day in states and _is_held_since(states[day], self._began))
        ]
        if missing:
            state = states.get(missing[0], DayState())
            problem = state.problem or "their newest fetch is older than this load"
            self._problem = f"{problem}; if other loads write the same days, run again later"
        return missing

    def _prove(self, **window: dt.date) -> Proof:
        with reported_locks(self._pipeline, self._observer.blocked):
            return read_warehouse(self._pipeline, self._daily_report, now=self._run.session.now(), **window)

    def _states(self, proof: Proof) -> dict[dt.date, Any]:
        return proof.of(self._run.organization)

    def _count(self, day: ShapedDay | FetchedDay) -> None:
        """Keeps the numbers of a day's last read, and reports the first."""
        is_new = day.date not in self._fetched
        rows = Counter({self._daily_report.ledger.name: 1})
        if isinstance(day, ShapedDay):
            rows.update({name: table.num_rows for name, table in day.tables.items()})
        self._fetched[day.date] = (day.record_count, rows)
        if is_new:
            self._observer.fetched(day.date, day.record_count)


def _is_held_since(state: Any, began: dt.datetime) -> bool:
    return bool(state.is_held and state.fetched_at is not None and state.fetched_at >= began)


def _check_neighbours(run: DailyRun, proof: Proof) -> None:
    """Keeps the sample organization and real ones apart, and warns of a further organization.

    Raises:
        ConfigurationError: Sample and real data would mix.
    """
    loaded = [name for name in proof.organizations if run.organization not in proof.spellings(name)]
    own = run.organization or "one that the API does not name"
    if loaded and (SAMPLE_ORGANIZATION_ID in loaded or run.organization == SAMPLE_ORGANIZATION_ID):
        raise ConfigurationError(
            f"the dataset holds organization {', '.join(loaded)} and the load would add {own}; sample and real data "
            "do not mix: choose another --pipeline or --dataset, or remove the sample's file"
        )
    if loaded and run.organization not in proof.organizations:
        run.warn(f"the dataset held organization {', '.join(loaded)} so far; {own} is added beside it")
