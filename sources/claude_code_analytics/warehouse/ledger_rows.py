"""Rows of the ledger: one for each day, organization and fetch (decision D10)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..constants import UNKNOWN_ORGANIZATION
from ..dates import is_final
from ..report import FetchedDay, ShapedDay
from .schema import LOAD_ID, Table


def ledger_rows(
    ledger: Table, tables: Iterable[Table], day: ShapedDay, *, also: Iterable[str], actor_identity: str
) -> list[dict[str, Any]]:
    """Builds the ledger rows of a fetched day: one for each organization in its records, and for those in `also`.

    Args:
        ledger: The ledger's table.
        tables: The record tables, which the ledger counts.
        day: The day.
        also: Further organizations: the credential's own, and `unknown` where rows of the day may be left there.
        actor_identity: How actors were treated.

    Returns:
        Rows without the load id.
    """
    counts = {table.counted_as: _rows_by_organization(day.tables[table.name]) for table in tables}
    organizations = {*also, *(name for found in counts.values() for name in found)} or {UNKNOWN_ORGANIZATION}
    return [
        {
            **_row(organization, day.date, day.fetched_at, day.request_id, actor_identity),
            **{str(column): found.get(organization, 0) for column, found in counts.items()},
            "pages": day.pages,
            "content_hash": day.content_hash,
        }
        for organization in sorted(organizations)
    ]


def undecoded_row(organization: str, day: FetchedDay, actor_identity: str) -> dict[str, Any]:
    """Builds the ledger row of a day whose content did not decode: its counts are NULL, so it is never held."""
    row = _row(organization, day.date, day.fetched_at, day.request_id, actor_identity)
    return {**row, "pages": len(day.bodies)}


def ledger_table(ledger: Table, rows: list[dict[str, Any]]) -> pa.Table:
    """Builds the ledger's Arrow table, without the load id."""
    schema = pa.schema([column.field for column in ledger.columns if column.name != LOAD_ID])
    return pa.Table.from_pylist(rows, schema=schema)


def _row(
    organization: str, date: dt.date, fetched_at: dt.datetime, request_id: str | None, actor_identity: str
) -> dict[str, Any]:
    return {
        "organization_id": organization,
        "date": date,
        "fetched_at": fetched_at,
        "request_id": request_id,
        "actor_identity": actor_identity,
        "is_final": is_final(date, fetched_at),
    }


def _rows_by_organization(table: pa.Table) -> Mapping[str, int]:
    return {each["values"]: each["counts"] for each in pc.value_counts(table["organization_id"]).to_pylist()}
