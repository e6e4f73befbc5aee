"""msgspec types for records as documented. Decoding anything else fails, which selects the general path.

Made from `columns.py`. Objects must be there and hold nothing unknown. Values have the type of their column or are
null. An amount may be anything, because a number and a text are both amounts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter, itemgetter
from typing import Any

import msgspec

from ..json_codec import exact_decoder
from ..warehouse.schema import Path, Table, Values
from .columns import MODEL_BREAKDOWN, TOOL_ACTIONS, USAGE

_TYPES: dict[str, Any] = {"text": str | None, "date": str | None, "bigint": int | None, "bool": bool | None}


@dataclass(frozen=True)
class DocumentedTypes:
    """Types of records as documented."""

    decode: Callable[[bytes], Any]  # decodes one page; raises what msgspec raises where a record is not as documented
    actor: Any

    def columns(self, rows: Sequence[Any]) -> Values:
        """Returns the values of records, or of items of their breakdowns."""
        return dict(_columns(rows, ()))


@cache
def documented_types() -> DocumentedTypes:
    """Returns the types. A function: dlt imports the source where msgspec may be missing."""
    tool: Any = _struct("Tool", _types_of(TOOL_ACTIONS))
    model: Any = _struct("Model", _types_of(MODEL_BREAKDOWN))
    record: Any = _struct("Record", _types_of(USAGE), tool_actions=dict[str, tool], model_breakdown=list[model])
    fields: list[Any] = [("data", list[record]), ("has_more", bool), ("next_page", Any, None)]
    page = msgspec.defstruct("Page", fields, gc=False)
    (actor,) = (field.type for field in msgspec.structs.fields(record) if field.name == "actor")
    return DocumentedTypes(exact_decoder(page).decode, actor)


def _columns(rows: Sequence[Any], path: Path) -> Iterator[tuple[Path, Sequence[Any]]]:
    """Yields the columns of objects of one type: each path of keys with one value for each object."""
    if not rows:
        return
    # level by level, which is faster than dotted paths; tuples of rows would wake the garbage collector
    for key in rows[0].__struct_fields__:
        values = list(map(attrgetter(key), rows))
        if isinstance(values[0], msgspec.Struct):
            yield from _columns(values, (*path, key))
        else:
            yield (*path, key), values


def _types_of(table: Table) -> dict[Path, Any]:
    return {column.path: _TYPES.get(column.data_type, Any) for column in table.columns if column.path}


def _struct(name: str, types: Mapping[Path, Any], **breakdowns: Any) -> Any:
    """Makes the type of an object that holds values of these types. Its fields encode in alphabetical order."""
    inside: defaultdict[str, dict[Path, Any]] = defaultdict(dict)
    for path, kind in types.items():
        inside[path[0]][path[1:]] = kind
    values: list[Any] = [(key, inner[()], None) for key, inner in inside.items() if () in inner]
    objects = {key: _struct(f"{name}.{key}", inner) for key, inner in inside.items() if () not in inner} | breakdowns
    return msgspec.defstruct(
        name,
        sorted([*values, *objects.items()], key=itemgetter(0)),
        kw_only=True,
        forbid_unknown_fields=True,
        omit_defaults=True,
        gc=False,  # no cycles; the garbage collector would walk a dozen objects for each record
    )
