"""Tables that somebody altered: a load overlooks what harms no day, and refuses columns that cannot take the rows."""

from __future__ import annotations

import pytest

from claude_code_analytics import ConfigurationError
from support.plain import refused
from support.world import FIRST_DAY, LEDGER, MODELS, RECORD_TABLES, TODAY, USAGE, World

TABLES = (*RECORD_TABLES, LEDGER)
HARMLESS = (
    f"ALTER TABLE {USAGE} ADD COLUMN team VARCHAR DEFAULT 'x'",
    "DROP SCHEMA claude_code_staging CASCADE",
    "DROP TABLE _dlt_loads; DROP TABLE _dlt_version; DROP TABLE _dlt_pipeline_state",
)
# Changes of a column, and what the message says of it.
REFUSED = {
    f"ALTER TABLE {USAGE} DROP COLUMN terminal_type": "terminal_type is missing",
    f"ALTER TABLE {USAGE} RENAME terminal_type TO terminal": "terminal_type is missing",
    f"ALTER TABLE {USAGE} DROP COLUMN _dlt_id": "_dlt_id is missing",
    f"ALTER TABLE {LEDGER} DROP COLUMN content_hash": "content_hash is missing",
    f"ALTER TABLE {MODELS} ALTER estimated_cost__amount TYPE DOUBLE": "is double, not decimal(38,9)",
    f"ALTER TABLE {MODELS} ALTER estimated_cost__amount TYPE DECIMAL(18,2)": "is decimal(18,2), not decimal(38,9)",
    f"USE claude_code_staging; ALTER TABLE {MODELS} ALTER estimated_cost__amount TYPE DECIMAL(18,2)": (
        "not decimal(38,9) in the staging dataset"
    ),
    f"ALTER TABLE {USAGE} ALTER date TYPE TIMESTAMP": "is timestamp, not date",
}


@pytest.fixture
def world(world: World) -> World:
    """A week that is loaded and settled."""
    world.write_days(FIRST_DAY, TODAY)
    world.load()
    world.clock.move(days=20)
    return world


def test_changes_that_touch_no_day_do_no_harm(world: World) -> None:
    for change in HARMLESS:
        world.sql(change)
        world.write(FIRST_DAY)
        world.backfill(FIRST_DAY, FIRST_DAY)
        world.require_truth([FIRST_DAY, TODAY])
        assert world.status(last=TODAY).has_gap is False


def test_columns_that_cannot_take_the_rows_are_refused_before_anything_is_written(world: World) -> None:
    copy = world.copy_database()
    for change, message in REFUSED.items():
        world.restore_database(copy)
        world.sql(change)
        before = {table: world.rows(table) for table in TABLES}
        with refused(ConfigurationError) as error:
            world.run(start_date=TODAY)
        assert message in str(error.value)
        assert {table: world.rows(table) for table in TABLES} == before
    with pytest.raises(ConfigurationError, match=r"not date.*drop all tables claude_code_usage") as raised:
        world.load()
    assert "\n" not in str(raised.value)

    world.sql("; ".join(f"DROP TABLE IF EXISTS {schema}.{name}" for schema in ("claude_code", "claude_code_staging")
                        for name in TABLES))  # fmt: skip
    world.load()
    world.require_truth([FIRST_DAY, TODAY])
