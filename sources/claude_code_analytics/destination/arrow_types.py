"""Values to Arrow arrays: what fits a column goes there, what does not goes to dlt's variant of it. Nothing is lost.

Knows types, not records. JSON numbers arrive as `int` or `Decimal` (`pages.py`), never as binary floats.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
import pyarrow as pa

from ..claude_code.columns import ARROW_TYPES

NATURAL_TYPES: dict[type, str] = {
    str: "text",
    bool: "bool",
    int: "bigint",
    Decimal: "double",
    dict: "json",
    list: "json",
}
"""The type that a value of a field unknown to `columns.py` gets, as dlt itself would choose."""

_TAKES: dict[str, frozenset[type]] = {
    "text": frozenset({str}),
    "bool": frozenset({bool}),
    "bigint": frozenset({int}),
    "double": frozenset({Decimal, int}),
    "decimal": frozenset({int, Decimal, str}),
    "json": frozenset({dict, list, str, bool, int, Decimal}),
}
_NOTHING: frozenset[type] = frozenset()
_NONE = frozenset({type(None)})
_WHOLE = _NONE | {int}
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", re.ASCII)
_EXACT_INTEGERS = 2**53
_DIGITS = 38
"""Of a decimal(38, 9). With more decimals than that pyarrow 26 makes 0 of some numbers (48, 68, 84, ... decimals), and
1E-999999999 crashes the process, so it does not get to see them."""


def natural_type(values: Sequence[Any]) -> str | None:
    """The type of the first value that is not None, or None when there is none."""
    return next((NATURAL_TYPES[type(value)] for value in values if value is not None), None)


def fit(values: Sequence[Any], data_type: str) -> dict[str | None, pa.Array]:
    """Arrow arrays that hold all values, each array as long as `values`.

    Args:
        values: Decoded JSON values of one column; None is NULL.
        data_type: dlt type of the column, a key of `ARROW_TYPES`.

    Returns:
        Under None the column itself; under a type name (`text`, `double`, ...) the values that did not fit the
        column, for dlt's variant column of that type (`<column>__v_text`).
    """
    if set(map(type, values)) - _NONE <= _TAKES.get(data_type, _NOTHING):
        try:
            return {None: _array(values, data_type)}
        except (ValueError, TypeError, OverflowError):
            pass  # some value is of the right kind and yet does not fit: find out which, one by one
    homes = [None if value is None else _home(value, data_type) for value in values]
    arrays: dict[str | None, pa.Array] = {}
    for home in [None, *sorted({home for home in homes if home})]:
        own = [value if there == home else None for value, there in zip(values, homes, strict=True)]
        arrays[home] = _array([_as_text(value) for value in own] if home == "text" else own, home or data_type)
    return arrays


def json_text(value: Any) -> str:
    """`value` as JSON text with sorted keys and exact numbers."""
    return _ENCODER.encode(value).decode()


_ENCODER = msgspec.json.Encoder(order="sorted", decimal_format="number")


def _array(values: Sequence[Any], data_type: str) -> pa.Array:
    """An Arrow array of values that are known, or hoped, to fit; raises when one does not."""
    if data_type == "decimal" and not set(map(type, values)) <= _WHOLE:
        values = [_number(value) for value in values]  # Arrow itself refuses what decimal(38, 9) cannot hold
    elif data_type == "double":
        values = [_exact_double(value) for value in values]
    elif data_type == "json":
        values = [None if value is None else json_text(value) for value in values]
    return pa.array(values, ARROW_TYPES[data_type])


def _home(value: Any, data_type: str) -> str | None:
    """Where a value belongs that may not fit `data_type`: None for the column itself, or a variant's type."""
    natural = NATURAL_TYPES[type(value)]
    if (data_type, natural) == ("decimal", "double"):
        natural = "text"  # money never becomes a binary float (decision D8)
    for home in (data_type, natural):
        if type(value) in _TAKES.get(home, _NOTHING):
            try:
                _array([value], home)
            except (ValueError, TypeError, OverflowError):
                continue
            return None if home == data_type else home
    return "text"


def _as_text(value: Any) -> str | None:
    """A value for a text variant: text as it is, anything else as JSON wrote it."""
    return value if value is None or isinstance(value, str) else json_text(value)


def _number(value: Any) -> Any:
    """A number that may be a decimal, also where it was sent as text; raises ValueError for any other text."""
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            raise ValueError(value)
        try:
            value = Decimal(value)
        except InvalidOperation as error:  # an exponent that no decimal has
            raise ValueError(value) from error
    if isinstance(value, Decimal) and -int(value.as_tuple().exponent) > _DIGITS:
        raise ValueError(value)
    return value


def _exact_double(value: int | Decimal | None) -> float | None:
    """The value as a double that prints the same number; raises ValueError otherwise."""
    if value is None:
        return None
    number = float(value)
    exact = abs(value) <= _EXACT_INTEGERS if isinstance(value, int) else Decimal(repr(number)) == value
    if not exact:
        raise ValueError(value)
    return number
