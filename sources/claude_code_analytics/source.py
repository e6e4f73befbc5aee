"""The dlt source: parameters, the resource, its cursor, how days reach dlt. Asks nothing while it is built.

HTTP is left to `client.py`, shaping to `tables.py`, the choice of days to `days.py`, how tables are written to
`hints.py`.
"""

from __future__ import annotations

import datetime as dt
import os
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator
from typing import Any

import dlt
import pyarrow as pa
import pyarrow.compute as pc
from dlt.common.configuration.container import Container
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.normalizers.naming import NamingConvention
from dlt.common.runtime import signals
from dlt.common.schema import Schema
from dlt.common.storages.load_package import LoadPackageStateInjectableContext
from dlt.common.typing import TSecretStrValue
from dlt.extract import DltResource

from .api.client import AnalyticsClient
from .api.credentials import filled_in
from .api.rate_limit import utc_now
from .claude_code.columns import ARROW_TYPES, COLUMNS
from .claude_code.privacy import MODES, Protect, protection
from .claude_code.tables import Naming, Shape, ShapeAhead, empty_table, shape_day
from .dates import ONE_DAY, DayRange, Progress, checked_range, days_to_read, last_final_day, parse_day
from .destination.destinations import ANYWHERE, Target, require_replaceable
from .destination.replace_days import ledger_scope, scope, table_hints
from .exceptions import ApiUnavailable, ConfigurationError
from .settings import (
    API_KEY_VARIABLE,
    BASE_URL,
    DAYS_TABLE,
    LOOKBACK_DAYS,
    MAX_CONCURRENT_DAYS,
    RECORD_TABLES,
    SOURCE_NAME,
    START_DATE,
    UNKNOWN_ORGANIZATION,
    USAGE_TABLE,
)

ROWS_PER_BATCH = 100_000
"""Rows that are gathered before dlt gets them: fewer, larger Arrow tables cost dlt less."""

_LONGEST_LAG = 36_525
"""Days; dlt takes them off the cursor, and calendars have a beginning."""


@dlt.source(name=SOURCE_NAME, section=SOURCE_NAME)
def claude_code_analytics(
    api_key: TSecretStrValue | None = None,
    access_token: TSecretStrValue | None = None,
    start_date: str | dt.date | dt.datetime | None = START_DATE,  # dlt reads no union from its config without None
    end_date: str | dt.date | dt.datetime | None = None,
    lookback_days: int = LOOKBACK_DAYS,
    include_today: bool = True,
    max_days: int | None = None,
    max_concurrent_days: int = MAX_CONCURRENT_DAYS,
    actor_identity: str = "keep",
    identity_key: TSecretStrValue | None = None,
    base_url: str = BASE_URL,
    client: AnalyticsClient | None = None,
) -> DltResource:
    """Claude Code usage of an organization, by UTC day: records, tool actions, models, and a ledger of days.

    Every parameter but `client` can also be set in dlt's configuration (`sources.claude_code_analytics.<name>`). The
    source can be built without network and without secrets; the credential is needed when it runs.

    Args:
        api_key: Key for `x-api-key`; also taken from the environment variable `ANTHROPIC_ADMIN_KEY`.
        access_token: OAuth token with `org:admin`, used instead of `api_key`.
        start_date: First day, inclusive.
        end_date: Last day, inclusive. Set: a closed range, which leaves the cursor alone. Unset: up to today.
        lookback_days: Days before the cursor's day that every incremental run reads again.
        include_today: False stops at the last final day (six hours after its end).
        max_days: At most this many days in one run.
        max_concurrent_days: Days in flight at once.
        actor_identity: `keep`, `hash` (keyed HMAC) or `drop`; applied before anything is written.
        identity_key: Key of the HMAC.
        base_url: Where the API is.
        client: A client to use instead of one made from the parameters; brings its own credential, clock and transport.

    Returns:
        The source with its resource `claude_code_usage`, which fills all four tables.

    Raises:
        ConfigurationError: A parameter that cannot work.
    """
    now = (client.now if client else utc_now)()
    start = parse_day(START_DATE if start_date is None else start_date, "start_date")
    end = None if end_date is None else parse_day(end_date, "end_date")
    days = checked_range(start, now.date() if end is None else end, now)
    _require_number(lookback_days, "lookback_days", least=0)
    _require_number(max_concurrent_days, "max_concurrent_days", least=1)
    if max_days is not None:
        _require_number(max_days, "max_days", least=1)
    if actor_identity not in MODES:
        raise ConfigurationError(f"actor_identity is {actor_identity!r}; it must be one of {', '.join(MODES)}")

    if end is not None and max_days is not None and len(days) > max_days:
        raise ConfigurationError(f"{days} holds more than max_days={max_days} days; load it in pieces")

    lag = None if end is not None else min(lookback_days, _LONGEST_LAG)

    def connect() -> AnalyticsClient:
        return client or AnalyticsClient(
            api_key=filled_in(api_key) or os.environ.get(API_KEY_VARIABLE),
            access_token=filled_in(access_token),
            base_url=base_url,
            max_concurrent_days=max_concurrent_days,
        )

    @dlt.resource(name=USAGE_TABLE)
    def claude_code_usage(
        date: dlt.sources.incremental[dt.date] = dlt.sources.incremental(  # noqa: B008  # dlt's way to declare a cursor
            "date",
            initial_value=start,
            end_value=None if end is None else end + ONE_DAY,
            lag=lag,
            primary_key=(),  # without it dlt drops corrected rows of the last day (decision D4)
        ),
    ) -> Iterator[Any]:
        protect = protection(actor_identity, filled_in(identity_key))
        connection = connect()
        try:
            if date.start_value is not None and date.end_value is not None:
                yield from _load(DayRange(date.start_value, date.end_value - ONE_DAY), connection, protect)
                return
            cursor = _Cursor(date)
            now = connection.now()
            last = now.date() if include_today else last_final_day(now)
            first = max(start, date.start_value or start)  # dlt drops rows before it: their days must not be replaced
            wanted = days_to_read(
                start=first, last=last, progress=cursor.progress, lookback=lookback_days, max_days=max_days
            )
            if wanted:
                settled = yield from _load(wanted, connection, protect)
                cursor.advance(wanted, settled)
        finally:
            if client is None:
                connection.close()

    return claude_code_usage


class _Cursor:
    """The incremental cursor as it stood before the run, without dlt's lag, and the settled days kept beside it."""

    def __init__(self, incremental: dlt.sources.incremental[dt.date]) -> None:
        self._state = dlt.current.resource_state()
        self.progress: Progress | None = None
        last_value = incremental.get_state().get("last_value")
        if _SETTLED in self._state and last_value is not None:
            self.progress = Progress(last_value, dt.date.fromisoformat(self._state[_SETTLED]))

    def advance(self, read: DayRange, settled_in_it: dt.date) -> None:
        """Notes through which day all were final when they were read; dlt saves it with the load, or not at all."""
        settled = self.progress.settled if self.progress else read.first - ONE_DAY
        if read.first <= settled + ONE_DAY:
            settled = max(settled, settled_in_it)
        self._state[_SETTLED] = settled.isoformat()


_SETTLED = "settled_through"


def _load(wanted: DayRange, client: AnalyticsClient, protect: Protect) -> Generator[Any, None, dt.date]:
    """Reads the days and yields their tables with hints, in batches; the last batch names all that is replaced.

    Returns:
        The newest day that was final when it was read, like all of `wanted` before it; else the day before those.
    """
    target = _target()
    schema = dlt.current.source_schema()
    shape = Shape(
        naming=column_naming(schema.naming),
        protect=protect,
        load_id=Container()[LoadPackageStateInjectableContext].load_id,
        organization_id=client.organization_id(),
        extra_types=_extra_types(schema),
        notice=client.notice,
    )
    organizations = {shape.organization_id} if shape.organization_id else set()
    gathered: defaultdict[str, list[pa.Table]] = defaultdict(list)

    def items(tables: Iterable[str]) -> Iterator[Any]:
        records = scope(organizations, wanted, target)
        entries = ledger_scope(wanted, target)
        for table in tables:
            replaced = entries if table == DAYS_TABLE else records
            extra_types = shape.extra_types.get(table, {})
            hints = table_hints(table, replaced=replaced, extra_types=extra_types, target=target)
            item = pa.concat_tables([empty_table(table), *gathered.pop(table, [])], promote_options="default")
            yield dlt.mark.with_hints(item, dlt.mark.make_hints(**hints), create_table_variant=True)

    settled = wanted.first - ONE_DAY
    for day in client.days(wanted.days(), signals.raise_if_signalled, ShapeAhead(protect)):
        if day.is_final and day.date == settled + ONE_DAY:
            settled = day.date
        for table, rows in shape_day(day, shape).items():
            gathered[table].append(rows)
        organizations |= set(gathered[DAYS_TABLE][-1]["organization_id"].drop_null().to_pylist())
        if sum(rows.num_rows for table in RECORD_TABLES for rows in gathered[table]) >= ROWS_PER_BATCH:
            yield from items(RECORD_TABLES)
    if client.organization_may_come and not organizations:
        raise ApiUnavailable(
            f"no record of {wanted} names the organization, and the API could not be asked for it, so what the "
            f"warehouse holds of these days cannot be replaced; run again later ({client.organization_problem})",
            day=wanted.first,
        )
    if client.organization_problem:
        client.notice(
            f"the API did not name the organization ({client.organization_problem}): days were replaced for the "
            "organizations that their records name"
        )
    if not organizations:
        client.notice(f"{wanted}: no record names the organization, so what the warehouse holds of these days was left")
    gathered[DAYS_TABLE] = [_with_organization(rows, organizations) for rows in gathered[DAYS_TABLE]]
    yield from items(COLUMNS)
    return settled


def _with_organization(ledger: pa.Table, organizations: set[str]) -> pa.Table:
    """A ledger whose rows all name an organization, also those of days that nothing named one for."""
    name = min(organizations) if len(organizations) == 1 else UNKNOWN_ORGANIZATION
    column = ledger.schema.get_field_index("organization_id")
    return ledger.set_column(column, ledger.schema.field(column), pc.fill_null(ledger.column(column), name))


def column_naming(convention: NamingConvention) -> Naming:
    """Names columns as dlt does; a blank key, which dlt refuses, counts as `_`."""
    return lambda path: convention.shorten_fragments(
        *(convention.normalize_identifier(key if key.strip() else "_") for key in path)
    )


def _extra_types(schema: Schema) -> dict[str, dict[str, str]]:
    """By table, the types of the columns that earlier loads added to those declared in `columns.py`."""
    declared = {table: {column.name for column in columns} for table, columns in COLUMNS.items()}
    return {
        table: {
            name: str(column["data_type"])
            for name, column in schema.tables.get(table, {"columns": {}})["columns"].items()
            if name not in declared[table] and column.get("data_type") in ARROW_TYPES
        }
        for table in COLUMNS
    }


def _target() -> Target:
    """The pipeline's destination, after making sure that it can replace days."""
    destination = dlt.current.pipeline().destination
    capabilities = Container().get(DestinationCapabilitiesContext)
    if destination is None or capabilities is None:
        return ANYWHERE  # the pipeline only extracts
    kind = destination.destination_type.rsplit(".", 1)[-1]
    require_replaceable(kind, capabilities)
    return Target(kind, capabilities)


def _require_number(value: object, name: str, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ConfigurationError(f"{name} is {value!r}; it must be a whole number, {least} or more")
