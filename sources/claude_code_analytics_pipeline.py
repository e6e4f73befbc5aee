"""Examples of loads with the source: run the file, or copy the function that you need.

The credential comes from `.dlt/secrets.toml` (`[sources.claude_code_analytics] api_key`) or from the environment
variable ANTHROPIC_ADMIN_KEY. Each function ends by printing where the data is.

The pipeline's name is not that of the command line, so the two share no working folder and no DuckDB file. dlt keeps
the DuckDB file of a name in the folder in which it ran first.
"""

from collections.abc import Iterator

import dlt

from claude_code_analytics import claude_code_analytics

LOG = dlt.progress.log(dump_system_stats=False)


def load_first() -> None:
    """Loads every day from a first day to today into a new dataset."""
    pipeline = dlt.pipeline("claude_code_script", destination="duckdb", dataset_name="claude_code", progress=LOG)
    print(pipeline.run(claude_code_analytics(start_date="2025-01-01")))  # noqa: T201  # also says where the data is


def load_new_days() -> None:
    """Loads what is new since the last run, and fetches recent days again. Run it every day."""
    pipeline = dlt.pipeline("claude_code_script", destination="duckdb", dataset_name="claude_code", progress=LOG)
    print(pipeline.run(claude_code_analytics()))  # noqa: T201


def load_a_closed_range() -> None:
    """Loads past days again (a backfill), both ends included, and leaves the incremental cursor alone."""
    pipeline = dlt.pipeline("claude_code_script", destination="duckdb", dataset_name="claude_code", progress=LOG)
    print(pipeline.run(claude_code_analytics(start_date="2025-06-01", end_date="2025-06-30")))  # noqa: T201


def load_without_names() -> None:
    """Loads up to today and replaces addresses and key names by pseudonyms. Needs the secret `identity_key`."""
    pipeline = dlt.pipeline("claude_code_script", destination="duckdb", dataset_name="claude_code", progress=LOG)
    print(pipeline.run(claude_code_analytics(actor_identity="hash")))  # noqa: T201


@dlt.resource(write_disposition="replace")
def teams() -> Iterator[dict[str, str]]:
    """Yields a person's team, in the place of a source of your own."""
    yield {"email": "ada@example.com", "team": "Platform"}


def load_beside_another_source() -> None:
    """Loads up to today, and another source into the same dataset."""
    pipeline = dlt.pipeline("claude_code_script", destination="duckdb", dataset_name="claude_code", progress=LOG)
    print(pipeline.run([claude_code_analytics(), teams()]))  # noqa: T201


def load_to_bigquery() -> None:
    """Loads up to today into BigQuery. Needs `dlt[bigquery]` and `[destination.bigquery.credentials]`."""
    pipeline = dlt.pipeline("claude_code_bigquery", destination="bigquery", dataset_name="claude_code", progress=LOG)
    print(pipeline.run(claude_code_analytics()))  # noqa: T201


def load_to_snowflake() -> None:
    """Loads up to today into Snowflake. Needs `dlt[snowflake]` and `[destination.snowflake.credentials]`."""
    pipeline = dlt.pipeline("claude_code_snowflake", destination="snowflake", dataset_name="claude_code", progress=LOG)
    print(pipeline.run(claude_code_analytics()))  # noqa: T201


if __name__ == "__main__":
    load_new_days()
