"""The dlt resource of a daily report: proves what the warehouse holds, plans a run's days, and reads them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import dlt
from dlt.extract import DltResource

from ..api.client import AnalyticsClient
from ..config import SourceConfig
from ..constants import START_DATE
from ..dates import ONE_DAY, check_range, last_final_day
from ..exceptions import ClaudeCodeAnalyticsError
from ..report import DailyReport
from ..warehouse.altered_tables import stored_tables
from ..warehouse.backend import open_backend
from ..warehouse.destinations import NOWHERE, Destination, destination_named, kind_of
from ..warehouse.proof import Proof, read_proof
from .batches import SplitBatch, read_batches
from .cursor import Cursor
from .dlt_settings import check_resource, contract_of, set_default
from .planner import Plan, days_to_read
from .run import DailyRun

# A plain run keeps all its days until the last is read, and loads them in one go. A year of 1,000 developers takes
# about a gigabyte of memory.
MOST_DAYS_IN_ONE_RUN = 366


@dataclass(frozen=True)
class PlannedDays:
    """Days that `load()` planned for one window.

    Attributes:
        run: The run of which the window is a part.
        days: The days, oldest first.
        proof: What the warehouse holds.
        moves_cursor: Whether the cursor follows; a closed range leaves it alone.
    """

    run: DailyRun
    days: tuple[dt.date, ...]
    proof: Proof
    moves_cursor: bool


def daily_resource(
    report: DailyReport,
    config: SourceConfig,
    *,
    client: AnalyticsClient | None = None,
    planned: PlannedDays | None = None,
) -> DltResource:
    """Builds the resource of a report, without I/O.

    Args:
        report: The report.
        config: The parameters.
        client: A client to use instead of the configured one.
        planned: The days to read, where they are planned already.
    """
    first_day: dt.date = config.start_date or dt.date.fromisoformat(START_DATE)
    end_value = None if config.end_date is None else config.end_date + ONE_DAY
    if planned:
        end_value = None if planned.moves_cursor else planned.days[-1] + ONE_DAY
        first_day = min(first_day, planned.days[0])

    @dlt.resource(name=report.name)
    def records(
        date: dlt.sources.incremental[dt.date] = dlt.sources.incremental(  # noqa: B008  # dlt's way to declare a cursor
            "date",
            initial_value=first_day,
            end_value=end_value,
            primary_key=(),  # otherwise dlt drops corrected rows of the last day (decision D4)
        ),
    ) -> Iterator[Any]:
        # all of these refuse before anything is requested
        destination = destination_named(kind_of(dlt.current.pipeline()))
        check_resource(dlt.current.resource())
        contract_of(dlt.current.resource(), dlt.current.source_schema())
        config.actors()
        if destination.load_workers is not None:
            set_default(dlt.current.pipeline(), "load.workers", destination.load_workers)
        if planned:
            yield from read_batches(planned.run, planned.days, planned.proof, destination, Cursor(date))
            return
        opened = client or config.client()
        run = DailyRun(report, config, opened.session(), opened.max_concurrent_days)
        try:
            yield from _read(run, destination, Cursor(date), first_day)
        finally:
            run.close()
            if client is None:
                opened.close()

    records.add_step(SplitBatch(report))
    return records


def _read(run: DailyRun, destination: Destination, cursor: Cursor, first_day: dt.date) -> Iterator[Any]:
    """Proves what the destination holds, plans the days of a plain run, and reads them."""
    run.session.organization()  # the first response brings the API's clock
    now = run.session.now()
    check_range(run.config.start_date, run.config.end_date, now.date())
    proof = _current_proof(run, destination, now)
    run.identify(proof)
    run.check_identity(proof or Proof())
    plan = _plan(run, cursor, first_day, proof, now)
    if len(plan.days) > MOST_DAYS_IN_ONE_RUN:
        run.warn(
            f"{len(plan.days)} days in one run: all are kept on disk until the last is read, and a failure "
            "loads none; claude_code_pipelines.load() commits them in windows"
        )
    yield from read_batches(run, plan.days, proof or Proof(), destination, cursor)


def _plan(run: DailyRun, cursor: Cursor, first_day: dt.date, proof: Proof | None, now: dt.datetime) -> Plan:
    """Plans a plain run: a closed range whole, else what is not held or not settled."""
    config = run.config
    closed = cursor.closed_days(first_day, config.end_date)
    if closed is not None:
        return Plan(tuple(day for day in closed if day <= now.date()))
    first = config.start_date if cursor.start == first_day else cursor.start  # a user's own incremental may move it
    if proof is None:
        first = first or first_day
        states = cursor.held_before(first, now, config.lookback_days)
    else:
        first = first or proof.first_day(run.organization) or first_day
        states = proof.of(run.organization)
    last = now.date() if config.include_today else last_final_day(now)
    return days_to_read(states, first=first, last=last, lookback_days=config.lookback_days, max_days=config.max_days)


def _current_proof(run: DailyRun, destination: Destination, now: dt.datetime) -> Proof | None:
    """Queries the destination of the running pipeline; None, with a warning, where that is not possible."""
    if destination is NOWHERE:
        return None
    report = run.report
    package: dict[str, Any] = dlt.current.load_package_state()["state"]  # type: ignore[assignment]
    # `refresh` drops tables only when the package is loaded: until then they can still be queried
    refreshed = [table["name"] for key in ("dropped_tables", "truncated_tables") for table in package.get(key, ())]
    if report.ledger.name in refreshed:
        return Proof()
    try:
        with open_backend(dlt.current.pipeline(), dlt.current.source_schema().name) as backend:
            stored = stored_tables(backend, report, reports_types=destination.reports_types)
            return read_proof(backend, report, stored, now=now)
    except ClaudeCodeAnalyticsError:
        raise
    except Exception as error:  # noqa: BLE001  # no rights, no server: each driver has its own
        run.warn(
            "the destination cannot be queried for the days that it holds, so the cursor decides which days are read "
            f"({type(error).__name__}: {' '.join(str(error).split())[:200]})"
        )
        return None
