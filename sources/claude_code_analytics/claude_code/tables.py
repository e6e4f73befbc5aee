"""Record tables of one day: rows, deterministic ids and the content hash. Pure: no I/O, no clock.

Values come from `decode.py`, declared columns from `columns.py`. Ids and the hash are made here because both need the
whole day (public contract, `_dlt_id`).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..constants import UNKNOWN_ORGANIZATION
from ..foreign_text import printable
from ..json_codec import encode_each
from ..privacy import Pseudonymizer
from ..report import FetchedDay, ShapedDay, Shaping
from ..warehouse.arrow_tables import Columns, build_table
from ..warehouse.schema import ROW_ID, Path, Table
from ..warehouse.unknown_fields import ExtraColumns
from .columns import MODEL_BREAKDOWN, TOOL_ACTIONS, USAGE
from .decode import ChildRows, DecodedDay, decode_any, decode_documented, undecodable


def shape_documented(day: FetchedDay, organization_id: str | None, actors: Pseudonymizer) -> ShapedDay | None:
    """Shapes a day whose records are all as documented, fast and in any thread.

    Args:
        day: The day, complete.
        organization_id: Own organization, for records that name none.
        actors: Treatment of actors.

    Returns:
        What `shape` returns, or None where anything is unexpected: an unknown field, a value that does not fit its
        column, a record without an organization although `organization_id` is None.
    """
    unexpected: list[str] = []
    extra = ExtraColumns(naming="__".join, types={}, warn=unexpected.append)
    try:
        decoded = decode_documented(day, actors)
        if decoded is None:
            return None
        organizations = _organizations(decoded, organization_id)
        shaped = _shaped(day, decoded, organizations, extra)
    except RecursionError:  # values nested so deeply that they decode, but do not encode again
        return None
    return None if unexpected or UNKNOWN_ORGANIZATION in organizations else shaped


def shape(day: FetchedDay, shaping: Shaping) -> ShapedDay:
    """Shapes a day with records of any kind.

    Args:
        day: The day, complete.
        shaping: Settings of the run; learns the types of new columns.

    Raises:
        UndecodableDay: A record cannot be decoded.
    """
    try:
        decoded = decode_any(day, shaping.actors)
        return _shaped(day, decoded, _organizations(decoded, shaping.organization_id), shaping.extra)
    except RecursionError as error:
        raise undecodable(day, "a record is nested too deeply") from error


def _shaped(day: FetchedDay, decoded: DecodedDay, organizations: list[str], extra: ExtraColumns) -> ShapedDay:
    ids = pa.array(_row_ids(day.date, organizations, decoded), pa.string())
    owners = pa.array(organizations, pa.string())
    _drop_expected(decoded.columns, ("organization_id",))
    _drop_expected(decoded.columns, ("date",), day.date.isoformat())

    def children(table: Table, rows: ChildRows, **made: pa.Array) -> pa.Table:
        parents = pa.array(rows.parents, pa.int64())
        positions = pa.array(rows.positions, pa.int64())
        parent_ids = ids.take(parents)
        made |= {
            "organization_id": owners.take(parents),
            "_dlt_parent_id": parent_ids,
            "_dlt_list_idx": positions,
            ROW_ID: pc.binary_join_element_wise(parent_ids, positions.cast(pa.string()), "."),
        }
        return build_table(table, rows=len(parents), date=day.date, values=rows.columns, made=made, extra=extra)

    own = {"organization_id": owners, ROW_ID: ids}
    tables = {
        USAGE.name: build_table(USAGE, rows=len(ids), date=day.date, values=decoded.columns, made=own, extra=extra),
        TOOL_ACTIONS.name: children(TOOL_ACTIONS, decoded.tools, tool_name=pa.array(decoded.tools.names, pa.string())),
        MODEL_BREAKDOWN.name: children(MODEL_BREAKDOWN, decoded.models),
    }
    return ShapedDay(
        date=day.date,
        fetched_at=day.fetched_at,
        pages=len(day.bodies),
        request_id=day.request_id,
        content_hash=blake2b(b"\n".join(sorted(decoded.contents)), digest_size=16).hexdigest(),
        tables=tables,
    )


def _organizations(decoded: DecodedDay, organization_id: str | None) -> list[str]:
    """Returns the organization of each record: its own where it names one, else that of the credential."""
    own = organization_id or UNKNOWN_ORGANIZATION
    cleaned = {
        named: printable(named) or own for named in {each for each in decoded.organizations if type(each) is str}
    }
    return [cleaned[named] if type(named) is str else own for named in decoded.organizations]


def _row_ids(day: dt.date, organizations: Sequence[str], decoded: DecodedDay) -> list[str]:
    """Returns ids made from the dimensions. Records that share all of them are numbered in order of their content."""
    owned = zip(organizations, decoded.dimensions, strict=True)
    keys = encode_each((organization, day, *dimensions) for organization, dimensions in owned)
    shared = {key for key, count in Counter(keys).items() if count > 1}
    numbers = [0] * len(keys)
    if shared:
        seen: Counter[bytes] = Counter()
        for index in sorted((i for i, key in enumerate(keys) if key in shared), key=decoded.contents.__getitem__):
            numbers[index] = seen[keys[index]]
            seen[keys[index]] += 1
    return [
        blake2b(b"%b#%d" % (key, number) if number else key, digest_size=12).hexdigest()
        for key, number in zip(keys, numbers, strict=True)
    ]


def _drop_expected(columns: Columns, path: Path, start: str = "") -> None:
    """Leaves of a column that the connector fills itself only unexpected values, for its variants."""

    def is_expected(value: Any) -> bool:
        return isinstance(value, str) and value.startswith(start)

    values = columns.get(path, [])
    if set(map(type, values)) <= {str} and all(map(is_expected, set(values))):
        columns.pop(path, None)  # the usual case: nothing unexpected
    else:
        columns[path] = [None if is_expected(value) else value for value in values]
