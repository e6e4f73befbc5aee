"""Record tables of one day: rows, deterministic ids and the content hash. Pure: no I/O, no clock.

Values come from `decode.py`, declared columns from `columns.py`. Ids and the hash are made here because both need the
whole day (public contract, `_dlt_id`).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate

import pyarrow as pa
import pyarrow.compute as pc

from ..json_codec import encode_each
from ..privacy import Pseudonymizer
from ..warehouse.arrow_tables import build_table
from ..warehouse.schema import ROW_ID, Path, Table, Values
from ..warehouse.unknown_fields import ExtraColumns
from .columns import MODEL_BREAKDOWN, TOOL_ACTIONS, USAGE
from .decode import ChildRows, DecodedDay, decode_any, decode_documented, undecodable
from .pages import FetchedDay


@dataclass(frozen=True)
class ShapedDay:
    """One day as Arrow tables, whatever load it goes into. The facts of its fetch are those of `FetchedDay`."""

    date: dt.date
    fetched_at: dt.datetime
    pages: int
    request_id: str | None
    record_count: int
    content_hash: str  # of the records, without the texts of their actors
    tables: dict[str, pa.Table]  # by name, without `_dlt_load_id`


@dataclass(frozen=True)
class Shaping:
    """Settings of a run for shaping."""

    organization_id: str
    actors: Pseudonymizer
    extra: ExtraColumns


def shape(day: FetchedDay, shaping: Shaping) -> ShapedDay:
    """Shapes a day, or raises UndecodableDay. Learns the types of new columns."""
    return shape_documented(day, shaping.organization_id, shaping.actors) or shape_any(day, shaping)


def shape_documented(day: FetchedDay, organization_id: str, actors: Pseudonymizer) -> ShapedDay | None:
    """Shapes a day whose records are all as documented, fast.

    None where anything is unexpected: an unknown field, a value that does not fit its column, a record of another
    organization. Otherwise equal to `shape_any`.
    """
    unexpected: list[str] = []
    extra = ExtraColumns(naming="__".join, types={}, warn=unexpected.append)
    try:
        decoded = decode_documented(day, actors)
        if decoded is None:
            return None
        shaped = _shaped(day, decoded, organization_id, extra)
    except RecursionError:  # values nested so deeply that they decode, but do not encode again
        return None
    return None if unexpected else shaped


def shape_any(day: FetchedDay, shaping: Shaping) -> ShapedDay:
    """Shapes a day with records of any kind, or raises UndecodableDay. Learns the types of new columns."""
    try:
        return _shaped(day, decode_any(day, shaping.actors), shaping.organization_id, shaping.extra)
    except RecursionError as error:
        raise undecodable(day, "a record is nested too deeply") from error


def _shaped(day: FetchedDay, decoded: DecodedDay, organization_id: str, extra: ExtraColumns) -> ShapedDay:
    ids = pa.array(_row_ids(day.date, organization_id, decoded), pa.string())
    own = (organization_id.lower(), "")
    _drop_expected(decoded.columns, ("organization_id",), lambda named: named.lower() in own)
    _drop_expected(decoded.columns, ("date",), lambda named: named.startswith(day.date.isoformat()))

    def build(table: Table, values: Values, row_ids: pa.Array, **made: pa.Array) -> pa.Table:
        made["organization_id"] = pa.repeat(organization_id, len(row_ids))
        made["date"] = pa.repeat(pa.scalar(day.date, pa.date32()), len(row_ids))
        made[ROW_ID] = row_ids
        return build_table(table, values, made, extra, is_typed=decoded.is_typed)

    def children(table: Table, rows: ChildRows, **made: pa.Array) -> pa.Table:
        parents, positions = _places(rows.counts)
        parent_ids = ids.take(parents)
        row_ids = pc.binary_join_element_wise(parent_ids, positions.cast(pa.string()), ".")
        return build(table, rows.columns, row_ids, _dlt_parent_id=parent_ids, _dlt_list_idx=positions, **made)

    tables = {
        USAGE.name: build(USAGE, decoded.columns, ids),
        TOOL_ACTIONS.name: children(TOOL_ACTIONS, decoded.tools, tool_name=pa.array(decoded.tools.names, pa.string())),
        MODEL_BREAKDOWN.name: children(MODEL_BREAKDOWN, decoded.models),
    }
    return ShapedDay(
        date=day.date,
        fetched_at=day.fetched_at,
        pages=len(day.bodies),
        request_id=day.request_id,
        record_count=len(ids),
        content_hash=blake2b(b"\n".join(sorted(decoded.contents)), digest_size=16).hexdigest(),
        tables=tables,
    )


def _row_ids(day: dt.date, organization_id: str, decoded: DecodedDay) -> list[str]:
    """Returns ids made from the dimensions. Records that share all of them are numbered in order of their content."""
    keys = encode_each((organization_id, day, *dimensions) for dimensions in decoded.dimensions)
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


def _places(counts: Sequence[int]) -> tuple[pa.Array, pa.Array]:
    """Returns, for each item of each record, the index of its record and its position within."""
    starts = pa.array([0, *accumulate(counts)], pa.int32())
    rows = pc.cumulative_sum(pa.repeat(pa.scalar(1, pa.int64()), starts[-1].as_py()), start=-1)
    parents = pc.list_parent_indices(pa.ListArray.from_arrays(starts, rows))
    return parents, pc.subtract(rows, starts.take(parents))


def _drop_expected(columns: Values, path: Path, is_expected: Callable[[str], bool]) -> None:
    """Leaves of a field that the connector fills itself only unexpected values, for its variants."""
    values = columns.get(path, ())
    if set(map(type, values)) <= {str} and all(map(is_expected, set(values))):
        columns.pop(path, None)  # the usual case: nothing unexpected
    else:
        columns[path] = [None if isinstance(value, str) and is_expected(value) else value for value in values]
