"""Unknown fields of the API and values of an unexpected type: the columns that they become (decision D7).

Nothing unknown is dropped, and nothing unknown fails a load. All days of a run share these columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import pyarrow as pa
from dlt.common.normalizers.naming import NamingConvention

from .arrow_types import coerce, natural_type
from .schema import Path, Table, Values

# System columns of Postgres: a field with such a name gets a suffix, on all destinations alike.
RESERVED_NAMES = ("ctid", "cmax", "cmin", "oid", "tableoid", "xmax", "xmin")

# Returns the column name for a path of JSON keys, as dlt would.
Naming = Callable[[Path], str]


@dataclass
class ExtraColumns:
    """Columns beside the declared ones, shared by all days of a run."""

    naming: Naming
    # By table and column, the dlt type: those of earlier loads and, as days are shaped, new ones. The first is kept.
    types: dict[str, dict[str, str]]
    warn: Callable[[str], object]  # called in every day that has the unexpected thing
    # Table and name of new variants: dlt applies the contract of data types to them, not that of columns.
    variants: set[tuple[str, str]] = field(default_factory=set, init=False)

    def hints(self, table: str) -> dict[str, dict[str, Any]]:
        """Returns dlt's column hints for the extra columns of a table."""
        return {
            name: {
                "name": name,
                "data_type": data_type,
                "nullable": True,
                **({"variant": True} if (table, name) in self.variants else {}),
            }
            for name, data_type in self.types.get(table, {}).items()
        }


class UnknownFields:
    """The extra columns of one table while a day is shaped."""

    def __init__(self, table: Table, extra: ExtraColumns) -> None:
        self.arrays: dict[str, pa.Array] = {}
        self._table = table.name
        self._extra = extra
        self._types = extra.types.setdefault(table.name, {})
        self._taken = {*table.column_names, *RESERVED_NAMES}

    def add_fields(self, values: Values) -> None:
        """Adds a column for each field that no column is declared for."""
        naming = self._extra.naming
        # Where two fields become one name under dlt's naming, the field whose key is that very name gets it.
        for path in sorted(values, key=lambda path: (naming(path) != "__".join(path), path)):
            named_by = self._free_path(path)
            name = naming(named_by)
            data_type = self._types.get(name) or natural_type(values[path])
            if data_type is None:
                continue  # NULL in every record: there is nothing to keep, and no type to choose
            if name not in self._types:
                self._types[name] = data_type
                self._extra.warn(f"{self._table}.{name}: new field in the API's records; it is loaded as {data_type}")
            coerced = coerce(values[path], data_type)
            self.arrays[name] = coerced[None]
            self.add_variants(named_by, data_type, coerced)

    def add_variants(self, path: Path, expected: str, coerced: Mapping[str | None, pa.Array]) -> None:
        """Adds a column for each type of the values that are not as `expected` of the column at `path`."""
        column = self._extra.naming(path)
        for variant, array in coerced.items():
            if variant is None:
                continue
            name = self._extra.naming(self._free_path((*path, f"v_{variant}")))
            if name not in self._types:
                self._extra.variants.add((self._table, name))
            self.arrays[name] = array
            self._types[name] = variant
            self._extra.warn(f"{self._table}.{column}: values that are not {expected} are kept in {name}")

    def _free_path(self, path: Path) -> Path:
        """Returns a path whose column name is free, with a suffix made from its keys if need be; takes that name."""
        naming = self._extra.naming
        if naming(path) in self._taken:
            path = (*path, f"x{blake2b(chr(0).join(path).encode(), digest_size=4).hexdigest()}")
        self._taken.add(naming(path))
        return path


def column_naming(convention: NamingConvention) -> Naming:
    """Returns dlt's naming of columns. A blank key, which dlt rejects, is named `_`."""
    return lambda path: convention.shorten_fragments(
        *(convention.normalize_identifier(key if key.strip() else "_") for key in path)
    )
