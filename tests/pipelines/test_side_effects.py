"""Side effects: a load leaves other pipelines, settings, callers and the process as it found them."""

from __future__ import annotations

import gc
import logging
import os
import signal
import threading
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pytest
from dlt.common.configuration.container import Container
from dlt.common.configuration.resolve import resolve_configuration
from dlt.common.configuration.specs.config_section_context import ConfigSectionContext
from dlt.common.runtime.run_context import RunContext, switched_run_context
from dlt.load.configuration import LoaderConfiguration

from claude_code_analytics import ConfigurationError, claude_code_analytics
from claude_code_pipelines import Warehouse, backfill, load, read_status
from claude_code_pipelines.duckdb_file import kept_open
from claude_code_simulator import record
from support.world import FIRST_DAY, TODAY, USAGE, World


@pytest.fixture
def stranger(tmp_path: Path) -> dlt.Pipeline:
    """A pipeline that has nothing to do with this project, active before the load begins."""
    return dlt.pipeline(
        "stranger",
        destination=dlt.destinations.duckdb(str(tmp_path / "stranger.duckdb")),
        dataset_name="its_own",
        pipelines_dir=str(tmp_path / "strangers"),
    )


def load_workers(pipeline_name: str) -> int:
    """Returns how many tables dlt writes side by side in a pipeline."""
    section = ConfigSectionContext(pipeline_name=pipeline_name, sections=("load",))
    with Container().injectable_context(section):
        return resolve_configuration(LoaderConfiguration(), sections=("load",), accept_partial=True).workers


def finished_files(pipeline: dlt.Pipeline, table: str = "people") -> list[Path]:
    return [file for file in Path(pipeline.working_dir).rglob("completed_jobs/*") if file.name.startswith(table)]


def calls(world: World) -> list[Any]:
    """Returns what a script may call, in order."""
    target = Warehouse(dlt.destinations.duckdb(str(world.database)), working_dir=str(world.machine))

    def failing() -> None:
        with pytest.raises(ConfigurationError):
            load(target, start="2027-01-01", client=world.client())

    return [
        lambda: load(target, start=FIRST_DAY, client=world.client()),
        lambda: backfill(target, FIRST_DAY, FIRST_DAY, client=world.client()),
        failing,
        lambda: read_status(target, world.clock.now),
    ]


def test_another_pipeline_finds_its_settings_before_and_after(world: World, stranger: dlt.Pipeline) -> None:
    before = load_workers("stranger")
    stranger.run([{"name": "ada"}], table_name="people")
    kept = len(finished_files(stranger))

    world.load()
    stranger.run([{"name": "bob"}], table_name="people")

    assert load_workers("stranger") == before > 1 == load_workers(world.name)
    assert len(finished_files(stranger)) == 2 * kept > 0
    assert finished_files(world.pipeline, USAGE) == []
    with stranger.sql_client() as client:
        assert client.execute_sql("SELECT name FROM people ORDER BY 1") == [("ada",), ("bob",)]


@pytest.mark.parametrize("scope", ["", "CLAUDE_CODE_ANALYTICS__"])
def test_what_the_user_set_is_left_alone(world: World, monkeypatch: pytest.MonkeyPatch, scope: str) -> None:
    monkeypatch.setenv(f"{scope}LOAD__WORKERS", "3")
    monkeypatch.setenv(f"{scope}LOAD__DELETE_COMPLETED_JOBS", "false")
    world.load()
    assert load_workers(world.name) == 3
    assert finished_files(world.pipeline, USAGE)


def test_where_no_pipeline_was_active_none_is_left(world: World) -> None:
    from dlt.common.pipeline import PipelineContext

    context = Container()[PipelineContext]
    context.deactivate()
    for call in calls(world)[::3]:
        call()
        assert not context.is_active()


def process_state() -> dict[str, Any]:
    return {
        "signals": {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)},
        "gc": (gc.get_threshold(), gc.isenabled()),
        "environment": dict(os.environ),
        "folder": Path.cwd(),
        "root logger": list(logging.getLogger().handlers),
        "our logger": _about(logging.getLogger("claude_code_analytics")),
        "dlt's logger": _about(logging.getLogger("dlt")),
        "threads": {thread.name for thread in threading.enumerate() if not thread.daemon},
    }


def _about(logger: logging.Logger) -> tuple[Any, ...]:
    return logger.level, logger.propagate, list(logger.handlers)


def test_calls_leave_the_process_and_another_pipeline_as_they_were(world: World, stranger: dlt.Pipeline) -> None:
    stranger.run([{"name": "ada"}], table_name="people")  # dlt sets up its own logger
    stranger.extract([{"name": "bob"}], table_name="people")
    pending = stranger.list_extracted_load_packages()
    before = process_state()

    for call in calls(world):
        call()
        assert process_state() == before
        assert dlt.pipeline() is stranger

    assert stranger.list_extracted_load_packages() == pending != []
    stranger.normalize()
    stranger.load()
    with stranger.sql_client() as client:
        assert client.execute_sql("SELECT name FROM people ORDER BY 1") == [("ada",), ("bob",)]


def test_a_client_of_ones_own_stays_open_and_can_be_used_again(world: World) -> None:
    with world.client() as client:
        load(world.pipeline, start=TODAY, client=client)
        assert client.session().organization().id == world.organization.id


def test_two_runs_that_share_a_client_in_two_threads_never_mix_their_settings(world: World, tmp_path: Path) -> None:
    addresses = {f"dev{number}@example.test" for number in range(5)}
    for day in range(14, 21):
        date = TODAY.replace(day=day)
        world.write(date, *(record(date, email=email) for email in sorted(addresses)))
    client = world.client()
    both_started = threading.Barrier(2)
    found: dict[str, set[Any]] = {}

    def run(mode: str) -> None:
        pipeline = dlt.pipeline(
            f"with_{mode}",
            destination=dlt.destinations.duckdb(str(tmp_path / f"{mode}.duckdb")),
            dataset_name="claude_code",
            pipelines_dir=str(tmp_path / mode),
        )
        both_started.wait(timeout=60)
        pipeline.run(claude_code_analytics(start_date=FIRST_DAY, client=client, actor_identity=mode))
        with pipeline.sql_client() as sql:
            found[mode] = {row[0] for row in sql.execute_sql(f"SELECT actor__email_address FROM {USAGE}")}

    threads = [threading.Thread(target=run, args=(mode,)) for mode in ("keep", "drop")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == {"keep": addresses, "drop": {None}}


def test_duckdb_gets_memory_for_the_rows_of_a_window_unless_the_caller_has_the_file_open(week: World) -> None:
    query = "SELECT current_setting('memory_limit'), current_setting('threads')"
    with kept_open(week.pipeline, rows=100), week.pipeline.sql_client() as client:
        assert client.execute_sql(query) == [("122.0 MiB", 1)]
    with duckdb.connect(str(week.database)) as own:
        before = own.execute(query).fetchall()
        with kept_open(week.pipeline, rows=100):
            assert own.execute(query).fetchall() == before


def test_a_relative_file_is_that_of_the_current_folder(world: World) -> None:
    """dlt alone would go on with the folder of the first run."""
    for name in ("one", "two"):
        folder = world.folder / name
        folder.mkdir()
        with world.client() as client, switched_run_context(RunContext(str(folder))):
            load(Warehouse(working_dir=str(world.machine)), start=TODAY, client=client)
        assert (folder / "claude_code_analytics.duckdb").exists()
