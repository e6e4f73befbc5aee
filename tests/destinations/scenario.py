"""The scenario of every destination: days that are written, loaded into a backend and compared value by value."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Iterable
from typing import Any

from claude_code_analytics.dates import DayRange
from claude_code_simulator import OMITTED, SAMPLE_ORGANIZATION_ID, model_usage, record
from support.expected import LEDGER, Contents
from support.world import World

IDENTITY_KEY = "k" * 40
# Text that must go through SQL, CSV and JSON unharmed.
AWKWARD = 'it\'s 100% "odd"\\ \n\t;-- {0} %s ? Zürich 東京 🙂'


def write_days(world: World, first: dt.date, last: dt.date, sessions: int = 1) -> None:
    """Has the API return three records on each of these days."""
    for number, day in enumerate(DayRange(first, last).days()):
        world.write(day, *some_records(day, sessions + number, world.organization.id))


def require_truth(world: World, days: Iterable[dt.date] = ()) -> Contents:
    """Compares the dataset with the API, value by value: every day, and every row of the ledger."""
    contents = world.require_truth(days)
    assert contents.ledger == world.api.last
    for entry in world.backend.tables(world.dataset)[LEDGER]:
        day, records = world.api.responses[entry["request_id"]]
        returned_at = world.api.returned_at[entry["request_id"]]
        children = [json.loads(text)[1:] for text in records]
        expected = {
            "date": day,
            "records": len(records),
            "tool_actions": sum(len(tools) for tools, _ in children),
            "models": sum(len(models) for _, models in children),
            "pages": 1,
            "fetched_at": returned_at,
            "is_final": day < returned_at.date(),
        }
        assert {name: entry[name] for name in expected} == expected
        assert entry["_dlt_load_id"]
    return contents


def some_records(day: dt.date, sessions: int, organization: str = SAMPLE_ORGANIZATION_ID) -> list[dict[str, Any]]:
    """Returns three records: a usual one, one of the same person elsewhere, one whose values are hard to carry."""
    records = [
        record(day, sessions=sessions, models=["claude-sonnet-4-5", "claude-opus-4-1"], subscription_type="team"),
        record(day, sessions=sessions, terminal_type="tmux", is_remote=True, tools={}, models=[]),
        record(
            day,
            api_key=f"{AWKWARD} {sessions}",
            terminal_type="",
            is_remote=OMITTED,
            subscription_type=OMITTED,
            sessions=0,
            added=2**53 + sessions,
            tools={"edit_tool": (sessions, 0), "": (1, 2), "Ümlaut 'tool'": (3, 2**40)},
            models=[
                model_usage("m", cents=12345678901234567890123456789, cache_read=2**62 + 1),
                model_usage("m", cents=-0.123456789, currency="EUR"),
                model_usage(AWKWARD, cents=0, input=0),
            ],
        ),
    ]
    return [{**each, "organization_id": organization} for each in records]


def pseudonymous(record: dict[str, Any]) -> dict[str, Any]:
    """Returns a record as `actor_identity=hash` stores it, by the documentation: HMAC-SHA256 of lower-cased text."""

    def pseudonym(text: str) -> str:
        return hmac.new(IDENTITY_KEY.encode(), text.lower().encode(), hashlib.sha256).hexdigest()

    actor = {key: value if key == "type" else pseudonym(value) for key, value in record["actor"].items()}
    return {**record, "actor": actor}
