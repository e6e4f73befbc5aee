"""Fills a target of eight days with millions of rows of other days: `filled.py DATABASE MILLIONS`.

A process of its own: its memory would count for the runs that are started afterwards.
"""

from __future__ import annotations

import sys

import duckdb

from measuring import TABLES

ROWS_OF_EIGHT_DAYS = 56_000


def main() -> None:
    """Copies the eight days to earlier days, ten copies to each."""
    database, millions = sys.argv[1:]
    with duckdb.connect(database) as connection:
        connection.execute("USE bench; SET preserve_insertion_order = false")
        for table, _ in TABLES.values():
            connection.execute(
                f"INSERT INTO {table} SELECT kept.* REPLACE ("
                "(kept.date - to_days(100 + number::INTEGER // 10))::DATE AS date, kept._dlt_id || number AS _dlt_id) "
                f"FROM {table} kept, range({int(millions) * 1_000_000 // ROWS_OF_EIGHT_DAYS}) numbers(number)"
            )


if __name__ == "__main__":
    main()
