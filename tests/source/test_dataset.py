"""Reading the tables through dlt's own `pipeline.dataset()`, in a fresh install."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from support.days import CLOSED, MONDAY, people
from support.world import LEDGER, USAGE, World

HAS_ARROW = hasattr(duckdb.DuckDBPyConnection, "fetch_arrow_table")


@pytest.fixture
def dataset(world: World) -> Any:
    world.write(MONDAY, *people(2))
    world.run(**CLOSED)
    return world.pipeline.dataset()


def test_rows_can_be_fetched_and_selected(dataset: Any) -> None:
    assert len(dataset[USAGE].fetchall()) == 2
    assert dataset.claude_code_usage.select("date", "actor__email_address").limit(1).fetchone()[0] == MONDAY
    assert dataset.table(LEDGER).select("records").order_by("date").fetchall() == [(2,), (0,)]
    assert dataset(f"SELECT count(*) AS n FROM {USAGE}").fetchscalar() == 2


@pytest.mark.skipif(HAS_ARROW, reason="this DuckDB has the method that dlt calls")
def test_arrow_fails_with_duckdb_2_because_dlt_calls_a_method_that_it_dropped(dataset: Any) -> None:
    """dlt 1.31 and DuckDB 2: use `.fetchall()`, or DuckDB itself. Once this fails, dlt was mended: drop it."""
    with pytest.raises(AttributeError, match="fetch_arrow_table"):
        dataset[USAGE].arrow()


@pytest.mark.skipif(not HAS_ARROW, reason="DuckDB 2 dropped the method that dlt 1.31 calls")
def test_arrow_tables_can_be_read(dataset: Any) -> None:
    assert dataset[USAGE].arrow().num_rows == 2
