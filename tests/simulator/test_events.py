"""What an organization made of events promises: its days are the sum of what is known at the moment."""

from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal
from typing import Any

import pytest

from claude_code_simulator import (
    OMITTED,
    Dimensions,
    Event,
    EventOrganization,
    SampleOrganization,
    SimulatedApi,
    Usage,
    record,
)

DAY = dt.date(2026, 9, 1)
LATER = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)
ADA = Dimensions(email="ada@example.test")
ALAN = Dimensions(email="alan@example.test", terminal_type="tmux")


def at(hour: float, day: dt.date = DAY) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.timezone.utc) + dt.timedelta(hours=hour)


def work(hour: float = 9, by: Dimensions = ADA, **numbers: Any) -> Event:
    return Event(at(hour), by, **{"sessions": 1, "added": 10, **numbers})


def usage(cents: Any, **tokens: int) -> Usage:
    return Usage("claude-sonnet-5", **{"input": 100, **tokens}, cents=Decimal(cents))


def test_activity_shows_an_hour_after_it_finished_and_not_before_it_arrived() -> None:
    organization = EventOrganization([work(9)])
    assert organization.records(DAY, at(9.99)) == []
    assert len(organization.records(DAY, at(10))) == 1
    late = work(9, arrived_at=at(50))
    assert late.visible_from == at(50)
    organization = EventOrganization([late])
    assert organization.records(DAY, at(49.9)) == []
    assert len(organization.records(DAY, at(50))) == 1


def test_a_day_is_the_utc_day_in_which_activity_finished() -> None:
    new_york = dt.timezone(dt.timedelta(hours=-4))
    organization = EventOrganization([Event(dt.datetime(2026, 9, 1, 21, tzinfo=new_york), sessions=1)])
    assert organization.records(DAY, LATER) == []
    assert len(organization.records(dt.date(2026, 9, 2), LATER)) == 1


def test_rows_are_sums_by_the_documented_dimensions() -> None:
    splits = [
        ADA,
        Dimensions(email="ada@example.test", terminal_type="tmux"),
        Dimensions(email="ada@example.test", terminal_type=None),
        Dimensions(email="ada@example.test", is_remote=True),
        Dimensions(email="ada@example.test", customer_type="subscription", subscription_type="team"),
        Dimensions(email="ada@example.test", subscription_type=OMITTED),
        Dimensions(email="Ada@example.test"),
        Dimensions(api_key="ci"),
    ]
    organization = EventOrganization(work(hour, by) for hour in (8, 9) for by in splits)
    rows = organization.records(DAY, LATER)
    assert len(rows) == len(splits)
    assert {row["core_metrics"]["num_sessions"] for row in rows} == {2}


def test_a_row_has_all_that_its_events_bring() -> None:
    events = [
        work(8, removed=3, commits=1, pull_requests=1, tools={"edit_tool": (2, 1)}, models=(usage("0.4", output=5),)),
        work(9, tools={"edit_tool": (1, 0), "write_tool": (0, 1)}, models=(usage("0.4"), usage("0.3", cache_read=9))),
    ]
    assert EventOrganization(events).records(DAY, LATER) == [
        record(
            DAY,
            sessions=2,
            added=20,
            removed=3,
            commits=1,
            pull_requests=1,
            tools={"edit_tool": (3, 1), "write_tool": (0, 1)},
            models=[
                {
                    "model": "claude-sonnet-5",
                    "tokens": {"input": 300, "output": 5, "cache_read": 9, "cache_creation": 0},
                    "estimated_cost": {"currency": "USD", "amount": 1},
                }
            ],
        )
    ]


def test_a_closed_day_is_restated_up_and_down() -> None:
    organization = EventOrganization([work(9)])
    organization.add(Event(at(9), ADA, arrived_at=at(60), added=5), Event(at(9), ADA, arrived_at=at(90), added=-12))
    said = [organization.records(DAY, at(hour))[0]["core_metrics"]["lines_of_code"]["added"] for hour in (30, 60, 90)]
    assert said == [10, 15, 3]


def test_a_cancelled_row_disappears_and_its_day_becomes_empty_again() -> None:
    event = work(9, tools={"edit_tool": (2, 1)}, models=(usage("1.5"),))
    organization = EventOrganization([event])
    organization.add(event.undone(at(60)))
    assert len(organization.records(DAY, at(59))) == 1
    assert organization.records(DAY, at(60)) == []


def test_a_row_moves_to_another_terminal_at_once() -> None:
    event = work(9)
    organization = EventOrganization([event, work(9, ALAN)])
    organization.add(*event.moved(at(60), terminal_type="ghostty"))

    def terminals(hour: float) -> list[str]:
        return sorted(row["terminal_type"] for row in organization.records(DAY, at(hour)))

    assert terminals(59) == ["tmux", "vscode"]
    assert terminals(60) == ["ghostty", "tmux"]


def test_a_correction_never_shows_before_what_it_corrects() -> None:
    with pytest.raises(ValueError, match="before"):
        work(9, arrived_at=at(50)).undone(at(49))


def test_a_model_and_a_tool_vanish_while_the_row_stays() -> None:
    event = work(9, tools={"edit_tool": (2, 1)}, models=(usage("1.5"),))
    organization = EventOrganization([event])
    organization.add(Event(at(9), ADA, at(60), tools={"edit_tool": (-2, -1)}, models=(-usage("1.5"),)))
    before, after = (organization.records(DAY, at(hour))[0] for hour in (59, 60))
    assert (len(before["tool_actions"]), len(before["model_breakdown"])) == (1, 1)
    assert (after["tool_actions"], after["model_breakdown"]) == ({}, [])
    assert after["core_metrics"] == before["core_metrics"]


@pytest.mark.parametrize(("money", "amount"), [("cents", 3), ("float", 2.5), ("string", "2.50")])
def test_costs_are_rounded_once_for_each_model_row_or_exact(money: Any, amount: Any) -> None:
    events = [work(8, models=(usage("1.25"),)), work(9, models=(usage("1.25"),))]
    (row,) = EventOrganization(events, money=money).records(DAY, LATER)
    found = row["model_breakdown"][0]["estimated_cost"]["amount"]
    assert (type(found), found) == (type(amount), amount)


def test_tokens_may_be_free_and_beyond_32_bits() -> None:
    (row,) = EventOrganization([work(models=(usage(0, input=2**40),))]).records(DAY, LATER)
    (found,) = row["model_breakdown"]
    assert (found["tokens"]["input"], found["estimated_cost"]["amount"]) == (2**40, 0)


@pytest.mark.parametrize(("mode", "sessions"), [("merge", [2]), ("split", [1, 1])])
def test_two_keys_of_one_name_are_one_row_or_two_that_nothing_tells_apart(mode: Any, sessions: list[int]) -> None:
    keys = [Dimensions(api_key="ci", key_id="1"), Dimensions(api_key="ci", key_id="2")]
    rows = EventOrganization([work(9, key) for key in keys], same_key_name=mode).records(DAY, LATER)
    assert [row["core_metrics"]["num_sessions"] for row in rows] == sessions
    assert all(row == {**row, "actor": {"type": "api_actor", "api_key_name": "ci"}} for row in rows)


def test_before_2026_remote_rows_were_not_told_apart() -> None:
    events = [work(8), work(9, Dimensions(is_remote=True, subscription_type="team"))]
    (row,) = EventOrganization(events, era="A").records(DAY, LATER)
    assert row["core_metrics"]["num_sessions"] == 2
    assert not {"is_remote", "subscription_type"} & set(row)


def test_late_data_comes_on_top_of_the_sample_organization() -> None:
    sample = SampleOrganization()
    organization = EventOrganization(base=sample)
    before = organization.records(DAY, LATER)
    assert (organization.id, list(before)) == (sample.id, list(sample.records(DAY, LATER)))
    first, second = (Event.of(row, at(9)) for row in before[:2])
    organization.add(first.undone(LATER), *second.moved(LATER, terminal_type="tmux-256"))
    organization.add(Event(at(9), first.by, LATER, commits=1))
    after = organization.records(DAY, LATER)
    assert len(after) == len(before)
    assert {row["terminal_type"] for row in after} - {row["terminal_type"] for row in before} == {"tmux-256"}
    assert next(row for row in after if row["core_metrics"]["num_sessions"] == 0)["model_breakdown"] == []
    assert [row for row in after if row in before] == list(before[2:])
    assert list(organization.records(DAY, LATER - dt.timedelta(seconds=1))) == list(before)


@pytest.mark.parametrize(
    "row",
    [
        record(DAY),
        record(DAY, api_key="ci", models=["claude-opus-5", "claude-sonnet-5"], tools={"write_tool": (0, 1)}),
        record(DAY, subscription_type=OMITTED, is_remote=OMITTED, terminal_type=None, models=[], tools={}),
    ],
)
def test_an_event_is_all_of_a_record(row: dict[str, Any]) -> None:
    assert EventOrganization([Event.of(row, at(9))]).records(DAY, LATER) == [row]


def test_data_that_arrives_between_two_pages_waits_for_the_next_session(ask: Any, read_day: Any) -> None:
    organization = EventOrganization([work(9, Dimensions(email=f"{n}@example.test")) for n in range(30)])
    api = SimulatedApi(organization, clock=lambda: LATER)
    first = ask(api, starting_at=DAY).json()
    organization.add(work(8), *(event.undone(at(30)) for event in organization.events(DAY)[20:]))
    second = ask(api, starting_at=DAY, page=first["next_page"]).json()
    assert (len(second["data"]), second["has_more"]) == (10, False)
    assert len(read_day(api, DAY, limit=7)) == 21


def test_events_that_are_added_together_are_seen_together() -> None:
    organization = EventOrganization([work(9)])
    event, seen = work(9), set()

    def move() -> None:
        here = event
        for n in range(300):
            undone, here = here.moved(at(30), terminal_type=f"terminal {n}")
            organization.add(undone, here)

    mover = threading.Thread(target=move)
    mover.start()
    while mover.is_alive():
        seen.add(len(organization.records(DAY, LATER)))
    mover.join()
    assert seen | {1} == {1}
