"""Records of a day to Arrow tables, column by column. Pure: no I/O, no clock; what it needs of dlt is handed in.

A day becomes the usage table, its two breakdowns and one or more ledger rows. Known columns stand in `columns.py`;
fields that are not there become columns under dlt's naming (decision D7). Row ids and the content hash stand here
because both must see the whole day (public contract, `_dlt_id`).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain
from typing import Any

import msgspec
import pyarrow as pa

from .columns import ARROW_TYPES, COLUMNS, Path
from .fitting import fit, natural_type
from .identity import Protect
from .pages import FetchedDay, Record
from .settings import DAYS_TABLE, MODEL_BREAKDOWN_TABLE, TOOL_ACTIONS_TABLE, UNKNOWN_ORGANIZATION, USAGE_TABLE

Naming = Callable[[Path], str]
"""Column name of a path of JSON keys, as dlt would name it."""


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


def shape_day(day: FetchedDay, shape: Shape) -> dict[str, pa.Table]:
    """Turns one fetched day into its four tables.

    Args:
        day: The day, complete.
        shape: Settings of the run; learns the types of new columns.

    Returns:
        Table name to Arrow table. The record tables may be empty; the ledger has a row for each organization that the
        records name, or one row for a day without records.
    """
    records = [_protected(record, shape.protect) for record in day.records()]
    organizations = [_organization(record, shape) for record in records]
    contents = [_ENCODER.encode(record) for record in records]
    ids = _row_ids(day.date, organizations, records, contents)
    content_hash = blake2b(b"\n".join(sorted(contents)), digest_size=16).hexdigest()

    columns = dict(_spread(records, _STRUCTS[USAGE_TABLE]))
    tools = _take_children(columns, _TOOL_ACTIONS, dict)
    models = _take_children(columns, _MODEL_BREAKDOWN, list)
    _drop_expected(columns, ("organization_id",), lambda value: isinstance(value, str))
    _drop_expected(columns, ("date",), lambda value: isinstance(value, str) and value[:10] == day.date.isoformat())

    def child(table: str, children: _Children, **made: list[Any]) -> pa.Table:
        items, strays = _split(children.items, dict)
        values = dict(_spread(items, _STRUCTS[table]))
        if strays:
            named = values.get(_STRAY, [None] * len(strays))
            values[_STRAY] = [name if stray is None else stray for stray, name in zip(strays, named, strict=True)]
        parent_ids = [ids[parent] for parent in children.parents]
        made["organization_id"] = [organizations[parent] for parent in children.parents]
        made["_dlt_parent_id"] = parent_ids
        made["_dlt_list_idx"] = children.positions
        made["_dlt_id"] = [
            f"{parent_id}.{position}" for parent_id, position in zip(parent_ids, children.positions, strict=True)
        ]
        return _table(table, day.date, len(items), values, made, shape)

    return {
        USAGE_TABLE: _table(
            USAGE_TABLE,
            day.date,
            len(records),
            columns,
            {"organization_id": organizations, "_dlt_id": ids, "_dlt_load_id": [shape.load_id] * len(ids)},
            shape,
        ),
        TOOL_ACTIONS_TABLE: child(TOOL_ACTIONS_TABLE, tools, tool_name=tools.names),
        MODEL_BREAKDOWN_TABLE: child(MODEL_BREAKDOWN_TABLE, models),
        DAYS_TABLE: _ledger(day, organizations, content_hash, shape),
    }


_ENCODER = msgspec.json.Encoder(order="sorted", decimal_format="number")
_TOOL_ACTIONS: Path = ("tool_actions",)
_MODEL_BREAKDOWN: Path = ("model_breakdown",)
_STRAY: Path = ("value",)
"""Where an item of a breakdown goes that is no object, as in dlt's own tables for lists of plain values."""

_STRUCTS = {
    table: frozenset(column.path[:depth] for column in columns for depth in range(1, len(column.path)))
    for table, columns in COLUMNS.items()
}
"""By table, the paths of the objects that are taken apart into columns."""

_DIMENSIONS = ("customer_type", "subscription_type", "terminal_type", "is_remote")


@dataclass
class _Children:
    """The items of one kind of breakdown, of all records, as columns of equal length."""

    parents: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    names: list[Any] = field(default_factory=list)
    items: list[Any] = field(default_factory=list)


def _protected(record: Record, protect: Protect) -> Record:
    return {**record, "actor": protect(record["actor"])} if "actor" in record else record


def _organization(record: Record, shape: Shape) -> str:
    named = record.get("organization_id")
    return named if isinstance(named, str) and named else shape.organization_id or UNKNOWN_ORGANIZATION


def _row_ids(
    day: dt.date, organizations: Sequence[str], records: Sequence[Record], contents: Sequence[bytes]
) -> list[str]:
    """Ids made from the dimensions of the records; those that share all are numbered in the order of their content."""
    keys = [
        _ENCODER.encode(
            [organization, day, _without_nulls(record.get("actor")), *map(record.get, _DIMENSIONS)],
        )
        for organization, record in zip(organizations, records, strict=True)
    ]
    shared = {key for key, count in Counter(keys).items() if count > 1}
    numbers = [0] * len(keys)
    if shared:
        seen: Counter[bytes] = Counter()
        for index in sorted((i for i, key in enumerate(keys) if key in shared), key=contents.__getitem__):
            numbers[index] = seen[keys[index]]
            seen[keys[index]] += 1
    return [
        blake2b(b"%b#%d" % (key, number) if number else key, digest_size=12).hexdigest()
        for key, number in zip(keys, numbers, strict=True)
    ]


def _without_nulls(actor: Any) -> Any:
    """A field that is null and one that is missing say the same, so they must not change an id."""
    return {key: value for key, value in actor.items() if value is not None} if isinstance(actor, dict) else actor


def _spread(
    objects: Sequence[Mapping[str, Any] | None], structs: frozenset[Path], path: Path = ()
) -> Iterator[tuple[Path, list[Any]]]:
    """Objects to columns: each path of keys with one value for each object, None where it is missing."""
    for key in dict.fromkeys(chain.from_iterable(filter(None, objects))):
        inner = (*path, key)
        try:
            values = [item[key] for item in objects]  # type: ignore[index]  # the usual case: all have the key
        except (KeyError, TypeError):
            values = [item.get(key) if item else None for item in objects]
        if inner not in structs:
            yield inner, values
            continue
        inside, strays = _split(values, dict)
        yield from _spread(inside, structs, inner)
        if strays:
            yield inner, strays


def _take_children(columns: dict[Path, list[Any]], path: Path, container: type) -> _Children:
    """Takes a breakdown out of the columns, in the order of the records; what is no breakdown stays a column."""
    breakdowns, strays = _split(columns.pop(path, []), container)
    if strays:
        columns[path] = strays
    children = _Children()
    for parent, breakdown in enumerate(breakdowns):
        if breakdown:
            names = sorted(breakdown) if container is dict else range(len(breakdown))
            children.parents += [parent] * len(names)
            children.positions += range(len(names))
            children.names += names
            children.items += map(breakdown.__getitem__, names)
    return children


def _split(values: list[Any], container: type) -> tuple[list[Any], list[Any] | None]:
    """Values of the expected container with None for all others; and those others, or None when there are none."""
    if set(map(type, values)) <= {container, type(None)}:
        return values, None
    return (
        [value if isinstance(value, container) else None for value in values],
        [None if isinstance(value, container) else value for value in values],
    )


def _drop_expected(columns: dict[Path, list[Any]], path: Path, expected: Callable[[Any], bool]) -> None:
    """Leaves of a column that the connector makes itself only what was not expected there, for its variants."""
    if path in columns:
        columns[path] = [None if expected(value) else value for value in columns[path]]


def _table(
    table: str, date: dt.date, rows: int, values: dict[Path, list[Any]], made: dict[str, list[Any]], shape: Shape
) -> pa.Table:
    """An Arrow table with all declared columns first, then variants and unknown fields."""
    made["date"] = [date] * rows
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
            main = pa.array(made[column.name], ARROW_TYPES[column.data_type])
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


def _ledger(day: FetchedDay, organizations: Sequence[str | None], content_hash: str, shape: Shape) -> pa.Table:
    """The ledger's row of a day, one for each organization where the records name several."""
    counts = Counter(organizations) or Counter({shape.organization_id: 0})
    rows = [
        {
            "organization_id": organization,
            "date": day.date,
            "fetched_at": day.fetched_at,
            "records": count,
            "pages": len(day.bodies),
            "request_id": day.request_id,
            "content_hash": content_hash,
            "is_final": day.is_final,
            "_dlt_load_id": shape.load_id,
        }
        for organization, count in sorted(counts.items(), key=lambda item: item[0] or "")
    ]
    return pa.Table.from_pylist(rows, schema=empty_table(DAYS_TABLE).schema)


def empty_table(table: str) -> pa.Table:
    """A table without rows that has all declared columns."""
    return pa.schema([column.field for column in COLUMNS[table]]).empty_table()
