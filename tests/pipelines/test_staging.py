"""Files that reach the warehouse through a bucket (here a folder), and destinations that take none from there."""

from __future__ import annotations

from pathlib import Path

import dlt
import pytest
from click.testing import CliRunner

from claude_code_analytics import ConfigurationError
from claude_code_pipelines import Warehouse, read_status
from claude_code_pipelines.cli import commands
from support.bucketed import duckdb
from support.world import FIRST_DAY, LEDGER, TODAY, USAGE, World


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bucket"
    folder.mkdir()
    monkeypatch.setenv("DESTINATION__FILESYSTEM__BUCKET_URL", str(folder))
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "warehouse.duckdb"))
    return folder


def files(bucket: Path) -> set[str]:
    """Returns the tables that have files in the bucket."""
    return {file.parent.name for file in bucket.rglob("*.parquet")}


def test_a_load_through_a_bucket_replaces_days_like_any_other(world: World, bucket: Path) -> None:
    world.pipeline = dlt.pipeline(
        world.name,
        destination=duckdb(),
        staging=dlt.destinations.filesystem(),
        dataset_name=world.dataset,
        pipelines_dir=str(world.machine),
    )
    world.write_days(FIRST_DAY, TODAY)
    world.load()
    world.write(TODAY)
    world.load()

    assert TODAY not in world.require_truth([TODAY]).days
    assert not world.status().has_gap
    assert files(bucket) >= {USAGE, LEDGER}


def test_the_option_stages_files(world: World, bucket: Path) -> None:
    world.write_days(TODAY, TODAY)
    options = ["--destination", "support.bucketed.duckdb", "--staging", "filesystem", "--start", str(TODAY)]
    with world.client() as client:
        ran = CliRunner().invoke(commands, ["load", *options], obj=client)

    assert ran.exit_code == 0, ran.output
    assert USAGE in files(bucket)
    assert read_status(Warehouse(), world.clock.now).days("partial") == [TODAY]


@pytest.mark.parametrize(
    ("warehouse", "message"),
    [
        (Warehouse(staging="filesystem"), "the destination duckdb takes no files from a bucket; leave staging out"),
        (
            Warehouse("support.bucketed.duckdb", staging="duckdb"),
            "files can only be staged in a bucket: use --staging filesystem",
        ),
        (Warehouse(staging=" "), "staging is empty"),
    ],
)
def test_staging_that_cannot_work_is_refused(bucket: Path, warehouse: Warehouse, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        warehouse.dlt_pipeline()
