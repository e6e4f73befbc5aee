"""Each clause of the replacement of days and of the proof earns its place: without it, a test here fails.

| clause | test |
|---|---|
| `STAGED_DAYS`: `s.o = $organization` | `test_organizations.py` |
| `STAGED_DAYS`: `s.d = $date` | `test_another_day_is_not_replaced` |
| `STAGED_DAYS`: the markers it selects | `test_another_day_is_not_replaced` (the emptied day) |
| `IN_ONE_TRANSACTION` | `test_a_failed_insert_leaves_the_day_as_it_was` |
| `source_filter` | `test_no_marker_is_inserted` |
| `primary_key`, `WITHOUT_COPIES` | `test_a_package_that_was_staged_twice_is_inserted_once` |
| the number in a marker, counted behind the user's steps | `test_copies_are_found_where_a_step_dropped_as_many_rows` |
| proof: everything in `DAMAGES` | `test_a_day_that_is_not_as_fetched_is_not_held` |
| `place = 1` (not `COUNT(*) = 1`) | `test_a_package_that_was_staged_twice_is_inserted_once` |
| `ORDER BY fetched_at DESC, _dlt_load_id DESC` | `test_the_newest_fetch_counts_and_of_two_at_once_the_later_load` |
| `until`, `CLOCK_TOLERANCE` | `test_a_load_does_not_believe_in_fetches_of_its_own_future` |
| `low_hash`, `high_hash`, `is_final` | `test_a_day_is_changed_only_if_final_fetches_differ` |
"""

# tables are constants

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pyarrow.compute as pc
import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

from claude_code_simulator import record
from support.days import CLOSED, MONDAY, TUESDAY, WEEK, people
from support.world import LEDGER, RECORD_TABLES, TODAY, USAGE, World, counts

DAY = dt.timedelta(days=1)


# The replacement of days


def test_another_day_is_not_replaced(world: World) -> None:
    world.write_days(MONDAY, TODAY)
    world.run(**CLOSED)
    world.write(TUESDAY)
    world.run(start_date=TUESDAY, end_date=WEEK[2])
    assert world.column("date") == [MONDAY, WEEK[2]]
    assert counts(world) == (2, 2, 2)


def test_a_failed_insert_leaves_the_day_as_it_was(world: World) -> None:
    world.write(MONDAY, record(MONDAY))
    world.run(**CLOSED)
    for table in RECORD_TABLES:
        world.sql(f"CREATE UNIQUE INDEX one_a_day_{table} ON {table} (date)")
    world.write(MONDAY, *people(2))
    with pytest.raises(PipelineStepFailed, match=r"[Cc]onstraint"):
        world.run(**CLOSED)
    assert counts(world) == (1, 1, 1)


def load_as_if_staged_twice(world: World) -> None:
    """Loads the extracted package as a load that was interrupted and resumed."""
    world.pipeline.normalize()
    files = [path for path in world.machine.rglob("new_jobs/claude_code_*") if path.is_file()]
    assert len(files) == 4
    for path in files:
        table, name, *rest = path.name.split(".")
        shutil.copy(path, path.with_name(".".join([table, f"{name}0", *rest])))
    world.pipeline.load()


def test_a_package_that_was_staged_twice_is_inserted_once(world: World) -> None:
    world.write(MONDAY, record(MONDAY), record(MONDAY), *people(3))
    world.pipeline.extract(world.source(**CLOSED))
    load_as_if_staged_twice(world)
    assert counts(world) == (5, 5, 5)
    assert len(world.rows(LEDGER)) == 4
    assert world.status().days("inconsistent") == []
    world.require_truth([MONDAY])


def test_copies_are_found_where_a_step_dropped_as_many_rows(world: World) -> None:
    world.write(MONDAY, record(MONDAY), record(MONDAY, customer_type="subscription"))
    source = world.source(**CLOSED)
    source.resources[USAGE].add_map(
        lambda rows: (
            rows.filter(pc.not_equal(rows["customer_type"], "api").fill_null(True))
            if "customer_type" in rows.column_names
            else rows
        )
    )
    world.pipeline.extract(source)
    load_as_if_staged_twice(world)
    assert counts(world) == (1, 2, 2)


# The proof

# By day: a change, and why the day is not held after it. `{day}` is its date, `{load}` its load id.
DAMAGES: list[tuple[str, str | None]] = [
    ("SELECT 1", None),
    (f"DELETE FROM {LEDGER} WHERE date = {{day}}", "rows without a ledger entry"),
    (f"UPDATE {LEDGER} SET records = NULL WHERE date = {{day}}", "its newest fetch could not be read"),
    *((f"DELETE FROM {table} WHERE date = {{day}}", "row counts differ from the ledger") for table in RECORD_TABLES),
    *(
        (f"INSERT INTO {table} SELECT * FROM {table} WHERE date = {{day}} LIMIT 1", "row counts differ from the ledger")
        for table in RECORD_TABLES
    ),
    *(
        (
            f"UPDATE {table} SET _dlt_id = (SELECT min(_dlt_id) FROM {table} WHERE date = {{day}}) "
            "WHERE date = {day}",
            "rows are doubled",
        )
        for table in RECORD_TABLES
    ),
    # all rows of a table, and one; a load id before and one after that of the ledger
    *(
        (f"UPDATE {table} SET _dlt_load_id = '{load}' WHERE date = {{day}}", "rows of another load")
        for table in RECORD_TABLES
        for load in ("0", "z")
    ),
    (
        f"UPDATE {USAGE} SET _dlt_load_id = '0' WHERE _dlt_id = "
        f"(SELECT min(_dlt_id) FROM {USAGE} WHERE date = {{day}})",
        "rows of another load",
    ),
    *(
        (
            f"ALTER TABLE {table} ALTER COLUMN _dlt_load_id DROP NOT NULL; "
            f"UPDATE {table} SET _dlt_load_id = NULL WHERE date = {{day}}",
            "rows of another load",
        )
        for table in RECORD_TABLES
    ),
    (
        f"INSERT INTO {LEDGER} SELECT * REPLACE (fetched_at + INTERVAL 1 SECOND AS fetched_at) "
        f"FROM {LEDGER} WHERE date = {{day}}",
        "fetched twice in one load package",
    ),
    (
        f"INSERT INTO {LEDGER} SELECT * REPLACE (fetched_at + INTERVAL 1 SECOND AS fetched_at, 'z' AS _dlt_load_id) "
        f"FROM {LEDGER} WHERE date = {{day}}",
        "rows of another load",
    ),
    (f"UPDATE {LEDGER} SET organization_id = 'another' WHERE date = {{day}}", "rows without a ledger entry"),
]


def test_a_day_that_is_not_as_fetched_is_not_held(world: World) -> None:
    world.organization.id = "real"  # the sample takes no other organization beside it
    damaged = {TODAY - DAY * number: damage for number, damage in enumerate(DAMAGES, start=10)}
    for day in damaged:
        world.write(day, *people(2, day, organization_id="real"))
    empty = min(damaged) - DAY
    damaged[empty] = f"UPDATE {LEDGER} SET records = NULL WHERE date = {{day}}", "its newest fetch could not be read"
    world.run(start_date=empty, end_date=max(damaged))
    assert world.status().days("inconsistent") == []
    for day, (change, _) in damaged.items():
        for statement in change.format(day=f"DATE '{day}'").split("; "):
            world.sql(statement)
    problems = next(each for each in world.status().organizations if each.organization_id != "another").problems
    assert problems == {day: problem for day, (_, problem) in damaged.items() if problem}
    world.clock.move(seconds=5)
    world.run(start_date=empty, lookback_days=0)
    assert {day for day in damaged if day in world.days_requested()} == set(problems)
    world.require_truth(problems)
    healed = next(each for each in world.status().organizations if each.organization_id != "another")
    assert healed.problems == {}


def test_the_newest_fetch_counts_and_of_two_at_once_the_later_load(world: World) -> None:
    world.write(MONDAY, *people(2))
    world.run(**CLOSED)
    world.write(MONDAY, *people(3))
    world.run(**CLOSED)  # at the same moment
    world.clock.move(minutes=1)
    world.write(MONDAY)
    world.run(**CLOSED)
    assert world.status().days("inconsistent") == []
    world.sql(f"DELETE FROM {LEDGER} WHERE fetched_at = (SELECT max(fetched_at) FROM {LEDGER})")
    assert world.status().organizations[0].problems == {MONDAY: "row counts differ from the ledger"}
    assert world.status().organizations[0].records == 3


def later_fetch(world: World, load: str, **ahead: float) -> None:
    """Adds a fetch of Monday to the ledger, so far ahead of the clock."""
    world.sql(
        f"INSERT INTO {LEDGER} SELECT * REPLACE (?::TIMESTAMPTZ AS fetched_at, ? AS _dlt_load_id) "
        f"FROM {LEDGER} WHERE date = DATE '{MONDAY}' LIMIT 1",
        world.clock.now + dt.timedelta(**ahead),
        load,
    )


def test_a_load_does_not_believe_in_fetches_of_its_own_future(world: World) -> None:
    world.write(MONDAY, *people(2))
    world.run()
    later_fetch(world, "z", days=30)
    world.run(lookback_days=0)
    assert world.days_requested() == [TODAY]
    assert world.status().days("inconsistent") == []
    later_fetch(world, "zz", seconds=2)  # the API's clock has whole seconds
    world.run(lookback_days=0)
    assert world.days_requested() == [MONDAY, TODAY]


def test_a_day_is_changed_only_if_final_fetches_differ(world: World) -> None:
    for hour, sessions, kind in ((5, 1, None), (5, 2, "partial"), (6, 3, "held"), (6, 3, "held"), (6, 4, "changed")):
        world.clock.now = dt.datetime.combine(TUESDAY, dt.time(hour), dt.timezone.utc)
        world.write(MONDAY, record(MONDAY, sessions=sessions))
        world.run(start_date=MONDAY, end_date=MONDAY)
        if kind:
            assert world.status(last=MONDAY).days(kind) == [MONDAY]


def test_the_working_folder_holds_nothing_that_the_proof_needs(world: World) -> None:
    world.write_days(MONDAY, TODAY)
    world.run(lookback_days=0)
    for path in Path(world.machine).rglob("*.json"):
        path.unlink()
    world.lose_working_folder()
    world.sql("DELETE FROM _dlt_pipeline_state; DELETE FROM _dlt_loads")
    world.run(lookback_days=0)
    assert world.days_requested() == [TODAY]
