"""Dagster assets of the tables and views, partitioned by day, over `backfill`; needs the extra `dagster`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from claude_code_analytics import AnalyticsClient, ClaudeCodeAnalyticsError, ConfigurationError
from claude_code_analytics.claude_code.report import CLAUDE_CODE
from claude_code_analytics.constants import FINAL_AFTER, LOOKBACK_DAYS, SOURCE_NAME
from claude_code_analytics.dates import ONE_DAY, Day, DayRange, last_final_day, list_ranges, parse_day

from .error_messages import translate_errors
from .events import DaysNotHeld
from .extras import extra
from .loader import backfill
from .metrics.catalog import VIEWS, View
from .metrics.reader import open_reader
from .metrics.views import create_views
from .read_only import open_read_only
from .status import read_status
from .warehouse import Warehouse, read_warehouse

__all__ = ["claude_code_definitions"]

dg = extra("dagster")

# Half an hour after the newest day is final.
_CRON = "30 6 * * *"

_TABLES = (*CLAUDE_CODE.tables, CLAUDE_CODE.ledger)
# Keys of a run's tags, by which Dagster knows its range of partitions.
_FIRST, _LAST = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
_COSTS = """
    SELECT r.date, SUM(r.api_cost_usd) AS api_cost_usd, SUM(r.subscription_value_usd) AS subscription_value_usd
    FROM claude_code_organization_days AS r
    WHERE r.date >= @first AND r.date <= @last
    GROUP BY r.date"""


def claude_code_definitions(
    target: Warehouse,
    start: Day,
    *,
    views: bool = True,
    lookback_days: int = LOOKBACK_DAYS,
    client: AnalyticsClient | None = None,
) -> Any:
    """Returns Dagster's definitions of a warehouse: assets, a check, a job and its daily schedule.

    The assets are the tables and views, `claude_code/claude_code_usage` and so on: a dataset and a name. A partition is
    a UTC day, and exists as soon as the day is final. A run loads any range of days at once.

    Args:
        target: The warehouse.
        start: First day.
        views: Whether the views are created too; Delta tables have none.
        lookback_days: Days before the newest one that the schedule loads again, because they may have changed.
        client: A client to use instead of the configured one.

    Returns:
        A `dagster.Definitions`. Runs take turns if the limit of the pool `claude_code_analytics` is 1.

    Raises:
        ConfigurationError: A mistake in an argument.
    """
    if not isinstance(target, Warehouse):
        raise ConfigurationError(f"target is of type {type(target).__name__}; it must be of type Warehouse")
    if not isinstance(lookback_days, int) or lookback_days < 0:
        raise ConfigurationError(f"lookback_days is {lookback_days!r}; it must be a whole number, 0 or more")
    return _Factory(target, parse_day(start, "start"), VIEWS if views else (), lookback_days, client).definitions()


@dataclass(frozen=True)
class _Factory:
    target: Warehouse
    start: dt.date
    views: Sequence[View]
    lookback_days: int
    client: AnalyticsClient | None

    def definitions(self) -> Any:
        # with this offset a partition has the day's name, and begins to exist when the day is final
        days = dg.DailyPartitionsDefinition(str(self.start), hour_offset=FINAL_AFTER // dt.timedelta(hours=1))
        assets = dg.multi_asset(
            name=f"{SOURCE_NAME}_days",  # a job's name must be another one
            specs=list(map(self._spec, self._parts)),
            partitions_def=days,
            backfill_policy=dg.BackfillPolicy.single_run(),
            pool=SOURCE_NAME,
        )(self._materialize)
        check = dg.asset_check(
            asset=self._key(CLAUDE_CODE.ledger.name),
            name="every_day_is_held_and_final",
            description="No day is missing or inconsistent, and all are final up to the newest day that can be.",
        )(self._check)
        job = dg.define_asset_job(SOURCE_NAME, dg.AssetSelection.assets(assets))
        schedule = dg.ScheduleDefinition(
            job=job, cron_schedule=_CRON, execution_timezone="UTC", execution_fn=self._newest_days
        )
        return dg.Definitions(assets=[assets], asset_checks=[check], jobs=[job], schedules=[schedule])

    def _key(self, name: str) -> Any:
        return dg.AssetKey([self.target.dataset, name])

    @property
    def _parts(self) -> list[Any]:
        """Tables and views."""
        return [*_TABLES, *self.views]

    def _spec(self, part: Any) -> Any:
        # what a view reads includes names within its own SELECT
        sources = part.sources & {each.name for each in self._parts} if isinstance(part, View) else ()
        return dg.AssetSpec(
            self._key(part.name),
            description=part.description,
            deps=[self._key(name) for name in sorted(sources)],
            kinds={"view" if sources else "table"},
            group_name=SOURCE_NAME,
        )

    def _materialize(self) -> Iterator[Any]:
        """Loads the partitions of a run, and reports each with its own numbers."""
        context = dg.AssetExecutionContext.get()
        days = DayRange(*(parse_day(key, "partition") for key in context.partition_key_range))
        with _failures():
            try:
                backfill(self.target, days.first, days.last, client=self.client)
            except DaysNotHeld as error:
                held = set(days.days()) - set(error.days)
                for name, day, metadata in self._numbers(days) if held else ():
                    if day in held:
                        yield dg.AssetMaterialization(self._key(name), None, metadata, str(day))
                raise
            if self.views:
                create_views(self.target.dlt_pipeline())
            for name, day, metadata in self._numbers(days):
                context.add_asset_metadata(metadata, self._key(name), str(day))
        for part in self._parts:
            yield dg.MaterializeResult(self._key(part.name))

    def _numbers(self, days: DayRange) -> Iterator[tuple[str, dt.date, dict[str, Any]]]:
        """Yields what the warehouse holds of each table and day, of all organizations."""
        with open_read_only(self.target) as pipeline:
            states = read_warehouse(pipeline, CLAUDE_CODE, windows=[days]).states
            with open_reader(pipeline) as reader:
                costs = {row.pop("date"): row for row in reader.rows(_COSTS, first=days.first, last=days.last)}
        for day in days.days():
            found = [state for (_, each), state in states.items() if each == day]
            numbers = {
                "records": sum(state.records for state in found),
                "is_final": all(state.is_final for state in found),
                # Dagster draws numbers, and has no decimals
                **{name: float(cost) for name, cost in costs.get(day, {}).items() if cost is not None},
            }
            for place, table in enumerate(CLAUDE_CODE.tables):
                rows = sum(state.rows[place] for state in found)
                yield table.name, day, {**numbers, "dagster/partition_row_count": rows}
            yield CLAUDE_CODE.ledger.name, day, numbers

    def _check(self) -> Any:
        now = self.client.now() if self.client else dt.datetime.now(dt.timezone.utc)
        try:
            status = read_status(self.target, now, self.start)
        except ClaudeCodeAnalyticsError as error:
            return dg.AssetCheckResult(passed=False, description=str(error))
        until = min(each.final_until or dt.date.min for each in status.organizations)
        days = {kind: list_ranges(status.days(kind)) for kind in ("missing", "inconsistent", "partial")}
        passed = not status.has_gap and until >= last_final_day(now)
        return dg.AssetCheckResult(passed=passed, metadata={"final_until": str(until), **days})

    def _newest_days(self, context: Any) -> Any:
        last = last_final_day(context.scheduled_execution_time)
        if last < self.start:
            return dg.SkipReason(f"{self.start}, the first day, is not final yet")
        first = max(self.start, last - self.lookback_days * ONE_DAY)
        return dg.RunRequest(run_key=str(last), tags={_FIRST: str(first), _LAST: str(last)})


@contextmanager
def _failures() -> Iterator[None]:
    """Turns errors into Dagster's, whose description is the one line."""
    try:
        with translate_errors("the warehouse could not be reached"):
            yield
    except ClaudeCodeAnalyticsError as error:
        raise dg.Failure(str(error)) from None
