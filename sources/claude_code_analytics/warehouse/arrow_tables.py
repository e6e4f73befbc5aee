"""Arrow tables from columns of decoded values: the declared columns, then those of `unknown_fields.py`.

Knows tables, not reports.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet

import pyarrow as pa
import pyarrow.compute as pc

from .arrow_types import coerce, variants_of
from .schema import ROW_ID, Table, Values, arrow_types
from .unknown_fields import ExtraColumns, UnknownFields

# U+0000 as JSON escapes it: a backslash behind an even number of others.
_NUL_IN_JSON = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def build_table(
    table: Table, values: Values, made: dict[str, pa.Array], extra: ExtraColumns, *, is_typed: bool = False
) -> pa.Table:
    """Builds the rows that a day has in one table: the declared columns but `_dlt_load_id`, then extra columns.

    `made` has, by name, the columns that the connector fills, among them the ids of the rows. Decoded `values` of such
    a column go to variants. Columns without values are NULL. `extra` learns new columns. `is_typed` says that every
    value has the type of its column or is None, amounts aside.
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
            coerced = coerce(given, column.data_type, is_typed=is_typed and column.data_type != "decimal")
            array = coerced[None]
            unknown.add_variants(column.path, column.data_type, coerced)
        elif given is not None:
            unknown.add_variants(column.path, f"the {column.name} that is loaded", variants_of(given))
        fields.append(column.field)
        arrays.append(pa.nulls(rows, arrow_types()[column.data_type]) if array is None else array)
    unknown.add_fields(left)
    fields += [pa.field(name, array.type) for name, array in unknown.arrays.items()]
    return pa.Table.from_arrays([*arrays, *unknown.arrays.values()], schema=pa.schema(fields))


def without_nul(rows: pa.Table, json_columns: AbstractSet[str]) -> pa.Table:
    """Returns rows without the character U+0000 in texts and JSON; the same object where there is none."""
    for place, field in enumerate(rows.schema):
        is_json = field.name in json_columns
        if (
            field.type != pa.string()
            or not pc.any(pc.match_substring(rows[place], "\\u0000" if is_json else "\0")).as_py()
        ):
            continue
        texts = rows[place].to_pylist()
        kept = [text and (_NUL_IN_JSON.sub(r"\1", text) if is_json else text.replace("\0", "")) for text in texts]
        if kept != texts:  # not only an escaped backslash before `u0000`
            rows = rows.set_column(place, field, pa.array(kept, field.type))
    return rows
