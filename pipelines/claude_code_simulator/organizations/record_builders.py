"""Builders of analytics records in the documented shape, as plain values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final

SAMPLE_ORGANIZATION_ID: Final = "5a3f1c0d-7e2b-4b6a-9c41-d2e8f0a6b713"


class Omitted(Enum):
    """Type of `OMITTED`, for signatures."""

    OMITTED = "omitted"


# Leaves a field out of a record, where `None` would write a JSON null.
OMITTED: Final = Omitted.OMITTED


def model_usage(
    model: str,
    input: int = 1_200,
    output: int = 3_400,
    cache_read: int = 88_000,
    cache_creation: int = 5_100,
    *,
    cents: Any = 19,
    currency: str = "USD",
) -> dict[str, Any]:
    """Returns one element of `model_breakdown`.

    `cents` is the estimated cost in minor units of `currency`: an int as documented, or a float or text as observed.
    """
    tokens = {"input": input, "output": output, "cache_read": cache_read, "cache_creation": cache_creation}
    return {"model": model, "tokens": tokens, "estimated_cost": {"currency": currency, "amount": cents}}


def record(
    day: dt.date,
    *,
    email: str = "ada@example.test",
    api_key: str | None = None,
    organization_id: str = SAMPLE_ORGANIZATION_ID,
    customer_type: str = "api",
    subscription_type: str | Omitted | None = None,
    terminal_type: str | None = "vscode",
    is_remote: bool | Omitted = False,
    sessions: int = 3,
    added: int = 210,
    removed: int = 44,
    commits: int = 2,
    pull_requests: int = 1,
    tools: Mapping[str, Any] | None = None,
    models: Sequence[Any] | None = None,
    **overrides: Any,
) -> dict[str, Any]:
    """Returns one record of `day`, with made-up values for whatever is left out.

    `api_key` makes the actor an `api_actor` of that name, without `email`. `tools` has by name a pair
    `(accepted, rejected)` or the object itself, and `models` has model ids or elements as `model_usage` builds them.
    `overrides` are top-level fields to set as they are, documented or not. `OMITTED` leaves a field out.
    """
    user = {"type": "user_actor", "email_address": email}
    built: dict[str, Any] = {
        "date": f"{day.isoformat()}T00:00:00Z",
        "actor": user if api_key is None else {"type": "api_actor", "api_key_name": api_key},
        "organization_id": organization_id,
        "customer_type": customer_type,
        "subscription_type": subscription_type,
        "terminal_type": terminal_type,
        "is_remote": is_remote,
        "core_metrics": {
            "num_sessions": sessions,
            "lines_of_code": {"added": added, "removed": removed},
            "commits_by_claude_code": commits,
            "pull_requests_by_claude_code": pull_requests,
        },
        "tool_actions": {
            name: {"accepted": counts[0], "rejected": counts[1]} if isinstance(counts, tuple) else counts
            for name, counts in ({"edit_tool": (17, 2)} if tools is None else tools).items()
        },
        "model_breakdown": [
            model_usage(model) if isinstance(model, str) else model
            for model in (["claude-sonnet-5"] if models is None else models)
        ],
        **overrides,
    }
    return {name: value for name, value in built.items() if value is not OMITTED}
