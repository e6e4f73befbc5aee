"""msgspec types for records as documented. Decoding anything else fails, which selects the general path.

Made from `columns.py`. Values may have any type, because they are coerced to their columns later. The objects that
hold them must be there, and hold nothing unknown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any

import msgspec

from ..json_codec import exact_decoder
from ..warehouse.schema import Path, Table, Values
from .columns import MODEL_BREAKDOWN, TOOL_ACTIONS, USAGE


@dataclass(frozen=True)
class DocumentedTypes:
    """Types of records as documented."""

    decode: Callable[[bytes], Any]  # decodes one page; raises what msgspec raises where a record is not as documented
    actor: Any
    _getters: dict[str, list[tuple[Path, attrgetter[Any]]]]

    def columns(self, table: Table, rows: list[Any]) -> Values:
        """Returns the values of records, or of items of their breakdowns."""
        return {path: list(map(get, rows)) for path, get in self._getters[table.name]}


@cache
def documented_types() -> DocumentedTypes:
    """Returns the types. A function: dlt imports the source where msgspec may be missing."""
    tool: Any = _struct("Tool", _paths(TOOL_ACTIONS))
    model: Any = _struct("Model", _paths(MODEL_BREAKDOWN))
    record: Any = _struct("Record", _paths(USAGE), tool_actions=dict[str, tool], model_breakdown=list[model])
    fields: list[Any] = [("data", list[record]), ("has_more", bool), ("next_page", Any, None)]
    page = msgspec.defstruct("Page", fields, gc=False)
    (actor,) = (field.type for field in msgspec.structs.fields(record) if field.name == "actor")
    getters = {
        table.name: [(path, attrgetter(".".join(path))) for path in _paths(table)]
        for table in (USAGE, TOOL_ACTIONS, MODEL_BREAKDOWN)
    }
    return DocumentedTypes(exact_decoder(page).decode, actor, getters)


def _paths(table: Table) -> list[Path]:
    return [column.path for column in table.columns if column.path]


def _struct(name: str, paths: Iterable[Path], **breakdowns: Any) -> Any:
    """Makes the type of an object that holds values at these paths. Its fields encode in alphabetical order."""
    inside: defaultdict[str, list[Path]] = defaultdict(list)
    for path in paths:
        inside[path[0]].append(path[1:])
    objects = {key: _struct(f"{name}.{key}", inner) for key, inner in inside.items() if inner != [()]} | breakdowns
    fields = {key: (key, Any, None) for key in inside} | {key: (key, kind) for key, kind in objects.items()}
    return msgspec.defstruct(
        name,
        [fields[key] for key in sorted(fields)],
        kw_only=True,
        forbid_unknown_fields=True,
        omit_defaults=True,
        gc=False,  # no cycles; the garbage collector would walk a dozen objects for each record
    )
