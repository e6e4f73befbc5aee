"""The dlt resource of a daily report: plans a run's days, reads them, and yields batches of whole days."""

from __future__ import annotations

import datetime as dt
import json
import logging
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.configuration.container import Container
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.runtime import signals
from dlt.common.schema import Schema
from dlt.extract import DltResource
from dlt.extract.incremental.context import get_interval_context
from dlt.extract.items_transform import ItemTransform

from .api.client import AnalyticsClient, Session
from .api.prefetch import Prefetcher
from .config import SourceConfig
from .dates import ONE_DAY, DayRange, check_range, last_final_day, parse_day
from .destination.backend import open_backend
from .destination.destinations import NOWHERE, Destination, destination_named, kind_of
from .destination.extra_columns import ExtraColumns, column_naming
from .destination.ledger import DayState, Proof, read_proof
from .destination.ledger_rows import ledger_rows, ledger_table, undecoded_row
from .destination.replace_days import extend_delta_scope, marker_rows, table_hints
from .destination.schema import LOAD_ID, Table, arrow_types
from .destination.schema_drift import stored_tables
from .dlt_settings import Contract, check_resource, contract_of, set_default
from .exceptions import ClaudeCodeAnalyticsError, ConfigurationError, UndecodableDay, UnexpectedResponse
from .planner import Plan, days_to_read
from .report import DailyReport, FetchedDay, ShapedDay, Shaping
from .settings import START_DATE, UNKNOWN_ORGANIZATION

logger = logging.getLogger("claude_code_analytics")

# Rows in one yield. Larger Arrow tables cost dlt less, but its pipe holds about four batches at a time.
ROWS_PER_BATCH = 50_000

# A plain run keeps all its days until the last is read, and loads them in one go. A year of 1,000 developers takes
# about a gigabyte of memory.
MOST_DAYS_IN_ONE_RUN = 366

# Days that a load package already has, by load id. Read twice, a day would hold the union of two responses. It is kept
# for the process and not in a resource, because two sources may share a package.
_PACKAGES_REMEMBERED = 20
_days_in_package: OrderedDict[str, set[tuple[str, dt.date]]] = OrderedDict()

_ABOUT_TABLE = b"claude_code_table"
_ABOUT_TYPES = b"claude_code_extra_types"
_ABOUT_SCOPE = b"claude_code_delta_scope"


class OnceLogger:
    """Logs each warning once.

    Args:
        log: Where a new warning goes.
    """

    def __init__(self, log: Callable[[str], object] = logger.warning) -> None:
        self._log = log
        self._logged: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, message: str) -> None:
        """Logs a message, unless it was logged before."""
        with self._lock:
            is_new = message not in self._logged
            self._logged.add(message)
        if is_new:
            self._log(message)


@dataclass
class DailyRun:
    """State shared by the reads of one run: settings, connection, warnings, and days that are read ahead.

    Attributes:
        report: The report.
        config: The parameters.
        session: The run's view of the client.
        at_once: Days in flight at once.
        warn: Logs a warning once.
        on_day: Called with each day that was read.
        organization: The credential's own organization, once it is identified.
        undecoded: Days whose content did not decode, with the reason.
    """

    report: DailyReport
    config: SourceConfig
    session: Session
    at_once: int
    warn: Callable[[str], object] = field(default_factory=OnceLogger)
    on_day: Callable[[ShapedDay | FetchedDay], object] = lambda day: None
    organization: str | None = None
    undecoded: dict[dt.date, UndecodableDay] = field(default_factory=dict)
    _allowed: frozenset[str] | None = None

    def identify(self, proof: Proof | None) -> None:
        """Finds the credential's own organization (decision D3).

        Args:
            proof: What the warehouse holds; None where it could not be queried.

        Raises:
            ConfigurationError: The organization cannot be known, or the dataset belongs to others.
            ApiError: The API did not return it, for a passing reason.
        """
        named = self.session.organization()
        known = proof.organizations if proof else ()
        if named.id is not None:
            others = [name for name in known if named.id not in (proof or Proof()).spellings(name)]
            if proof and proof.has_unresolved_days and others:
                raise ConfigurationError(
                    f"the dataset has days of an unknown organization beside {', '.join(others)}, so days of "
                    f"{named.id} cannot be kept apart; load them into another dataset"
                )
            self.organization = named.id
            return
        if len(known) > 1:
            raise ConfigurationError(
                f"the API did not name the organization ({named.problem}) and the dataset holds "
                f"{', '.join(known)}: use a key that may read /v1/organizations/me, or another dataset"
            )
        if known and proof:
            self.organization = known[0]
            self._allowed = frozenset(proof.spellings(known[0]))
            return
        self.warn(
            f"the API did not name the organization ({named.problem}); records keep their own id, days without "
            f"records belong to {UNKNOWN_ORGANIZATION!r}"
        )

    def check_identity(self, proof: Proof) -> None:
        """Warns where loaded days treat actors in another way than this run (decision D11)."""
        label = self.config.actors().label
        states = proof.of(self.organization or UNKNOWN_ORGANIZATION).values()
        others = [state.actor_identity for state in states if state.records and state.actor_identity != label]
        if others:
            self.warn(
                f"{len(others)} loaded days have actor_identity {others[0]}, this load writes {label}: backfill them "
                "to have all days alike"
            )

    @cached_property
    def reader(self) -> Prefetcher[ShapedDay | FetchedDay]:
        """Reads days ahead, and shapes those that are as documented in the thread that read them.

        A day with anything else is shaped in its turn, because the types of new columns depend on the order of days.
        """
        actors = self.config.actors()
        shaping = threading.Lock()

        def read(day: dt.date) -> ShapedDay | FetchedDay:
            began = self.session.now()
            try:
                fetched = self.report.fetch(self.session, day)
            except UndecodableDay as error:  # nested too deep to find the next page in it
                self.undecoded[day] = error
                return FetchedDay(day, (), 0, error.request_id, began)
            with shaping:  # side by side they would only take more memory
                return self.report.shape_documented(fetched, self.organization, actors) or fetched

        return Prefetcher(read, at_once=self.at_once, size_of=lambda day: day.nbytes, on_stop=self.session.cancel)

    def shaped(self, days: Sequence[dt.date], extra: ExtraColumns) -> Iterator[ShapedDay | FetchedDay]:
        """Reads days and yields them as tables, in the order given; a day that does not decode as it was fetched.

        Args:
            days: The days.
            extra: Columns beyond the declared ones.

        Raises:
            ApiError: A day could not be read whole.
        """
        shaping = Shaping(organization_id=self.organization, actors=self.config.actors(), extra=extra)
        for item in self.reader.results(days, signals.raise_if_signalled):
            day: ShapedDay | FetchedDay = item
            if isinstance(day, FetchedDay) and day.date not in self.undecoded:
                try:
                    day = self.report.shape(day, shaping)
                except UndecodableDay as error:
                    self.undecoded[item.date] = error
            if isinstance(day, FetchedDay):
                logger.error("%s; the other days are loaded", self.undecoded[day.date])
            if isinstance(day, ShapedDay):
                self._check_organizations(day)
            self.on_day(day)
            yield day

    def _check_organizations(self, day: ShapedDay) -> None:
        """Refuses records of a foreign organization where the own id is only inferred from the dataset."""
        if self._allowed is None:
            return
        root = day.tables[self.report.tables[0].name]
        foreign = set(root["organization_id"].unique().to_pylist()) - self._allowed
        if foreign:
            raise UnexpectedResponse(
                f"records belong to organization {min(foreign)[:60]}, the dataset to {self.organization}, and the API "
                "does not name the credential's own; load them into another dataset",
                day=day.date,
                request_id=day.request_id,
            )

    def close(self) -> None:
        """Stops what is under way."""
        if "reader" in self.__dict__:
            self.reader.stop()
        self.session.cancel()


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
            yield from _batches(planned.run, planned.days, planned.proof, destination, date)
            return
        opened = client or config.client()
        run = DailyRun(report, config, opened.session(), opened.max_concurrent_days)
        try:
            run.session.organization()  # the first response brings the API's clock
            now = run.session.now()
            check_range(config.start_date, config.end_date, now.date())
            proof = _current_proof(run, destination, now)
            run.identify(proof)
            run.check_identity(proof or Proof())
            plan = _plan(run, date, first_day, proof, now)
            if len(plan.days) > MOST_DAYS_IN_ONE_RUN:
                run.warn(
                    f"{len(plan.days)} days in one run: all are kept on disk until the last is read, and a failure "
                    "loads none; claude_code_pipelines.load() commits them in windows"
                )
            yield from _batches(run, plan.days, proof or Proof(), destination, date)
        finally:
            run.close()
            if client is None:
                opened.close()

    records.add_step(_SplitBatch(report))
    return records


def _plan(run: DailyRun, date: Any, first_day: dt.date, proof: Proof | None, now: dt.datetime) -> Plan:
    """Plans a plain run: a closed range whole, else what is not held or not settled."""
    config = run.config
    closed = _closed_days(date, first_day, config.end_date)
    if closed is not None:
        return Plan(tuple(day for day in closed if day <= now.date()))
    cursor_start = parse_day(date.initial_value, "the cursor's initial value")
    first = config.start_date if cursor_start == first_day else cursor_start  # a user's own incremental may move it
    if proof is None:
        first = first or first_day
        states = _states_by_cursor(date, first, now, config.lookback_days)
    else:
        first = first or proof.first_day(run.organization) or first_day
        states = proof.of(run.organization or UNKNOWN_ORGANIZATION)
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


def _closed_days(date: Any, first_day: dt.date, end_date: dt.date | None) -> list[dt.date] | None:
    """Returns the days of a closed range: ours, a user's `end_value` or a scheduler's interval; None if it is open."""
    if date.end_value is None:
        return None
    low, high, interval = date.initial_value, date.end_value, dlt.current.interval()
    joins, context = date.allow_external_schedulers, get_interval_context()
    if joins is None and context is not None:
        joins = context.allow_external_schedulers
    if joins and interval:
        low, high = interval
    first, last = parse_day(low, "the interval's start"), parse_day(high, "the interval's end")
    in_utc = high.astimezone(dt.timezone.utc) if isinstance(high, dt.datetime) and high.tzinfo else high
    if date.range_end == "open" and (not isinstance(in_utc, dt.datetime) or in_utc.time() == dt.time()):
        last -= ONE_DAY
    last = max(last, first)  # an interval within one day is that day
    first, last = max(first, first_day), min(last, end_date or last)
    return DayRange(first, last).days() if first <= last else []


def _states_by_cursor(date: Any, first: dt.date, now: dt.datetime, lookback_days: int) -> dict[dt.date, DayState]:
    """Returns what the cursor suggests is held: the days before it, less the lookback."""
    reached = min(_cursor_day(date) or first, now.date())
    held = DayState(fetched_at=dt.datetime.max.replace(tzinfo=dt.timezone.utc), is_held=True, problem=None)
    return {first + ONE_DAY * number: held for number in range((reached - first).days - lookback_days)}


def _cursor_day(date: Any) -> dt.date | None:
    value = date.get_state()["last_value"]
    return None if value is None else parse_day(value, "the cursor")


def _cursor_value(date: Any, day: dt.date) -> Any:
    """Returns the day in the type of the cursor, which a user's own incremental may have chosen."""
    if isinstance(date.initial_value, str):
        return day.isoformat()
    if isinstance(date.initial_value, dt.datetime):
        return dt.datetime.combine(day, dt.time(), dt.timezone.utc)
    return day


def _batches(
    run: DailyRun, days: Iterable[dt.date], proof: Proof, destination: Destination, date: Any
) -> Iterator[list[pa.Table]]:
    """Reads days and yields batches of whole days: one Arrow table for each table, rows and markers and ledger.

    One yield for all tables of a batch: `add_limit` then cuts between days only, and the cursor moves with whole days.
    """
    package = dlt.current.load_package_state()["load_id"]
    schema = dlt.current.source_schema()
    extra = ExtraColumns(
        column_naming(schema.naming),
        _extra_types(schema, proof, run.report),
        run.warn,
        contract_of(dlt.current.resource(), schema) if run.report.name in schema.tables else Contract(),
    )
    seen = _days_in_package.setdefault(package, set())
    while len(_days_in_package) > _PACKAGES_REMEMBERED:
        _days_in_package.popitem(last=False)
    own = run.organization or UNKNOWN_ORGANIZATION
    wanted = [day for day in days if (own, day) not in seen]
    reached = min(_cursor_day(date) or dt.date.min, run.session.now().date())
    batch = _Batch(run.report, run.config.actors().label, package, has_markers=destination.replaced_rows is not None)
    for day in run.shaped(wanted, extra):
        seen.add((own, day.date))
        reached = max(reached, day.date)
        own_ids = [run.organization] if run.organization else []
        batch.add(day, [*own_ids, *sorted(proof.replaced_with(run.organization, day.date))])
        if batch.rows >= ROWS_PER_BATCH:
            date.advance(_cursor_value(date, reached))
            yield batch.take(extra)
    if not batch.is_empty:
        date.advance(_cursor_value(date, reached))
        yield batch.take(extra)


class _Batch:
    """Whole days on their way to dlt."""

    def __init__(self, report: DailyReport, actor_identity: str, load_id: str, *, has_markers: bool) -> None:
        self._report = report
        self._actor_identity = actor_identity
        self._load_id = load_id
        self._has_markers = has_markers
        self._clear()

    def _clear(self) -> None:
        self.rows = 0
        self._tables: defaultdict[str, list[pa.Table]] = defaultdict(list)
        self._ledger: list[dict[str, Any]] = []
        self._replaced: list[tuple[str, dt.date]] = []

    @property
    def is_empty(self) -> bool:
        """True if no day was added since the last batch."""
        return not self._ledger

    def add(self, day: ShapedDay | FetchedDay, organizations: Sequence[str]) -> None:
        """Adds a day: its rows, and for each organization a marker and a ledger row.

        A day that did not decode gets a ledger row only: what the warehouse holds of it stays.

        Args:
            day: The day.
            organizations: Organizations that the day replaces beside those of its records.
        """
        if isinstance(day, FetchedDay):
            own = organizations[0] if organizations else UNKNOWN_ORGANIZATION
            self._ledger.append(undecoded_row(own, day, self._actor_identity))
            return
        entries = ledger_rows(
            self._report.ledger, self._report.tables, day, also=organizations, actor_identity=self._actor_identity
        )
        self._ledger += entries
        self._replaced += [(entry["organization_id"], day.date) for entry in entries]
        for name, table in day.tables.items():
            self._tables[name].append(table)
            self.rows += table.num_rows

    def take(self, extra: ExtraColumns) -> list[pa.Table]:
        """Returns the batch, and begins the next."""
        organizations = pa.array([organization for organization, _ in self._replaced], pa.string())
        dates = pa.array([day for _, day in self._replaced], pa.date32())
        scope = None if self._has_markers else extend_delta_scope(self._replaced)
        found = []
        for table in self._report.tables:
            parts = [_without_load_id(table), *self._tables[table.name]]
            if self._has_markers:
                parts.append(marker_rows(table, organizations, dates))
            found.append(self._finish(table, pa.concat_tables(parts, promote_options="default"), extra, scope))
        ledger = self._report.ledger
        found.append(self._finish(ledger, ledger_table(ledger, self._ledger), extra, scope))
        self._clear()
        return found

    def _finish(self, table: Table, rows: pa.Table, extra: ExtraColumns, scope: str | None) -> pa.Table:
        """Fills in the load id, and notes for `_SplitBatch` which table it is."""
        load_id = next(column for column in table.columns if column.name == LOAD_ID)
        rows = rows.append_column(load_id.field, pa.repeat(self._load_id, rows.num_rows))
        return rows.replace_schema_metadata(
            {
                _ABOUT_TABLE: table.name,
                _ABOUT_TYPES: json.dumps(extra.types.get(table.name, {})),
                **({_ABOUT_SCOPE: scope} if scope else {}),
            }
        )


def _without_load_id(table: Table) -> pa.Table:
    return table.empty().drop_columns([LOAD_ID])


class _SplitBatch(ItemTransform):  # type: ignore[type-arg]  # dlt's metrics, not used here
    """Takes a batch apart, and gives each table its hints."""

    placement_affinity = 2  # behind dlt's incremental (1) and limit (1.1): for them a batch is one item

    def __init__(self, report: DailyReport) -> None:
        super().__init__(lambda item: item)
        self._tables = {table.name: table for table in (*report.tables, report.ledger)}

    def __call__(self, item: Any, meta: Any = None) -> Iterator[Any]:
        """Yields each table of a batch with its hints."""
        destination = destination_named(kind_of(dlt.current.pipeline()))
        capabilities = Container().get(DestinationCapabilitiesContext)
        if capabilities is None:
            capabilities = DestinationCapabilitiesContext.generic_capabilities()
        for rows in item if isinstance(item, list) else [item]:
            about = rows.schema.metadata or {}
            hints = table_hints(
                self._table_of(rows, about),
                destination=destination,
                capabilities=capabilities,
                extra_types=json.loads(about.get(_ABOUT_TYPES, b"{}")),
                delta_scope=about[_ABOUT_SCOPE].decode() if _ABOUT_SCOPE in about else None,
            )
            yield dlt.mark.with_hints(
                rows.replace_schema_metadata(None), dlt.mark.make_hints(**hints), create_table_variant=True
            )

    def _table_of(self, rows: pa.Table, about: dict[bytes, bytes]) -> Table:
        """Returns the table of a batch's rows. If a user's step dropped the metadata, its columns decide."""
        if _ABOUT_TABLE in about:
            return self._tables[about[_ABOUT_TABLE].decode()]
        names = set(rows.column_names)
        return max(self._tables.values(), key=lambda table: len(names & set(table.column_names)))


def _extra_types(schema: Schema, proof: Proof, report: DailyReport) -> dict[str, dict[str, str]]:
    """Returns, by table, the types of the columns that earlier loads added to the declared ones.

    dlt's schema knows those of this pipeline's loads, the destination those of all: a column keeps its first type.
    """
    return {
        table.name: {
            name: str(column["data_type"])
            for columns in (proof.stored.get(table.name, {}), schema.tables.get(table.name, {"columns": {}})["columns"])
            for name, column in columns.items()
            if name not in table.column_names and column.get("data_type") in arrow_types()
        }
        for table in (*report.tables, report.ledger)
    }
