"""What seeing an organization through oddities promises."""

from __future__ import annotations

import copy
import datetime as dt
import json
from typing import Any

import pytest

from claude_code_simulator import ODDITIES, OddOrganization, ScriptedOrganization, record
from claude_code_simulator.oddities import BIG

DAY = dt.date(2026, 9, 1)
NEXT_DAY = dt.date(2026, 9, 2)
NOW = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)


def organization() -> ScriptedOrganization:
    tools = {"edit_tool": (17, 2), "multi_edit_tool": (1, 0)}
    return ScriptedOrganization(
        {
            day: [
                record(day, tools=tools),
                record(day, email="alan@example.test", customer_type="subscription", subscription_type="team"),
                record(day, api_key="ci", tools=tools, models=["claude-opus-5", "claude-haiku-4-5-20251001"]),
            ]
            for day in (DAY, NEXT_DAY)
        }
    )


def through(*oddities: Any, **options: Any) -> list[dict[str, Any]]:
    return list(OddOrganization(organization(), *oddities, **options).records(DAY, NOW))


@pytest.mark.parametrize("name", ODDITIES)
def test_every_oddity_changes_what_is_said_into_other_json_but_not_the_organization(name: str) -> None:
    plain = organization()
    before = copy.deepcopy(plain.days[DAY])
    odd = OddOrganization(plain, name).records(DAY, NOW)
    assert odd != before
    assert json.loads(json.dumps(odd)) == odd
    assert plain.days[DAY] == before


def test_the_old_era_knows_neither_remote_nor_subscriptions() -> None:
    assert all(not {"is_remote", "subscription_type"} & set(row) for row in through("era_a"))


def test_an_era_ends_on_a_day() -> None:
    changing = OddOrganization(organization(), "era_a", until=NEXT_DAY)
    assert "is_remote" not in changing.records(DAY, NOW)[0]
    assert "is_remote" in changing.records(NEXT_DAY, NOW)[0]


def test_the_known_gap_leaves_out_who_signs_in_with_a_subscription() -> None:
    assert [row["customer_type"] for row in through("known_gap")] == ["api", "api"]


def test_oddities_add_up_and_may_concern_some_records_only() -> None:
    rows = through("null_terminal", "big_tokens", lambda row: {**row, "mine": 1}, every=2)
    assert [row["terminal_type"] for row in rows] == [None, "vscode", None]
    assert [row["model_breakdown"][0]["tokens"]["input"] > BIG for row in rows] == [True, False, True]
    assert [row.get("mine") for row in rows] == [1, None, 1]
