"""What the records of a day hold: their values by the path of keys that leads there, column by column.

Two ways lead to the same: a fast one for records that are all as the API reference has them (`records.py`), and one for
records of any shape. Pure; types and names of columns are left to `tables.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter
from typing import Any

import msgspec

from ..settings import MODEL_BREAKDOWN_TABLE, TOOL_ACTIONS_TABLE, USAGE_TABLE
from .columns import COLUMNS, Path
from .pages import FetchedDay, Record
from .privacy import Protect, unprotected
from .record_types import KnownRecord

_ENCODER = msgspec.json.Encoder(order="sorted", decimal_format="number")
_ENCODER_OF_KNOWN = msgspec.json.Encoder(order="deterministic", decimal_format="number")
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
class Children:
    """The items of one kind of breakdown, of all records, as lists of equal length; their values as columns."""

    parents: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    names: list[Any] = field(default_factory=list)
    items: list[Any] = field(default_factory=list)
    columns: Columns = field(default_factory=dict)


@dataclass
class Content:
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
    tools: Children
    models: Children


def known_content(day: FetchedDay, protect: Protect) -> Content | None:
    """The content of a day whose records are all as the API reference has them (`KnownRecord`).

    None where one is not, or a value is an object or a list: that is for `any_content`, which gives the same otherwise.
    """
    records = day.known_records()
    if records is None:
        return None
    if protect is not unprotected:
        for record in records:
            record.actor = _ACTOR(**protect(msgspec.structs.asdict(record.actor)))
    tools = [record.tool_actions for record in records]
    names = [sorted(actions) for actions in tools]
    models = [record.model_breakdown for record in records]
    content = Content(
        organizations=[record.organization_id for record in records],
        dimensions=list(map(_KNOWN_DIMENSIONS, records)),
        encoded=list(map(_ENCODER_OF_KNOWN.encode, records)),
        columns={path: list(map(get, records)) for path, get in _GETTERS[USAGE_TABLE]},
        tools=Children(
            parents=[parent for parent, listed in enumerate(names) for _ in listed],
            positions=[position for listed in names for position in range(len(listed))],
            names=list(chain.from_iterable(names)),
            items=[actions[name] for actions, listed in zip(tools, names, strict=True) for name in listed],
        ),
        models=Children(
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


def any_content(day: FetchedDay, protect: Protect) -> Content:
    """The content of a day with records of any shape.

    Raises:
        UnexpectedResponse: A record holds what no decoder takes.
    """
    records = [_protected(record, protect) for record in day.records()]
    columns = dict(_spread(records, _STRUCTS[USAGE_TABLE]))
    content = Content(
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


def _take_children(columns: Columns, path: Path, container: type) -> Children:
    """Takes a breakdown out of the columns, in the order of the records; what is no breakdown stays a column."""
    breakdowns, strays = _split(columns.pop(path, []), container)
    if strays:
        columns[path] = strays
    children = Children()
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
