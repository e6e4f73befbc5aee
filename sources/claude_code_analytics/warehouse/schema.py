"""Tables and columns as data: name, type, place in a record, meaning. Shaping, hints, docs and tests read them.

Types are dlt's names (`text`, `bigint`, ...); `arrow_type` gives the Arrow type of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import pyarrow as pa

Path = tuple[str, ...]
# Decoded values by the keys that lead to them, each list as long as the table has rows.
Values = dict[Path, list[Any]]

LOAD_ID = "_dlt_load_id"
ROW_ID = "_dlt_id"

# Money (decision D8): every amount of up to 38 digits, nine of them decimals.
MONEY_PRECISION, MONEY_SCALE = 38, 9


@cache
def arrow_types() -> dict[str, pa.DataType]:
    """Returns the Arrow type of each dlt type. A function: dlt imports the source where pyarrow may be missing."""
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
    """One column of one table.

    Attributes:
        name: Name in the warehouse.
        data_type: dlt's name of the type, a key of `arrow_types()`.
        description: Meaning and unit, written to the warehouse as a comment.
        path: Keys that lead to the value in a record (or in an item of its breakdown); empty for a column that the
            connector fills itself.
        nullable: Whether NULL is allowed.
        precision: Digits of a decimal, or of the fraction of a second.
        scale: Decimals of a decimal.
    """

    name: str
    data_type: str
    description: str
    path: Path = ()
    nullable: bool = True
    precision: int | None = None
    scale: int | None = None

    @property
    def field(self) -> pa.Field:
        """The Arrow field of this column."""
        return pa.field(self.name, arrow_types()[self.data_type], nullable=self.nullable)


@dataclass(frozen=True)
class Table:
    """One table of a report.

    Attributes:
        name: Name in the warehouse.
        description: Meaning and grain, written to the warehouse as a comment.
        columns: All declared columns.
        clustered_by: Columns that people filter on besides the date, the most selective first.
        counted_as: The ledger's column that counts the rows of this table; None for the ledger itself.
        parent: The table that `_dlt_parent_id` points to.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    clustered_by: tuple[str, ...] = ()
    counted_as: str | None = None
    parent: str | None = None

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the declared columns."""
        return tuple(column.name for column in self.columns)

    def empty(self) -> pa.Table:
        """Returns an Arrow table with all declared columns and no rows."""
        return pa.schema([column.field for column in self.columns]).empty_table()
