"""What the ledger tells: which days are loaded, missing, partial or changed, and how many rows there are."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from claude_code_pipelines.ledger import Entry, summarize

from claude_code_pipelines import Status, Warehouse, read_status
from claude_code_pipelines.console import summary

NOW = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)
ONE, OTHER = "org-1", "org-2"


def september(day: int) -> dt.date:
    return dt.date(2026, 9, day)


def entry(day: int, at: int = 20, content: str = "a", *, final: bool = True, records: int = 1, who: str = ONE) -> Entry:
    """A fetch of a day of September at noon of day `at`."""
    fetched_at = dt.datetime(2026, 9, at, 12, tzinfo=dt.timezone.utc)
    return Entry(who, september(day), fetched_at, records, content, final)


# Pure: what entries amount to


def test_days_between_the_first_and_the_last_final_one_are_loaded_or_missing() -> None:
    status = summarize([entry(14), entry(15), entry(17)], {}, NOW)

    assert status.loaded == (september(14), september(15), september(17))
    assert status.missing == (september(16), september(18), september(19))


def test_today_is_not_missing_before_it_is_final() -> None:
    status = summarize([entry(19)], {}, NOW)

    assert (status.first, status.last, status.missing) == (september(19), september(19), ())


def test_days_that_were_asked_for_are_missing_also_before_the_first_loaded_one() -> None:
    status = summarize([entry(19)], {}, NOW, september(17), september(19))

    assert status.missing == (september(17), september(18))


def test_days_that_were_not_asked_for_are_left_out() -> None:
    status = summarize([entry(10, records=5), entry(19)], {}, NOW, september(18), september(19))

    assert status.loaded == (september(19),)
    assert status.records == 1


def test_a_day_is_partial_until_it_is_fetched_when_it_is_final() -> None:
    early = entry(18, at=18, final=False)

    assert summarize([early], {}, NOW).partial == (september(18),)
    assert summarize([early, entry(18, at=19)], {}, NOW).partial == ()


def test_a_day_that_fills_up_has_not_changed() -> None:
    status = summarize([entry(18, 18, "some", final=False), entry(18, 19, "all"), entry(18, 20, "all")], {}, NOW)

    assert status.changed == ()


def test_a_day_whose_content_differs_after_it_was_final_has_changed() -> None:
    status = summarize([entry(17, 18, "before"), entry(17, 19, "after"), entry(18)], {}, NOW)

    assert status.changed == (september(17),)


def test_a_change_that_was_taken_back_is_still_told() -> None:
    status = summarize([entry(17, 18, "a"), entry(17, 19, "b"), entry(17, 20, "a")], {}, NOW)

    assert status.changed == (september(17),)


def test_records_are_those_of_the_last_fetch_whatever_the_order_of_the_entries() -> None:
    status = summarize([entry(17, 20, records=7), entry(17, 18, records=3)], {}, NOW)

    assert status.records == 7
    assert status.last_fetch == dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)


def test_a_day_that_does_not_hold_what_was_fetched_last_is_damaged() -> None:
    entries = [entry(17, 18, records=3), entry(17, 19, records=2), entry(18, records=0), entry(19, records=4)]
    held = {september(17): 3, september(19): 4}

    assert summarize(entries, {}, NOW, held=held).damaged == (september(17),)
    assert summarize(entries, {}, NOW, held={}).damaged == (september(17), september(19))


def test_two_organizations_are_no_change_of_each_other_and_add_up() -> None:
    status = summarize([entry(17, 18, "a", records=3), entry(17, 19, "b", records=4, who=OTHER)], {}, NOW)

    assert status.organizations == (ONE, OTHER)
    assert status.changed == ()
    assert status.records == 7


def test_nothing_is_known_of_an_empty_ledger() -> None:
    assert summarize([], {}, NOW) == Status()


def test_all_days_that_were_asked_for_are_missing_from_an_empty_ledger() -> None:
    status = summarize([], {}, NOW, september(17), september(18))

    assert status.missing == (september(17), september(18))


# Through the warehouse


def test_the_status_of_a_warehouse_that_was_loaded(office: Any, clock: Any) -> None:
    office.write(september(15), september(20))
    office.load(start=september(15))
    office.write(september(16), september(16), sessions=9)
    clock.move(days=1)
    office.load(start=september(15))

    status = read_status(Warehouse().open(), clock.now)

    assert (status.first, status.last) == (september(15), september(21))
    assert len(status.loaded) == 7
    assert status.missing == ()
    assert status.partial == (september(21),)
    assert status.changed == (september(16),)
    assert status.records == 6
    assert status.rows == {
        "claude_code_usage": 6,
        "claude_code_usage__tool_actions": 6,
        "claude_code_usage__model_breakdown": 6,
    }
    assert status.last_fetch == clock.now


def test_a_gap_that_two_backfills_left_is_missing(office: Any, clock: Any) -> None:
    office.backfill(september(1), september(2))
    office.backfill(september(5), september(6))

    status = read_status(Warehouse().open(), clock.now, last=september(6))

    assert status.missing == (september(3), september(4))


def test_the_status_of_an_empty_warehouse_is_nothing(clock: Any) -> None:
    assert read_status(Warehouse().open(), clock.now) == Status()


# In words


def test_the_json_holds_every_field_in_plain_types() -> None:
    status = summarize([entry(14), entry(16, at=16, final=False)], {"claude_code_usage": 2}, NOW, last=september(16))

    assert json.loads(json.dumps(summary.status_json(status))) == {
        "organizations": [ONE],
        "first": "2026-09-14",
        "last": "2026-09-16",
        "loaded": ["2026-09-14", "2026-09-16"],
        "missing": ["2026-09-15"],
        "partial": ["2026-09-16"],
        "changed": [],
        "damaged": [],
        "interrupted": [],
        "records": 2,
        "rows": {"claude_code_usage": 2},
        "last_fetch": "2026-09-20T12:00:00+00:00",
    }


def test_the_lines_tell_days_as_ranges() -> None:
    entries = [entry(day) for day in (1, 2, 3, 10)]

    lines = list(summary.status_lines(summarize(entries, {"claude_code_usage": 4}, NOW, last=september(10))))

    assert lines[0] == "4 of 10 days loaded, 2026-09-01 to 2026-09-10"
    assert "missing:     2026-09-04..2026-09-09" in lines
    assert "partial:     none" in lines
    assert lines[-1].split() == ["claude_code_usage", "4", "rows"]


def test_many_ranges_are_cut_short_and_counted() -> None:
    entries = [entry(day) for day in range(1, 20, 2)] + [entry(19)]

    lines = list(summary.status_lines(summarize(entries, {}, NOW, last=september(19))))

    assert next(line for line in lines if line.startswith("missing:")).endswith("2026-09-16 and 1 more")


@pytest.mark.parametrize(
    ("first", "sentence"), [(None, "nothing is loaded yet"), (september(1), "nothing of 2026-09-01")]
)
def test_an_empty_warehouse_is_said_to_be_empty(first: dt.date | None, sentence: str) -> None:
    lines = list(summary.status_lines(summarize([], {}, NOW, first, first)))

    assert len(lines) == 1
    assert lines[0].startswith(sentence)
