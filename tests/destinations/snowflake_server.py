"""Server of Snowflake's stand-in: `fakesnow`, with dlt's statements rewritten to the forms that it knows.

A program for an environment of its own, with fakesnow and without this project: `snowflake_server.py PORT`.
"""

from __future__ import annotations

import re
import sys
from typing import Any

import fakesnow.copy_into
import fakesnow.server
import fakesnow.transforms
import uvicorn
from fakesnow.cursor import FakeSnowflakeCursor
from sqlglot import exp

_STAGE_OF_PUT = re.compile(r"^(\s*PUT\s+'[^']+'\s+)'(@[^']+)'", re.IGNORECASE)
_STAGE_OF_COPY = re.compile(r"(\bFROM\s+)'?(@[^'\s]+)'?", re.IGNORECASE)
_FORMAT_OF_COPY = re.compile(r"FILE_FORMAT\s*=\s*\([^)]*\)", re.IGNORECASE)
_MATCH_OF_COPY = re.compile(r"(MATCH_BY_COLUMN_NAME\s*=\s*)'(\w+)'", re.IGNORECASE)


def simplified(sql: str) -> str:
    """Removes quotes and commas of PUT and COPY that Snowflake takes and fakesnow does not."""
    sql = _STAGE_OF_PUT.sub(lambda found: found[1] + found[2].replace('"', ""), sql)
    if not sql.lstrip().upper().startswith("COPY"):
        return sql
    sql = _STAGE_OF_COPY.sub(lambda found: found[1] + found[2].replace('"', ""), sql)
    sql = _FORMAT_OF_COPY.sub(lambda found: found[0].replace(",", " "), sql)
    return _MATCH_OF_COPY.sub(r"\1\2", sql)


# Snowflake's names of the types that DuckDB, on which fakesnow is built, gives its columns.
_TYPES = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMP_TZ", "TIMESTAMP": "TIMESTAMP_NTZ", "HUGEINT": "NUMBER"}
_JSON_COPY = re.compile(r'COPY INTO\s+"?(\w+)"?\."?(\w+)"?\s+FROM\s+(\S+)', re.IGNORECASE)


def with_columns(cursor: FakeSnowflakeCursor, sql: str) -> str:
    """Names the columns of a JSON COPY one by one: fakesnow does not match them by name."""
    copy = _JSON_COPY.search(sql)
    if not copy or "'JSON'" not in sql:
        return sql
    schema, table, stage = copy.groups()
    columns = (
        cursor._duck_conn.cursor()
        .execute(
            "SELECT column_name, data_type FROM information_schema.columns "
            "WHERE upper(table_schema) = upper(?) AND upper(table_name) = upper(?) ORDER BY ordinal_position",
            [schema, table],
        )
        .fetchall()
    )
    names = ", ".join(f'"{name}"' for name, _ in columns)
    values = ", ".join(f"$1:{name.lower()}::{_TYPES.get(kind.split('(')[0], kind)}" for name, kind in columns)
    source = f"SELECT {values} FROM {stage}"
    return f'COPY INTO "{schema}"."{table}" ({names}) FROM ({source}) FILE_FORMAT = (TYPE = \'JSON\')'


def main(port: int) -> None:
    parse, execute = fakesnow.server.parse_one, FakeSnowflakeCursor.execute

    def parse_simplified(sql: str, *arguments: Any, **options: Any) -> Any:
        return parse(simplified(sql), *arguments, **options)

    def execute_simplified(cursor: Any, sql: str, *arguments: Any, **options: Any) -> Any:
        return execute(cursor, with_columns(cursor, simplified(sql)), *arguments, **options)

    def read_json(reader: Any, url: str) -> Any:
        return exp.func("read_json_auto", exp.Literal(this=url, is_string=True))

    fakesnow.copy_into.ReadJSON.read_expression = read_json
    fakesnow.transforms.trim_cast_varchar = lambda tree: tree  # it drops the characters that TRIM removes
    fakesnow.server.parse_one = parse_simplified
    FakeSnowflakeCursor.execute = execute_simplified
    uvicorn.run(fakesnow.server.app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(int(sys.argv[1]))
