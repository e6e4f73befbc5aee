"""The two jobs, `load` and `backfill`: windows of days, each committed and proven before the next one starts."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping, Sequence
from types import NoneType

import dlt

from claude_code_analytics import AnalyticsClient, ConfigurationError, DestinationError
from claude_code_analytics.argument_types import Types, check_types, check_whole_number
from claude_code_analytics.claude_code.report import CLAUDE_CODE, DailyReport
from claude_code_analytics.config import resolve_config
from claude_code_analytics.constants import SOURCE_NAME, START_DATE
from claude_code_analytics.dates import ONE_DAY, Day, DayRange, check_range, parse_day
from claude_code_analytics.run import Run, window_source
from claude_code_analytics.warehouse.destinations import NOWHERE, destination_of
from claude_code_analytics.warehouse.proof import UNREADABLE, DayState

from .comments import comment_tables
from .dataset_names import dataset_name
from .defaults import WINDOW_DAYS
from .duckdb_file import kept_open, no_file_left_behind, release_memory
from .error_messages import translate_errors
from .events import DaysNotHeld, LoadObserver, LoadReport
from .recovery import abort_own_packages, begin_backfill, end_backfill, locked, put_in_order
from .warehouse import Warehouse, active_pipeline_kept, read_warehouse

_TYPES: Types = {
    "target": (Warehouse, dlt.Pipeline),
    "client": (AnalyticsClient, NoneType),
    "observer": (LoadObserver, NoneType),
    "report": (DailyReport,),
}

# Days that are not held after they were written are read again, after a wait that doubles (decision D5b): another load
# is writing them. The randomness keeps two loads from meeting again.
MOST_REPEATS = 5
FIRST_WAIT = 2.0

# A destination error is retried once: a passing one clears, and waiting five times for a table that rejects rows is
# only slow.
MOST_FAILED_WRITES = 2

# The proof at the end counts every value: measured, a year of 1,000 developers at once takes 522 MB.
DAYS_PROVEN_AT_ONCE = 93


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
        ApiError: The credential was refused, or so many days in a row failed that the load stopped. Earlier days stay.
        DaysNotHeld: Days that could not be read, or that the warehouse does not hold after all. All others are loaded.
    """
    check_types(_TYPES, locals())
    check_whole_number("window_days", window_days, 1)
    with translate_errors("the configuration could not be read"):
        config = resolve_config(start_date=start, end_date=end)
    observer = observer or LoadObserver()
    with active_pipeline_kept():
        pipeline = target.dlt_pipeline() if isinstance(target, Warehouse) else target
        _check_pipeline(pipeline)
        run = Run(
            report, config, client, on_wait=observer.waiting, on_fetched=observer.fetched, on_failed=observer.failed
        )
        with run, locked(pipeline), no_file_left_behind(pipeline):
            _open(run, pipeline)
            return _Loader(pipeline, run, window_days, observer).load()


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

    A backfill that was interrupted resumes if the same range is loaded within 24 hours.

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
        ApiError: The credential was refused, or so many days in a row failed that the load stopped. Earlier days stay.
        DaysNotHeld: Days that could not be read, or that the warehouse does not hold after all. All others are loaded.
    """
    first, last = parse_day(start, "start"), parse_day(end, "end")
    check_range(first, last, names=("start", "end"))
    return load(target, start=first, end=last, window_days=window_days, client=client, observer=observer, report=report)


def _check_pipeline(pipeline: dlt.Pipeline) -> None:
    """Refuses a pipeline that cannot be loaded in windows, or to its destination at all."""
    if pipeline.refresh:
        raise ConfigurationError(
            f"the pipeline's refresh is {pipeline.refresh!r}, and each window would drop the one before; leave it out, "
            "and read days again with backfill"
        )
    if destination_of(pipeline) is NOWHERE:
        raise ConfigurationError("the pipeline has no destination; name one: dlt.pipeline(..., destination='duckdb')")
    with translate_errors("the configuration could not be read"):
        dataset_name(pipeline)


def _open(run: Run, pipeline: dlt.Pipeline) -> None:
    """Opens the run of a load. Nothing of the warehouse is touched before the API took the credential."""
    run.connect()
    put_in_order(pipeline)
    with translate_errors("the warehouse could not be queried"), kept_open(pipeline):
        run.open(pipeline, SOURCE_NAME)


class _Loader:
    def __init__(self, pipeline: dlt.Pipeline, run: Run, window_days: int, observer: LoadObserver) -> None:
        self._pipeline = pipeline
        self._run = run
        self._window_days = window_days
        self._observer = observer
        self._report = LoadReport(dataset=dataset_name(pipeline))
        self._began = run.mark()
        self._problem = ""
        self._has_new_columns = _lacks_columns(run)

    def load(self) -> LoadReport:
        """Loads what is not held or not settled, or a closed range."""
        config = self._run.config
        if config.end_date is None:
            return self._walk()
        first = config.start_date or START_DATE
        check_range(first, config.end_date, names=("the first day", "end"))
        return self._load_range(DayRange(first, config.end_date))

    def _load_range(self, days: DayRange) -> LoadReport:
        """Loads all days of a range, less those that an interrupted load of the same range had loaded."""
        key = (str(days), self._run.organization, self._run.actor_identity)
        interrupted = begin_backfill(self._pipeline, key, self._run.at(self._began))
        states = self._run.proof.of(self._run.organization)
        left = [day for day in days.days() if not (interrupted and _is_held(states, day, interrupted))]
        self._report.resumed = len(days) - len(left)
        report = self._walk(left)
        end_backfill(self._pipeline)
        return report

    def _walk(self, closed: Sequence[dt.date] | None = None) -> LoadReport:
        """Loads the planned days window by window; raises at the end for those that are not held."""
        not_held: list[dt.date] = []
        for plan in self._run.rounds(self._run.plan(closed)):
            self._report.waiting = len(plan.waiting)
            self._observer.planned(plan.days)
            self._run.expect(plan.days)
            for at in range(0, len(plan.days), self._window_days):
                not_held += self._load_window(plan.days[at : at + self._window_days])
        if self._report.windows:
            not_held += self._mend(not_held)
        if self._report.windows and self._has_new_columns:
            with kept_open(self._pipeline):
                comment_tables(self._pipeline, self._run.report)
        errors = self._run.failures.errors
        if not_held or errors:
            self._report.unread = sorted(errors)
            raise DaysNotHeld(not_held, self._report, next(map(str, errors.values()), self._problem))
        return self._report

    def _load_window(self, days: Sequence[dt.date]) -> list[dt.date]:
        """Writes a window until the warehouse proves that it holds it.

        Returns the days that were read and are not held. Where failed days stop the run, it raises the API's error, and
        the days before them are committed.
        """
        self._write_repeatedly(days)
        states, missing = self._prove(days)
        for repeat in range(MOST_REPEATS):
            if not missing or self._run.failures.final:
                break
            self._wait(missing, FIRST_WAIT * 2.0**repeat)
            states, missing = self._prove(days)
            if missing:
                self._write_repeatedly(missing)
                states, missing = self._prove(days)
        held = [day for day in days if day not in missing and day not in self._run.failures.errors]
        self._commit({day: states[day] for day in held})
        self._run.failures.raise_final()
        return missing

    def _mend(self, not_held: Sequence[dt.date]) -> list[dt.date]:
        """Reads days again that this load's merges may have damaged, also those of other loads (decision D5b).

        Loads on several machines share dlt's staging tables: a late merge can take another load's rows, without the
        columns that only that one knows. Returns the days that could not be mended.
        """
        damaged = self._damaged(not_held)
        for repeat in range(MOST_REPEATS):
            if not damaged:
                break
            self._wait(damaged, FIRST_WAIT * 2.0**repeat)
            again = self._damaged(not_held)
            damaged = [day for day in damaged if day in again]  # the others were in another load's hands
            for at in range(0, len(damaged), self._window_days):
                self._load_window(damaged[at : at + self._window_days])
            damaged = self._damaged(not_held)
        return damaged

    def _damaged(self, not_held: Sequence[dt.date]) -> list[dt.date]:
        """Returns days of all history that are not held now, and were held, unknown or read by this load."""
        before = self._run.proof.of(self._run.organization)
        return [
            day
            for day, state in sorted(self._history().items())
            if state.fetched_at
            and not state.is_held
            and state.problem != UNREADABLE
            and day not in not_held
            and day not in self._run.failures.errors
            and (day not in before or before[day].is_held or day in self._report.days)
        ]

    def _history(self) -> Mapping[dt.date, DayState]:
        """Proves all days of the organization, some months at a time: the memory does not depend on the range."""
        oldest = min([*self._run.proof.of(self._run.organization), *self._report.days])
        starts = DayRange(oldest, self._run.now().date()).days()[::DAYS_PROVEN_AT_ONCE]
        windows = [DayRange(first, first + (DAYS_PROVEN_AT_ONCE - 1) * ONE_DAY) for first in starts]
        # days before the oldest can only be those that another load has added meanwhile
        return self._proof(DayRange(min(START_DATE, oldest), windows[0].last), *windows[1:])

    def _wait(self, missing: Sequence[dt.date], about: float) -> None:
        seconds = about * random.uniform(0.5, 1.5)  # noqa: S311  # no secret
        self._observer.repeating(missing, seconds)
        self._run.pause(seconds)

    def _write_repeatedly(self, days: Sequence[dt.date], tries: int = MOST_FAILED_WRITES) -> None:
        """Writes days; a destination error is retried, even if the tables hold the rows: dlt has not recorded the load.

        Days that could not be read are not requested again.
        """
        try:
            self._write([day for day in days if day not in self._run.failures.errors])
        except DestinationError:
            with translate_errors("the failed load could not be aborted"):
                abort_own_packages(self._pipeline)
            if tries == 1 or self._run.failures.final:
                raise
            self._wait(days, FIRST_WAIT)
            self._write_repeatedly(days, tries - 1)

    def _write(self, days: Sequence[dt.date]) -> None:
        if not days:
            return
        with translate_errors("the window could not be written"):
            moves_cursor = self._run.config.end_date is None
            self._pipeline.extract(window_source(self._run, days, moves_cursor=moves_cursor))
            self._observer.writing(days)
            normalized = self._pipeline.normalize()
            release_memory()
            rows = sum(normalized.row_counts.values())
            with kept_open(self._pipeline, rows):
                info = self._pipeline.load()
            info.raise_on_failed_jobs()  # whatever load.raise_on_failed_jobs says (decision D5c)
        self._report.destination = info.destination_displayable_credentials

    def _prove(self, days: Sequence[dt.date]) -> tuple[Mapping[dt.date, DayState], list[dt.date]]:
        """Proves a window; returns the states, and the days that no fetch since the load began holds.

        After a failed write the tables may hold an earlier fetch, at the same instant where only the API's whole
        seconds are known. A failed day is not read again.
        """
        states = self._proof(DayRange(days[0], days[-1]))
        before = self._run.proof.of(self._run.organization)
        began = self._run.at(self._began)
        held = {
            day
            for day, state in states.items()
            if state.is_held_since(began) and state.load_id != before.get(day, DayState()).load_id
        }
        missing = [day for day in days if day not in self._run.failures.errors and day not in held]
        if missing:
            problem = states.get(missing[0], DayState()).problem or "their newest fetch is older than this load"
            self._problem = f"{problem}; if other loads write the same days, run again later"
        return states, missing

    def _proof(self, *windows: DayRange) -> Mapping[dt.date, DayState]:
        with kept_open(self._pipeline):
            proof = read_warehouse(self._pipeline, self._run.report, windows=windows, now=self._run.now())
        self._run.learn(proof)  # other loads may have added columns meanwhile
        return proof.of(self._run.organization)

    def _commit(self, states: Mapping[dt.date, DayState]) -> None:
        """Reports days that are proven to be held, each once."""
        new = {day: state for day, state in states.items() if day not in self._report.days}
        if not new:
            return
        report = self._run.report
        self._report.windows.append(tuple(new))
        for state in new.values():
            self._report.records += state.records
            self._report.rows[report.ledger.name] += 1
            self._report.rows.update(dict(zip((table.name for table in report.tables), state.rows, strict=True)))
        self._observer.committed(tuple(new))


def _lacks_columns(run: Run) -> bool:
    """Returns whether the load will create tables or columns, which then get their comments."""
    tables = (*run.report.tables, run.report.ledger)
    return any(not run.proof.stored.get(table.name, {}).keys() >= set(table.column_names) for table in tables)


def _is_held(states: Mapping[dt.date, DayState], day: dt.date, since: dt.datetime) -> bool:
    return day in states and states[day].is_held_since(since)
