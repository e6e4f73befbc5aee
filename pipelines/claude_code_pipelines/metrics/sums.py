"""Arithmetic of sums: NULL is not 0, a ratio is one of sums, and distinct counts are never added. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from decimal import Decimal
from typing import Any

Row = dict[str, Any]

PERSON, KEY = "user_actor", "api_actor"
TOKENS = ("tokens_input", "tokens_output", "tokens_cache_read", "tokens_cache_creation")
# Columns of the queries that recount something for their group.
DISTINCT = ("active", "active_days", "paying", "subscribers")
# Columns that are no sum.
_LATEST = "last_day"


def total(values: Iterable[Any]) -> Any:
    """Adds the values that are there; None if there are none (METRICS, R4)."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def total_of(rows: Iterable[Row], column: str) -> Any:
    """Adds up a column, as `total` does."""
    return total(row.get(column) for row in rows)


def ratio(numerator: Any, denominator: Any) -> float | None:
    """Divides; None without a denominator (METRICS, R5)."""
    if numerator is None or not denominator:
        return None
    return float(numerator) / float(denominator)


def merged(rows: Sequence[Row], **own: Any) -> Row:
    """Adds up rows into one. Distinct counts are left out unless there is one row, or they are given."""
    if len(rows) == 1:
        return {**rows[0], **own}
    names = {name for row in rows for name in row if _is_sum(row[name])} - {*DISTINCT, _LATEST}
    latest = max((row[_LATEST] for row in rows if row.get(_LATEST)), default=None)
    return {**{name: total_of(rows, name) for name in names}, _LATEST: latest, **own}


def _is_sum(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal))


def grouped(rows: Iterable[Row], key: Callable[[Row], Hashable]) -> dict[Any, list[Row]]:
    """Returns rows by a key, in order of appearance."""
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found


def all_tokens(sums: Row) -> Any:
    """Adds the four kinds of tokens."""
    return total(sums.get(name) for name in TOKENS)


def cache_read_share(sums: Row) -> float | None:
    """Returns the share of cache reads in all input tokens."""
    inputs = total(sums.get(f"tokens_{kind}") for kind in ("input", "cache_read", "cache_creation"))
    return ratio(sums.get("tokens_cache_read"), inputs)
