"""Tables that somebody changed by hand: `status` names the days, and one load brings them to the truth."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Container, Iterable
from pathlib import Path
from typing import Any

import pytest

from claude_code_analytics import DestinationError
from claude_code_analytics.dates import DayRange
from claude_code_pipelines import Status
from claude_code_simulator import ScriptedOrganization, model_usage, record
from support.truth import RecordingApi
from support.world import FIRST_DAY, LEDGER, MODELS, RECORD_TABLES, TODAY, TOOLS, USAGE, TestClock, World

ID, OTHER_ID = "11111111-aaaa-4a55-9d3e-3c2f5a7b9e10", "22222222-bbbb-4a55-9d3e-3c2f5a7b9e10"
# Settled days: only the proof has them read again.
DAYS = DayRange(FIRST_DAY, TODAY).days()
DAY, OTHER_DAY = DAYS[0], DAYS[1]

# What is done to a record table, each on a day of its own, and what the proof says of it.
DAMAGE = {
    "DELETE FROM {table} WHERE {one}": "row counts differ from the ledger",
    "DELETE FROM {table} WHERE date = '{day}'": "row counts differ from the ledger",
    "INSERT INTO {table} SELECT * FROM {table} WHERE {one}": "row counts differ from the ledger",
    "UPDATE {table} SET _dlt_id = (SELECT max(_dlt_id) FROM {table} WHERE date = '{day}') WHERE {one}": (
        "rows are doubled"
    ),
    "UPDATE {table} SET _dlt_load_id = '1.5' WHERE {one}": "rows of another load",
    "UPDATE {table} SET _dlt_load_id = NULL WHERE {one}": "rows of another load",
    "UPDATE {table} SET date = '2026-09-19' WHERE {one}": "row counts differ from the ledger",
}

# What is done to the whole dataset; afterwards all days are missing, or not held.
UPROOTED = {
    "ledger emptied": f"DELETE FROM {LEDGER}",
    "ledger dropped": f"DROP TABLE {LEDGER}",
    "table dropped": f"DROP TABLE {USAGE}",
    "breakdown dropped": f"DROP TABLE {TOOLS}",
    "all tables dropped": "; ".join(f"DROP TABLE {table}" for table in (*RECORD_TABLES, LEDGER)),
    "dataset dropped": "USE main; DROP SCHEMA claude_code CASCADE",
}

# What a load overlooks, because nothing is wrong.
HARMLESS = {
    "column added": f"ALTER TABLE {USAGE} ADD COLUMN team VARCHAR DEFAULT 'x'",
    "staging dropped": "DROP SCHEMA claude_code_staging CASCADE",
    "dlt's own tables dropped": "DROP TABLE _dlt_loads; DROP TABLE _dlt_version; DROP TABLE _dlt_pipeline_state",
}

# Columns that cannot take what the API returns: nothing is written, and the message says what to do.
REFUSED = {
    "column dropped": (f"ALTER TABLE {USAGE} DROP COLUMN terminal_type", "terminal_type is missing"),
    "column renamed": (f"ALTER TABLE {USAGE} RENAME terminal_type TO terminal", "terminal_type is missing"),
    "row id dropped": (f"ALTER TABLE {USAGE} DROP COLUMN _dlt_id", "_dlt_id is missing"),
    "ledger of an older version": (f"ALTER TABLE {LEDGER} DROP COLUMN content_hash", "content_hash is missing"),
    "money as a float": (
        f"ALTER TABLE {MODELS} ALTER estimated_cost__amount TYPE DOUBLE", "is double, not decimal(38,9)"
    ),
    "money rounded": (
        f"ALTER TABLE {MODELS} ALTER estimated_cost__amount TYPE DECIMAL(18,2)", "is decimal(18,2), not decimal(38,9)"
    ),
    "money rounded in staging": (
        f"USE claude_code_staging; ALTER TABLE {MODELS} ALTER estimated_cost__amount TYPE DECIMAL(18,2)",
        "not decimal(38,9) in the staging dataset",
    ),
    "days as times": (f"ALTER TABLE {USAGE} ALTER date TYPE TIMESTAMP", "is timestamp, not date"),
}  # fmt: skip


def by_load(world: World) -> object:
    return world.load()


def by_plain_run(world: World) -> object:
    return world.run(lookback_days=0)


DOORS = pytest.mark.parametrize("load_again", [by_load, pytest.param(by_plain_run, marks=pytest.mark.slow)])


def some(cases: Iterable[str], quick: Container[str]) -> list[Any]:
    """Marks all cases as slow but these."""
    return [pytest.param(case, marks=() if case in quick else pytest.mark.slow) for case in cases]


_week: list[tuple[Path, RecordingApi, TestClock]] = []


@pytest.fixture
def loaded(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A machine that finds a week of three developers, loaded elsewhere and settled for long."""
    if not _week:
        made = World(tmp_path_factory.mktemp("week"), organization=ScriptedOrganization(id=ID))
        fill(made)
        made.load()
        made.clock.move(days=20)
        _week.append((made.database, made.api, made.clock))
    file, api, clock = _week[0]
    clock.move(minutes=1)
    return World(tmp_path, clock=clock, api=api, database=Path(shutil.copy(file, tmp_path)))


def fill(world: World) -> None:
    for day in DAYS:
        people = [
            record(
                day,
                email=f"{name}@example.test",
                organization_id=world.organization.id,
                tools={"edit_tool": (1, 2), "write_tool": (3, 4)},
                models=[model_usage("a"), model_usage("b")],
            )
            for name in ("ada", "bob", "cyd")
        ]
        world.write(day, *people)


def of_the_week(world: World) -> Status:
    return world.status(first=FIRST_DAY, last=TODAY)


@pytest.mark.parametrize(
    ("table", "load_again"),
    [
        (USAGE, by_load),
        (TOOLS, by_plain_run),
        *(pytest.param(*rest, marks=pytest.mark.slow) for rest in ((MODELS, by_load), (USAGE, by_plain_run))),
    ],
)
def test_damaged_days_are_named_and_one_load_heals_them(
    loaded: World, table: str, load_again: Callable[[World], object]
) -> None:
    loaded.sql(f"ALTER TABLE {table} ALTER _dlt_load_id DROP NOT NULL")
    for sql, day in zip(DAMAGE, DAYS, strict=True):
        one = f"rowid = (SELECT min(rowid) FROM {table} WHERE date = '{day}')"
        loaded.sql(sql.format(table=table, day=day, one=one))
    status = of_the_week(loaded)
    assert status.organizations[0].problems == dict(zip(DAYS, DAMAGE.values(), strict=True))
    assert status.days("inconsistent") == DAYS
    load_again(loaded)
    assert loaded.days_requested()[: len(DAYS)] == DAYS
    assert of_the_week(loaded).days("held") == DAYS
    loaded.require_truth(DAYS)


@DOORS
@pytest.mark.parametrize("change", some(UPROOTED, ("ledger emptied", "breakdown dropped")))
def test_dropped_tables_are_filled_again(loaded: World, change: str, load_again: Callable[[World], object]) -> None:
    loaded.sql(UPROOTED[change])
    load_again(loaded)
    assert of_the_week(loaded).has_gap is False
    loaded.require_truth([DAY, OTHER_DAY, TODAY])


@DOORS
@pytest.mark.parametrize("newest_only", [True, False])
def test_a_deleted_ledger_row_has_its_day_read_again(
    loaded: World, newest_only: bool, load_again: Callable[[World], object]
) -> None:
    loaded.backfill(DAY, DAY)
    newest = f"AND fetched_at = (SELECT max(fetched_at) FROM {LEDGER} WHERE date = '{DAY}')" if newest_only else ""
    loaded.sql(f"DELETE FROM {LEDGER} WHERE date = '{DAY}' {newest}")
    assert of_the_week(loaded).days("inconsistent") == [DAY]
    load_again(loaded)
    assert of_the_week(loaded).has_gap is False
    loaded.require_truth([DAY])


@DOORS
def test_a_day_without_rows_and_ledger_is_missing(loaded: World, load_again: Callable[[World], object]) -> None:
    for table in (*RECORD_TABLES, LEDGER):
        loaded.sql(f"DELETE FROM {table} WHERE date = '{OTHER_DAY}'")
    assert of_the_week(loaded).days("missing") == [OTHER_DAY]
    load_again(loaded)
    assert of_the_week(loaded).has_gap is False
    loaded.require_truth([OTHER_DAY])


@DOORS
def test_rows_copied_under_another_organization_are_noticed_and_replaced_by_its_load(
    loaded: World, load_again: Callable[[World], object]
) -> None:
    other = World(
        loaded.folder, clock=loaded.clock, organization=ScriptedOrganization(id=OTHER_ID), name="other",
        database=loaded.database, machine="elsewhere",
    )  # fmt: skip
    other.write_days(FIRST_DAY, TODAY)
    other.load()
    for table in RECORD_TABLES:
        loaded.sql(
            f"INSERT INTO {table} SELECT * REPLACE ('{OTHER_ID}' AS organization_id) FROM {table} "
            f"WHERE date = '{DAY}' AND organization_id <> '{OTHER_ID}'"
        )
    found = {each.organization_id: each.days["inconsistent"] for each in of_the_week(loaded).organizations}
    assert found == {OTHER_ID: [DAY], ID: []}
    load_again(other)
    assert of_the_week(loaded).has_gap is False
    assert loaded.sql(f"SELECT organization_id, count(*) FROM {USAGE} WHERE date = '{DAY}' GROUP BY 1 ORDER BY 1") == [
        (ID, 3),
        (OTHER_ID, 1),
    ]


@pytest.mark.parametrize("change", some(HARMLESS, ("staging dropped",)))
def test_changes_that_touch_no_day_do_no_harm(loaded: World, change: str) -> None:
    loaded.load()
    loaded.sql(HARMLESS[change])
    loaded.clock.move(days=1)
    loaded.load()
    loaded.require_truth([DAY, loaded.clock.now.date()])


@DOORS
@pytest.mark.parametrize("change", some(REFUSED, ("money rounded in staging", "column dropped")))
def test_columns_that_cannot_take_the_rows_are_refused_before_anything_is_written(
    loaded: World, change: str, load_again: Callable[[World], object]
) -> None:
    sql, message = REFUSED[change]
    loaded.sql(sql)
    before = {table: loaded.rows(table) for table in (*RECORD_TABLES, LEDGER)}
    with pytest.raises(Exception) as raised:  # noqa: PT011  # dlt wraps it in a plain run
        load_again(loaded)
    error = raised.value if isinstance(raised.value, DestinationError) else raised.value.__cause__
    while not isinstance(error, DestinationError):
        assert error is not None
        error = error.__cause__
    assert message in str(error)
    assert "drop all tables claude_code_usage*" in str(error)
    assert "\n" not in str(error)
    assert {table: loaded.rows(table) for table in (*RECORD_TABLES, LEDGER)} == before

    loaded.sql("; ".join(f"DROP TABLE IF EXISTS {schema}.{table}" for table in (*RECORD_TABLES, LEDGER)
                         for schema in ("claude_code", "claude_code_staging")))  # fmt: skip
    load_again(loaded)
    assert of_the_week(loaded).has_gap is False
    loaded.require_truth([DAY])


def test_a_table_that_rejects_the_rows_keeps_its_day_and_fails_the_load(
    loaded: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each table is replaced in one transaction, so the old rows are there until the new ones are."""
    monkeypatch.setenv("LOAD__RAISE_ON_MAX_RETRIES", "1")
    monkeypatch.setenv("LOAD__RAISE_ON_FAILED_JOBS", "false")
    loaded.sql(f"ALTER TABLE {USAGE} ADD COLUMN team VARCHAR DEFAULT 'x'")
    loaded.sql(f"ALTER TABLE {USAGE} ALTER team DROP DEFAULT; ALTER TABLE {USAGE} ALTER team SET NOT NULL")
    before = loaded.rows(USAGE, f"date = '{DAY}'")
    with pytest.raises(DestinationError, match="failed jobs"):
        loaded.backfill(DAY, DAY)
    assert loaded.rows(USAGE, f"date = '{DAY}'") == before
    assert of_the_week(loaded).days("inconsistent") == [DAY]
    loaded.sql(f"ALTER TABLE {USAGE} ALTER team DROP NOT NULL")
    loaded.load()
    assert of_the_week(loaded).has_gap is False
    loaded.require_truth([DAY])
