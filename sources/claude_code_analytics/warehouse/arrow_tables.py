"""Arrow tables from columns of decoded values: the declared columns, then those of `unknown_fields.py`.

Knows tables, not reports.
"""

from __future__ import annotations

import pyarrow as pa

from .arrow_types import coerce, variants_of
from .schema import ROW_ID, Table, Values, arrow_types
from .unknown_fields import ExtraColumns, UnknownFields


def build_table(table: Table, values: Values, made: dict[str, pa.Array], extra: ExtraColumns) -> pa.Table:
    """Builds the rows that a day has in one table: the declared columns but `_dlt_load_id`, then extra columns.

    `made` has, by name, the columns that the connector fills, among them the ids of the rows. Decoded `values` of such
    a column go to variants. Columns without values are NULL. `extra` learns new columns.
    """
    rows = len(made[ROW_ID])
    left = dict(values)
    unknown = UnknownFields(table, extra)
    fields: list[pa.Field] = []
    arrays: list[pa.Array] = []
    for column in table.shaped_columns:
        given = left.pop(column.path, None)
        array = made.get(column.name)
        if given is not None and array is None:
            coerced = coerce(given, column.data_type)
            array = coerced[None]
            unknown.add_variants(column.path, column.data_type, coerced)
        elif given is not None:
            unknown.add_variants(column.path, f"the {column.name} that is loaded", variants_of(given))
        fields.append(column.field)
        arrays.append(pa.nulls(rows, arrow_types()[column.data_type]) if array is None else array)
    unknown.add_fields(left)
    fields += [pa.field(name, array.type) for name, array in unknown.arrays.items()]
    return pa.Table.from_arrays([*arrays, *unknown.arrays.values()], schema=pa.schema(fields))
