"""Tables of values with their units, and how a value is written: rounded for the eye, or exact."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    """A column.

    Attributes:
        title: Name for people.
        kind: Unit of the values.
        key: Name for programs; by default made of the title.
        detail: Where there is little room, the columns with the highest ones give way first.
    """

    title: str
    kind: Kind = Kind.COUNT
    key: str = ""
    detail: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", self.key or self.title.lower().replace(" ", "_"))


@dataclass(frozen=True)
class Table:
    """A table of values.

    Attributes:
        name: Short name, which also names its CSV file.
        columns: The columns.
        rows: Values, one tuple for each row.
        rest: Rows that complete the sums: `(API keys)`, `(unknown)` (METRICS, R13).
        total: The row of the whole; only for people who read, since a pivot would double it.
    """

    name: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Any, ...]]
    rest: Sequence[tuple[Any, ...]] = ()
    total: tuple[Any, ...] | None = None

    @property
    def data(self) -> list[tuple[Any, ...]]:
        """All rows but the total, for programs."""
        return [*self.rows, *self.rest]

    def shown(self) -> Table:
        """Returns the table without columns that have no value anywhere."""
        rows = [*self.data, *([self.total] if self.total else [])]
        kept = [place for place in range(len(self.columns)) if any(row[place] is not None for row in rows)]
        return self.picked(kept)

    def picked(self, places: Sequence[int]) -> Table:
        """Returns the table with some of its columns."""

        def pick(row: tuple[Any, ...]) -> tuple[Any, ...]:
            return tuple(row[place] for place in places)

        return Table(
            self.name,
            pick(self.columns),
            [*map(pick, self.rows)],
            [*map(pick, self.rest)],
            self.total and pick(self.total),
        )


def rounded(value: Any, kind: Kind) -> str:
    """Writes a value for the eye: three digits or so, and a unit."""
    return NOTHING if value is None else _ROUNDED.get(kind, str)(value)


def signed(value: Any) -> str:
    """Writes a difference of money for the eye, with its sign."""
    return f"{'+' if value > 0 else ''}{rounded(value, Kind.MONEY)}"


def _rounded_change(value: Any) -> str:
    if abs(value) >= 10:
        return f"x {float(value) + 1:.0f}"
    return f"{share:+.0%}" if (share := round(float(value), 2)) else "0%"


def _points(value: Any, digits: int) -> str:
    return f"{points:+.{digits}f} points" if (points := round(float(value) * 100, digits)) else "0 points"


def exact(value: Any, kind: Kind) -> str:
    """Writes a value as it is: counts and money with all their digits, ratios with two decimals."""
    if value is None:
        return NOTHING
    if kind is Kind.COUNT:
        return f"{int(value):,}"
    if kind is Kind.NUMBER:
        return f"{float(value):,.2f}"
    if kind is Kind.MONEY:
        return f"{'-' if value < 0 else ''}${_exact_amount(abs(value))}"
    if kind is Kind.SHARE:
        return f"{float(value):.2%}"
    if kind is Kind.POINTS:
        return _points(value, 2)
    return rounded(value, kind)


def _exact_amount(value: Any) -> str:
    if isinstance(value, float):  # a ratio
        return f"{value:,.2f}" if value >= _CENTS_FROM else f"{value:,.4f}"
    return f"{_cents_or_more(Decimal(value)):,f}"


def _cents_or_more(value: Decimal) -> Decimal:
    trimmed = value.normalize()
    exponent = trimmed.as_tuple().exponent
    return value.quantize(Decimal("0.01")) if isinstance(exponent, int) and exponent > -2 else trimmed


def _dollars(value: Any) -> str:
    amount = abs(float(value))
    shown = _scaled(amount) if amount >= 1_000_000 else f"{amount:,.{0 if amount >= 100 else 2}f}"
    return f"{'-' if value < 0 else ''}${shown}"


def _scaled(value: float) -> str:
    for size, letter in ((1e6, "M"), (1e9, "B"), (1e12, "T"), (1e15, "Q")):
        # rounded first: 999,950,000 is 1.0 B, not 1,000.0 M
        if round(abs(value) / size, 1) < 1000 or letter == "Q":
            break
    return f"{value / size:,.1f} {letter}"


_ROUNDED: dict[Kind, Callable[[Any], str]] = {
    Kind.COUNT: lambda value: f"{int(value):,}" if abs(value) < 1_000_000 else _scaled(float(value)),
    Kind.NUMBER: lambda value: f"{float(value):,.{1 if abs(value) < 100 else 0}f}",
    Kind.MONEY: _dollars,
    Kind.SHARE: lambda value: f"{float(value):.0%}",
    Kind.POINTS: lambda value: _points(value, 0),
    Kind.CHANGE: _rounded_change,
}
