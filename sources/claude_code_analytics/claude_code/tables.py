"""Records of a day to Arrow tables, column by column. Pure: no I/O, no clock; what it needs of dlt is handed in.

A day becomes the usage table, its two breakdowns and one or more ledger rows. What its records hold comes from
`content.py`, known columns stand in `columns.py`; fields that are not there become columns under dlt's naming (decision
D7). Row ids and the content hash stand here because both must see the whole day (public contract, `_dlt_id`).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import blake2b
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from ..destination.arrow_types import fit, natural_type
from ..settings import DAYS_TABLE, MODEL_BREAKDOWN_TABLE, TOOL_ACTIONS_TABLE, UNKNOWN_ORGANIZATION, USAGE_TABLE
from .columns import ARROW_TYPES, COLUMNS, Path
from .decode import Children, Columns, Content, any_content, known_content
from .pages import FetchedDay
from .privacy import Protect

Naming = Callable[[Path], str]
"""Column name of a path of JSON keys, as dlt would name it."""

_ENCODER = msgspec.json.Encoder(order="deterministic", decimal_format="number")


@dataclass
class Shape:
    """How records become tables in one run, and what was met on the way that no column was declared for.

    Attributes:
        naming: Names columns of unknown fields.
        protect: Treats actors (`identity.py`).
        load_id: dlt load package that the rows belong to.
        organization_id: Organization of the credential, for records (and days) that name none.
        extra_types: By table, the dlt type of each column that is not in `columns.py`: those that the warehouse has
            already and, as days are shaped, those that are new. A column keeps its first type.
        notice: Told once about each thing that was unexpected.
    """

    naming: Naming
    protect: Protect
    load_id: str
    organization_id: str | None
    extra_types: dict[str, dict[str, str]] = field(default_factory=dict)
    notice: Callable[[str], None] = lambda message: None


@dataclass(frozen=True)
class _RecordTables:
    """The record tables of a day, whatever load they go into.

    Attributes:
        tables: By name; `_dlt_load_id` is still to be filled in.
        organizations: How many records each organization has.
        content_hash: Hash of the records.
    """

    tables: dict[str, pa.Table]
    organizations: Counter[str]
    content_hash: str


@dataclass(frozen=True)
class ShapedDay(FetchedDay):
    """A day that has been made tables of already. Of its pages nothing is left but how many there were."""

    made: _RecordTables

    @cached_property
    def size(self) -> int:
        """Bytes of its tables."""
        return sum(table.nbytes for table in self.made.tables.values())


@dataclass(frozen=True)
class ShapeAhead:
    """Shapes days before the load is known that they go into: in the threads that read them, while others wait.

    Attributes:
        protect: Treats actors.
    """

    protect: Protect

    def __call__(self, day: FetchedDay) -> FetchedDay:
        """The day as `ShapedDay`; as it is where anything in it is unusual, for `shape_day` with all it knows."""
        content = known_content(day, self.protect)
        if content is None:
            return day
        unusual: list[str] = []
        nothing_known = Shape("__".join, self.protect, load_id="", organization_id=None, notice=unusual.append)
        made = _record_tables(day.date, content, nothing_known)
        if unusual or UNKNOWN_ORGANIZATION in made.organizations:
            return day
        pages = tuple(b"" for _ in day.bodies)
        return ShapedDay(day.date, pages, day.record_count, day.request_id, day.fetched_at, made)


def shape_day(day: FetchedDay, shape: Shape) -> dict[str, pa.Table]:
    """Turns one fetched day into its four tables.

    Args:
        day: The day, complete.
        shape: Settings of the run; learns the types of new columns.

    Returns:
        Table name to Arrow table. The record tables may be empty; the ledger has a row for each organization that the
        records name, or one row for a day without records.

    Raises:
        UnexpectedResponse: A record holds what no decoder takes.
    """
    if isinstance(day, ShapedDay):
        made = day.made
    else:
        content = known_content(day, shape.protect) or any_content(day, shape.protect)
        made = _record_tables(day.date, content, shape)
    return {
        **made.tables,
        USAGE_TABLE: _with_load_id(made.tables[USAGE_TABLE], shape.load_id),
        DAYS_TABLE: _ledger(day, made, shape),
    }


def _record_tables(date: dt.date, content: Content, shape: Shape) -> _RecordTables:
    organizations = [
        named if isinstance(named, str) and named else shape.organization_id or UNKNOWN_ORGANIZATION
        for named in content.organizations
    ]
    ids = pa.array(_row_ids(date, organizations, content), pa.string())
    content_hash = blake2b(b"\n".join(sorted(content.encoded)), digest_size=16).hexdigest()
    owners = pa.array(organizations, pa.string())

    _drop_expected(content.columns, ("organization_id",), lambda value: isinstance(value, str))
    text = date.isoformat()
    _drop_expected(content.columns, ("date",), lambda value: isinstance(value, str) and value[:10] == text)

    def child(table: str, children: Children, **made: pa.Array) -> pa.Table:
        parents = pa.array(children.parents, pa.int64())
        positions = pa.array(children.positions, pa.int64())
        parent_ids = ids.take(parents)
        made |= {
            "organization_id": owners.take(parents),
            "_dlt_parent_id": parent_ids,
            "_dlt_list_idx": positions,
            "_dlt_id": pc.binary_join_element_wise(parent_ids, positions.cast(pa.string()), "."),
        }
        return _table(table, date, len(children.parents), children.columns, made, shape)

    own = {"organization_id": owners, "_dlt_id": ids}
    tables = {
        USAGE_TABLE: _table(USAGE_TABLE, date, len(ids), content.columns, own, shape),
        TOOL_ACTIONS_TABLE: child(
            TOOL_ACTIONS_TABLE, content.tools, tool_name=pa.array(content.tools.names, pa.string())
        ),
        MODEL_BREAKDOWN_TABLE: child(MODEL_BREAKDOWN_TABLE, content.models),
    }
    return _RecordTables(tables, Counter(organizations), content_hash)


def _with_load_id(usage: pa.Table, load_id: str) -> pa.Table:
    column = usage.schema.get_field_index("_dlt_load_id")
    return usage.set_column(column, usage.schema.field(column), pa.repeat(load_id, usage.num_rows))


def _row_ids(day: dt.date, organizations: Sequence[str], content: Content) -> list[str]:
    """Ids made from the dimensions of the records; those that share all are numbered in the order of their content."""
    encode = _ENCODER.encode
    keys = [
        encode((organization, day, *dimensions))
        for organization, dimensions in zip(organizations, content.dimensions, strict=True)
    ]
    shared = {key for key, count in Counter(keys).items() if count > 1}
    numbers = [0] * len(keys)
    if shared:
        seen: Counter[bytes] = Counter()
        for index in sorted((i for i, key in enumerate(keys) if key in shared), key=content.encoded.__getitem__):
            numbers[index] = seen[keys[index]]
            seen[keys[index]] += 1
    return [
        blake2b(b"%b#%d" % (key, number) if number else key, digest_size=12).hexdigest()
        for key, number in zip(keys, numbers, strict=True)
    ]


def _drop_expected(columns: Columns, path: Path, expected: Callable[[Any], bool]) -> None:
    """Leaves of a column that the connector makes itself only what was not expected there, for its variants."""
    if path in columns:
        columns[path] = [None if expected(value) else value for value in columns[path]]


def _table(table: str, date: dt.date, rows: int, values: Columns, made: dict[str, pa.Array], shape: Shape) -> pa.Table:
    """An Arrow table with all declared columns first, then variants and unknown fields."""
    made["date"] = pa.repeat(pa.scalar(date, pa.date32()), rows)
    fields: list[pa.Field] = []
    arrays: list[pa.Array] = []
    extras: dict[str, pa.Array] = {}
    taken = {column.name for column in COLUMNS[table]}
    known_types = shape.extra_types.setdefault(table, {})

    def add_variants(path: Path, data_type: str, fitted: Mapping[str | None, pa.Array]) -> None:
        for variant, array in fitted.items():
            if variant is not None:
                name = shape.naming(_free((*path, f"v_{variant}"), taken, shape.naming))
                extras[name] = array
                known_types[name] = variant
                shape.notice(f"{table}.{shape.naming(path)}: values that are no {data_type} were kept in {name}")

    for column in COLUMNS[table]:
        given = values.pop(column.path, None)
        fitted = {} if given is None else fit(given, column.data_type)
        if column.name in made:
            main = made[column.name]
        else:
            main = fitted.get(None)
            main = pa.nulls(rows, ARROW_TYPES[column.data_type]) if main is None else main
        fields.append(column.field)
        arrays.append(main)
        add_variants(column.path, column.data_type, fitted)

    for path, full_path in _distinct(values, taken, shape.naming):
        name = shape.naming(full_path)
        data_type = known_types.get(name) or natural_type(values[path])
        if data_type is None:
            continue  # NULL in every record, of no type that could be told: there is nothing to keep yet
        if name not in known_types:
            known_types[name] = data_type
            shape.notice(f"{table}.{name}: the API sent a field that this version does not know; it is kept")
        fitted = fit(values[path], data_type)
        extras[name] = fitted[None]
        add_variants(full_path, data_type, fitted)

    for name, array in extras.items():
        fields.append(pa.field(name, array.type))
        arrays.append(array)
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _distinct(paths: Iterable[Path], taken: set[str], naming: Naming) -> Iterator[tuple[Path, Path]]:
    """Fields that no column is declared for, each with the path to name its column by.

    Where two become one column under dlt's naming, the field whose key is that very name gets it, the others a suffix
    made from their own keys.
    """
    for path in sorted(paths, key=lambda path: (naming(path) != "__".join(path), path)):
        yield path, _free(path, taken, naming)


def _free(path: Path, taken: set[str], naming: Naming) -> Path:
    """A path whose column name is not taken yet, and from now on is."""
    if naming(path) in taken:
        path = (*path, f"x{blake2b(chr(0).join(path).encode(), digest_size=4).hexdigest()}")
    taken.add(naming(path))
    return path


def _ledger(day: FetchedDay, made: _RecordTables, shape: Shape) -> pa.Table:
    """The ledger's row of a day, one for each organization where the records name several."""
    counts: Mapping[Any, int] = made.organizations or {shape.organization_id: 0}
    rows = [
        {
            "organization_id": organization,
            "date": day.date,
            "fetched_at": day.fetched_at,
            "records": count,
            "pages": len(day.bodies),
            "request_id": day.request_id,
            "content_hash": made.content_hash,
            "is_final": day.is_final,
            "_dlt_load_id": shape.load_id,
        }
        for organization, count in sorted(counts.items(), key=lambda item: item[0] or "")
    ]
    return pa.Table.from_pylist(rows, schema=empty_table(DAYS_TABLE).schema)


@lru_cache
def empty_table(table: str) -> pa.Table:
    """A table without rows that has all declared columns."""
    return pa.schema([column.field for column in COLUMNS[table]]).empty_table()
