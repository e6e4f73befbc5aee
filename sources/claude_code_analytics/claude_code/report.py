"""The Claude Code report as the resource reads it."""

from __future__ import annotations

from ..constants import USAGE_TABLE
from ..report import DailyReport
from .columns import DAYS, MODEL_BREAKDOWN, TOOL_ACTIONS, USAGE
from .pages import fetch_day
from .tables import shape, shape_documented

CLAUDE_CODE = DailyReport(
    name=USAGE_TABLE,
    tables=(USAGE, TOOL_ACTIONS, MODEL_BREAKDOWN),
    ledger=DAYS,
    fetch=fetch_day,
    shape_documented=shape_documented,
    shape=shape,
)
