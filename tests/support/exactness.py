"""Comparison of a dataset of several organizations with the responses that its ledger names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from claude_code_analytics.warehouse.proof import Proof
from support.expected import Contents, RecordingApi, Tables, wrong_days

# Organization and day.
Key = tuple[str, dt.date]


def differences(tables: Tables, apis: Mapping[str, RecordingApi]) -> dict[Key, str]:
    """Returns the days of each organization that differ from the response that their newest ledger row names."""
    found = {}
    for organization, api in apis.items():
        own = {name: [row for row in rows if row["organization_id"] == organization] for name, rows in tables.items()}
        found |= {(organization, day): reason for day, reason in wrong_days(Contents(own), api).items()}
    return found


def require_sound(proof: Proof, wrong: Mapping[Key, str]) -> None:
    """Requires that the proof holds no day that is wrong."""
    fooled = {key: wrong[key] for key, state in proof.states.items() if state.is_held and key in wrong}
    assert not fooled, f"held by the proof, and wrong: {fooled}"
