"""Examples of loads with the source: run the file, or copy the function that you need.

The credential comes from `.dlt/secrets.toml` (`[sources.claude_code_analytics] api_key`) or from the environment
variable ANTHROPIC_ADMIN_KEY. Each function ends by printing where the data is.

The pipeline's name is not that of the command line, so the two share no working folder and no DuckDB file. dlt keeps
the DuckDB file of a name in the folder in which it ran first.
"""

import dlt

from claude_code_analytics import claude_code_analytics

LOG = dlt.progress.log(dump_system_stats=False)


def load_new_days() -> None:
    """Loads up to today and fetches recent days again. Run it every day."""
    pipeline = dlt.pipeline("claude_code_script", destination="duckdb", dataset_name="claude_code", progress=LOG)
    print(pipeline.run(claude_code_analytics(start_date="2025-01-01")))  # noqa: T201  # also says where the data is


def load_a_closed_range() -> None:
    """Loads past days, both ends included, and leaves the incremental cursor alone."""
    pipeline = dlt.pipeline("claude_code_script", destination="duckdb", dataset_name="claude_code", progress=LOG)
    print(pipeline.run(claude_code_analytics(start_date="2025-06-01", end_date="2025-06-30")))  # noqa: T201


def load_without_names() -> None:
    """Loads up to today and replaces addresses and key names by pseudonyms. Needs the secret `identity_key`."""
    pipeline = dlt.pipeline("claude_code_script", destination="duckdb", dataset_name="claude_code", progress=LOG)
    print(pipeline.run(claude_code_analytics(actor_identity="hash")))  # noqa: T201


if __name__ == "__main__":
    load_new_days()
