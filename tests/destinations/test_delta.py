"""Delta tables: formats, folders, and tables that were damaged. How days are replaced is in `test_scenario.py`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

from claude_code_analytics import ConfigurationError, DestinationError
from claude_code_simulator import record
from destinations.scenario import Scenario
from support.world import FIRST_DAY, TODAY, USAGE

deltalake = pytest.importorskip("deltalake")
pytestmark = pytest.mark.parametrize("backend", ["delta"], indirect=True)


def folder(scenario: Scenario, table: str = USAGE) -> Path:
    return Path(scenario.backend.qualified(scenario.dataset, table))


def test_a_plain_run_writes_delta_tables_whatever_format_it_sets(scenario: Scenario) -> None:
    for wanted, records in (("iceberg", 3), ("delta", 2), (None, 0)):
        scenario.write(TODAY, *[record(TODAY)] * records)
        source = scenario.source(start_date=TODAY, end_date=TODAY)
        scenario.pipeline.run(source, **({"table_format": wanted} if wanted else {}))
        stored = deltalake.DeltaTable(str(folder(scenario))).to_pyarrow_table()
        assert stored["date"].to_pylist() == [TODAY] * records
    tables = list(folder(scenario).parent.glob("claude_code_*"))
    assert len(tables) == 4
    assert all(deltalake.DeltaTable.is_deltatable(str(table)) for table in tables)


def test_a_second_extracted_package_is_refused_until_the_first_is_loaded(scenario: Scenario) -> None:
    """dlt keeps one condition for each table, so the first package would be merged with that of the second."""
    scenario.write_days(FIRST_DAY, TODAY)
    scenario.run()
    scenario.write(FIRST_DAY)
    scenario.write(TODAY)
    scenario.pipeline.extract(scenario.source(start_date=FIRST_DAY, end_date=FIRST_DAY))
    with pytest.raises(PipelineStepFailed, match="Delta tables take one package at a time: normalize and load it"):
        scenario.pipeline.extract(scenario.source(start_date=TODAY, end_date=TODAY))
    scenario.pipeline.normalize()
    scenario.pipeline.load()
    scenario.pipeline.run(scenario.source(start_date=TODAY, end_date=TODAY))

    assert {FIRST_DAY, TODAY}.isdisjoint(scenario.require_truth().days)


def test_days_of_an_aborted_package_are_not_deleted_by_the_next(scenario: Scenario) -> None:
    scenario.write_days(FIRST_DAY, TODAY)
    scenario.run()
    scenario.write(FIRST_DAY)
    scenario.pipeline.extract(scenario.source(start_date=FIRST_DAY, end_date=FIRST_DAY))
    scenario.pipeline.abort_packages()
    scenario.write(TODAY)
    scenario.pipeline.run(scenario.source(start_date=TODAY, end_date=TODAY))

    contents = scenario.contents()
    assert FIRST_DAY in contents.days
    assert TODAY not in contents.days
    assert not scenario.status().has_gap


def test_an_id_that_must_not_go_into_a_predicate_is_refused(make_scenario: Callable[..., Scenario]) -> None:
    scenario = make_scenario(organization="o' OR 1=1 --")
    scenario.write_days(TODAY, TODAY)
    with pytest.raises(PipelineStepFailed, match="cannot go into a Delta predicate"):
        scenario.run(start_date=TODAY)
    assert not folder(scenario).exists()


def test_a_folder_without_tables_holds_nothing(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """One pipeline, led to another folder: its state says that the days are loaded, its tables do not."""
    scenario.write_days(FIRST_DAY, TODAY)
    scenario.load()
    another = folder(scenario).parents[1] / "another"
    monkeypatch.setenv("DESTINATION__FILESYSTEM__BUCKET_URL", str(another))
    scenario.new_pipeline()

    scenario.load()

    assert len(scenario.days_requested()) == 7
    assert len(scenario.status().days("held")) == 6
    assert deltalake.DeltaTable.is_deltatable(str(another / scenario.dataset / USAGE))


def test_files_that_are_gone_are_one_sentence_and_no_silence(scenario: Scenario) -> None:
    scenario.write_days(TODAY, TODAY)
    scenario.load(start=TODAY)
    for file in folder(scenario).glob("*.parquet"):
        file.unlink()

    for door in (scenario.status, scenario.load):
        with pytest.raises((ConfigurationError, DestinationError), match="could not be queried") as raised:
            door()
        assert "\n" not in str(raised.value)
