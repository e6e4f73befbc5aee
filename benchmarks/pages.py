"""Pages for all contenders: rendered once, the same for every day but the date."""

from __future__ import annotations

import datetime as dt
import json

from claude_code_simulator import SAMPLE_ORGANIZATION_ID

PAGE_SIZE = 1000
DAY_IN_TEMPLATE = b"2000-01-01"
TOOLS = ("edit_tool", "multi_edit_tool", "write_tool", "notebook_edit_tool")
MODELS = ("claude-sonnet-5", "claude-opus-5")
# The first day that the source accepts: more than five years of days.
FIRST_DAY = dt.date(2020, 1, 1)


def record(number: int) -> dict[str, object]:
    """Returns a record with four tools and two models: seven rows in the three tables."""
    return {
        "date": f"{DAY_IN_TEMPLATE.decode()}T00:00:00Z",
        "actor": {"type": "user_actor", "email_address": f"dev{number}@example.test"},
        "organization_id": SAMPLE_ORGANIZATION_ID,
        "customer_type": "api",
        "subscription_type": None,
        "terminal_type": ("vscode", "iTerm.app", "tmux")[number % 3],
        "is_remote": number % 7 == 0,
        "core_metrics": {
            "num_sessions": 1 + number % 9,
            "lines_of_code": {"added": number % 2000, "removed": number % 700},
            "commits_by_claude_code": number % 5,
            "pull_requests_by_claude_code": number % 3,
        },
        "tool_actions": {tool: {"accepted": number % 17, "rejected": number % 4} for tool in TOOLS},
        "model_breakdown": [
            {
                "model": model,
                "tokens": {
                    "input": 1000 + number,
                    "output": 300 + number,
                    "cache_read": 88_000 + number,
                    "cache_creation": 5100,
                },
                "estimated_cost": {"currency": "USD", "amount": number % 100 + (0.5 if number % 2 else 0)},
            }
            for model in MODELS
        ],
    }


def totals(records: int) -> dict[str, tuple[int, float]]:
    """Returns the rows of a day of so many records in each table, and a sum of them; see `measuring.TABLES`."""
    numbers = range(records)
    return {
        "usage": (records, sum(1 + number % 9 for number in numbers)),
        "tools": (len(TOOLS) * records, sum(number % 17 for number in numbers) * len(TOOLS)),
        "models": (
            len(MODELS) * records,
            sum(number % 100 + (0.5 if number % 2 else 0) for number in numbers) * len(MODELS),
        ),
    }


def templates(records: int) -> list[bytes]:
    """Returns the pages of a day of so many records, as bodies with `DAY_IN_TEMPLATE` in place of the day."""
    numbers = range(records)
    chunks = [numbers[start : start + PAGE_SIZE] for start in range(0, records, PAGE_SIZE)] or [range(0)]
    return [
        json.dumps(
            {
                "data": [record(number) for number in chunk],
                "has_more": chunk is not chunks[-1],
                "next_page": None if chunk is chunks[-1] else f"page_{index + 1}",
            }
        ).encode()
        for index, chunk in enumerate(chunks)
    ]


def days(count: int) -> list[dt.date]:
    """Returns the first `count` days."""
    return [FIRST_DAY + dt.timedelta(days=number) for number in range(count)]
