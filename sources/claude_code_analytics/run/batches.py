"""Batches of whole days on their way to dlt: rows, day markers and ledger rows, then each table with its hints."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.configuration.container import Container
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.schema import Schema
from dlt.extract.items_transform import ItemTransform

from ..claude_code.pages import FetchedDay
from ..claude_code.report import DailyReport
from ..claude_code.tables import ShapedDay
from ..dates import is_final
from ..warehouse.backend import StoredColumns
from ..warehouse.destinations import Destination, destination_of
from ..warehouse.replace_days import PackageDays, marker_rows, table_hints
from ..warehouse.schema import LOAD_ID, Table, arrow_types
from ..warehouse.unknown_fields import ExtraColumns, column_naming
from .cursor import Cursor
from .dlt_settings import running_pipeline
from .run import Run

# Rows in one yield. Larger Arrow tables cost dlt less, but its pipe holds about four batches at a time.
ROWS_PER_BATCH = 50_000

_ABOUT_TABLE = b"claude_code_table"
_ABOUT_COLUMNS = b"claude_code_extra_columns"
_ABOUT_SCOPE = b"claude_code_delta_scope"


def read_batches(
    run: Run, days: Sequence[dt.date], destination: Destination, cursor: Cursor
) -> Iterator[list[pa.Table]]:
    """Reads days and yields batches of whole days: one Arrow table for each table, rows and markers and ledger.

    One yield for all tables of a batch: `add_limit` then cuts between days only, and the cursor moves with whole days.
    """
    schema = dlt.current.source_schema()
    extra = ExtraColumns(column_naming(schema.naming), _extra_types(schema, run.proof.stored, run.report), run.warn)
    package = PackageDays()
    seen = set(package.of(run.organization))
    reached = min(cursor.day or dt.date.min, run.now().date())
    batch = _Batch(run, package, destination)
    for day in run.shaped([day for day in days if day not in seen], extra):
        reached = max(reached, day.date)
        batch.add(day)
        if batch.rows >= ROWS_PER_BATCH:
            cursor.advance(reached)
            yield batch.take(extra)
    if not batch.is_empty:
        cursor.advance(reached)
        yield batch.take(extra)


class _Batch:
    """Whole days on their way to dlt."""

    def __init__(self, run: Run, package: PackageDays, destination: Destination) -> None:
        self._report = run.report
        self._organization = run.organization
        self._actor_identity = run.config.actors().label
        self._package = package
        self._has_markers = destination.has_markers
        self._clear()

    def _clear(self) -> None:
        self.rows = 0
        self._tables: defaultdict[str, list[pa.Table]] = defaultdict(list)
        self._ledger: list[dict[str, Any]] = []
        self._replaced: list[dt.date] = []

    @property
    def is_empty(self) -> bool:
        return not self._ledger

    def add(self, day: ShapedDay | FetchedDay) -> None:
        """Adds a day: its rows, its marker and its ledger row.

        A day that did not decode gets a ledger row only: what the warehouse holds of it stays.
        """
        row = {
            "organization_id": self._organization,
            "date": day.date,
            "fetched_at": day.fetched_at,
            "request_id": day.request_id,
            "actor_identity": self._actor_identity,
            "is_final": is_final(day.date, day.fetched_at),
        }
        if isinstance(day, FetchedDay):  # without counts it is never held
            self._ledger.append({**row, "pages": len(day.bodies)})
            return
        counts = {str(table.counted_as): day.tables[table.name].num_rows for table in self._report.tables}
        self._ledger.append({**row, **counts, "pages": day.pages, "content_hash": day.content_hash})
        self._replaced.append(day.date)
        for name, table in day.tables.items():
            self._tables[name].append(table)
            self.rows += table.num_rows

    def take(self, extra: ExtraColumns) -> list[pa.Table]:
        """Returns the batch, and begins the next."""
        self._package.add(self._organization, self._replaced)
        scope = None if self._has_markers else self._package.delta_scope()
        dates = pa.array(self._replaced, pa.date32())
        found = []
        for table in self._report.tables:
            parts = [_without_load_id(table), *self._tables[table.name]]
            if self._has_markers:
                parts.append(marker_rows(table, self._organization, dates))
            found.append(self._finish(table, pa.concat_tables(parts, promote_options="default"), extra, scope))
        ledger = self._report.ledger
        rows = pa.Table.from_pylist(self._ledger, schema=_without_load_id(ledger).schema)
        found.append(self._finish(ledger, rows, extra, scope))
        self._clear()
        return found

    def _finish(self, table: Table, rows: pa.Table, extra: ExtraColumns, scope: str | None) -> pa.Table:
        """Fills in the load id, and notes for `SplitBatch` which table it is."""
        load_id = next(column for column in table.columns if column.name == LOAD_ID)
        rows = rows.append_column(load_id.field, pa.repeat(self._package.load_id, rows.num_rows))
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
        destination = destination_of(running_pipeline())
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


def _extra_types(schema: Schema, stored: StoredColumns, report: DailyReport) -> dict[str, dict[str, str]]:
    """Returns, by table, the types of the columns that earlier loads added to the declared ones.

    dlt's schema knows those of this pipeline's loads, the destination those of all: a column keeps its first type.
    """
    return {
        table.name: {
            name: str(column["data_type"])
            for columns in (stored.get(table.name, {}), schema.tables.get(table.name, {"columns": {}})["columns"])
            for name, column in columns.items()
            if name not in table.column_names and column.get("data_type") in arrow_types()
        }
        for table in (*report.tables, report.ledger)
    }
