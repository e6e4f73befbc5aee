"""Names, defaults and limits. Everything a reader may want to know without reading code; no behaviour."""

from __future__ import annotations

import datetime as dt
from importlib import metadata

SOURCE_NAME = "claude_code_analytics"
"""Name of the dlt source, of its config section and of its default schema."""

USAGE_TABLE = "claude_code_usage"
TOOL_ACTIONS_TABLE = "claude_code_usage__tool_actions"
MODEL_BREAKDOWN_TABLE = "claude_code_usage__model_breakdown"
DAYS_TABLE = "claude_code_days"

RECORD_TABLES = (USAGE_TABLE, TOOL_ACTIONS_TABLE, MODEL_BREAKDOWN_TABLE)
"""Tables whose days are replaced whole; the ledger of days only ever grows."""

TABLES = (*RECORD_TABLES, DAYS_TABLE)

UNKNOWN_ORGANIZATION = "unknown"
"""The organization of records and days for which neither the API nor any record of the window named one."""

BASE_URL = "https://api.anthropic.com"
REPORT_PATH = "/v1/organizations/usage_report/claude_code"
ORGANIZATION_PATH = "/v1/organizations/me"
API_VERSION = "2023-06-01"
PAGE_LIMIT = 1000
"""Records per page: the most that the API gives, so that a day takes the fewest requests."""

API_KEY_VARIABLE = "ANTHROPIC_ADMIN_KEY"
"""Environment variable read for a key when dlt knows no secret."""

START_DATE = "2025-01-01"
"""First day by default: Claude Code came out in early 2025, earlier days are empty."""

LOOKBACK_DAYS = 7
MAX_CONCURRENT_DAYS = 4
WINDOW_DAYS = 31

FINAL_AFTER = dt.timedelta(hours=6)
"""A day is final when it was asked this long after its end: the API shows activity "typically" an hour late."""


def version() -> str:
    """Version of the installed distribution, or `0` when the folder was copied by `dlt init`."""
    try:
        return metadata.version("dlt-claude-code-analytics")
    except metadata.PackageNotFoundError:
        return "0"


SAMPLE_ORGANIZATION_ID = "5a3f1c0d-7e2b-4b6a-9c41-d2e8f0a6b713"
"""Organization of the simulator's sample (which shares no code with the rest); kept apart from real ones."""
