"""A load that ends between two of its tables leaves days that tell of two answers: whoever loads next puts them right.

The load is stopped by a table that cannot be replaced, which ends it as a kill would: some tables are done, others not.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from place import FIRST, ONE_DAY, TODAY, Place
from truth import LEDGER, MODELS, TOOLS, USAGE, broken_promises, in_file

from claude_code_analytics import DestinationError
from claude_code_pipelines import Warehouse, read_status

OLD = (FIRST, FIRST + 3 * ONE_DAY)
"""Days that no lookback reaches."""
TABLES = {"usage": USAGE, "tools": TOOLS, "models": MODELS, "ledger": LEDGER}


@contextmanager
def unwritable(place: Place, table: str) -> Iterator[None]:
    """Has a table refuse to be replaced."""
    place.change(f"ALTER TABLE {table} RENAME TO kept; CREATE VIEW {table} AS SELECT * FROM kept")
    yield
    place.change(f"DROP VIEW {table}; ALTER TABLE kept RENAME TO {table}")


@pytest.fixture
def half_written(place: Place, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Stops a load of `OLD` half way, after the API has told these days anew."""
    monkeypatch.setenv("LOAD__RAISE_ON_MAX_RETRIES", "1")

    def stop(table: str, target: Warehouse | None = None) -> None:
        for day in OLD:
            place.write(day, sessions=50)
        with unwritable(place, table), pytest.raises(DestinationError):
            place.backfill(*OLD, target=target)

    return stop


@pytest.mark.parametrize(
    "table",
    ["usage", *(pytest.param(table, marks=pytest.mark.slow) for table in ("tools", "models")), "ledger"],
)
def test_a_load_on_another_machine_puts_half_written_days_right(
    place: Place, half_written: Callable[..., None], table: str, tmp_path: Path
) -> None:
    half_written(TABLES[table])
    assert read_status(place.target.open(), place.clock()).interrupted == tuple(
        OLD[0] + number * ONE_DAY for number in range(4)
    )
    shutil.rmtree(tmp_path / "dlt")
    place.clock.move(days=1)
    place.load()
    place.require_truth()
    assert read_status(place.target.open(), place.clock()).interrupted == ()


def test_a_load_of_another_pipeline_puts_them_right_and_nothing_undoes_it(
    place: Place, half_written: Callable[..., None]
) -> None:
    half_written(MODELS)
    place.write(OLD[0], sessions=70)
    place.backfill(FIRST + 9 * ONE_DAY, TODAY, target=Warehouse(pipeline="other"))
    place.clock.move(days=1)
    place.load()
    place.require_truth()


def test_what_another_pipeline_may_still_be_writing_is_left_to_it_for_an_hour(
    place: Place, half_written: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    half_written(MODELS)
    other = Warehouse(pipeline="other")
    place.clock.move(minutes=5)
    place.backfill(FIRST + 9 * ONE_DAY, TODAY, target=other)
    assert "pipeline claude_code_analytics began to write" in caplog.text
    assert len(read_status(place.target.open(), place.clock()).interrupted) == 4

    place.clock.move(hours=2)
    place.backfill(FIRST + 9 * ONE_DAY, TODAY, target=other)
    assert read_status(place.target.open(), place.clock()).interrupted == ()
    assert broken_promises(in_file(place.database), place.api) == []


def test_days_that_another_pipeline_may_still_be_writing_are_not_written_beside_it(
    place: Place, half_written: Callable[..., None]
) -> None:
    half_written(MODELS)
    before = place.counts()
    place.clock.move(minutes=5)

    with pytest.raises(
        DestinationError, match=r"pipeline claude_code_analytics began to write 2026-09-01\.\.2026-09-04 at"
    ):
        place.backfill(OLD[1], FIRST + 8 * ONE_DAY, target=Warehouse(pipeline="other"))

    assert place.counts() == before
    place.load()
    assert read_status(place.target.open(), place.clock()).interrupted == ()
    assert broken_promises(in_file(place.database), place.api) == []


def test_a_window_of_one_day_is_put_right_too(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOAD__RAISE_ON_MAX_RETRIES", "1")
    place.write(OLD[0], sessions=50)
    with unwritable(place, MODELS), pytest.raises(DestinationError):
        place.backfill(OLD[0], OLD[0])
    assert read_status(place.target.open(), place.clock()).interrupted == (OLD[0],)
    place.clock.move(days=1)
    place.load()
    place.require_truth()


def test_days_that_another_pipeline_told_anew_are_not_overwritten_by_what_was_left(
    place: Place, half_written: Callable[..., None]
) -> None:
    half_written(USAGE)
    for day in OLD:
        place.write(day, sessions=90)
    place.clock.move(hours=2)
    place.backfill(*OLD, target=Warehouse(pipeline="other"))
    place.clock.move(days=1)
    place.load()
    place.require_truth()
