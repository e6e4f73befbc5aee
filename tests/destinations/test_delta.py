"""A folder of Delta tables where a warehouse would be: what is told of tables that were changed, lost, or elsewhere.

That days are replaced there is told in `tests/destinations`.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dlt
import pytest

from claude_code_analytics import ConfigurationError, DestinationError, claude_code_analytics
from claude_code_pipelines import Status, Warehouse, read_status
from claude_code_pipelines.views import create_views
from claude_code_simulator import record

deltalake = pytest.importorskip("deltalake")

NOW = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)
FIRST, LAST = dt.date(2026, 9, 14), dt.date(2026, 9, 20)
USAGE = "claude_code_usage"


@pytest.fixture
def lake(office: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a lake with a week in it."""
    monkeypatch.setenv("DESTINATION__FILESYSTEM__BUCKET_URL", "lake")
    monkeypatch.setenv("LOAD__WORKERS", "4")  # dlt looks for a finished table once a second
    office.target = Warehouse("filesystem")
    office.write(FIRST, LAST)
    office.load(start=FIRST)
    return tmp_path / "lake" / "claude_code"


@pytest.fixture
def status(office: Any) -> Callable[[], Status]:
    """What the product says of the lake."""
    return lambda: read_status(office.target.open(), NOW)


def test_no_table_of_it_is_a_folder_of_plain_files(lake: Path) -> None:
    tables = [folder.name for folder in lake.iterdir() if folder.name.startswith("claude_code_")]

    assert len(tables) == 4
    assert all(deltalake.DeltaTable.is_deltatable(str(lake / table)) for table in tables)


def test_a_plain_run_replaces_days_whatever_format_it_asks_for(connect: Any, api: Any, tmp_path: Path) -> None:
    pipeline = dlt.pipeline("plain", destination=dlt.destinations.filesystem(str(tmp_path)), dataset_name="plain")
    for wanted, records in (("delta", 3), ("iceberg", 2), (None, 0)):
        api.organization.days[FIRST] = [record(FIRST)] * records
        with connect() as client:
            pipeline.run(
                claude_code_analytics(start_date=FIRST, end_date=FIRST, client=client),
                **({"table_format": wanted} if wanted else {}),
            )
        table = deltalake.DeltaTable(str(tmp_path / "plain" / USAGE))
        assert table.to_pyarrow_table()["date"].to_pylist() == [FIRST] * records


def test_a_pipeline_that_is_led_to_another_folder_begins_there(
    office: Any, lake: Path, status: Callable[[], Status], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESTINATION__FILESYSTEM__BUCKET_URL", "another")
    assert office.cursor() is None

    office.load(start=FIRST)

    assert len(status().loaded) == 7
    assert len(office.days_asked()) == 7


def test_a_table_that_is_gone_is_said(lake: Path, status: Callable[[], Status]) -> None:
    shutil.rmtree(lake / USAGE)

    with pytest.raises(DestinationError, match=f"table {USAGE} is gone"):
        status()


def test_a_column_that_is_gone_is_said(lake: Path, status: Callable[[], Status]) -> None:
    table = deltalake.DeltaTable(str(lake / USAGE))
    rest = table.to_pyarrow_table().drop_columns(["terminal_type"])
    deltalake.write_deltalake(table, rest, mode="overwrite", schema_mode="overwrite")

    with pytest.raises(DestinationError, match=f"{USAGE}.terminal_type is gone"):
        status()


def test_files_that_are_gone_are_one_sentence(lake: Path, status: Callable[[], Status]) -> None:
    for file in (lake / USAGE).glob("*.parquet"):
        file.unlink()

    with pytest.raises(DestinationError, match="the destination did not do its part") as said:
        status()
    assert "\n" not in str(said.value)


def test_it_keeps_no_views(office: Any, lake: Path) -> None:
    with pytest.raises(ConfigurationError, match="a lake keeps no views"):
        create_views(office.target.open())
