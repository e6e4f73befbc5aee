"""A dataset that an older version of this project made: the present one goes on where that stopped, and loses nothing.

DuckDB only: the older version could not load into Postgres, whose table of loads had no room for its notes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from old_dataset import COMPARED, DATASET, FIRST, LAST, ONE_DAY, remember, restore
from places import Place
from story import TODAY, Story, some_records
from truth import MODELS, TOOLS, USAGE, Row

pytestmark = pytest.mark.parametrize("place", ["duckdb"], indirect=True)
CURSOR = LAST + ONE_DAY
READ_AGAIN = CURSOR - 7 * ONE_DAY
"""First of the days that the next load reads again."""


@pytest.fixture
def old(place: Place, make_story: Callable[..., Story]) -> Story:
    """A dataset that an older version made, and no working folder."""
    restore(place)
    story = make_story(dataset=DATASET, places=COMPARED)
    remember(story)
    return story


@pytest.fixture
def dlt_warnings() -> Iterator[Callable[[], list[str]]]:
    """Tells what dlt has logged as warnings so far."""
    said: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("dlt")
    logger.addHandler(handler)
    yield lambda: said
    logger.removeHandler(handler)


def settled(story: Story) -> dict[str, list[Row]]:
    """The rows of days that no load reads again, without the columns that are NULL in all of them."""
    found = {}
    for table, rows in story.place.tables(DATASET).items():
        kept = [row for row in rows if row["date"] < READ_AGAIN]
        filled = {name for row in kept for name, value in row.items() if value is not None}
        plain = [{name: value for name, value in row.items() if name in filled} for row in kept]
        found[table] = sorted(plain, key=repr)
    return found


def test_the_next_load_goes_on_where_the_older_version_stopped(
    old: Story, warnings_of: Callable[[], list[str]], dlt_warnings: Callable[[], list[str]]
) -> None:
    before = settled(old)
    assert before[USAGE]
    old.require_truth()
    assert old.cursor() == CURSOR
    status = old.status()
    assert (status.first, len(status.loaded), status.missing[0]) == (FIRST, (CURSOR - FIRST).days + 1, CURSOR + ONE_DAY)
    assert (status.damaged, status.interrupted) == ((), ())
    assert status.changed == (FIRST + 3 * ONE_DAY, FIRST + 4 * ONE_DAY)

    old.write_days(FIRST, TODAY, sessions=70)
    old.write(READ_AGAIN)
    old.load(start=FIRST)

    assert old.days_asked() == [READ_AGAIN + number * ONE_DAY for number in range((TODAY - READ_AGAIN).days + 1)]
    old.require_truth()
    assert settled(old) == before
    assert old.cursor() == TODAY
    assert (warnings_of(), dlt_warnings()) == ([], [])


def test_fields_that_appear_become_columns_and_leave_old_rows_alone(
    old: Story, warnings_of: Callable[[], list[str]]
) -> None:
    before = settled(old)
    one, two, three = some_records(TODAY, 5)
    old.write_days(READ_AGAIN, TODAY, sessions=70)
    metrics = {**two["core_metrics"], "commits_signed": 3, "reviews": 4}
    old.write(TODAY, {**one, "region": "eu", "labels": ["a", {"b": 1}]}, {**two, "core_metrics": metrics}, three)
    old.load(start=FIRST)

    contents = old.require_truth()
    assert '"eu"' in "".join(contents.days[TODAY])
    assert settled(old) == before
    columns = old.place.tables(DATASET)[USAGE][0]
    assert {"region", "labels", "core_metrics__commits_signed", "core_metrics__reviews", "flag"} <= set(columns)
    new = [f"{USAGE}.{name}" for name in ("core_metrics__commits_signed", "labels", "region")]
    said = [text for text in warnings_of() if text.split(":")[0] in new]
    assert [text.split(":")[0] for text in sorted(said)] == new


def test_days_that_are_read_again_unchanged_keep_their_ids_and_count_as_unchanged(old: Story) -> None:
    def identified(rows: list[Row]) -> list[Any]:
        told = [{**row, "_dlt_load_id": None} for row in rows if row["date"] == FIRST]
        return sorted(told, key=lambda row: str(row["_dlt_id"]))

    before = old.place.tables(DATASET)
    old.write_days(FIRST, FIRST)
    old.backfill(FIRST, FIRST)
    old.require_truth()
    assert FIRST not in old.status().changed
    after = old.place.tables(DATASET)
    for table in (USAGE, TOOLS, MODELS):
        assert identified(list(before[table])) == identified(list(after[table]))


def test_a_window_that_the_older_version_left_half_written_is_put_right(old: Story) -> None:
    """It noted windows in another column of dlt's table of loads."""
    last = FIRST + 2 * ONE_DAY
    old.write_days(FIRST, TODAY, sessions=70)
    old.place.run(
        f"INSERT INTO {DATASET}._dlt_loads (load_id, schema_name, status, inserted_at) VALUES "  # noqa: S608
        f"('claude_code_analytics {old.organization.id} {FIRST}..{last} 1795389704.5', "
        "'claude_code_analytics', 1, now());"
        f"DELETE FROM {DATASET}.{MODELS} WHERE date = DATE '{FIRST}'"
    )
    assert old.status().interrupted == tuple(FIRST + number * ONE_DAY for number in range(3))
    old.load(start=FIRST)
    old.require_truth()
    assert old.status().interrupted == ()
