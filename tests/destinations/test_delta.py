"""Delta tables: formats, folders, and tables that were damaged. How days are replaced is in `test_scenario.py`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

from claude_code_analytics import ConfigurationError, DestinationError
from claude_code_simulator import record
from destinations.scenario import require_truth, write_days
from support.world import FIRST_DAY, TODAY, USAGE, World

deltalake = pytest.importorskip("deltalake")
pytestmark = pytest.mark.parametrize("backend", ["delta"], indirect=True)


def folder(world: World, table: str = USAGE) -> Path:
    return Path(world.backend.qualified(world.dataset, table))


def test_a_plain_run_writes_delta_tables_whatever_format_it_sets(world: World) -> None:
    for wanted, records in (("iceberg", 3), ("delta", 2), (None, 0)):
        world.write(TODAY, *[record(TODAY)] * records)
        source = world.source(start_date=TODAY, end_date=TODAY)
        world.pipeline.run(source, **({"table_format": wanted} if wanted else {}))
        stored = deltalake.DeltaTable(str(folder(world))).to_pyarrow_table()
        assert stored["date"].to_pylist() == [TODAY] * records
    tables = list(folder(world).parent.glob("claude_code_*"))
    assert len(tables) == 4
    assert all(deltalake.DeltaTable.is_deltatable(str(table)) for table in tables)


def test_a_second_extracted_package_is_refused_until_the_first_is_loaded(world: World) -> None:
    """dlt keeps one condition for each table, so the first package would be merged with that of the second."""
    write_days(world, FIRST_DAY, TODAY)
    world.run()
    world.write(FIRST_DAY)
    world.write(TODAY)
    world.pipeline.extract(world.source(start_date=FIRST_DAY, end_date=FIRST_DAY))
    with pytest.raises(PipelineStepFailed, match="Delta tables take one package at a time: normalize and load it"):
        world.pipeline.extract(world.source(start_date=TODAY, end_date=TODAY))
    world.pipeline.normalize()
    world.pipeline.load()
    world.pipeline.run(world.source(start_date=TODAY, end_date=TODAY))

    assert {FIRST_DAY, TODAY}.isdisjoint(require_truth(world).days)


def test_days_of_an_aborted_package_are_not_deleted_by_the_next(world: World) -> None:
    write_days(world, FIRST_DAY, TODAY)
    world.run()
    world.write(FIRST_DAY)
    world.pipeline.extract(world.source(start_date=FIRST_DAY, end_date=FIRST_DAY))
    world.pipeline.abort_packages()
    world.write(TODAY)
    world.pipeline.run(world.source(start_date=TODAY, end_date=TODAY))

    contents = world.contents()
    assert FIRST_DAY in contents.days
    assert TODAY not in contents.days
    assert not world.status().has_gap


@pytest.mark.smoke
def test_an_id_that_must_not_go_into_a_predicate_is_refused(make_world: Callable[..., World]) -> None:
    world = make_world(organization="o' OR 1=1 --")
    with pytest.raises(PipelineStepFailed, match="cannot go into a Delta predicate"):
        world.run(start_date=TODAY)
    assert not folder(world).exists()


def test_a_folder_without_tables_holds_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One pipeline, led to another folder: its state says that the days are loaded, its tables do not."""
    write_days(world, FIRST_DAY, TODAY)
    world.load()
    another = folder(world).parents[1] / "another"
    monkeypatch.setenv("DESTINATION__FILESYSTEM__BUCKET_URL", str(another))
    world.new_pipeline()

    world.load()

    assert len(world.days_requested()) == 7
    assert len(world.status().days("held")) == 6
    assert deltalake.DeltaTable.is_deltatable(str(another / world.dataset / USAGE))


def test_files_that_are_gone_are_one_sentence_and_no_silence(world: World) -> None:
    write_days(world, TODAY, TODAY)
    world.load(start=TODAY)
    for file in folder(world).glob("*.parquet"):
        file.unlink()

    for door in (world.status, world.load):
        with pytest.raises((ConfigurationError, DestinationError), match="could not be queried") as raised:
            door()
        assert "\n" not in str(raised.value)
