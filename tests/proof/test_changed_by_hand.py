"""Tables that somebody changed by hand: a load heals them or says what to do, loses nothing, and ends at the truth."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb
import pytest
from place import FIRST, TODAY, Place
from truth import LEDGER, MODELS, TOOLS, USAGE

from claude_code_analytics import DestinationError
from claude_code_pipelines import read_status

HEALED = {
    "dropped ledger": f"DROP TABLE {LEDGER}",
    "emptied ledger": f"TRUNCATE {LEDGER}",
    "all tables dropped": "; ".join(f"DROP TABLE {table}" for table in (USAGE, TOOLS, MODELS, LEDGER)),
    "the whole dataset dropped": "USE main; DROP SCHEMA claude_code CASCADE",
    "recent rows deleted": f"DELETE FROM {USAGE} WHERE date = '2026-09-16'",
    "recent days removed from the ledger": f"DELETE FROM {LEDGER} WHERE date > '2026-09-16'",
    "added column with a default": f"ALTER TABLE {USAGE} ADD COLUMN team VARCHAR DEFAULT 'x'",
    "staging dropped": "DROP SCHEMA claude_code_staging CASCADE",
    "dlt's own tables dropped": "DROP TABLE _dlt_loads; DROP TABLE _dlt_version; DROP TABLE _dlt_pipeline_state",
}
"""What the next load puts right, with nothing but a warning."""

SAID = {
    "dropped table": (f"DROP TABLE {USAGE}", f"table {USAGE} is gone"),
    "dropped breakdown": (f"DROP TABLE {TOOLS}", f"table {TOOLS} is gone"),
    "missing column": (f"ALTER TABLE {USAGE} DROP COLUMN terminal_type", "terminal_type is gone"),
    "renamed column": (f"ALTER TABLE {USAGE} RENAME terminal_type TO terminal", "terminal_type is gone"),
    "missing id": (f"ALTER TABLE {USAGE} DROP COLUMN _dlt_id", "_dlt_id is gone"),
    "missing amount": (f"ALTER TABLE {MODELS} DROP COLUMN estimated_cost__amount", "estimated_cost__amount is gone"),
    "ledger without a column": (f"ALTER TABLE {LEDGER} DROP COLUMN content_hash", "content_hash is gone"),
    "money as a float": (f"ALTER TABLE {MODELS} ALTER estimated_cost__amount TYPE DOUBLE", "is double and was decimal"),
    "numbers as texts": (
        f"ALTER TABLE {USAGE} ALTER core_metrics__num_sessions TYPE VARCHAR",
        "is text and was bigint",
    ),
    "days as times": (f"ALTER TABLE {USAGE} ALTER date TYPE TIMESTAMP", "is timestamp and was date"),
    "numbers that are too short": (
        f"ALTER TABLE {MODELS} ALTER tokens__cache_read TYPE INTEGER USING 1",
        f"took nothing for table {MODELS}",
    ),
}
"""What cannot be put right without knowing why it was done, and what the load says of it."""

LONG_AGO = (
    f"DELETE FROM {USAGE} WHERE date = '2026-09-02'",
    f"INSERT INTO {USAGE} SELECT * FROM {USAGE} WHERE date = '2026-09-02' LIMIT 1",
)
"""What no load looks at, and `status` tells."""


def some(cases: dict[str, Any], in_short: set[str]) -> list[Any]:
    """All cases, most of them only in the long run."""
    return [pytest.param(case, marks=() if case in in_short else pytest.mark.slow) for case in cases]


@pytest.mark.parametrize("change", some(HEALED, {"dropped ledger"}))
def test_what_can_be_healed_is_healed_by_the_next_load(place: Place, change: str) -> None:
    place.change(HEALED[change])
    place.clock.move(days=1)
    place.write(dt.date(2026, 9, 18), sessions=99)
    place.load()
    place.require_truth()


@pytest.mark.parametrize("change", some(SAID, {"money as a float"}))
def test_what_cannot_is_said_and_the_advice_leads_to_the_truth(place: Place, change: str) -> None:
    sql, said = SAID[change]
    place.change(sql)
    place.clock.move(days=1)
    before = _rows(place)
    for job in (place.load, place.load, lambda: place.backfill(FIRST, TODAY)):
        with pytest.raises(DestinationError) as raised:
            job()
        assert said in str(raised.value)
        assert "remove all tables claude_code_" in str(raised.value)
        assert "\n" not in str(raised.value)
    if "took nothing" not in said:
        with pytest.raises(DestinationError, match="somebody changed the warehouse"):
            read_status(place.target.open(), place.clock())
    after = _rows(place)
    assert all(after[table] >= count for table, count in before.items()), "rows were lost"

    place.change("; ".join(f"DROP TABLE IF EXISTS {table}" for table in (USAGE, TOOLS, MODELS, LEDGER)))
    place.load()
    place.require_truth()


def test_a_day_that_cannot_be_inserted_is_not_deleted(place: Place) -> None:
    """Each table is replaced in one transaction, so that a load that fails half way leaves the days as they were."""
    place.change(f"ALTER TABLE {USAGE} ADD COLUMN team VARCHAR DEFAULT 'x'")
    place.change(f"ALTER TABLE {USAGE} ALTER team DROP DEFAULT; ALTER TABLE {USAGE} ALTER team SET NOT NULL")
    before = _rows(place)
    place.clock.move(days=1)
    with pytest.raises(DestinationError, match=f"took nothing for table {USAGE}: .*NOT NULL"):
        place.load()
    assert _rows(place)[USAGE] == before[USAGE]
    place.change(f"ALTER TABLE {USAGE} ALTER team DROP NOT NULL")
    place.load()
    place.require_truth()


@pytest.mark.parametrize("change", LONG_AGO)
def test_rows_changed_long_ago_are_told_and_a_backfill_puts_them_right(place: Place, change: str) -> None:
    place.clock.move(days=1)
    place.load()
    assert read_status(place.target.open(), place.clock()).damaged == ()
    place.change(change)
    assert read_status(place.target.open(), place.clock()).damaged == (dt.date(2026, 9, 2),)
    place.backfill(FIRST, TODAY)
    assert read_status(place.target.open(), place.clock()).damaged == ()
    place.require_truth()


def _rows(place: Place) -> dict[str, int]:
    with duckdb.connect(str(place.database), read_only=True) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'claude_code' "
            "AND table_name LIKE 'claude%'"
        ).fetchall()
        return {
            table: connection.execute(f"SELECT count(*) FROM claude_code.{table}").fetchall()[0][0]
            for (table,) in tables
        }
