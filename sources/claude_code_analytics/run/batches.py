"""Batches of whole days on their way to dlt: rows, day markers and ledger rows, then each table with its hints."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import dlt
import pyarrow as pa
import pyarrow.compute as pc
from dlt.common.configuration.container import Container
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.schema import Schema
from dlt.extract.items_transform import ItemTransform

from ..claude_code.report import DailyReport
from ..claude_code.tables import ShapedDay
from ..dates import is_final
from ..warehouse.arrow_tables import without_nul
from ..warehouse.destinations import Destination
from ..warehouse.proof import Proof
from ..warehouse.replace_days import MARKER, PackageDays, marker_rows, table_hints, with_row_counts
from ..warehouse.schema import LOAD_ID, ROW_ID, Table, arrow_types, is_dlt_column
from ..warehouse.unknown_fields import ExtraColumns, column_naming
from .cursor import Cursor
from .dlt_settings import running_destination
from .failures import FailedDay
from .planner import Plan
from .run import Run

# Rows in one yield. Larger Arrow tables cost dlt less, but its pipe holds about four batches at a time.
ROWS_PER_BATCH = 20_000

# Key of an Arrow table's metadata: what `SplitBatch` needs to know about it.
_ABOUT = b"claude_code_batch"


def read_batches(run: Run, plan: Plan, destination: Destination, cursor: Cursor) -> Iterator[list[pa.Table]]:
    """Reads days and yields batches of whole days: one Arrow table for each table, rows and markers and ledger.

    One yield for all tables of a batch: `add_limit` then cuts between days only, and the cursor moves with whole days.
    """
    schema = dlt.current.source_schema()
    extra = ExtraColumns(column_naming(schema.naming), _extra_types(schema, run.proof, run.report), run.warn)
    package = PackageDays()
    seen = set(package.of(run.organization))
    reached = min(cursor.day or dt.date.min, run.now().date())
    batch = _Batch(run, package, destination, extra)
    unseen = ([day for day in part.days if day not in seen] for part in run.rounds(plan))
    for day in (day for days in unseen for day in run.shaped(days, extra)):
        reached = max(reached, day.date)
        batch.add(day)
        if batch.rows >= ROWS_PER_BATCH:
            cursor.advance(reached)
            yield batch.tables()
            batch = _Batch(run, package, destination, extra)
    if batch.days:
        cursor.advance(reached)
        yield batch.tables()


class _Batch:
    """Whole days on their way to dlt."""

    def __init__(self, run: Run, package: PackageDays, destination: Destination, extra: ExtraColumns) -> None:
        self.days: list[ShapedDay | FailedDay] = []
        self.rows = 0
        self._run = run
        self._package = package
        self._destination = destination
        self._has_markers = destination.has_markers
        self._extra = extra

    def add(self, day: ShapedDay | FailedDay) -> None:
        self.days.append(day)
        if isinstance(day, ShapedDay):
            self.rows += sum(table.num_rows for table in day.tables.values())

    def tables(self) -> list[pa.Table]:
        """Returns the rows of each record table and of the ledger, and keeps in the package which days they replace.

        A failed day has a ledger row only: what the warehouse holds of it stays.
        """
        report, organization = self._run.report, self._run.organization
        shaped = [day for day in self.days if isinstance(day, ShapedDay)]
        replaced = [day.date for day in shaped]
        self._package.add(organization, replaced)
        scope = None if self._has_markers else self._package.delta_scope()
        found = []
        for table in report.tables:
            parts = [table.shaped_schema.empty_table(), *(day.tables[table.name] for day in shaped)]
            if self._has_markers:
                parts.append(marker_rows(table, organization, pa.array(replaced, pa.date32())))
            found.append(self._finished(table, pa.concat_tables(parts, promote_options="default"), scope))
        ledger = pa.Table.from_pylist(list(map(self._ledger_row, self.days)), schema=report.ledger.shaped_schema)
        return [*found, self._finished(report.ledger, ledger, scope)]

    def _ledger_row(self, day: ShapedDay | FailedDay) -> dict[str, Any]:
        row = {
            "organization_id": self._run.organization,
            "organization_name": self._run.organization_name,
            "date": day.date,
            "fetched_at": day.fetched_at,
            "actor_identity": self._run.actor_identity,
        }
        if isinstance(day, FailedDay):  # without counts it is never held
            return {**row, "request_id": day.error.request_id, "pages": 0, "is_final": False}
        return {
            **row,
            **{str(table.counted_as): day.tables[table.name].num_rows for table in self._run.report.tables},
            "request_id": day.request_id,
            "pages": day.pages,
            "content_hash": day.content_hash,
            "is_final": is_final(day.date, day.fetched_at),
        }

    def _finished(self, table: Table, rows: pa.Table, scope: str | None) -> pa.Table:
        """Fills in the load id, and writes down for `SplitBatch` which table it is."""
        if not self._destination.stores_nul:
            rows = self._without_nul(table, rows)
        load_id = next(column for column in table.columns if column.name == LOAD_ID)
        rows = rows.append_column(load_id.field, pa.repeat(self._package.load_id, rows.num_rows))
        # a column that somebody else added lends its type only: dlt must not learn it, else its values were cells
        learned = {*rows.column_names, *self._run.proof.known.get(table.name, ())}
        hints = {name: hint for name, hint in self._extra.hints(table.name).items() if name in learned}
        about = {"table": table.name, "columns": hints, "scope": scope}
        return rows.replace_schema_metadata({_ABOUT: json.dumps(about)})

    def _without_nul(self, table: Table, rows: pa.Table) -> pa.Table:
        types = self._extra.types.get(table.name, {})
        kept = without_nul(rows, {name for name, data_type in types.items() if data_type == "json"})
        if kept is not rows:
            place = f"{self._destination.name} cannot store the NUL character"
            self._run.warn(f"{table.name}: {place}; texts are loaded without it")
        return kept


class SplitBatch(ItemTransform):  # type: ignore[type-arg]  # dlt's metrics, not used here
    """Takes a batch apart, and gives each table its hints."""

    placement_affinity = 2  # behind dlt's incremental (1) and limit (1.1): for them a batch is one item

    def __init__(self, report: DailyReport) -> None:
        super().__init__(lambda item: item)
        self._tables = {table.name: table for table in (*report.tables, report.ledger)}
        self._cells: Counter[tuple[str, dt.date]] = Counter()  # of days whose ledger row is still to come

    def __call__(self, item: Any, meta: Any = None) -> Iterator[Any]:
        destination = running_destination()
        capabilities = Container().get(DestinationCapabilitiesContext)
        if capabilities is None:
            capabilities = DestinationCapabilitiesContext.generic_capabilities()
        for rows in item if isinstance(item, list) else [item]:
            about = json.loads((rows.schema.metadata or {}).get(_ABOUT, b"{}"))
            table = self._tables[about["table"]] if about else self._most_alike(rows)
            hints = table_hints(
                table,
                destination=destination,
                capabilities=capabilities,
                extra_columns=about.get("columns", {}),
                delta_scope=about.get("scope"),
            )
            yield dlt.mark.with_hints(
                self._counted(table, rows).replace_schema_metadata(None),
                dlt.mark.make_hints(**hints),
                create_table_variant=True,
            )

    def _counted(self, table: Table, rows: pa.Table) -> pa.Table:
        """Counts cells behind the user's own steps, and fills the sums into the ledger, which is last in its batch."""
        if table.counted_as is not None:
            counts = count_rows_and_cells(rows)
            self._cells.update({day: cells for day, (_, cells) in counts.items()})
            return with_row_counts(table, rows, {day: number for day, (number, _) in counts.items()})
        keys = zip(*(rows[name].to_pylist() for name in ("organization_id", "date", "content_hash")), strict=True)
        # dlt may begin with the next batch before this one ends: take this one's days and no others
        cells = [None if content is None else self._cells.pop((name, day), 0) for name, day, content in keys]
        place = rows.column_names.index("cells")
        return rows.set_column(place, rows.schema.field(place), pa.array(cells, pa.int64()))

    def _most_alike(self, rows: pa.Table) -> Table:
        """Returns the table of rows whose metadata a user's step dropped: their columns decide."""
        names = set(rows.column_names)
        return max(self._tables.values(), key=lambda table: len(names & set(table.column_names)))


def _extra_types(schema: Schema, proof: Proof, report: DailyReport) -> dict[str, dict[str, str]]:
    """Returns, by table, the types of the columns that earlier loads added to the declared ones.

    dlt's schema knows those of this pipeline's loads, the destination those of all: a column keeps its first type. One
    that only the staging dataset has left would round values on their way.
    """
    return {
        table.name: {
            name: str(column["data_type"])
            for columns in (
                proof.staged.get(table.name, {}),
                proof.stored.get(table.name, {}),
                schema.tables.get(table.name, {"columns": {}})["columns"],
            )
            for name, column in columns.items()
            if name not in table.column_names and column.get("data_type") in arrow_types()
        }
        for table in (*report.tables, report.ledger)
    }


def count_rows_and_cells(rows: pa.Table) -> dict[tuple[str, dt.date], tuple[int, int]]:
    """Counts the rows of a record table and their values that are not NULL, by organization and day.

    Markers and dlt's own columns are left out.
    """
    counted = [name for name in rows.column_names if not is_dlt_column(name)]
    gaps = [name for name in counted if rows[name].null_count]
    keys = ["organization_id", "date", "is_marker"]
    marked = rows.select(list({*keys[:2], *gaps})).append_column(keys[2], pc.equal(rows[ROW_ID], MARKER))
    found = marked.group_by(keys).aggregate([([], "count_all"), *((name, "count") for name in gaps)])
    return {
        (day["organization_id"], day["date"]): (
            day["count_all"],
            day["count_all"] * (len(counted) - len(gaps)) + sum(day[f"{name}_count"] for name in gaps),
        )
        for day in found.to_pylist()
        if not day["is_marker"]
    }
