"""Recovery of dlt's working folder after a crash, and the lock that keeps two loads out of one folder."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dlt
from dlt.common.exceptions import DltException
from dlt.common.pipeline import get_dlt_pipelines_dir
from filelock import FileLock, Timeout

from claude_code_analytics.constants import SOURCE_NAME

from .error_messages import translate_errors
from .events import LoadIsRunning
from .warehouse import set_defaults, unusable_folder

# An interrupted backfill of the same range resumes, for this long.
RESUMABLE = dt.timedelta(hours=24)

# The key, in dlt's local state, of the note about an interrupted backfill.
_BACKFILL_NOTE = "claude_code_backfill"


@contextmanager
def locked(pipeline: dlt.Pipeline) -> Iterator[None]:
    """Keeps other loads out of the pipeline's working folder. The lock ends with the process, however that ends."""
    folder = Path(pipeline.pipelines_dir or get_dlt_pipelines_dir())
    lock = FileLock(folder / f"{pipeline.pipeline_name}.lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise LoadIsRunning(
            f"another load of pipeline {pipeline.pipeline_name} is running; wait for it, then run again"
        ) from None
    except OSError as error:
        raise unusable_folder(error) from None
    try:
        yield
    finally:
        lock.release()


def put_in_order(pipeline: dlt.Pipeline) -> None:
    """Settles what a crashed run left in the working folder, and gets the state in step with the destination.

    Our own pending packages are aborted: that costs reading again. If other sources have packages pending, all are
    finished, because dlt cannot abort by source (decision D5a).
    """
    set_defaults(pipeline)
    if not _has_its_schemas(pipeline):
        _start_over(pipeline)
    with translate_errors("the warehouse could not be opened"):
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
        try:
            pipeline.abort_packages()
        except DltException:  # a kill can leave one that is loaded, but not moved away
            schemas = set()
    if pending and (not schemas or pipeline.has_pending_data):
        _start_over(pipeline)


def begin_backfill(pipeline: dlt.Pipeline, key: Sequence[str], now: dt.datetime) -> dt.datetime | None:
    """Notes that a backfill begins, unless one with the same key was interrupted less than 24 hours ago.

    Returns when the interrupted one began; None where this one begins.
    """
    noted = _note(pipeline)
    if noted.get("key") == list(key):
        began = dt.datetime.fromisoformat(noted["began"])
        if now - began < RESUMABLE:
            return began
    pipeline.set_local_state_val(_BACKFILL_NOTE, {"key": list(key), "began": now.isoformat()})
    return None


def end_backfill(pipeline: dlt.Pipeline) -> None:
    pipeline.set_local_state_val(_BACKFILL_NOTE, None)


def _note(pipeline: dlt.Pipeline) -> dict[str, Any]:
    try:
        return dict(pipeline.get_local_state_val(_BACKFILL_NOTE) or {})
    except KeyError:
        return {}


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
    note = _note(pipeline)
    pipeline.drop()
    pipeline.set_local_state_val(_BACKFILL_NOTE, note)
