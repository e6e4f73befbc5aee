"""Rows of views, read through their SELECTs and compared with those of plain Python."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import sqlglot
from sqlglot import exp

from claude_code_pipelines.metrics.catalog import VIEWS, View
from claude_code_pipelines.metrics.reader import open_reader
from claude_code_pipelines.read_only import open_read_only
from support.world import World


def read_without_views(world: World) -> dict[str, list[dict[str, Any]]]:
    """Reads all views through their SELECTs."""
    with open_read_only(world.pipeline) as pipeline, open_reader(pipeline) as reader:
        return {view.name: reader.rows(f"SELECT {', '.join(names(view))} FROM {view.name}") for view in VIEWS}


def names(view: View) -> list[str]:
    """Returns the names of a view's columns, from its SELECT."""
    return [name.lower() for name in sqlglot.parse_one(view.select, read="bigquery", into=exp.Select).named_selects]


def differences(
    view: str, found: list[dict[str, Any]], expected: list[dict[str, Any]], *, exact_sums: bool = True
) -> list[str]:
    """Returns one line for each row of a view that differs, four at most.

    Args:
        view: The view.
        found: Its rows.
        expected: The rows that it should have, in any order.
        exact_sums: False where an engine sums whole numbers as binary floats.
    """

    def as_text(row: dict[str, Any]) -> str:
        return str({name: written(row[name], exact_sums) for name in sorted(row) if name != "_dlt_id"})

    names = sorted({name for row in found for name in row} - {"_dlt_id"})
    if expected and sorted(expected[0]) != names:
        return [f"{view} has the columns {names}, not {sorted(expected[0])}"]
    left, right = Counter(map(as_text, found)), Counter(map(as_text, expected))
    return [f"{view}: {row} is too much" for row in (left - right)][:2] + [
        f"{view}: {row} is not there" for row in (right - left)
    ][:2]


def written(value: Any, exact_sums: bool) -> str:
    """Returns numbers of all types as one text: floats by 9 digits."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return repr(value)
    if isinstance(value, float) or (isinstance(value, Decimal) and value != value.to_integral_value()):
        return f"{float(value):.9g}"
    return str(int(value)) if exact_sums else f"{float(value):.14g}"
