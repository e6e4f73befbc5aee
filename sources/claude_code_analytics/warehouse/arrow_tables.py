"""Arrow tables from columns of decoded values: the declared columns, then those of `unknown_fields.py`.

Knows tables, not reports.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from ..exceptions import UnexpectedResponse
from ..run.dlt_settings import DISCARD_VALUE, FREEZE
from .arrow_types import coerce, natural_type
from .schema import LOAD_ID, Path, Table, arrow_types
from .unknown_fields import RESERVED_NAMES, ExtraColumns, free_path

# Values by the keys that lead to them, each list as long as the table has rows.
Columns = dict[Path, list[Any]]


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
            name = extra.naming(free_path((*path, f"v_{variant}"), taken, extra.naming))
            if name not in types and extra.contract.data_type == FREEZE:
                raise UnexpectedResponse(
                    f"{table.name}.{column}: a value is not {data_type}, and the schema contract freezes data types",
                    day=date,
                )
            if name not in types and extra.contract.data_type == DISCARD_VALUE:
                extra.warn_once(f"{table.name}.{column}: values that are not {data_type} are discarded (contract)")
                continue
            if name not in types:
                extra.variants.add((table.name, name))
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
        named_by = free_path(path, taken, extra.naming)
        name = extra.naming(named_by)
        data_type = types.get(name) or natural_type(left[path])
        if data_type is None:
            continue  # NULL in every record: there is nothing to keep, and no type to choose
        if name not in types and extra.contract.columns == FREEZE:
            raise UnexpectedResponse(
                f"{table.name}.{name}: a new field in the API's records, and the schema contract freezes columns",
                day=date,
            )
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
