"""Decoding of a day: response bodies to columns of values, by the path of keys that leads to them.

Two paths with equal results: a fast one for records that are all as documented (`record_types.py`), and one for
records of any shape. Pure. Types and names of columns are left to `tables.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter
from typing import Any

import msgspec

from ..exceptions import UndecodableDay
from ..json_codec import NotJson, decode_exact, encode_each
from ..privacy import Pseudonymizer, without_texts
from ..warehouse.schema import Path, Values
from .columns import MODEL_BREAKDOWN, TOOL_ACTIONS, USAGE
from .pages import FetchedDay
from .record_types import documented_types

Record = dict[str, Any]

# Column of a breakdown's item that is not an object, named as in dlt's own tables for lists of plain values.
_STRAY: Path = ("value",)

# By table, the paths of the objects that are taken apart into columns.
_STRUCTS = {
    table.name: frozenset(column.path[:depth] for column in table.columns for depth in range(1, len(column.path)))
    for table in (USAGE, TOOL_ACTIONS, MODEL_BREAKDOWN)
}

# Fields that distinguish the records of a day. Row ids are made from it (public contract).
_DIMENSIONS = ("actor", "customer_type", "subscription_type", "terminal_type", "is_remote")


@dataclass
class ChildRows:
    """Items of one breakdown, of all records, one after the other."""

    counts: list[int]  # of each record, its number of items
    items: list[Any]
    names: list[str] = field(default_factory=list)  # keys of the items, where the breakdown is an object
    columns: Values = field(default_factory=dict)


@dataclass
class DecodedDay:
    """Records of a day, with their actors as they may be stored."""

    dimensions: list[tuple[Any, ...]]  # of each record, the values of the fields that distinguish it
    contents: list[bytes]  # each record as canonical JSON without nulls and without the texts of its actor
    columns: Values
    tools: ChildRows
    models: ChildRows
    is_typed: bool  # every value has the type of its column, or is None


def decode_documented(day: FetchedDay, actors: Pseudonymizer) -> DecodedDay | None:
    """Decodes a day whose records are all as documented, or returns None.

    Equal to `decode_any` where every value fits its column. Where one does not (an object in a text column), the
    contents can differ, so the caller discards the day. Uses up the day's decoded records.
    """
    records = day.documented
    if records is None:
        return None
    types = documented_types()
    if actors.mode != "keep":
        for record in records:
            record.actor = types.actor(**actors(msgspec.structs.asdict(record.actor)))
    columns = types.columns(records)
    decoded = DecodedDay(
        dimensions=list(map(attrgetter(*_DIMENSIONS), records)),
        contents=[],
        columns=columns,
        tools=_rows_by_name(columns.pop(("tool_actions",), ())),
        models=_rows_by_position(columns.pop(("model_breakdown",), ())),
        is_typed=True,
    )
    for rows in (decoded.tools, decoded.models):
        rows.columns = types.columns(rows.items)
    textless = types.actor()  # a documented actor holds nothing but texts
    for record in records:
        record.actor = textless
    decoded.contents = encode_each(records)
    return decoded


def decode_any(day: FetchedDay, actors: Pseudonymizer) -> DecodedDay:
    """Decodes a day with records of any shape; raises UndecodableDay, or RecursionError for one nested too deeply."""
    sent = _records(day)
    records = [_with_actor(record, actors) for record in sent]
    columns: Values = dict(_spread(records, _STRUCTS[USAGE.name]))
    decoded = DecodedDay(
        dimensions=[
            (_without_nulls(record.get("actor"), depth=1), *map(record.get, _DIMENSIONS[1:])) for record in records
        ],
        contents=encode_each(_without_nulls(_with_actor(record, without_texts)) for record in sent),
        columns=columns,
        tools=_rows_by_name(_take(columns, "tool_actions", dict)),
        models=_rows_by_position(_take(columns, "model_breakdown", list)),
        is_typed=False,
    )
    for table, rows in ((TOOL_ACTIONS, decoded.tools), (MODEL_BREAKDOWN, decoded.models)):
        items, strays = _split(rows.items, dict)
        rows.columns = dict(_spread(items, _STRUCTS[table.name]))
        if strays:
            named = rows.columns.get(_STRAY, [None] * len(strays))
            rows.columns[_STRAY] = [name if stray is None else stray for stray, name in zip(strays, named, strict=True)]
    return decoded


def undecodable(day: FetchedDay, reason: str) -> UndecodableDay:
    """Returns the error that names a day whose records cannot be decoded."""
    message = f"{reason}; this day keeps its old rows, report it to Anthropic's support"
    return UndecodableDay(message, day=day.date, status=200, request_id=day.request_id)


def _records(day: FetchedDay) -> list[Record]:
    try:
        records = [record for body in day.bodies for record in decode_exact(body)["data"]]
    except NotJson as error:
        raise undecodable(day, str(error)) from error
    for number, record in enumerate(records, start=1):
        if not isinstance(record, dict):
            raise undecodable(day, f"record {number} is not an object")
    return records


def _with_actor(record: Record, treat: Callable[[Any], Any]) -> Record:
    return {**record, "actor": treat(record["actor"])} if "actor" in record else record


def _without_nulls(value: Any, depth: int = 4) -> Any:
    """Returns a value without the fields of its objects that are null: null and missing mean the same.

    `depth` is how far down: a record has no object below the tokens of its models.
    """
    if not depth:
        return value
    if isinstance(value, dict):
        return {key: _without_nulls(inner, depth - 1) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_nulls(inner, depth - 1) for inner in value]
    return value


def _spread(
    objects: Sequence[Mapping[str, Any] | None], structs: frozenset[Path], path: Path = ()
) -> Iterator[tuple[Path, Sequence[Any]]]:
    """Yields the columns of objects: each path of keys with one value for each object, None where it is missing."""
    for key in dict.fromkeys(chain.from_iterable(filter(None, objects))):
        inner = (*path, key)
        try:
            values = [item[key] for item in objects]  # type: ignore[index]  # usually all have the key
        except (KeyError, TypeError):
            values = [item.get(key) if item else None for item in objects]
        if inner not in structs:
            yield inner, values
            continue
        inside, strays = _split(values, dict)
        yield from _spread(inside, structs, inner)
        if strays:
            yield inner, strays


def _take(columns: Values, key: str, container: type) -> Sequence[Any]:
    """Takes the breakdowns of all records out of the columns. Values of other types stay a column."""
    breakdowns, strays = _split(columns.pop((key,), []), container)
    if strays:
        columns[key,] = strays
    return breakdowns


def _rows_by_name(breakdowns: Sequence[Any]) -> ChildRows:
    """Returns the rows of breakdowns that are objects, in order of their keys."""
    names = [sorted(breakdown or ()) for breakdown in breakdowns]
    return ChildRows(
        counts=list(map(len, names)),
        items=[items[key] for items, keys in zip(breakdowns, names, strict=True) for key in keys],
        names=list(chain.from_iterable(names)),
    )


def _rows_by_position(breakdowns: Sequence[Any]) -> ChildRows:
    """Returns the rows of breakdowns that are lists, in order of the records; None has no rows."""
    return ChildRows(
        counts=[len(items or ()) for items in breakdowns], items=list(chain.from_iterable(filter(None, breakdowns)))
    )


def _split(values: Sequence[Any], container: type) -> tuple[Sequence[Any], list[Any] | None]:
    """Splits values into those of a type and all others, with None in the gaps; None when there are no others."""
    if set(map(type, values)) <= {container, type(None)}:
        return values, None
    return (
        [value if isinstance(value, container) else None for value in values],
        [None if isinstance(value, container) else value for value in values],
    )
