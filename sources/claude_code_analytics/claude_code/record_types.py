"""The record as the API reference has it, as a type: decoding into it is fast, and tells records that are otherwise.

Made from `columns.py`. Values may be of any type (they are fitted to their columns later); it is the objects that must
be there, and hold nothing unknown. A page with any other record is decoded without a type, and shaped more slowly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec

from ..settings import MODEL_BREAKDOWN_TABLE, TOOL_ACTIONS_TABLE, USAGE_TABLE
from .columns import COLUMNS, Path


def _struct(name: str, paths: Iterable[Path], **breakdowns: Any) -> type[msgspec.Struct]:
    """A type of objects that hold values at these paths. Fields are in alphabetical order: so they are encoded."""
    fields: dict[str, Any] = {}
    inside: defaultdict[str, list[Path]] = defaultdict(list)
    for path in paths:
        if len(path) == 1:
            fields[path[0]] = (path[0], Any, None)
        elif path:
            inside[path[0]].append(path[1:])
    for key, inner in inside.items():
        fields[key] = (key, _struct(f"{name}.{key}", inner))
    for key, kind in breakdowns.items():
        fields[key] = (key, kind)
    return msgspec.defstruct(
        name,
        [fields[key] for key in sorted(fields)],
        kw_only=True,
        forbid_unknown_fields=True,
        omit_defaults=True,
        gc=False,
    )


def _paths(table: str) -> list[Path]:
    return [column.path for column in COLUMNS[table]]


KnownTool: Any = _struct("Tool", _paths(TOOL_ACTIONS_TABLE))
KnownModel: Any = _struct("Model", _paths(MODEL_BREAKDOWN_TABLE))
KnownRecord: Any = _struct(
    "Record", _paths(USAGE_TABLE), tool_actions=dict[str, KnownTool], model_breakdown=list[KnownModel]
)


class KnownPage(msgspec.Struct, gc=False):
    """A page whose records are all as the reference has them."""

    data: list[KnownRecord]
