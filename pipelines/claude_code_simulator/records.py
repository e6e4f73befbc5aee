"""One record of the analytics report in its documented shape, as plain values.

Holds the builders that every simulated organization and every test makes records with. What records
an organization has on which day is `organization`'s business; how they are served is `api`'s.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final

SAMPLE_ORGANIZATION_ID: Final = "5a3f1c0d-7e2b-4b6a-9c41-d2e8f0a6b713"


class Omitted(Enum):
    """The type of `OMITTED`, so that signatures can name it."""

    OMITTED = "omitted"


OMITTED: Final = Omitted.OMITTED
"""The value of a field that is to be left out of a record, where `None` would write a JSON null."""


def model_usage(
    model: str,
    *,
    input: int = 1_200,
    output: int = 3_400,
    cache_read: int = 88_000,
    cache_creation: int = 5_100,
    cents: Any = 19,
    currency: str = "USD",
) -> dict[str, Any]:
    """Build one element of `model_breakdown`.

    Args:
        model: Model id as the API spells it.
        input: Uncached input tokens.
        output: Output tokens.
        cache_read: Tokens read from the cache.
        cache_creation: Tokens written to the cache.
        cents: Estimated cost in minor units of `currency`; an int as in the documented samples, or a
            float or a string as seen elsewhere.
        currency: ISO 4217 code.
    """
    return {
        "model": model,
        "tokens": {
            "input": input,
            "output": output,
            "cache_read": cache_read,
            "cache_creation": cache_creation,
        },
        "estimated_cost": {"currency": currency, "amount": cents},
    }


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
    """Build one record of `day`.

    Args:
        day: The UTC day.
        email: Address of the `user_actor`.
        api_key: Name of the key: given, the actor is an `api_actor` and `email` is not used.
        organization_id: UUID text.
        customer_type: `api` or `subscription`.
        subscription_type: `team`, `enterprise`, null, or `OMITTED`.
        terminal_type: Free text.
        is_remote: Whether the sessions ran remotely; `OMITTED` as in records from before 2026.
        sessions: Sessions started.
        added: Lines added.
        removed: Lines removed.
        commits: Commits made.
        pull_requests: Pull requests opened.
        tools: By tool name a pair `(accepted, rejected)`, or the object itself.
        models: Model ids (usage is made up) or elements as `model_usage` builds them.
        **overrides: Top-level fields to set as they are, documented or not; `OMITTED` leaves one out.
    """
    built: dict[str, Any] = {
        "date": f"{day.isoformat()}T00:00:00Z",
        "actor": {"type": "user_actor", "email_address": email}
        if api_key is None
        else {"type": "api_actor", "api_key_name": api_key},
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
