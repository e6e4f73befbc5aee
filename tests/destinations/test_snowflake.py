"""How a destination keeps what it is given, where the rows alone do not show it."""

from __future__ import annotations

import pytest
from story import TODAY, Story

from truth import LEDGER, MODELS


@pytest.mark.parametrize("place", ["snowflake"], indirect=True)
def test_times_keep_their_zone_and_amounts_their_decimals(story: Story) -> None:
    story.write_days(TODAY, TODAY)
    story.load(start=TODAY)

    types = story.place.run(
        "SELECT LOWER(column_name), data_type FROM information_schema.columns "  # noqa: S608
        f"WHERE LOWER(table_schema) = '{story.dataset}' AND LOWER(table_name) IN ('{LEDGER}', '{MODELS}') "
        "AND LOWER(column_name) IN ('fetched_at', 'estimated_cost__amount') ORDER BY 1"
    )

    assert types == [("estimated_cost__amount", "NUMBER"), ("fetched_at", "TIMESTAMP_TZ")]
