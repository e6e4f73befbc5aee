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
from operator import attrgetter
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from .columns import ARROW_TYPES, COLUMNS, Path
from .fitting import fit, natural_type
from .identity import Protect, unprotected
from .pages import FetchedDay, Record
from .records import KnownRecord
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
    known = day.known_records()
    content = None if known is None else _known_content(known, shape.protect)
    content = content or _any_content(day.records(), shape.protect)
    organizations = [
        named if isinstance(named, str) and named else shape.organization_id or UNKNOWN_ORGANIZATION
        for named in content.organizations
    ]
    ids = pa.array(_row_ids(day.date, organizations, content), pa.string())
    content_hash = blake2b(b"\n".join(sorted(content.encoded)), digest_size=16).hexdigest()
    owners = pa.array(organizations, pa.string())

    _drop_expected(content.columns, ("organization_id",), lambda value: isinstance(value, str))
    text = day.date.isoformat()
    _drop_expected(content.columns, ("date",), lambda value: isinstance(value, str) and value[:10] == text)

    def child(table: str, children: _Children, **made: pa.Array) -> pa.Table:
        parents = pa.array(children.parents, pa.int64())
        positions = pa.array(children.positions, pa.int64())
        parent_ids = ids.take(parents)
        made |= {
            "organization_id": owners.take(parents),
            "_dlt_parent_id": parent_ids,
            "_dlt_list_idx": positions,
            "_dlt_id": pc.binary_join_element_wise(parent_ids, positions.cast(pa.string()), "."),
        }
        return _table(table, day.date, len(children.parents), children.columns, made, shape)

    return {
        USAGE_TABLE: _table(
            USAGE_TABLE,
            day.date,
            len(ids),
            content.columns,
            {"organization_id": owners, "_dlt_id": ids, "_dlt_load_id": pa.repeat(shape.load_id, len(ids))},
            shape,
        ),
        TOOL_ACTIONS_TABLE: child(
            TOOL_ACTIONS_TABLE, content.tools, tool_name=pa.array(content.tools.names, pa.string())
        ),
        MODEL_BREAKDOWN_TABLE: child(MODEL_BREAKDOWN_TABLE, content.models),
        DAYS_TABLE: _ledger(day, organizations, content_hash, shape),
    }


_ENCODER = msgspec.json.Encoder(order="sorted", decimal_format="number")
_KNOWN_ENCODER = msgspec.json.Encoder(order="deterministic", decimal_format="number")
"""Gives what `_ENCODER` gives: the fields of known records are in order, and only the keys of dictionaries are not."""
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


Columns = dict[Path, list[Any]]
"""Values by the path of keys that leads to them, each list as long as there are rows."""


@dataclass
class _Children:
    """The items of one kind of breakdown, of all records, as lists of equal length; their values as columns."""

    parents: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    names: list[Any] = field(default_factory=list)
    items: list[Any] = field(default_factory=list)
    columns: Columns = field(default_factory=dict)


@dataclass
class _Content:
    """What a day's records hold, apart from who they belong to.

    Attributes:
        organizations: What each record says of its organization.
        dimensions: Of each record, what tells it from others.
        encoded: Each record as JSON, the same for the same content: keys in order, nothing that is null.
        columns: The values of the records.
        tools: Their tool actions.
        models: Their models.
    """

    organizations: list[Any]
    dimensions: list[tuple[Any, ...]]
    encoded: list[bytes]
    columns: Columns
    tools: _Children
    models: _Children


def _known_content(records: list[Any], protect: Protect) -> _Content | None:
    """The content of records that are all as the API reference has them (`KnownRecord`).

    None where a value is an object or a list after all: that is for `_any_content`, which gives the same for the rest.
    """
    if protect is not unprotected:
        for record in records:
            record.actor = _ACTOR(**protect(msgspec.structs.asdict(record.actor)))
    tools = [record.tool_actions for record in records]
    names = [sorted(actions) for actions in tools]
    models = [record.model_breakdown for record in records]
    content = _Content(
        organizations=[record.organization_id for record in records],
        dimensions=list(map(_KNOWN_DIMENSIONS, records)),
        encoded=list(map(_KNOWN_ENCODER.encode, records)),
        columns={path: list(map(get, records)) for path, get in _GETTERS[USAGE_TABLE]},
        tools=_Children(
            parents=[parent for parent, listed in enumerate(names) for _ in listed],
            positions=[position for listed in names for position in range(len(listed))],
            names=list(chain.from_iterable(names)),
            items=[actions[name] for actions, listed in zip(tools, names, strict=True) for name in listed],
        ),
        models=_Children(
            parents=[parent for parent, breakdown in enumerate(models) for _ in breakdown],
            positions=[position for breakdown in models for position in range(len(breakdown))],
            items=list(chain.from_iterable(models)),
        ),
    )
    for table, children in ((TOOL_ACTIONS_TABLE, content.tools), (MODEL_BREAKDOWN_TABLE, content.models)):
        children.columns = {path: list(map(get, children.items)) for path, get in _GETTERS[table]}
    for columns in (content.columns, content.tools.columns, content.models.columns):
        if any({dict, list} & set(map(type, values)) for values in columns.values()):
            return None
    return content


_KNOWN_DIMENSIONS = attrgetter("actor", *_DIMENSIONS)
_ACTOR = next(each.type for each in msgspec.structs.fields(KnownRecord) if each.name == "actor")
_GETTERS = {
    table: [(column.path, attrgetter(".".join(column.path))) for column in COLUMNS[table] if column.path]
    for table in (USAGE_TABLE, TOOL_ACTIONS_TABLE, MODEL_BREAKDOWN_TABLE)
}


def _any_content(decoded: Sequence[Record], protect: Protect) -> _Content:
    """The content of records of any shape."""
    records = [_protected(record, protect) for record in decoded]
    columns = dict(_spread(records, _STRUCTS[USAGE_TABLE]))
    content = _Content(
        organizations=[record.get("organization_id") for record in records],
        dimensions=[
            (
                _without_nulls(record.get("actor"), depth=1),
                *map(record.get, _DIMENSIONS),
            )  # null and missing say the same
            for record in records
        ],
        encoded=[_ENCODER.encode(_without_nulls(record)) for record in records],
        columns=columns,
        tools=_take_children(columns, _TOOL_ACTIONS, dict),
        models=_take_children(columns, _MODEL_BREAKDOWN, list),
    )
    for table, children in ((TOOL_ACTIONS_TABLE, content.tools), (MODEL_BREAKDOWN_TABLE, content.models)):
        items, strays = _split(children.items, dict)
        children.columns = dict(_spread(items, _STRUCTS[table]))
        if strays:
            named = children.columns.get(_STRAY, [None] * len(strays))
            children.columns[_STRAY] = [
                name if stray is None else stray for stray, name in zip(strays, named, strict=True)
            ]
    return content


def _protected(record: Record, protect: Protect) -> Record:
    return {**record, "actor": protect(record["actor"])} if "actor" in record else record


def _without_nulls(value: Any, depth: int = 4) -> Any:
    """The value without the fields of its objects that are null: to be null and to be missing say the same.

    `depth` is how far down: a record has no object below the tokens of its models.
    """
    if not depth:
        return value
    if isinstance(value, dict):
        return {key: _without_nulls(inner, depth - 1) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_nulls(inner, depth - 1) for inner in value]
    return value


def _row_ids(day: dt.date, organizations: Sequence[str], content: _Content) -> list[str]:
    """Ids made from the dimensions of the records; those that share all are numbered in the order of their content."""
    encode = _KNOWN_ENCODER.encode
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


def _take_children(columns: Columns, path: Path, container: type) -> _Children:
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
