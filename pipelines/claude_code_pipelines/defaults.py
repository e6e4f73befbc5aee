"""Names, defaults and choices that the command line shows. No imports but the standard library: help must be quick."""

from __future__ import annotations

from pathlib import Path

PROGRAM = "claude-code-analytics"

DESTINATION = "duckdb"
DATASET = "claude_code"

# Days that are committed together.
WINDOW_DAYS = 31
# More than a year, with the roll-out, and in one window: nothing can be lost on the way.
DEMO_DAYS = 400

PROGRESS_STYLES = ("auto", "bar", "plain", "none")

# GitHub reports numbers of teams from five people on (METRICS, R11).
MIN_TEAM = 5
REPORT_FILE = Path("claude-code-report.html")
