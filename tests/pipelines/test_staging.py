"""Files that go to the warehouse through a bucket (here a folder), and destinations that take none from there."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from claude_code_analytics import ConfigurationError
from claude_code_pipelines import Warehouse, load
from claude_code_pipelines.cli import commands
from support.days import september
from support.world import LEDGER, TODAY, USAGE, World


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bucket"
    folder.mkdir()
    monkeypatch.setenv("DESTINATION__FILESYSTEM__BUCKET_URL", str(folder))
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "warehouse.duckdb"))
    return folder


def staged() -> Warehouse:
    return Warehouse("support.bucketed.duckdb", staging="filesystem")


def files(folder: Path) -> set[str]:
    """Returns the places in the bucket where files of the tables lie."""
    return {
        file.parent.relative_to(folder / "claude_code").as_posix()
        for file in folder.rglob("*.parquet")
        if "_dlt" not in file.parent.name
    }


def test_a_load_through_a_bucket_replaces_days_like_any_other(world: World, bucket: Path) -> None:
    world.write_days(september(14), TODAY)
    for _ in range(2):
        with world.client() as client:
            load(staged(), start=september(14), client=client)
        world.write(TODAY)
        world.clock.move(minutes=1)

    assert world.require_truth(world.days_requested()).rows[USAGE] == 6
    assert files(bucket) >= {USAGE, LEDGER}


def test_the_option_of_the_command_line_leads_there(world: World, bucket: Path) -> None:
    options = ["--destination", "support.bucketed.duckdb", "--staging", "filesystem", "--start", "2026-09-19"]
    ran = CliRunner().invoke(commands, ["load", *options], obj=world.client())
    assert ran.exit_code == 0, ran.output
    assert LEDGER in files(bucket)


def test_a_destination_that_takes_no_files_from_a_bucket_says_so(bucket: Path) -> None:
    with pytest.raises(ConfigurationError, match="duckdb cannot load files from a bucket; leave staging out"):
        Warehouse(staging="filesystem").dlt_pipeline()


def test_what_is_no_bucket_is_refused(bucket: Path) -> None:
    with pytest.raises(ConfigurationError, match="files can only be staged in a bucket: use --staging filesystem"):
        Warehouse("support.bucketed.duckdb", staging="duckdb").dlt_pipeline()
