"""Coercion of decoded JSON values to Arrow arrays: values that fit, and dlt's variants for those that do not.

Knows types, not records. JSON numbers arrive as `int` or `Decimal` (`json_codec.py`), never as binary floats.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from ..json_codec import json_text
from .schema import MONEY_PRECISION, arrow_types

# dlt type of a value in a field that no column is declared for, as dlt itself chooses it.
NATURAL_TYPES: dict[type, str] = {
    str: "text",
    bool: "bool",
    int: "bigint",
    Decimal: "double",
    dict: "json",
    list: "json",
}

# Python types that a column of each dlt type can hold. A type that is missing here holds only None.
_ACCEPTED: dict[str, frozenset[type]] = {
    "text": frozenset({str}),
    "bool": frozenset({bool}),
    "bigint": frozenset({int}),
    "double": frozenset({Decimal, int}),
    "decimal": frozenset({int, Decimal, str}),
    "json": frozenset({dict, list, str, bool, int, Decimal}),
}
_NONE = frozenset({type(None)})
_WHOLE = _NONE | {int}
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", re.ASCII)

# Doubles hold every integer up to this one.
_EXACT_INTEGERS = 2**53


def natural_type(values: Sequence[Any]) -> str | None:
    """Returns the dlt type of the first value that is not None, or None when there is none."""
    return next((NATURAL_TYPES[type(value)] for value in values if value is not None), None)


def coerce(values: Sequence[Any], data_type: str, *, is_typed: bool = False) -> dict[str | None, pa.Array]:
    """Converts decoded values of one column to Arrow arrays, each as long as `values`, that together hold all of them.

    Under None it is the column itself. Under a type name (`text`, `double`, ...) it is the values that did not fit, for
    dlt's variant column of that type (`<column>__v_text`). With `is_typed` no value has an unexpected type.
    """
    if is_typed or set(map(type, values)) - _NONE <= _ACCEPTED.get(data_type, frozenset()):
        try:
            return {None: _array(values, data_type)}
        except (ValueError, TypeError, OverflowError):
            pass  # some value has the right Python type and still does not fit: look at them one by one
    homes = [None if value is None else _home(value, data_type) for value in values]
    own = [value if home is None else None for value, home in zip(values, homes, strict=True)]
    return {None: _array(own, data_type), **_at_home(values, homes)}


def variants_of(values: Sequence[Any]) -> dict[str | None, pa.Array]:
    """Converts values that have no column of their own to variants, each of its natural type."""
    return _at_home(values, [None if value is None else _home(value, "") for value in values])


def _at_home(values: Sequence[Any], homes: Sequence[str | None]) -> dict[str | None, pa.Array]:
    """Returns an array for each type of variant, with the values that belong there."""
    arrays: dict[str | None, pa.Array] = {}
    for home in sorted({home for home in homes if home}):
        own = [value if there == home else None for value, there in zip(values, homes, strict=True)]
        arrays[home] = _array([_as_text(value) for value in own] if home == "text" else own, home)
    return arrays


def _array(values: Sequence[Any], data_type: str) -> pa.Array:
    """Returns an Arrow array of values that are expected to fit; raises when one does not."""
    if data_type == "decimal" and not set(map(type, values)) <= _WHOLE:
        values = [_number(value) for value in values]  # Arrow itself rejects what decimal(38, 9) cannot hold
    elif data_type == "double":
        values = [_exact_double(value) for value in values]
    elif data_type == "json":
        values = [None if value is None else json_text(value) for value in values]
    return pa.array(values, arrow_types()[data_type])


def _home(value: Any, data_type: str) -> str | None:
    """Returns where a value belongs: None for the column itself, else the type of its variant."""
    natural = NATURAL_TYPES[type(value)]
    if (data_type, natural) == ("decimal", "double"):
        natural = "text"  # money never becomes a binary float (decision D8)
    for home in (data_type, natural):
        if type(value) in _ACCEPTED.get(home, frozenset()):
            try:
                _array([value], home)
            except (ValueError, TypeError, OverflowError):
                continue
            return None if home == data_type else home
    return "text"


def _as_text(value: Any) -> str | None:
    """Returns a value as a text variant holds it: text as it is, anything else as JSON."""
    return value if value is None or isinstance(value, str) else json_text(value)


def _number(value: Any) -> Any:
    """Converts an amount, also one sent as text, for a decimal column; raises ValueError for any other text."""
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            raise ValueError(value)
        try:
            value = Decimal(value)
        except InvalidOperation as error:  # an exponent that no decimal has
            raise ValueError(value) from error
    # pyarrow 26 turns some numbers of 48, 68, 84, ... decimals into 0, and 1E-999999999 crashes the process.
    if isinstance(value, Decimal) and -int(value.as_tuple().exponent) > MONEY_PRECISION:
        raise ValueError(value)
    return value


def _exact_double(value: int | Decimal | None) -> float | None:
    """Converts a number to the double that prints the same number; raises ValueError where there is none."""
    if value is None:
        return None
    number = float(value)
    exact = abs(value) <= _EXACT_INTEGERS if isinstance(value, int) else Decimal(repr(number)) == value
    if not exact:
        raise ValueError(value)
    return number
