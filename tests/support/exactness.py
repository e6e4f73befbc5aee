"""Whether each day of a warehouse is exactly the response that its newest ledger row names, by organization."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from claude_code_analytics.destination.ledger import Proof
from support.truth import Contents, RecordingApi, Tables

RECORD_TABLES = ("claude_code_usage", "claude_code_usage__tool_actions", "claude_code_usage__model_breakdown")

# Organization and day.
Key = tuple[str, dt.date]


def differences(tables: Tables, apis: Mapping[str, RecordingApi]) -> dict[Key, str]:
    """Returns the days that differ from the response that their newest ledger row names, and how.

    Args:
        tables: All rows.
        apis: The API of each organization.
    """
    found = {}
    for organization, api in apis.items():
        own = {name: [row for row in rows if row["organization_id"] == organization] for name, rows in tables.items()}
        contents = Contents(own)
        doubled = {row["date"] for table, row_id in contents.doubles for row in own[table] if row["_dlt_id"] == row_id}
        orphaned = {date for _, _, date in contents.orphans}
        for day in {row["date"] for rows in own.values() for row in rows}:
            response = api.answers.get(contents.ledger.get(day, ""), (None, []))
            held = contents.days.get(day, [])
            if response[0] != day:
                found[organization, day] = "no ledger row"
            elif held != response[1]:
                found[organization, day] = f"{len(held)} records of {len(response[1])}"
            elif day in doubled:
                found[organization, day] = "rows doubled"
            elif day in orphaned:
                found[organization, day] = "rows without their record"
    return found


def require_sound(proof: Proof, wrong: Mapping[Key, str]) -> None:
    """Requires that the proof holds no day that is wrong."""
    fooled = {key: wrong[key] for key, state in proof.states.items() if state.is_held and key in wrong}
    assert not fooled, f"held by the proof, and wrong: {fooled}"
