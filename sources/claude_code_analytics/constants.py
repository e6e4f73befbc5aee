"""Names, defaults and limits of the source; no behaviour but `version`."""

from __future__ import annotations

import datetime as dt
from functools import cache

DISTRIBUTION = "dlt-claude-code-analytics"

# Name of the dlt source, of its config section and of its default schema.
SOURCE_NAME = "claude_code_analytics"

USAGE_TABLE = "claude_code_usage"
TOOL_ACTIONS_TABLE = "claude_code_usage__tool_actions"
MODEL_BREAKDOWN_TABLE = "claude_code_usage__model_breakdown"
DAYS_TABLE = "claude_code_days"

# Organization of days that an earlier, unreleased version could not attribute.
UNKNOWN_ORGANIZATION = "unknown"
# The simulator's sample organization; it shares no code with the source.
SAMPLE_ORGANIZATION_ID = "5a3f1c0d-7e2b-4b6a-9c41-d2e8f0a6b713"

BASE_URL = "https://api.anthropic.com"
REPORT_PATH = "/v1/organizations/usage_report/claude_code"
ORGANIZATION_PATH = "/v1/organizations/me"
API_VERSION = "2023-06-01"

# Records per page: the most that the API returns, so that a day takes the fewest requests.
PAGE_LIMIT = 1000

# First day by default. Claude Code came out in early 2025, so earlier days are empty.
START_DATE = dt.date(2025, 1, 1)

LOOKBACK_DAYS = 7
MAX_CONCURRENT_DAYS = 4

# A day is final when it was requested this long after its end. The API shows activity "typically" an hour late.
FINAL_AFTER = dt.timedelta(hours=6)

# Claude Code is younger than that: earlier days are typing errors, and a dataset would have them as its first day.
EARLIEST_DAY = dt.date(2020, 1, 1)

# Where the machine's clock and the API's are further apart, one is broken and nobody knows which: the run is refused.
CLOCKS_MOST_APART = dt.timedelta(hours=24)


@cache
def version() -> str:
    """Returns the version of the installed distribution, or `0` where `dlt init` copied the source alone."""
    from importlib import metadata  # slower than `--help`

    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "0"
