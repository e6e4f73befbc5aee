"""Contenders that load days into DuckDB, one for each process: `contenders.py WAY ADDRESS DAYS DATABASE`.

Prints one line of JSON: the seconds in-process, once everything is imported.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pages import days

REPORT = "/v1/organizations/usage_report/claude_code"


def backfilled(address: str, count: int, database: str) -> Callable[[], None]:
    """Prepares a backfill with this project, as the command runs it."""
    from claude_code_analytics import AnalyticsClient
    from claude_code_pipelines import Warehouse, backfill

    os.environ["DESTINATION__DUCKDB__CREDENTIALS"] = f"duckdb:///{database}"

    def run() -> None:
        wanted = days(count)
        with AnalyticsClient(api_key="key", base_url=address) as client:
            backfill(Warehouse(dataset="bench"), wanted[0], wanted[-1], client=client)

    return run


def plain_run(address: str, count: int, database: str) -> Callable[[], None]:
    """Prepares a run of this project's source in a pipeline of the user's own."""
    import dlt

    from claude_code_analytics import claude_code_analytics

    def run() -> None:
        wanted = days(count)
        source = claude_code_analytics("key", start_date=wanted[0], end_date=wanted[-1], base_url=address)
        pipeline = dlt.pipeline("plain", destination=dlt.destinations.duckdb(database), dataset_name="bench")
        pipeline.run(source)

    return run


def plain_dlt(file_format: str | None) -> Callable[[str, int, str], Callable[[], None]]:
    """Prepares a plain dlt resource: it yields dictionaries, and days are replaced by `merge_key`."""

    def prepare(address: str, count: int, database: str) -> Callable[[], None]:
        import dlt
        import httpx

        @dlt.resource(
            name="claude_code_usage",
            write_disposition={"disposition": "merge", "strategy": "delete-insert"},
            merge_key="date",
            columns={"date": {"data_type": "timestamp"}},
        )
        def usage() -> Iterator[Any]:
            with httpx.Client(base_url=address) as http:
                for day in days(count):
                    params: dict[str, Any] = {"starting_at": day.isoformat(), "limit": 1000}
                    while True:
                        page = http.get(REPORT, params=params).json()
                        for record in page["data"]:
                            record["tool_actions"] = [
                                {"tool_name": name, **counts} for name, counts in record["tool_actions"].items()
                            ]
                        yield page["data"]
                        if not page["has_more"]:
                            break
                        params["page"] = page["next_page"]

        def run() -> None:
            destination = dlt.destinations.duckdb(database)
            pipeline = dlt.pipeline("plain", destination=destination, dataset_name="bench")
            pipeline.run(usage(), **({"loader_file_format": file_format} if file_format else {}))

        return run

    return prepare


def floor(address: str, count: int, database: str) -> Callable[[], None]:
    """Prepares the least: page bytes to files, and DuckDB's `read_json` to three tables."""
    import duckdb
    import httpx

    def run() -> None:
        with tempfile.TemporaryDirectory() as folder, httpx.Client(base_url=address) as http:

            def fetch(day: Any) -> None:
                params: dict[str, Any] = {"starting_at": day.isoformat(), "limit": 1000}
                for number in range(10_000):
                    body = http.get(REPORT, params=params).content
                    Path(folder, f"{day}-{number}.json").write_bytes(body)
                    if b'"has_more": false' in body[-100:]:
                        return
                    params["page"] = f"page_{number + 1}"

            with ThreadPoolExecutor(4) as pool:
                list(pool.map(fetch, days(count)))
            with duckdb.connect(database) as connection:
                connection.execute(_FLOOR.replace("FOLDER", folder))

    return run


_FLOOR = """
CREATE SCHEMA bench;
USE bench;
CREATE TEMP TABLE records AS SELECT record.* FROM (
    SELECT unnest(data) AS record
    FROM read_json('FOLDER/*.json', maximum_object_size = 4000000, columns = {data: 'STRUCT(
        date TIMESTAMP, actor STRUCT(type VARCHAR, email_address VARCHAR, api_key_name VARCHAR),
        organization_id VARCHAR, customer_type VARCHAR, subscription_type VARCHAR, terminal_type VARCHAR,
        is_remote BOOLEAN, core_metrics STRUCT(num_sessions BIGINT, lines_of_code STRUCT(added BIGINT, removed BIGINT),
            commits_by_claude_code BIGINT, pull_requests_by_claude_code BIGINT),
        tool_actions MAP(VARCHAR, STRUCT(accepted BIGINT, rejected BIGINT)),
        model_breakdown STRUCT(model VARCHAR,
            tokens STRUCT(input BIGINT, output BIGINT, cache_read BIGINT, cache_creation BIGINT),
            estimated_cost STRUCT(currency VARCHAR, amount DECIMAL(38, 9)))[])[]'}));
CREATE TABLE claude_code_usage AS SELECT rowid AS id, date::DATE AS date, actor.type AS actor_type,
    actor.email_address AS email, actor.api_key_name AS api_key_name, organization_id, customer_type,
    subscription_type, terminal_type, is_remote,
    core_metrics.num_sessions AS core_metrics__num_sessions, core_metrics.lines_of_code.added AS added,
    core_metrics.lines_of_code.removed AS removed, core_metrics.commits_by_claude_code AS commits,
    core_metrics.pull_requests_by_claude_code AS pull_requests FROM records;
CREATE TABLE claude_code_usage__tool_actions AS SELECT id, date::DATE AS date, tool.key AS tool_name,
    tool.value.accepted AS accepted, tool.value.rejected AS rejected
    FROM (SELECT rowid AS id, date, unnest(map_entries(tool_actions)) AS tool FROM records);
CREATE TABLE claude_code_usage__model_breakdown AS SELECT id, date::DATE AS date, m.model AS model,
    m.tokens.input AS input, m.tokens.output AS output, m.tokens.cache_read AS cache_read,
    m.tokens.cache_creation AS cache_creation, m.estimated_cost.currency AS currency,
    m.estimated_cost.amount AS estimated_cost__amount
    FROM (SELECT rowid AS id, date, unnest(model_breakdown) AS m FROM records);
"""

WAYS: dict[str, Callable[[str, int, str], Callable[[], None]]] = {
    "plain run": plain_run,
    "backfill": backfilled,
    "dlt": plain_dlt(None),
    "dlt, Parquet": plain_dlt("parquet"),
    "floor": floor,
}


def main() -> None:
    """Runs one contender and prints its seconds."""
    way, address, count, database = sys.argv[1:]
    run = WAYS[way](address, int(count), database)
    began = time.perf_counter()
    run()
    print(json.dumps({"seconds": time.perf_counter() - began}))  # noqa: T201


if __name__ == "__main__":
    main()
