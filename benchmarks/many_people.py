"""Fills a DuckDB file with many people and days: `many_people.py DATABASE PEOPLE DAYS`.

Four weeks of the sample organization are loaded, and copied to the weeks before.
"""

from __future__ import annotations

import datetime as dt
import os
import sys

import duckdb

from claude_code_analytics import AnalyticsClient
from claude_code_pipelines import Warehouse, load
from claude_code_simulator import SampleOrganization, SimulatedApi
from measuring import TABLES

WEEKS = dt.timedelta(days=28)


def main() -> None:
    """Loads the last four weeks, and copies them."""
    database, people, days = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    os.environ["DESTINATION__DUCKDB__CREDENTIALS"] = f"duckdb:///{database}"
    api = SimulatedApi(SampleOrganization(developers=people))
    with AnalyticsClient(api_key=api.credentials.admin_key, transport=api.transport) as client:
        today = client.now().date()
        load(Warehouse(), start=today - WEEKS + dt.timedelta(days=1), client=client)
    first = today - dt.timedelta(days=days - 1)
    with duckdb.connect(database) as connection:
        connection.execute("USE claude_code; SET preserve_insertion_order = false")
        for table in (*(table for table, _ in TABLES.values()), "claude_code_days"):
            ids = [name for name in ("_dlt_id", "_dlt_parent_id") if table != "claude_code_days"]
            ids = ids[: 1 + (table != "claude_code_usage")]
            changed = [
                "(kept.date - 28 * number::INTEGER)::DATE AS date",
                *(f"{x} || '-' || number AS {x}" for x in ids),
            ]
            connection.execute(
                f"INSERT INTO {table} SELECT kept.* REPLACE ({', '.join(changed)}) "
                f"FROM {table} kept, range(1, {days // 28 + 2}) numbers(number) "
                f"WHERE kept.date - 28 * number::INTEGER >= DATE '{first}'"
            )


if __name__ == "__main__":
    main()
