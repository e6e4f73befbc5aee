"""The dlt resource of a daily report, for a plain run or for one window of `load()`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import dlt
from dlt.common.schema import Schema
from dlt.extract import DltResource, DltSource

from ..api.client import AnalyticsClient
from ..claude_code.report import DailyReport
from ..config import SourceConfig
from ..constants import SOURCE_NAME, START_DATE
from ..dates import ONE_DAY
from ..exceptions import ClaudeCodeAnalyticsError, DestinationError
from ..foreign_text import printable
from ..warehouse.destinations import NOWHERE, Destination, set_default
from .batches import SplitBatch, read_batches
from .cursor import Cursor
from .dlt_settings import check_contract, check_resource, running_destination
from .planner import Plan
from .run import Run

# A plain run keeps all its days until the last is read, and loads them in one go. A year of 1,000 developers takes
# about a gigabyte of memory.
MOST_DAYS_IN_ONE_RUN = 366

Read = Callable[[Destination, Cursor], Iterator[Any]]


def daily_resource(report: DailyReport, config: SourceConfig, client: AnalyticsClient | None = None) -> DltResource:
    """Builds the resource of a plain run, without I/O. It opens its run when dlt extracts it."""
    first_day = config.start_date or START_DATE

    def read(destination: Destination, cursor: Cursor) -> Iterator[Any]:
        with Run(report, config, client) as run:
            _open(run, destination)
            closed = cursor.closed_days(first_day, config.end_date)
            # a user's own incremental may begin elsewhere
            plan = run.plan(closed, first=cursor.start if cursor.start != first_day else None)
            if len(plan.days) > MOST_DAYS_IN_ONE_RUN:
                run.warn(
                    f"{len(plan.days)} days in one run: all stay on disk until the last is read, and a failure loads "
                    "none; claude_code_pipelines.load() commits them in windows"
                )
            yield from read_batches(run, plan, destination, cursor)
            run.failures.raise_final()

    end_value = None if config.end_date is None else config.end_date + ONE_DAY
    return _resource(report, first_day, end_value, read)


def window_source(run: Run, days: Sequence[dt.date], *, moves_cursor: bool) -> DltSource:
    """Builds the source of one window of `load()`, whose run is open and whose days are planned.

    Where failed days stop the run, the source ends with the days before them.
    """

    def read(destination: Destination, cursor: Cursor) -> Iterator[Any]:
        yield from read_batches(run, Plan(tuple(days)), destination, cursor)

    first_day = min(run.config.start_date or START_DATE, days[0])
    end_value = None if moves_cursor else days[-1] + ONE_DAY
    resource = _resource(run.report, first_day, end_value, read)
    return DltSource(Schema(SOURCE_NAME), SOURCE_NAME, [resource])


def _resource(report: DailyReport, first_day: dt.date, end_value: dt.date | None, read: Read) -> DltResource:
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
        destination = running_destination()
        check_resource(dlt.current.resource())
        check_contract(dlt.current.resource(), dlt.current.source_schema())
        if destination.load_workers is not None:
            set_default(dlt.current.pipeline(), "load.workers", destination.load_workers)
        yield from read(destination, Cursor(date))

    records.add_step(SplitBatch(report))
    return records


def _open(run: Run, destination: Destination) -> None:
    """Opens a plain run against the destination of the running pipeline."""
    schema = dlt.current.source_schema().name
    if destination is NOWHERE:
        run.warn("there is no destination, so all days of the range are read, whatever is loaded")
    if destination is NOWHERE or _is_dropped(run.report):
        run.open(None, schema)
        return
    try:
        run.open(dlt.current.pipeline(), schema)
    except ClaudeCodeAnalyticsError:
        raise
    except Exception as error:
        raise DestinationError(
            "the destination cannot be queried for the days that it holds, so nothing was requested "
            f"({type(error).__name__}: {printable(str(error))[:300]})"
        ) from error


def _is_dropped(report: DailyReport) -> bool:
    """Returns whether `refresh` drops the tables when the package is loaded. Until then they can still be queried."""
    package: dict[str, Any] = dlt.current.load_package_state()["state"]  # type: ignore[assignment]
    dropped = [table["name"] for key in ("dropped_tables", "truncated_tables") for table in package.get(key, ())]
    return report.ledger.name in dropped
