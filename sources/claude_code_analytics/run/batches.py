"""Batches of whole days on their way to dlt: rows, day markers and ledger rows, then each table with its hints."""

from __future__ import annotations

import datetime as dt
import json
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.configuration.container import Container
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.schema import Schema
from dlt.extract.items_transform import ItemTransform

from ..constants import UNKNOWN_ORGANIZATION
from ..report import DailyReport, FetchedDay, ShapedDay
from ..warehouse.destinations import Destination, destination_named, kind_of
from ..warehouse.ledger_rows import ledger_rows, ledger_table, undecoded_row
from ..warehouse.proof import Proof
from ..warehouse.replace_days import extend_delta_scope, marker_rows, table_hints
from ..warehouse.schema import LOAD_ID, Table, arrow_types
from ..warehouse.unknown_fields import ExtraColumns, column_naming
from .cursor import Cursor
from .dlt_settings import contract_of
from .run import DailyRun

# Rows in one yield. Larger Arrow tables cost dlt less, but its pipe holds about four batches at a time.
ROWS_PER_BATCH = 50_000

# Days that a load package already has, by load id. Read twice, a day would hold the union of two responses. It is kept
# for the process and not in a resource, because two sources may share a package.
_PACKAGES_REMEMBERED = 20
_days_in_package: OrderedDict[str, set[tuple[str, dt.date]]] = OrderedDict()

_ABOUT_TABLE = b"claude_code_table"
_ABOUT_COLUMNS = b"claude_code_extra_columns"
_ABOUT_SCOPE = b"claude_code_delta_scope"


def read_batches(
    run: DailyRun, days: Iterable[dt.date], proof: Proof, destination: Destination, cursor: Cursor
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
        contract_of(dlt.current.resource(), schema),
    )
    seen = _days_in_package.setdefault(package, set())
    while len(_days_in_package) > _PACKAGES_REMEMBERED:
        _days_in_package.popitem(last=False)
    own = run.organization or UNKNOWN_ORGANIZATION
    wanted = [day for day in days if (own, day) not in seen]
    reached = min(cursor.day or dt.date.min, run.session.now().date())
    batch = _Batch(run.report, run.config.actors().label, package, has_markers=destination.replaced_rows is not None)
    for day in run.shaped(wanted, extra):
        seen.add((own, day.date))
        reached = max(reached, day.date)
        own_ids = [run.organization] if run.organization else []
        batch.add(day, [*own_ids, *sorted(proof.replaced_with(run.organization, day.date))])
        if batch.rows >= ROWS_PER_BATCH:
            cursor.advance(reached)
            yield batch.take(extra)
    if not batch.is_empty:
        cursor.advance(reached)
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
        """Fills in the load id, and notes for `SplitBatch` which table it is."""
        load_id = next(column for column in table.columns if column.name == LOAD_ID)
        rows = rows.append_column(load_id.field, pa.repeat(self._load_id, rows.num_rows))
        return rows.replace_schema_metadata(
            {
                _ABOUT_TABLE: table.name,
                _ABOUT_COLUMNS: json.dumps(extra.hints(table.name)),
                **({_ABOUT_SCOPE: scope} if scope else {}),
            }
        )


def _without_load_id(table: Table) -> pa.Table:
    return table.empty().drop_columns([LOAD_ID])


class SplitBatch(ItemTransform):  # type: ignore[type-arg]  # dlt's metrics, not used here
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
                extra_columns=json.loads(about.get(_ABOUT_COLUMNS, b"{}")),
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
