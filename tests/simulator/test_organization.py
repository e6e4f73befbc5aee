"""What the sample organization promises about its days, and the scripted one about being scripted."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable
from typing import Any

import pytest

from claude_code_simulator import OMITTED, SampleOrganization, ScriptedOrganization, model_usage, record
from claude_code_simulator.models import FAMILIES
from claude_code_simulator.roster import address

FOUNDED = dt.date(2025, 3, 3)
WEDNESDAY = dt.date(2026, 9, 2)
LATER = dt.datetime(2026, 11, 22, 12, tzinfo=dt.timezone.utc)

Rows = list[dict[str, Any]]


def days(first: dt.date, last: dt.date) -> list[dt.date]:
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


def at(day: dt.date, hour: float) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.timezone.utc) + dt.timedelta(hours=hour)


def models(rows: Iterable[dict[str, Any]]) -> set[str]:
    return {usage["model"] for row in rows for usage in row["model_breakdown"]}


def numbers(value: Any, path: str = "") -> dict[str, int]:
    """Every number in a record, by its path."""
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)  # type: ignore[assignment]
    else:
        return {path: value} if type(value) is int else {}
    return {key: number for name, part in items for key, number in numbers(part, f"{path}/{name}").items()}


@pytest.fixture(scope="module")
def history() -> dict[dt.date, Rows]:
    organization = SampleOrganization()
    return {day: list(organization.records(day, LATER)) for day in days(FOUNDED, dt.date(2026, 11, 20))}


def test_the_same_arguments_give_the_same_days_in_whatever_order_they_are_asked(
    history: dict[dt.date, Rows],
) -> None:
    another = SampleOrganization()
    shuffled = list(history)
    random.Random(0).shuffle(shuffled)  # noqa: S311
    assert all(another.records(day, LATER) == history[day] for day in shuffled)


def test_another_seed_is_another_organization() -> None:
    assert SampleOrganization(seed=2).records(WEDNESDAY, LATER) != SampleOrganization().records(WEDNESDAY, LATER)


def test_weekdays_are_busy_and_weekends_are_not(history: dict[dt.date, Rows]) -> None:
    grown = {day: len(rows) for day, rows in history.items() if day >= dt.date(2026, 6, 1)}
    weekdays = [count for day, count in grown.items() if day.weekday() < 5]
    weekends = [count for day, count in grown.items() if day.weekday() >= 5]
    assert min(weekdays) > 45
    assert max(weekends) < 15
    assert 0.2 < weekends.count(0) / len(weekends) < 0.7


def test_the_turn_of_the_year_is_empty(history: dict[dt.date, Rows]) -> None:
    assert not any(history[day] for day in days(dt.date(2025, 12, 24), dt.date(2026, 1, 1)))
    assert history[dt.date(2025, 12, 23)]
    assert history[dt.date(2026, 1, 2)]


def test_days_before_the_founding_and_after_now_are_empty() -> None:
    organization = SampleOrganization(founded=dt.date(2026, 9, 2))
    assert organization.records(dt.date(2026, 9, 1), LATER) == []
    assert organization.records(dt.date(2026, 9, 2), LATER) != []
    assert organization.records(dt.date(2026, 9, 3), at(WEDNESDAY, 23.9)) == []


def test_nothing_younger_than_an_hour_is_shown() -> None:
    organization = SampleOrganization()
    assert organization.records(WEDNESDAY, at(WEDNESDAY, 1)) == []
    evening = organization.records(WEDNESDAY, at(WEDNESDAY, 24))
    assert organization.records(WEDNESDAY, at(WEDNESDAY, 25)) == organization.records(WEDNESDAY, LATER)
    assert evening != organization.records(WEDNESDAY, LATER)


def test_today_only_grows() -> None:
    organization = SampleOrganization()
    before: dict[tuple[Any, ...], dict[str, int]] = {}
    shown = []
    for quarter in range(26 * 4):
        rows = organization.records(WEDNESDAY, at(WEDNESDAY, quarter / 4))
        shown.append(len(rows))
        after = {
            (str(row["actor"]), row["terminal_type"], row["is_remote"]): numbers(
                {name: row[name] for name in ("core_metrics", "tool_actions", "model_breakdown")}
            )
            for row in rows
        }
        for key, counts in before.items():
            assert after[key].keys() == counts.keys()
            assert all(after[key][path] >= number for path, number in counts.items())
        before = after
    assert shown[0] == 0
    assert len(set(shown)) > 20


def test_people_join_over_time_and_some_leave(history: dict[dt.date, Rows]) -> None:
    def seen(first: dt.date, last: dt.date) -> set[str]:
        return {row["actor"].get("email_address", "") for day in days(first, last) for row in history[day]} - {""}

    spring_2025 = seen(FOUNDED, dt.date(2025, 4, 30))
    autumn_2026 = seen(dt.date(2026, 9, 1), dt.date(2026, 11, 20))
    assert len(autumn_2026) > 1.5 * len(spring_2025)
    assert spring_2025 - autumn_2026


def test_one_actor_has_several_rows_that_differ_in_terminal_or_in_being_remote(
    history: dict[dt.date, Rows],
) -> None:
    rows = history[WEDNESDAY]
    actors = [str(row["actor"]) for row in rows]
    with_terminal = [(str(row["actor"]), row["terminal_type"]) for row in rows]
    whole = [(str(row["actor"]), row["terminal_type"], row["is_remote"]) for row in rows]
    assert len(set(actors)) < len(set(with_terminal)) < len(set(whole)) == len(rows)


def test_remote_rows_start_in_november_2025(history: dict[dt.date, Rows]) -> None:
    remote = [day for day, rows in history.items() if any(row["is_remote"] for row in rows)]
    assert dt.date(2025, 11, 3) <= min(remote) < dt.date(2025, 11, 10)


def test_pipelines_run_on_weekends_but_not_on_every_one(history: dict[dt.date, Rows]) -> None:
    weekends = [day for day in history if day.weekday() >= 5]
    running = [day for day in weekends if any(r["actor"]["type"] == "api_actor" for r in history[day])]
    assert 0.2 < len(running) / len(weekends) < 0.8


def test_some_actors_are_spelled_in_mixed_case_and_in_unicode(history: dict[dt.date, Rows]) -> None:
    actors = [row["actor"] for rows in history.values() for row in rows]
    emails = {actor["email_address"] for actor in actors if actor["type"] == "user_actor"}
    keys = {actor["api_key_name"] for actor in actors if actor["type"] == "api_actor"}
    assert [email for email in emails if email != email.lower()]
    assert [name for name in keys if not name.isascii()]


def test_no_two_developers_share_an_address() -> None:
    assert len({address(number).lower() for number in range(5000)}) == 5000


def test_models_come_and_go(history: dict[dt.date, Rows]) -> None:
    in_month: dict[tuple[int, int], set[str]] = {}
    for day, rows in history.items():
        in_month.setdefault((day.year, day.month), set()).update(models(rows))
    assert "claude-sonnet-4-20250514" in in_month[2025, 7]
    assert {"claude-sonnet-4-20250514", "claude-sonnet-4-5-20250929"} <= in_month[2025, 10]
    assert "claude-sonnet-4-20250514" not in in_month[2026, 1]
    assert {"claude-sonnet-5", "claude-opus-5"} <= in_month[2026, 9]


def test_no_model_is_used_before_it_is_out(history: dict[dt.date, Rows]) -> None:
    since = {model.id: model.since for family in FAMILIES.values() for model in family}
    assert all(since[model] <= day for day, rows in history.items() for model in models(rows))


def test_costs_are_whole_cents_of_tokens_times_prices(history: dict[dt.date, Rows]) -> None:
    prices = {model.id: model for family in FAMILIES.values() for model in family}
    for row in history[WEDNESDAY]:
        for usage in row["model_breakdown"]:
            price, tokens = prices[usage["model"]], usage["tokens"]
            exact = sum(count * getattr(price, kind) for kind, count in tokens.items()) / 1_000_000
            assert type(usage["estimated_cost"]["amount"]) is int
            assert abs(usage["estimated_cost"]["amount"] - exact) <= 0.5


def test_tools_are_an_open_map_and_contracts_are_null_missing_or_named(
    history: dict[dt.date, Rows],
) -> None:
    rows = [row for rows in history.values() for row in rows]
    assert {frozenset(row["tool_actions"]) for row in rows} >= {
        frozenset(),
        frozenset({"edit_tool"}),
        frozenset({"edit_tool", "multi_edit_tool", "write_tool", "notebook_edit_tool"}),
    }
    contracts = {row.get("subscription_type", "missing") for row in rows}
    assert contracts == {None, "missing", "team", "enterprise"}


def test_who_only_asked_questions_wrote_nothing_and_used_no_tools(history: dict[dt.date, Rows]) -> None:
    rows = [row for rows in history.values() for row in rows]
    no_tools = [row for row in rows if not row["tool_actions"]]
    assert 0.03 < len(no_tools) / len(rows) < 0.1


def test_a_thousand_developers_give_a_thousand_records_on_a_weekday() -> None:
    rows = SampleOrganization(developers=1000).records(WEDNESDAY, LATER)
    assert 1000 < len(rows) < 2000


def test_a_scripted_day_can_be_restated_and_emptied() -> None:
    organization = ScriptedOrganization({WEDNESDAY: [record(WEDNESDAY)]})
    organization.days[WEDNESDAY].append(record(WEDNESDAY, email="alan@example.test"))
    assert len(organization.records(WEDNESDAY, LATER)) == 2
    organization.days[WEDNESDAY] = []
    assert organization.records(WEDNESDAY, LATER) == []


def test_a_record_has_the_documented_shape() -> None:
    assert record(
        WEDNESDAY,
        api_key="ci",
        tools={"edit_tool": (17, 2)},
        models=[model_usage("claude-opus-5", input=1, output=2, cache_read=3, cache_creation=4, cents=5)],
    ) == {
        "date": "2026-09-02T00:00:00Z",
        "actor": {"type": "api_actor", "api_key_name": "ci"},
        "organization_id": "5a3f1c0d-7e2b-4b6a-9c41-d2e8f0a6b713",
        "customer_type": "api",
        "subscription_type": None,
        "terminal_type": "vscode",
        "is_remote": False,
        "core_metrics": {
            "num_sessions": 3,
            "lines_of_code": {"added": 210, "removed": 44},
            "commits_by_claude_code": 2,
            "pull_requests_by_claude_code": 1,
        },
        "tool_actions": {"edit_tool": {"accepted": 17, "rejected": 2}},
        "model_breakdown": [
            {
                "model": "claude-opus-5",
                "tokens": {"input": 1, "output": 2, "cache_read": 3, "cache_creation": 4},
                "estimated_cost": {"currency": "USD", "amount": 5},
            }
        ],
    }


def test_a_record_can_leave_fields_out_and_carry_unknown_ones() -> None:
    built = record(WEDNESDAY, is_remote=OMITTED, tool_actions=None, effort="high", models=[])
    assert "is_remote" not in built
    assert (built["tool_actions"], built["effort"], built["model_breakdown"]) == (None, "high", [])
