"""Files that go to the warehouse by way of a bucket (here a folder), and destinations that take none from there."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from claude_code_analytics import ConfigurationError
from claude_code_pipelines import Warehouse, backfill, read_status
from claude_code_pipelines.cli import commands

NOW = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)


def september(day: int) -> dt.date:
    return dt.date(2026, 9, day)


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bucket"
    folder.mkdir()
    monkeypatch.setenv("DESTINATION__FILESYSTEM__BUCKET_URL", str(folder))
    monkeypatch.setenv("DESTINATION__BUCKETED__CREDENTIALS", str(tmp_path / "bucketed.duckdb"))
    return folder


def staged(pipeline: str = "claude_code_analytics") -> Warehouse:
    return Warehouse("bucketed.bucketed", pipeline=pipeline, staging="filesystem")


def files(folder: Path) -> set[str]:
    """Places in the bucket where files of the tables lie."""
    return {
        file.parent.relative_to(folder / "claude_code").as_posix()
        for file in folder.rglob("*.parquet")
        if "_dlt" not in file.parent.name
    }


def test_a_load_by_way_of_a_bucket_replaces_days_like_any_other(office: Any, bucket: Path) -> None:
    office.target = staged()
    office.write(september(1), september(20))
    office.load(start=september(14))
    office.organization.days[september(20)] = []
    office.load(start=september(14))

    status = read_status(staged().open(), NOW)

    assert (status.records, status.rows["claude_code_usage"], status.damaged) == (6, 6, ())
    assert files(bucket) >= {"claude_code_usage", "claude_code_days"}


def test_workers_of_one_dataset_keep_their_files_apart(office: Any, bucket: Path, connect: Any) -> None:
    office.write(september(1), september(20))
    for number, first, last in ((1, 1, 9), (2, 10, 20)):
        with connect() as client:
            backfill(staged(f"worker_{number}"), september(first), september(last), client=client)

    assert read_status(staged("worker_1").open(), NOW).loaded == tuple(september(day) for day in range(1, 21))
    assert {place.split("/")[0] for place in files(bucket)} == {"worker_1", "worker_2"}


def test_a_destination_that_takes_no_files_from_a_bucket_says_so(bucket: Path) -> None:
    with pytest.raises(
        ConfigurationError, match="the destination duckdb takes no files from a bucket; leave staging out"
    ):
        Warehouse(staging="filesystem").open()


def test_what_is_no_bucket_is_refused(bucket: Path) -> None:
    with pytest.raises(ConfigurationError, match="files can only be staged in a bucket: use --staging filesystem"):
        Warehouse("bucketed.bucketed", staging="duckdb").open()
    with pytest.raises(ConfigurationError, match="staging is empty"):
        Warehouse(staging=" ").open()


def test_the_option_leads_there(office: Any, bucket: Path, connect: Any) -> None:
    office.write(september(19), september(20))
    options = ["--destination", "bucketed.bucketed", "--staging", "filesystem", "--start", "2026-09-19"]
    with connect() as client:
        ran = CliRunner().invoke(commands, ["load", *options], obj=client)

    assert ran.exit_code == 0, ran.output
    assert "claude_code_usage" in files(bucket)
