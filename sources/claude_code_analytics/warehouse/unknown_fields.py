"""Columns beside the declared ones: unknown fields, values of an unexpected type, and fields with one name (D7).

All days of a run share them. Nothing unknown is dropped, and nothing unknown fails a load.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from dlt.common.normalizers.naming import NamingConvention

from ..run.dlt_settings import Contract
from .schema import Path

# System columns of Postgres: a field with such a name gets a suffix, on all destinations alike.
RESERVED_NAMES = ("ctid", "cmax", "cmin", "oid", "tableoid", "xmax", "xmin")

Naming = Callable[[Path], str]


@dataclass
class ExtraColumns:
    """Columns beside the declared ones: unknown fields and variants, shared by all days of a run.

    Attributes:
        naming: Returns the column name for a path of JSON keys, as dlt would.
        types: By table, the dlt type of each extra column: those of earlier loads and, as days are shaped, new ones. A
            column keeps its first type.
        contract: The schema contract: whether unknown fields and variants are kept.
        warn: Called once for each unexpected thing, with one line.
        variants: Table and name of the new variants: dlt applies the contract of data types to them, not that of
            columns.
    """

    naming: Naming
    types: dict[str, dict[str, str]]
    warn: Callable[[str], object]
    contract: Contract = field(default_factory=Contract)
    variants: set[tuple[str, str]] = field(default_factory=set, init=False)
    _warned: set[str] = field(default_factory=set, init=False, repr=False)

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

    def warn_once(self, message: str) -> None:
        """Warns, unless the same warning was given before."""
        if message not in self._warned:
            self._warned.add(message)
            self.warn(message)


def column_naming(convention: NamingConvention) -> Naming:
    """Returns dlt's naming of columns. A blank key, which dlt rejects, is named `_`."""
    return lambda path: convention.shorten_fragments(
        *(convention.normalize_identifier(key if key.strip() else "_") for key in path)
    )


def free_path(path: Path, taken: set[str], naming: Naming) -> Path:
    """Returns a path whose column name is free, with a suffix made from its keys if need be, and takes that name."""
    if naming(path) in taken:
        path = (*path, f"x{blake2b(chr(0).join(path).encode(), digest_size=4).hexdigest()}")
    taken.add(naming(path))
    return path
