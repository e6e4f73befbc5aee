"""The warehouse behind a load: the dlt pipeline that leads there, kept in order, and its errors in one sentence.

What dlt 1.31 leaves to its users after a crash is closed here (decision D5): what an interrupted run left in the
working folder is given up, cursor included, before anything new is read. What it left in the warehouse is for
`journal.py`.
"""

from __future__ import annotations

import ctypes
import gc
import json
import logging
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.pipeline import LoadInfo, get_dlt_pipelines_dir
from dlt.common.schema import Schema
from dlt.common.utils import digest128
from dlt.destinations.exceptions import DatabaseUndefinedRelation
from filelock import FileLock, Timeout

from claude_code_analytics import ConfigurationError, DestinationError
from claude_code_analytics.claude_code.columns import COLUMNS
from claude_code_analytics.destination.destinations import SETTINGS, TABLE_FORMATS, require_replaceable
from claude_code_analytics.settings import DAYS_TABLE, SOURCE_NAME, TABLES

from .errors import plain_errors

logger = logging.getLogger("claude_code_analytics")

_PIPELINE_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
_NOTES = "claude_code_"
"""What the keys of this project in dlt's local state begin with."""
_ADDRESS_NOTE = f"{_NOTES}warehouse"

_MANY_ROWS = 100_000
"""Rows of a window that leave so much memory behind that giving it back is worth the tenth of a second it takes."""

_WORKERS = {"duckdb": 1, "filesystem": 2}
"""Tables that are written side by side, where more of them only need more memory. A DuckDB file has one writer (a year
of 1,000 developers: 600 MB at their peak, one after the other 460 MB in the same time). Delta's merges read whole
tables; one after the other they wait for dlt, which looks for a finished one once a second."""


@dataclass(frozen=True)
class Warehouse:
    """Where a load goes.

    Attributes:
        destination: Name of a dlt destination; its place and credentials come from dlt's configuration.
        dataset: Dataset (schema) for the tables.
        pipeline: Name of the dlt pipeline, which keeps the cursor.
        working_dir: Folder for dlt's working files; None for dlt's own.
        staging: Name of a dlt staging destination (`filesystem`): files go to its bucket, where the warehouse fetches
            them. None: they go to the warehouse directly.
    """

    destination: str = "duckdb"
    dataset: str = "claude_code"
    pipeline: str = SOURCE_NAME
    working_dir: str | None = None
    staging: str | None = None

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Keeps other loads of the same pipeline out while this one works; they share one working folder.

        The claim ends with the process, however that ends.

        Raises:
            DestinationError: Another load of the pipeline is under way on this machine.
        """
        folder = Path(self.working_dir or get_dlt_pipelines_dir())
        folder.mkdir(parents=True, exist_ok=True)
        claim = FileLock(folder / f"{re.sub(r'[^A-Za-z0-9_-]', '_', self.pipeline)}.lock")
        try:
            claim.acquire(timeout=0)
        except Timeout:
            what = f"another load of pipeline {self.pipeline} is under way; wait for it, or choose another --pipeline"
            raise DestinationError(what) from None
        try:
            yield
        finally:
            claim.release()

    def open(self) -> dlt.Pipeline:
        """The dlt pipeline, with its working folder in order and its state in step with the destination.

        Raises:
            ConfigurationError: An unknown destination, a bad name, missing credentials.
            DestinationError: The destination is out of reach or locked.
        """
        for name in ("destination", "dataset", "pipeline", "staging"):
            value = getattr(self, name)
            if value is not None and not value.strip():
                raise ConfigurationError(f"{name} is empty; leave it out or give it a name")
        with plain_errors("the warehouse could not be opened"):
            # finished load files hold the records; they are not kept (decision D11)
            dlt.config["load.delete_completed_jobs"] = True
            if self.destination in _WORKERS and dlt.config.get("load.workers") is None:
                dlt.config["load.workers"] = _WORKERS[self.destination]
            if not _PIPELINE_NAME.fullmatch(self.pipeline):  # it names the folder that is cleared
                raise ConfigurationError(f"pipeline is {self.pipeline!r}; use letters, digits and _, a letter first")
            notes = _clear_remains(Path(self.working_dir or get_dlt_pipelines_dir()) / self.pipeline)
            pipeline: dlt.Pipeline = dlt.pipeline(
                self.pipeline,
                destination=self.destination,
                staging=self.staging,
                dataset_name=self.dataset,
                pipelines_dir=self.working_dir,  # type: ignore[arg-type]  # None is its default, untyped
            )
            if pipeline.destination:
                require_replaceable(kind(pipeline), pipeline.destination.capabilities())
            _use_current_folder(pipeline)
            self._settle(pipeline)
            # dlt keeps its state by the pipeline's name, also where the name was used with another warehouse before
            address = _address(pipeline)
            if {address, None}.isdisjoint({notes.get(_ADDRESS_NOTE) or local_value(pipeline, _ADDRESS_NOTE)}):
                pipeline = pipeline.drop()
                notes = {}
            pipeline.sync_destination()
            _adopt_schema(pipeline)
            for key, value in {**notes, _ADDRESS_NOTE: address}.items():
                pipeline.set_local_state_val(key, value)
            return pipeline

    def _settle(self, pipeline: dlt.Pipeline) -> None:
        """Settles what dlt's configuration leaves open.

        Each pipeline gets a staging dataset of its own: two that load into one dataset would mix their rows. In a
        bucket too: dlt empties a table's folder there before it loads.
        """
        places: list[tuple[Any, str, Any]] = [
            (pipeline.destination, key, value) for key, value in SETTINGS.get(kind(pipeline), {}).items()
        ]
        if self.pipeline != SOURCE_NAME:
            own = re.sub(r"\W", "_", self.pipeline)
            places.append((pipeline.destination, "staging_dataset_name_layout", f"%s_staging_{own}"))
            if self.staging:
                places.append((pipeline.staging, "layout", f"{own}/{{table_name}}/{{load_id}}.{{file_id}}.{{ext}}"))
        for place, key, value in places:
            names = ("", f".{place.destination_name}") if place else ()
            if place and all(dlt.config.get(f"destination{name}.{key}") is None for name in names):
                place.config_params.setdefault(key, value)


def _adopt_schema(pipeline: dlt.Pipeline) -> None:
    """Has a pipeline that never loaded there know the tables that others made: their columns keep the types they have.

    dlt restores schemas by the names in a pipeline's own state only.
    """
    if analytics_schema(pipeline) is not None:
        return
    with pipeline.destination_client() as client:
        try:
            stored = client.get_stored_schema(SOURCE_NAME)  # type: ignore[attr-defined]  # of all SQL clients
        except DatabaseUndefinedRelation:
            stored = None  # nothing was ever loaded there
        if not stored:
            _require_own_tables(client, pipeline.dataset_name)
    if stored:
        pipeline.schemas.save_schema(Schema.from_stored_schema(json.loads(stored.schema)))
        pipeline.schema_names = [*pipeline.schema_names, SOURCE_NAME]


def _require_own_tables(client: Any, dataset: str) -> None:
    """Refuses a dataset where somebody else has a table of the same name: dlt would add columns to it.

    Raises:
        ConfigurationError: A table lacks columns that each of this project's has.
    """
    for table, found in client.get_storage_tables(TABLES):
        names = {name.lower() for name in found}
        lacking = [column.name for column in COLUMNS[table] if column.name not in names]
        if found and lacking:
            raise ConfigurationError(
                f"dataset {dataset} has a table {table} that no load made: it has no {', '.join(lacking[:3])}; choose "
                "another --dataset, or give that table another name"
            )


def _use_current_folder(pipeline: dlt.Pipeline) -> None:
    """Has a file without a folder lie in the current one; dlt would go on with the folder of the first run."""
    here = str(Path(dlt.current.run_context().local_dir).resolve())
    pipeline.set_local_state_val("initial_cwd", here)
    if pipeline.destination and "local_dir" in pipeline.destination.config_params:
        pipeline.destination.config_params["local_dir"] = here


def local_value(pipeline: dlt.Pipeline, key: str) -> Any:
    """A value of dlt's local state, which stays on this machine; None where it was never set."""
    try:
        return pipeline.get_local_state_val(key)
    except KeyError:
        return None


def _address(pipeline: dlt.Pipeline) -> str:
    """Tells one warehouse from another, as a hash: no credential goes into dlt's state."""
    config: Any = pipeline.destination_client().config
    place = getattr(config, "bucket_url", None) or config.credentials
    return digest128(f"{config.destination_type} {place} {pipeline.dataset_name}")


def _clear_remains(folder: Path) -> dict[str, Any]:
    """Removes the working folder of a pipeline where a run was interrupted, and gives what was noted there.

    The pipeline then is as the destination knows it, and what was read and not loaded is read again. dlt would finish
    it, and that is wrong whenever something else happened since: another load may have told the days anew, or left its
    own rows in the staging tables, which dlt fills but does not empty again. What was read but not normalized it would
    even normalize by an older schema, that replaces other days (decision D3 keeps them there).
    """
    if not _is_interrupted(folder):
        return {}
    logger.info("a load was interrupted; its days are read again")
    state = folder / dlt.Pipeline.STATE_FILE
    try:
        local = json.loads(state.read_bytes())["_local"]
    except (OSError, ValueError, KeyError):
        local = {}  # never written, or only in part
    # first of all, so that a kill leaves no cursor that knows of days that are gone
    state.unlink(missing_ok=True)
    shutil.rmtree(folder)
    return {key: value for key, value in local.items() if key.startswith(_NOTES)}


def _is_interrupted(folder: Path) -> bool:
    """Whether a run left anything that a finished one does not: what was read and not loaded, files written in part."""
    places = ("normalize/*", "normalize/extracted/*", "load/new/*", "load/normalized/*")
    if any(each.name != "extracted" for place in places for each in folder.glob(place)):
        return True
    try:
        for file in (*folder.glob("schemas/*"), *folder.glob(dlt.Pipeline.STATE_FILE)):
            json.loads(file.read_bytes())
    except (OSError, ValueError):
        return True
    return False


def prepare(pipeline: dlt.Pipeline, source: Any) -> dict[str, int]:
    """Reads a source and makes it ready to be written; tells how many rows each table gets.

    Raises:
        ClaudeCodeAnalyticsError: It could not be read.
    """
    with plain_errors():
        pipeline.extract(source)
        rows = dict(pipeline.normalize().row_counts)
    if sum(rows.values()) >= _MANY_ROWS:
        _give_back_memory()
    return rows


def commit(pipeline: dlt.Pipeline) -> LoadInfo:
    """Writes what was prepared.

    Raises:
        DestinationError: It could not be written whole; what was is half done until its days are read again.
    """
    with plain_errors("the window could not be written"):
        return pipeline.load()


def _give_back_memory() -> None:
    """Returns what reading a window took, before the destination's driver takes its own.

    Python finds dlt's cycles late, and glibc keeps what was freed in the threads that read: without this the peak
    of a load grows by a third in its first twenty windows (1,000 records a day: from 379 to 600 MB).
    """
    gc.collect()
    pa.default_memory_pool().release_unused()
    with suppress(AttributeError, OSError, TypeError):  # another C library than glibc
        ctypes.CDLL(None).malloc_trim(0)


def analytics_schema(pipeline: dlt.Pipeline) -> Schema | None:
    """The dlt schema of this project's tables; in a pipeline with other sources it need not be the default one."""
    schemas = (pipeline.schemas[name] for name in pipeline.schema_names)
    return next((schema for schema in schemas if DAYS_TABLE in schema.tables), None)


def schema_name(pipeline: dlt.Pipeline) -> str:
    """Its name, or an empty one, which dlt takes for its default, where nothing is known of it yet."""
    schema = analytics_schema(pipeline)
    return schema.name if schema else ""


def is_lake(pipeline: dlt.Pipeline) -> bool:
    """Whether the tables are files in a folder or a bucket, with nobody there who would take SQL."""
    return kind(pipeline) in TABLE_FORMATS


def kind(pipeline: dlt.Pipeline) -> str:
    """Type of the destination, as dlt names it."""
    return pipeline.destination.destination_type.rsplit(".", 1)[-1] if pipeline.destination else ""


def recreate_tables(pipeline: dlt.Pipeline) -> None:
    """Creates tables and columns that are not there; dlt looks for them only when a schema is new to it."""
    schema = analytics_schema(pipeline)
    if schema is None or is_lake(pipeline):  # in a lake the load that writes to a table creates it
        return
    with plain_errors("the tables could not be made"):
        with pipeline.destination_client(schema.name) as job_client:
            stored = dict(job_client.get_storage_tables([schema.version_table_name]))  # type: ignore[attr-defined]
        if stored[schema.version_table_name]:
            with pipeline.sql_client(schema.name) as client:
                versions = client.make_qualified_table_name(schema.version_table_name)
                client.execute_sql(f"DELETE FROM {versions} WHERE schema_name = %s", schema.name)  # noqa: S608
        pipeline.sync_schema(schema.name)
