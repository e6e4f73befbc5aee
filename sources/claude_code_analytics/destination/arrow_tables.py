"""Arrow tables from columns of decoded values: declared columns, variants, and columns for unknown fields (D7).

Knows tables, not reports. dlt's naming and the types of columns that earlier loads added come in as arguments.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import pyarrow as pa
from dlt.common.normalizers.naming import NamingConvention

from ..dlt_settings import DISCARD_VALUE, FREEZE, Contract
from ..exceptions import UnexpectedResponse
from .arrow_types import coerce, natural_type
from .schema import LOAD_ID, Path, Table, arrow_types

# System columns of Postgres: a field with such a name gets a suffix, on all destinations alike.
RESERVED_NAMES = ("ctid", "cmax", "cmin", "oid", "tableoid", "xmax", "xmin")

# Values by the keys that lead to them, each list as long as the table has rows.
Columns = dict[Path, list[Any]]

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
    """

    naming: Naming
    types: dict[str, dict[str, str]]
    warn: Callable[[str], object]
    contract: Contract = field(default_factory=Contract)
    _warned: set[str] = field(default_factory=set, init=False, repr=False)

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


def build_table(
    table: Table, *, rows: int, date: dt.date, values: Columns, made: dict[str, pa.Array], extra: ExtraColumns
) -> pa.Table:
    """Builds the rows that a day has in one table.

    Args:
        table: The declared columns.
        rows: Number of rows.
        date: The day, for the column `date`.
        values: Decoded values. Declared columns without values are NULL.
        made: By name, declared columns that the connector fills. Values from the record for such a column go to
            variants.
        extra: Columns beside the declared ones; learns new ones.

    Returns:
        All declared columns but `_dlt_load_id`, then extra columns.
    """
    made = {**made, "date": pa.repeat(pa.scalar(date, pa.date32()), rows)}
    left = dict(values)
    fields: list[pa.Field] = []
    arrays: list[pa.Array] = []
    extras: dict[str, pa.Array] = {}
    taken = {*table.column_names, *RESERVED_NAMES}
    types = extra.types.setdefault(table.name, {})

    def add_variants(path: Path, data_type: str, coerced: Mapping[str | None, pa.Array]) -> None:
        column = extra.naming(path)
        for variant, array in coerced.items():
            if variant is None:
                continue
            if extra.contract.data_type == FREEZE:
                raise UnexpectedResponse(
                    f"{table.name}.{column}: a value is not {data_type}, and the schema contract freezes data types",
                    day=date,
                )
            if extra.contract.data_type == DISCARD_VALUE:
                extra.warn_once(f"{table.name}.{column}: values that are not {data_type} are discarded (contract)")
                continue
            name = extra.naming(_free((*path, f"v_{variant}"), taken, extra.naming))
            extras[name] = array
            types[name] = variant
            extra.warn_once(f"{table.name}.{column}: values that are not {data_type} are kept in {name}")

    for column in table.columns:
        if column.name == LOAD_ID:
            continue
        given = left.pop(column.path, None)
        coerced = {} if given is None else coerce(given, column.data_type)
        array = made.get(column.name, coerced.get(None))
        fields.append(column.field)
        arrays.append(pa.nulls(rows, arrow_types()[column.data_type]) if array is None else array)
        add_variants(column.path, column.data_type, coerced)

    # Where two unknown fields become one name under dlt's naming, the field whose key is that very name gets it.
    for path in sorted(left, key=lambda path: (extra.naming(path) != "__".join(path), path)):
        named_by = _free(path, taken, extra.naming)
        name = extra.naming(named_by)
        data_type = types.get(name) or natural_type(left[path])
        if data_type is None:
            continue  # NULL in every record: there is nothing to keep, and no type to choose
        if name not in types and extra.contract.columns == DISCARD_VALUE:
            extra.warn_once(f"{table.name}.{name}: new field in the API's records; it is discarded (contract)")
            continue
        if name not in types:
            types[name] = data_type
            extra.warn_once(f"{table.name}.{name}: new field in the API's records; it is loaded as {data_type}")
        coerced = coerce(left[path], data_type)
        extras[name] = coerced[None]
        add_variants(named_by, data_type, coerced)

    for name, array in extras.items():
        fields.append(pa.field(name, array.type))
        arrays.append(array)
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _free(path: Path, taken: set[str], naming: Naming) -> Path:
    """Returns a path whose column name is free, with a suffix made from its keys if need be, and takes that name."""
    if naming(path) in taken:
        path = (*path, f"x{blake2b(chr(0).join(path).encode(), digest_size=4).hexdigest()}")
    taken.add(naming(path))
    return path
