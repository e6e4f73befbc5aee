"""One pipeline name in several places: folders, pipelines with other sources, warehouses that hold the sample."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import dlt
import pytest
from claude_code_pipelines.views import COSTS_VIEW, create_views
from dlt.common.runtime.run_context import RunContext, switched_run_context

from claude_code_analytics import ConfigurationError, claude_code_analytics
from claude_code_pipelines import Warehouse, read_status
from claude_code_simulator import error_response

OTHER_ORGANIZATION = "7d1f0f5e-0000-4000-8000-000000000001"


def september(day: int) -> dt.date:
    return dt.date(2026, 9, day)


def test_each_folder_has_a_file_of_its_own(office: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DESTINATION__DUCKDB__CREDENTIALS", raising=False)
    office.write(september(1), september(20))
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        monkeypatch.chdir(folder)
        context = RunContext(str(folder))
        context._global_dir = str(tmp_path / "dlt")
        with switched_run_context(context):
            office.load(start=september(1))

    for folder in folders:
        assert office.loaded(folder / "claude_code_analytics.duckdb") == office.truth()


def test_status_and_views_find_the_tables_beside_another_source(office: Any, connect: Any) -> None:
    office.write(september(18), september(20))
    pipeline = office.target.open()
    pipeline.run([{"a": 1}], table_name="another", schema=dlt.Schema("another"))
    with connect() as client:
        pipeline.run(claude_code_analytics(start_date=september(18), client=client))
    assert pipeline.default_schema_name == "another"

    status = read_status(Warehouse().open(), dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc))

    assert status.loaded == (september(18), september(19), september(20))
    assert create_views(Warehouse().open()) == [COSTS_VIEW]


def test_an_organization_that_is_not_named_does_not_go_beside_the_sample(office: Any) -> None:
    office.write(september(18), september(20))
    office.load(start=september(18))
    office.organization.id = OTHER_ORGANIZATION
    office.api.fault = lambda request, number: error_response(404, "no") if request.url.path.endswith("/me") else None

    with pytest.raises(ConfigurationError, match="sample and real data do not mix"):
        office.load(start=september(18))


def test_a_start_before_what_is_loaded_is_not_ignored_without_a_word(office: Any, warnings_of: Any) -> None:
    office.write(september(10), september(20))
    office.load(start=september(18))

    office.load(start=september(10))

    assert office.days_in_ledger()[0] == september(13)
    assert any("--start 2026-09-10 counts for a first load, use backfill" in warning for warning in warnings_of())


@pytest.mark.parametrize("name", ["../elsewhere", "..", "a/b", "{folder}"])
def test_no_folder_but_dlts_own_is_ever_cleared(tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "dlt" / "elsewhere"
    (elsewhere / "schemas").mkdir(parents=True)
    (elsewhere / "schemas" / "notes.txt").write_text("no JSON")
    with pytest.raises(ConfigurationError, match="pipeline is"):
        Warehouse(pipeline=name.format(folder=elsewhere), working_dir=str(tmp_path / "dlt" / "pipelines")).open()
    assert (elsewhere / "schemas" / "notes.txt").exists()
