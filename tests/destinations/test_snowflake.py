"""Snowflake's column types, which rows do not show."""

from __future__ import annotations

import pytest

from destinations.scenario import write_days
from support.world import LEDGER, MODELS, TODAY, World


@pytest.mark.parametrize("backend", ["snowflake"], indirect=True)
def test_times_keep_their_zone_and_amounts_their_decimals(world: World) -> None:
    write_days(world, TODAY, TODAY)
    world.load(start=TODAY)

    types = world.backend.run(
        "SELECT LOWER(column_name), data_type FROM information_schema.columns "
        f"WHERE LOWER(table_schema) = '{world.dataset}' AND LOWER(table_name) IN ('{LEDGER}', '{MODELS}') "
        "AND LOWER(column_name) IN ('fetched_at', 'estimated_cost__amount') ORDER BY 1"
    )

    assert types == [("estimated_cost__amount", "NUMBER"), ("fetched_at", "TIMESTAMP_TZ")]
