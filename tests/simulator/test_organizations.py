"""Promises of the sample organization's days, and of records."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest

from claude_code_simulator import OMITTED, SampleOrganization, record
from claude_code_simulator.organizations.prices import FAMILIES

FOUNDED = dt.date(2025, 3, 3)
WEDNESDAY = dt.date(2026, 9, 2)
LATER = dt.datetime(2026, 11, 22, 12, tzinfo=dt.timezone.utc)

Rows = list[dict[str, Any]]


def at(day: dt.date, hour: float) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.timezone.utc) + dt.timedelta(hours=hour)


def numbers(value: Any, path: str = "") -> dict[str, int]:
    """Every number in a record, by its path."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = {key: number for name, part in items for key, number in numbers(part, f"{path}/{name}").items()}
    return {path: value} if type(value) is int else found


@pytest.fixture(scope="module")
def history() -> dict[dt.date, Rows]:
    organization = SampleOrganization()
    days = [FOUNDED + dt.timedelta(days=n) for n in range((dt.date(2026, 11, 20) - FOUNDED).days + 1)]
    return {day: list(organization.records(day, LATER)) for day in days}


def test_the_same_arguments_give_the_same_days_in_any_order(history: dict[dt.date, Rows]) -> None:
    another = SampleOrganization()
    shuffled = list(history)
    random.Random(0).shuffle(shuffled)  # noqa: S311
    assert all(another.records(day, LATER) == history[day] for day in shuffled[:200])
    assert SampleOrganization(seed=2).records(WEDNESDAY, LATER) != history[WEDNESDAY]


def test_weekdays_are_busy_weekends_are_not_and_the_turn_of_the_year_is_empty(history: dict[dt.date, Rows]) -> None:
    grown = {day: len(rows) for day, rows in history.items() if day >= dt.date(2026, 6, 1)}
    weekends = [count for day, count in grown.items() if day.weekday() >= 5]
    assert min(count for day, count in grown.items() if day.weekday() < 5) > 45
    assert max(weekends) < 15
    assert 0.2 < weekends.count(0) / len(weekends) < 0.7
    assert not any(history[dt.date(2025, 12, 24) + dt.timedelta(days=n)] for n in range(9))


def test_today_only_grows_and_hides_the_last_hour() -> None:
    organization = SampleOrganization()
    before: dict[tuple[Any, ...], dict[str, int]] = {}
    sizes = []
    for quarter in range(26 * 4):
        rows = organization.records(WEDNESDAY, at(WEDNESDAY, quarter / 4))
        after = {(str(row["actor"]), row["terminal_type"], row["is_remote"]): numbers(row) for row in rows}
        for key, counts in before.items():
            assert all(after[key][path] >= number for path, number in counts.items())
        before = after
        sizes.append(len(rows))
    assert sizes[:5] == [0] * 5
    assert len(set(sizes)) > 20
    assert organization.records(WEDNESDAY, at(WEDNESDAY, 25)) == organization.records(WEDNESDAY, LATER)


def test_the_odd_values_of_the_documentation_occur(history: dict[dt.date, Rows]) -> None:
    rows = [row for rows in history.values() for row in rows]
    emails = {row["actor"]["email_address"] for row in rows if row["actor"]["type"] == "user_actor"}
    keys = {row["actor"]["api_key_name"] for row in rows if row["actor"]["type"] == "api_actor"}
    assert [email for email in emails if email != email.lower()]
    assert [name for name in keys if not name.isascii()]
    assert {row.get("subscription_type", "missing") for row in rows} == {None, "missing", "team", "enterprise"}
    assert {len(row["tool_actions"]) for row in rows} == {0, 1, 2, 3, 4}
    assert {row["is_remote"] for row in history[WEDNESDAY]} == {True, False}


def test_models_are_used_from_their_release_at_their_price(history: dict[dt.date, Rows]) -> None:
    models = {model.id: model for family in FAMILIES.values() for model in family}
    used: set[str] = set()
    for day, rows in history.items():
        for usage in (usage for row in rows for usage in row["model_breakdown"]):
            model = models[usage["model"]]
            exact = sum(count * price for count, price in zip(usage["tokens"].values(), model.prices, strict=True))
            assert model.since <= day
            assert abs(usage["estimated_cost"]["amount"] - exact / 1_000_000) <= 0.5
            used.add(model.id)
    assert used >= {"claude-sonnet-4-20250514", "claude-sonnet-4-5-20250929", "claude-sonnet-5", "claude-opus-5"}


def test_a_thousand_developers_give_a_thousand_records_on_a_weekday() -> None:
    organization = SampleOrganization(developers=1000, founded=dt.date(2025, 9, 1))
    assert 1000 < len(organization.records(WEDNESDAY, LATER)) < 2000
    assert organization.records(dt.date(2025, 8, 31), LATER) == []


def test_a_record_can_leave_fields_out_and_carry_unknown_ones() -> None:
    built = record(WEDNESDAY, is_remote=OMITTED, tool_actions=None, effort="high", models=["m"])
    assert "is_remote" not in built
    assert (built["date"], built["tool_actions"], built["effort"]) == ("2026-09-02T00:00:00Z", None, "high")
    assert built["model_breakdown"][0]["estimated_cost"] == {"currency": "USD", "amount": 19}
