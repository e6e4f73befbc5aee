"""The same story at every destination: whatever happened, the tables hold what the API said last, to the last value."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from claude_code_analytics import ConfigurationError, DestinationError
from claude_code_pipelines.views import create_views
from claude_code_simulator import record
from story import FIRST, IDENTITY_KEY, OTHER_ORGANIZATION, TODAY, Story, pseudonymous, some_records
from truth import LEDGER, MODELS, PLACES, TOOLS, USAGE, broken_promises

# Google's client says so at every read where its faster way is not installed, which leads past a stand-in.
pytestmark = pytest.mark.filterwarnings("ignore:Cannot create BigQuery Storage client")

ONE_DAY = dt.timedelta(days=1)


def test_a_first_load_holds_what_the_api_said(story: Story) -> None:
    story.write_days(FIRST, TODAY)
    story.write(FIRST + 2 * ONE_DAY)

    loading = story.load(window_days=4)

    contents = story.require_truth()
    assert dict(loading.rows.items() & contents.rows.items()) == contents.rows
    assert contents.rows == {USAGE: 18, TOOLS: 24, MODELS: 30, LEDGER: 7}
    status = story.status()
    assert len(status.loaded) == 7
    assert status.partial == (TODAY,)
    assert (status.missing, status.changed, status.damaged, status.interrupted) == ((), (), (), ())
    assert (status.records, status.rows) == (18, {name: contents.rows[name] for name in (USAGE, TOOLS, MODELS)})

    usage = story.place.qualified(story.dataset, USAGE)
    story.place.run(f"DELETE FROM {usage} WHERE date = DATE '{FIRST}'")  # noqa: S608
    assert story.status().damaged == (FIRST,)


def test_daily_loads_follow_days_that_grow_shrink_and_become_empty(story: Story) -> None:
    story.write_days(FIRST, TODAY)
    story.load()

    story.clock.move(days=1)
    story.write(FIRST, *some_records(FIRST, 90), record(FIRST, email="late@example.test"))
    story.write(TODAY, *[record(TODAY)] * 3)
    story.write_days(TODAY + ONE_DAY, TODAY + ONE_DAY, sessions=50)
    story.load()
    story.require_truth()

    story.clock.move(days=1)
    story.write(FIRST + ONE_DAY)
    story.write(TODAY, *[record(TODAY)] * 2)
    story.load()

    contents = story.require_truth()
    assert FIRST + ONE_DAY not in contents.days
    assert len(contents.days[TODAY]) == 2
    assert story.cursor() == TODAY + 2 * ONE_DAY
    assert story.status().changed == (FIRST, FIRST + ONE_DAY, TODAY)


def test_a_backfill_brings_older_days_and_leaves_the_cursor_alone(story: Story) -> None:
    story.write_days(FIRST - 6 * ONE_DAY, TODAY)
    story.load()

    story.write_days(FIRST - 5 * ONE_DAY, FIRST, sessions=30)
    story.backfill(FIRST - 6 * ONE_DAY, FIRST, window_days=4)
    story.require_truth()
    assert story.cursor() == TODAY

    story.write(FIRST - 4 * ONE_DAY)
    story.write(FIRST - 3 * ONE_DAY, *some_records(FIRST - 3 * ONE_DAY, 60)[1:])
    story.backfill(FIRST - 6 * ONE_DAY, FIRST)

    assert FIRST - 4 * ONE_DAY not in story.require_truth().days


def test_organizations_in_one_dataset_leave_each_other_alone(make_story: Callable[..., Story]) -> None:
    one, two = make_story(), make_story(organization=OTHER_ORGANIZATION, pipeline="other")
    for number, story in enumerate((one, two)):
        story.write_days(FIRST, TODAY, sessions=10 * number)
        story.load()

    for day in (FIRST, FIRST + ONE_DAY):
        one.write(day)
        two.write(day, *some_records(day, 70))
    one.load()
    two.backfill(FIRST, FIRST)

    assert {FIRST, FIRST + ONE_DAY}.isdisjoint(one.require_truth().days)
    two.require_truth()


def test_fields_that_appear_later_become_columns(make_story: Callable[..., Story]) -> None:
    story = make_story(places=(*PLACES, "flag", "note", "share", "core_metrics.reviews", "labels", "origin"))
    story.write_days(FIRST, TODAY)
    story.load()
    story.clock.move(days=1)
    known = some_records(TODAY, 5)
    story.write(
        TODAY,
        {**known[0], "flag": True, "note": 'it\'s 50% \\ "new"', "share": 0.125, "labels": ["a", {"b": 1}]},
        {**known[1], "flag": False, "note": "", "origin": {"kind": "ci", "runs": [1, 2.5, None]}},
        {**known[2], "core_metrics": {**known[2]["core_metrics"], "reviews": 4}},
    )
    story.load()
    story.require_truth()

    story.clock.move(days=1)
    story.write(TODAY, {**known[0], "note": "still here", "share": 1, "labels": []}, known[1])
    story.write(TODAY + ONE_DAY, {**some_records(TODAY + ONE_DAY, 1)[0], "origin": {"kind": "Zürich's"}})
    story.load()

    story.require_truth()


def test_actors_are_stored_as_pseudonyms(make_story: Callable[..., Story], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__CLAUDE_CODE_ANALYTICS__ACTOR_IDENTITY", "hash")
    monkeypatch.setenv("SOURCES__CLAUDE_CODE_ANALYTICS__IDENTITY_KEY", IDENTITY_KEY)
    story = make_story(as_stored=pseudonymous)
    story.write_days(FIRST, TODAY)
    story.load()

    story.require_truth()
    assert "ada@" not in str(story.place.tables(story.dataset))


def test_a_load_that_died_between_two_tables_is_put_right(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """The load finds one table gone, after it has read and before it writes: it ends there, as a kill would."""
    monkeypatch.setenv("LOAD__RAISE_ON_MAX_RETRIES", "1")
    monkeypatch.setenv("LOAD__WORKERS", "4")  # the tables side by side
    first, last = FIRST - 20 * ONE_DAY, FIRST - 18 * ONE_DAY
    story.write_days(first, last)
    story.backfill(first, last)

    def take_away(request: Any, number: int) -> None:
        if request.url.params.get("starting_at") == last.isoformat():
            story.place.rename(story.dataset, MODELS, "taken_away")

    for attempt in range(10):  # dlt writes the tables in no fixed order: where this one came first, nothing is torn
        story.write_days(first, last, sessions=40 + attempt)
        story.write(first)
        story.api.fault = take_away
        with pytest.raises(DestinationError):
            story.backfill(first, last)
        story.api.fault = None
        story.place.rename(story.dataset, "taken_away", MODELS)
        if broken_promises(story.contents(), story.api):
            break
    else:
        pytest.fail("no load ended half way")
    assert story.status().interrupted == tuple(first + number * ONE_DAY for number in range(3))

    story.move_to_another_machine()
    story.clock.move(days=1)
    story.write_days(FIRST, TODAY)
    story.load()

    story.require_truth()
    assert story.status().interrupted == ()


def test_another_machine_goes_on_from_what_the_warehouse_knows(story: Story) -> None:
    story.write_days(FIRST - 20 * ONE_DAY, TODAY + ONE_DAY)
    story.load(start=FIRST - 20 * ONE_DAY)
    story.move_to_another_machine()
    assert story.cursor() == TODAY

    story.clock.move(days=1)
    story.write(TODAY, *some_records(TODAY, 77))
    story.load(start=FIRST - 20 * ONE_DAY)

    assert story.days_asked() == [TODAY + number * ONE_DAY for number in range(-7, 2)]
    story.require_truth()


def test_tables_that_somebody_removed_are_made_and_filled_again(story: Story) -> None:
    story.write_days(FIRST, TODAY)
    story.load()
    for table in (USAGE, TOOLS, MODELS, LEDGER):
        story.place.run(f"DROP TABLE {story.place.qualified(story.dataset, table)}")

    story.load()

    story.require_truth()
    assert story.days_asked() == [FIRST + number * ONE_DAY for number in range(7)]


def test_the_view_of_costs_is_exact(story: Story) -> None:
    story.write(TODAY, *some_records(TODAY, 1))
    story.load(start=TODAY)
    story.require_truth()
    if story.place.name == "filesystem":
        with pytest.raises(ConfigurationError, match="a lake keeps no views"):
            create_views(story.target.open())
        return
    view = story.place.qualified(story.dataset, create_views(story.target.open())[0])

    costs = story.place.run(f"SELECT estimated_cost_usd FROM {view} WHERE model <> 'm' ORDER BY 1")  # noqa: S608

    assert [cost for (cost,) in costs] == [0, Decimal("0.19"), Decimal("0.19")]
