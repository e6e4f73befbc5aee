"""Tables and columns as data: name, type, place in a record, meaning. Shaping, hints, docs and tests read them.

Types are dlt's names (`text`, `bigint`, ...); `arrow_types` has the Arrow type of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

Path = tuple[str, ...]
# Decoded values by the keys that lead to them, each list as long as the table has rows.
Values = dict[Path, Sequence[Any]]

LOAD_ID = "_dlt_load_id"
ROW_ID = "_dlt_id"

# Money (decision D8): every amount of up to 38 digits, nine of them decimals.
MONEY_PRECISION, MONEY_SCALE = 38, 9


def is_dlt_column(name: str) -> bool:
    """Returns whether a column is one of dlt's own, whose values are no cells of a day."""
    return name.lower().startswith("_dlt_")


@cache
def arrow_types() -> dict[str, pa.DataType]:
    """Returns the Arrow type of each dlt type. A function: dlt imports the source where pyarrow may be missing."""
    import pyarrow as pa

    return {
        "text": pa.string(),
        "bigint": pa.int64(),
        "bool": pa.bool_(),
        "double": pa.float64(),
        "decimal": pa.decimal128(MONEY_PRECISION, MONEY_SCALE),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us", tz="UTC"),
        "json": pa.string(),
    }


@dataclass(frozen=True)
class Column:
    """One column of one table."""

    name: str
    data_type: str  # a key of `arrow_types()`
    description: str  # meaning and unit, written to the warehouse as a comment
    # Keys that lead to the value in a record, or in an item of its breakdown. Empty: the connector fills the column.
    path: Path = ()
    nullable: bool = True
    precision: int | None = None  # digits of a decimal, or of the fraction of a second
    scale: int | None = None

    @property
    def field(self) -> pa.Field:
        import pyarrow as pa

        return pa.field(self.name, arrow_types()[self.data_type], nullable=self.nullable)


@dataclass(frozen=True)
class Table:
    """One table of a report, with its declared columns."""

    name: str
    description: str  # meaning and grain, written to the warehouse as a comment
    columns: tuple[Column, ...]
    clustered_by: tuple[str, ...] = ()  # what people filter on besides the date, the most selective first
    counted_as: str | None = None  # the ledger's column that counts its rows; None for the ledger itself
    parent: str | None = None  # the table that `_dlt_parent_id` points to

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def count_column(self) -> str | None:
        """The column that has the number of a day's rows in its marker: the first of whole numbers."""
        return next((column.name for column in self.columns if column.data_type == "bigint"), None)

    @property
    def shaped_columns(self) -> list[Column]:
        """The columns of a shaped day: all but the load id, which the batch adds."""
        return [column for column in self.columns if column.name != LOAD_ID]

    @property
    def shaped_schema(self) -> pa.Schema:
        import pyarrow as pa

        return pa.schema([column.field for column in self.shaped_columns])
