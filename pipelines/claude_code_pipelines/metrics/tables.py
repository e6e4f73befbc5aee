"""Tables of values with their units, and how a value is written: rounded for the eye, or exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

# Shown where a ratio has no denominator, or where the API reported nothing.
NOTHING = "–"  # noqa: RUF001  # a dash, as printers set it


# Smaller amounts need parts of cents.
_CENTS_FROM = 0.1


class Kind(Enum):
    """Unit of the values of a column."""

    TEXT = "text"
    DAY = "day"
    COUNT = "count"
    NUMBER = "number"  # a ratio of counts
    MONEY = "money"  # US dollars
    SHARE = "share"  # shown in percent
    POINTS = "points"  # a difference of shares, in percentage points
    CHANGE = "change"  # relative to before, in percent

    @property
    def is_number(self) -> bool:
        """True if values are set flush right."""
        return self not in (Kind.TEXT, Kind.DAY)


@dataclass(frozen=True)
class Column:
    """A column: its title and the unit of its values."""

    title: str
    kind: Kind = Kind.COUNT


@dataclass(frozen=True)
class Table:
    """A table of values.

    Attributes:
        name: Short name, which also names its CSV file.
        columns: The columns.
        rows: Values, one tuple for each row.
    """

    name: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Any, ...]]


def rounded(value: Any, kind: Kind) -> str:
    """Writes a value for the eye: three digits or so, and a unit."""
    if value is None:
        return NOTHING
    if kind is Kind.COUNT:
        return f"{int(value):,}" if abs(value) < 1_000_000 else _scaled(float(value))
    if kind is Kind.NUMBER:
        return f"{float(value):,.1f}"
    if kind is Kind.MONEY:
        return _dollars(value)
    if kind is Kind.SHARE:
        return f"{float(value):.0%}"
    if kind is Kind.POINTS:
        return f"{round(float(value) * 100, 1) + 0.0:+.1f} points"  # + 0.0: no -0
    if kind is Kind.CHANGE:
        return f"{round(float(value), 2) + 0.0:+.0%}" if abs(value) < 10 else f"x {float(value) + 1:.0f}"
    return str(value)


def exact(value: Any, kind: Kind) -> str:
    """Writes a value as it is: counts and money with all their digits, ratios with two decimals."""
    if value is None:
        return NOTHING
    if kind is Kind.COUNT:
        return f"{int(value):,}"
    if kind is Kind.NUMBER:
        return f"{float(value):,.2f}"
    if kind is Kind.MONEY:  # a ratio is a double
        if isinstance(value, float):
            return f"${value:,.2f}" if value >= _CENTS_FROM else f"${value:,.4f}"
        return f"${_cents_or_more(Decimal(value)):,f}"
    if kind is Kind.SHARE:
        return f"{float(value):.2%}"
    return rounded(value, kind)


def _cents_or_more(value: Decimal) -> Decimal:
    trimmed = value.normalize()
    exponent = trimmed.as_tuple().exponent
    return value.quantize(Decimal("0.01")) if isinstance(exponent, int) and exponent > -2 else trimmed


def _dollars(value: Any) -> str:
    amount = float(value)
    if abs(amount) >= 1_000_000:
        return f"${_scaled(amount)}"
    return f"${amount:,.0f}" if abs(amount) >= 100 else f"${amount:,.2f}"


def _scaled(value: float) -> str:
    for size, letter in ((1e15, "Q"), (1e12, "T"), (1e9, "B"), (1e6, "M")):
        if abs(value) >= size:
            return f"{value / size:,.1f} {letter}"
    return f"{value:,.0f}"
