"""The dlt pipeline behind a load: opened, in order after a crash, and with settings that reach no other pipeline."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dlt
from dlt.common.configuration.container import Container
from dlt.common.exceptions import DltException
from dlt.common.pipeline import PipelineContext, get_dlt_pipelines_dir
from filelock import FileLock, Timeout

from claude_code_analytics import ConfigurationError
from claude_code_analytics.constants import SOURCE_NAME
from claude_code_analytics.report import DailyReport
from claude_code_analytics.run.dlt_settings import set_default
from claude_code_analytics.warehouse.altered_tables import stored_tables
from claude_code_analytics.warehouse.backend import open_backend
from claude_code_analytics.warehouse.destinations import Destination, destination_named, kind_of
from claude_code_analytics.warehouse.proof import Proof, read_proof

from .duckdb_file import owner_only
from .error_messages import translate_errors
from .events import LoadIsRunning

# The key, in dlt's local state, of the note about an interrupted backfill.
BACKFILL_NOTE = "claude_code_backfill"

# Longer than any merge of a window by another load, which takes turns with ours.
LOCK_TIMEOUT_SECONDS = 120

_PIPELINE_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)


@dataclass(frozen=True)
class Warehouse:
    """Target of a load.

    Attributes:
        destination: Name of a dlt destination, whose address and credentials come from dlt's configuration, or a
            destination object.
        dataset: Dataset (schema) for the tables.
        pipeline: Name of the dlt pipeline.
        working_dir: Folder for dlt's working files; None for dlt's own.
        staging: Name of a dlt staging destination (`filesystem`): files go through its bucket. None: directly.
    """

    destination: Any = "duckdb"
    dataset: str = "claude_code"
    pipeline: str = SOURCE_NAME
    working_dir: str | None = None
    staging: str | None = None

    def dlt_pipeline(self) -> dlt.Pipeline:
        """Makes the dlt pipeline, without connecting to the destination.

        Raises:
            ConfigurationError: An unknown destination, a bad name.
            DestinationError: The destination is not supported.
        """
        for name in ("destination", "dataset", "pipeline", "staging"):
            value = getattr(self, name)
            if isinstance(value, str) and not value.strip():
                raise ConfigurationError(f"{name} is empty; leave it out or give it a name")
        if not _PIPELINE_NAME.fullmatch(self.pipeline):  # it names a folder
            raise ConfigurationError(f"pipeline is {self.pipeline!r}; use letters, digits and _, a letter first")
        is_new = not Path(self.working_dir or get_dlt_pipelines_dir(), self.pipeline).exists()
        with translate_errors("the warehouse could not be opened"), _usable_working_folder():
            pipeline: dlt.Pipeline = dlt.pipeline(
                self.pipeline,
                destination=self.destination,
                staging=self.staging,
                dataset_name=self.dataset,
                pipelines_dir=self.working_dir,  # type: ignore[arg-type]  # None is its default, untyped
            )
            if is_new:  # load files and the trace hold names: only their owner may read them (D11)
                Path(pipeline.working_dir).chmod(0o700)
            _use_current_folder(pipeline)
            _limit_lock_waits(pipeline)
        return pipeline


@contextmanager
def _usable_working_folder() -> Iterator[None]:
    try:
        yield
    except Timeout:  # another load holds the lock
        raise
    except OSError as error:
        raise ConfigurationError(
            f"dlt's working folder cannot be used ({error}); set DLT_DATA_DIR to a folder that you may write to"
        ) from None


@contextmanager
def active_pipeline_kept() -> Iterator[None]:
    """Activates the pipeline again that was active before, or none: dlt activates each one it makes or runs (D5d)."""
    active = Container()[PipelineContext]
    before = active.pipeline() if active.is_active() else None
    try:
        yield
    finally:
        active.deactivate()
        if before is not None:
            with suppress(OSError, DltException):  # its folder may be gone by now
                active.activate(before)


@contextmanager
def locked(pipeline: dlt.Pipeline) -> Iterator[None]:
    """Keeps other loads out of the pipeline's working folder. The lock ends with the process, however that ends.

    Raises:
        LoadIsRunning: Another load of the pipeline is running on this machine.
    """
    folder = Path(pipeline.pipelines_dir or get_dlt_pipelines_dir())
    lock = FileLock(folder / f"{pipeline.pipeline_name}.lock")
    try:
        with _usable_working_folder():
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
    except Timeout:
        raise LoadIsRunning(
            f"another load of pipeline {pipeline.pipeline_name} is running; wait for it, or choose another --pipeline"
        ) from None
    try:
        yield
    finally:
        lock.release()


def put_in_order(pipeline: dlt.Pipeline, destination: Destination) -> None:
    """Settles what a crashed run left in the working folder, and gets the state in step with the destination.

    Our own pending packages are aborted: that costs reading again. If other sources have packages pending, all are
    finished, because dlt cannot abort by source (decision D5a).

    Raises:
        DestinationError: The destination cannot be reached, or rejects a pending package.
    """
    _set_defaults(pipeline, destination)
    if not _has_its_schemas(pipeline):
        _start_over(pipeline)
    with translate_errors("the warehouse could not be opened"), owner_only(pipeline):
        abort_own_packages(pipeline)
        pipeline.sync_destination()


def abort_own_packages(pipeline: dlt.Pipeline) -> None:
    """Aborts pending packages, or finishes them where another source's are among them."""
    try:
        pending = [*pipeline.list_extracted_load_packages(), *pipeline.list_normalized_load_packages()]
        schemas = {pipeline.get_load_package_info(load_id).schema_name for load_id in pending}
    except (OSError, ValueError, KeyError, DltException):
        # a kill can leave a package half written, on which every later run of dlt fails
        schemas = set()
        pending = ["a torn package"]
    if schemas - {SOURCE_NAME}:
        pipeline.normalize()
        pipeline.load()
    elif schemas:
        pipeline.abort_packages()
    if pending and (not schemas or pipeline.has_pending_data):
        _start_over(pipeline)


def _has_its_schemas(pipeline: dlt.Pipeline) -> bool:
    """Returns whether dlt can read its schemas: a kill while it restores them leaves a state without their files."""
    try:
        for name in {*pipeline.schema_names, *filter(None, [pipeline.default_schema_name])}:
            pipeline.schemas[name]
    except (OSError, ValueError):  # a missing file, or half of one
        return False
    return True


def _start_over(pipeline: dlt.Pipeline) -> None:
    """Empties a working folder that dlt cannot read any more; the note about an interrupted backfill stays."""
    backfill = local_value(pipeline, BACKFILL_NOTE)
    pipeline.drop()
    pipeline.set_local_state_val(BACKFILL_NOTE, backfill)


def local_value(pipeline: dlt.Pipeline, key: str) -> Any:
    """Returns a value of dlt's local state, which stays on this machine; None where it was never set."""
    try:
        return pipeline.get_local_state_val(key)
    except KeyError:
        return None


def read_warehouse(pipeline: dlt.Pipeline, report: DailyReport, **window: Any) -> Proof:
    """Queries the warehouse behind a pipeline for the proof.

    Args:
        pipeline: The pipeline.
        report: The report whose tables are read.
        **window: As `read_proof` takes it.

    Raises:
        ConfigurationError: Its tables were changed by hand.
        DestinationError: The warehouse cannot be queried.
    """
    destination = destination_named(kind_of(pipeline))
    with translate_errors("the warehouse could not be queried"), open_backend(pipeline, SOURCE_NAME) as backend:
        stored = stored_tables(backend, report, reports_types=destination.reports_types)
        return read_proof(backend, report, stored, **window)


def restore_tables(pipeline: dlt.Pipeline, proof: Proof, report: DailyReport) -> None:
    """Creates tables that were dropped by hand. dlt looks for them only when a schema is new to the destination.

    Args:
        pipeline: The pipeline.
        proof: What the warehouse holds.
        report: The report.
    """
    destination = destination_named(kind_of(pipeline))
    if SOURCE_NAME not in pipeline.schema_names or destination.table_format:  # Delta creates tables as they are written
        return
    schema = pipeline.schemas[SOURCE_NAME]
    known = {table.name for table in (*report.tables, report.ledger) if table.name in schema.tables}
    staged = {table.name for table in report.tables} & known
    with translate_errors("the tables could not be created"):
        with pipeline.destination_client(schema.name) as client:
            is_new = not known <= proof.stored.keys() and _forget_schema(client, known)
            with client.with_staging_dataset():  # type: ignore[attr-defined]
                _forget_schema(client, staged)  # dlt creates them when it loads next
        if is_new:
            pipeline.sync_schema(schema.name)


def _forget_schema(client: Any, tables: Iterable[str]) -> bool:
    """Has dlt take a schema for a new one in a dataset that it knows and that lacks tables; whether it does so now."""
    names = [client.schema.naming.normalize_tables_path(name) for name in tables]
    versions = client.schema.version_table_name
    stored = dict(client.get_storage_tables([*names, versions]))
    if not stored[versions]:
        return True
    if all(stored[name] for name in names):
        return False
    client.sql_client.execute_sql(
        f"DELETE FROM {client.sql_client.make_qualified_table_name(versions)} WHERE schema_name = %s",  # noqa: S608
        client.schema.name,
    )
    return True


def _set_defaults(pipeline: dlt.Pipeline, destination: Destination) -> None:
    """Sets what dlt's configuration leaves open, under the pipeline's own name: no other pipeline sees it (D5d)."""
    # finished load files hold the records; they are not kept (D11)
    defaults: dict[str, Any] = {"load.delete_completed_jobs": True}
    if destination.load_workers is not None:
        defaults["load.workers"] = destination.load_workers
    for key, value in defaults.items():
        set_default(pipeline, key, value)
    place = pipeline.destination
    for key, value in destination.settings.items():
        if place and all(
            dlt.config.get(f"destination{name}.{key}") is None for name in ("", f".{place.destination_name}")
        ):
            place.config_params.setdefault(key, value)


def _limit_lock_waits(pipeline: dlt.Pipeline) -> None:
    """Ends waits for locks in Postgres: a reader that is idle in a transaction would block a load for ever."""
    if kind_of(pipeline) == "postgres":
        try:
            credentials: Any = pipeline.destination_client().config.credentials
        except DltException:  # no credentials, which `views --print` does not need, or no schema: others report that
            return
        options = credentials.query.get("options", "")
        if "lock_timeout" not in options:
            credentials.query["options"] = f"{options} -clock_timeout={LOCK_TIMEOUT_SECONDS}s".strip()
        pipeline.destination.config_params["credentials"] = credentials


def _use_current_folder(pipeline: dlt.Pipeline) -> None:
    """Resolves a relative DuckDB path against the current folder; dlt would reuse the first run's."""
    here = str(Path(dlt.current.run_context().local_dir).resolve())
    pipeline.set_local_state_val("initial_cwd", here)
    if pipeline.destination and "local_dir" in pipeline.destination.config_params:
        pipeline.destination.config_params["local_dir"] = here
