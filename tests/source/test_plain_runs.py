"""The promise in plain runs: every loaded day holds what the API returned for it at the last fetch."""

from __future__ import annotations

import datetime as dt
from typing import Any

import dlt
import httpx
import pytest

from claude_code_analytics import ApiUnavailable
from claude_code_analytics.run import batches
from claude_code_simulator import error_response, record
from support.days import CLOSED, MONDAY, TUESDAY, WEEK, back, people
from support.refusals import refused
from support.world import LEDGER, TODAY, World, counts


def test_a_day_that_became_empty_is_emptied(world: World) -> None:
    world.write(MONDAY, *people(2))
    world.write(TUESDAY, *people(2, TUESDAY))
    world.run()
    for day, left in ((MONDAY, [TUESDAY, TUESDAY]), (TUESDAY, [])):
        world.clock.move(minutes=1)
        world.write(day)
        world.run()
        assert world.column("date") == left
        assert counts(world) == (len(left),) * 3
    assert [row["records"] for row in world.rows(LEDGER, f"date = DATE '{MONDAY}'")] == [2, 0, 0]
    world.require_truth(WEEK)


def test_days_of_several_pages_are_loaded_whole_also_when_the_last_is_full(world: World) -> None:
    world.api.page_size = 10
    sizes = {back(3): 10, back(2): 20, back(1): 21, back(0): 0}
    for day, size in sizes.items():
        world.write(day, *people(size, day))
    world.run(start_date=back(3), end_date=TODAY)
    world.require_truth(sizes)
    assert counts(world) == (51, 51, 51)
    assert world.column("records", LEDGER) == list(sizes.values())
    assert world.column("pages", LEDGER) == [1, 2, 3, 1]


def test_batches_of_one_run_are_one_replacement(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "ROWS_PER_BATCH", 10)
    for _ in range(2):
        for number in range(7):
            # an unknown field, another organization and an odd type turn up in later batches only
            odd: dict[str, Any] = {"effort": "high"} if number == 4 else {}
            odd |= {"organization_id": "another-org", "is_remote": "yes"} if number == 6 else {}
            world.write(back(number), *people(4, back(number), **odd))
        world.run()
        assert counts(world) == (28, 28, 28)
    assert world.column("effort").count("high") == 4
    assert world.column("is_remote__v_text").count("yes") == 4


def test_nothing_is_printed_or_logged_as_a_warning_on_a_normal_run(world: World, capfd: Any, warnings_of: Any) -> None:
    world.write(MONDAY, *people(3))
    for _ in range(2):
        world.run(**CLOSED)
    assert (*capfd.readouterr(), warnings_of()) == ("", "", [])


# The ledger


def test_the_ledger_has_a_row_for_each_day_and_fetch(world: World) -> None:
    world.api.page_size = 10
    world.write(MONDAY, *people(15))
    world.run(start_date=MONDAY, end_date=TODAY)
    first = {row["date"]: row for row in world.rows(LEDGER)}
    assert sorted(first) == WEEK
    assert [(first[day]["records"], first[day]["pages"]) for day in (MONDAY, TUESDAY)] == [(15, 2), (0, 1)]
    assert all(row["request_id"].startswith("req_") for row in first.values())
    assert {row["fetched_at"] for row in first.values()} == {world.clock.now}
    assert [row["is_final"] for _, row in sorted(first.items())] == [True] * 6 + [False]
    world.clock.move(hours=18)
    world.write(MONDAY, *people(15)[::-1])
    world.write(TUESDAY, record(TUESDAY))
    world.run(start_date=MONDAY, end_date=TODAY)
    assert len(world.rows(LEDGER)) == 14
    later = {row["date"]: row for row in world.rows(LEDGER) if row["fetched_at"] == world.clock.now}
    assert {day for day in later if later[day]["content_hash"] != first[day]["content_hash"]} == {TUESDAY}
    assert all(row["is_final"] for row in later.values())


# Failures


def test_a_run_that_is_stopped_loads_nothing_and_names_the_day(week: World) -> None:
    world, cursor = week, week.cursor()
    world.write_days(MONDAY, TODAY, sessions=2)
    world.api.fault = lambda request, number: (
        error_response(500, "Internal server error", request_id="req_support")
        if request.url.params.get("starting_at", "") >= str(back(2))
        else None
    )
    world.clock.move(days=1)
    with refused(ApiUnavailable, match=rf"{back(0)}: .*Internal server error.*request-id req_support"):
        world.run()
    assert world.column("core_metrics__num_sessions") == [3] * 7
    assert world.cursor() == cursor
    world.api.fault = None
    world.run()
    assert world.column("core_metrics__num_sessions") == [2] * 7
    world.require_truth(WEEK)


def test_a_day_that_does_not_decode_keeps_its_rows_and_the_others_are_loaded(week: World, caplog: Any) -> None:
    world = week
    world.write_days(MONDAY, TODAY, sessions=2)
    body = '{"data": [null], "has_more": false, "next_page": null}'
    world.api.fault = lambda request, number: (
        httpx.Response(200, text=body) if request.url.params.get("starting_at") == str(TUESDAY) else None
    )
    world.clock.move(days=30)
    for requested in (37, 9):  # settled days are not read again, this one is
        world.run()
        assert world.column("core_metrics__num_sessions")[:7] == [2, 3, 2, 2, 2, 2, 2]
        assert (len(world.days_requested()), TUESDAY in world.days_requested()) == (requested, True)
    assert "the load goes on without this day" in caplog.text
    assert world.status().days("inconsistent") == [TUESDAY]
    world.api.fault = None
    world.run()
    world.require_truth(WEEK)
    assert world.status().days("inconsistent") == []


def test_a_step_beside_the_resource_loads_its_own_tables(world: World) -> None:
    world.write(MONDAY, record(MONDAY))

    @dlt.resource(name="notes")
    def notes() -> Any:
        yield {"text": "a table of the user's", "at": dt.datetime(2026, 9, 20, tzinfo=dt.timezone.utc)}

    world.pipeline.run([world.source(**CLOSED), notes()])
    assert world.sql("SELECT text FROM notes") == [("a table of the user's",)]
    world.require_truth([MONDAY])
