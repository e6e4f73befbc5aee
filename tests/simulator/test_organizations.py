"""Promises of the sample organization's days, and of records."""

from __future__ import annotations

import datetime as dt
from typing import Any

from claude_code_simulator import OMITTED, SampleOrganization, record

FOUNDED = dt.date(2025, 3, 3)
WEDNESDAY = dt.date(2026, 9, 2)
LATER = dt.datetime(2026, 11, 22, 12, tzinfo=dt.timezone.utc)

Rows = list[dict[str, Any]]


def test_a_thousand_developers_give_a_thousand_records_on_a_weekday() -> None:
    organization = SampleOrganization(developers=1000, founded=dt.date(2025, 9, 1))
    assert 1000 < len(organization.records(WEDNESDAY, LATER)) < 2000
    assert organization.records(dt.date(2025, 8, 31), LATER) == []


def test_a_record_can_leave_fields_out_and_carry_unknown_ones() -> None:
    built = record(WEDNESDAY, is_remote=OMITTED, tool_actions=None, effort="high", models=["m"])
    assert "is_remote" not in built
    assert (built["date"], built["tool_actions"], built["effort"]) == ("2026-09-02T00:00:00Z", None, "high")
    assert built["model_breakdown"][0]["estimated_cost"] == {"currency": "USD", "amount": 19}
