"""The warehouse of a load: its dlt pipeline, with settings that reach no other pipeline, and its proof."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any

import dlt
from dlt.common.configuration.container import Container
from dlt.common.destination import Destination
from dlt.common.exceptions import DltException
from dlt.common.pipeline import PipelineContext

from claude_code_analytics import ConfigurationError
from claude_code_analytics.argument_types import Types, check_types
from claude_code_analytics.claude_code.report import DailyReport
from claude_code_analytics.constants import SOURCE_NAME
from claude_code_analytics.warehouse.destinations import destination_of, kind_of, set_default
from claude_code_analytics.warehouse.proof import Proof, read_proof

from .dataset_names import dataset_name
from .defaults import DATASET, DESTINATION
from .error_messages import translate_errors

# Longer than any merge of a window by another load, which takes turns with ours.
LOCK_TIMEOUT_SECONDS = 120

_TYPES: Types = {
    "destination": (str, Destination, type, NoneType),
    "dataset": (str,),
    "pipeline": (str,),
    "working_dir": (str, os.PathLike, NoneType),
    "staging": (str, Destination, type, NoneType),
}

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

    destination: Any = DESTINATION
    dataset: str = DATASET
    pipeline: str = SOURCE_NAME
    working_dir: str | None = None
    staging: str | None = None

    def dlt_pipeline(self) -> dlt.Pipeline:
        """Makes the dlt pipeline, without connecting to the destination.

        Raises:
            ConfigurationError: An unknown destination, a bad name, a working folder that cannot be used.
        """
        check_types(_TYPES, vars(self))
        for name, value in vars(self).items():
            if isinstance(value, str) and not value.strip():
                raise ConfigurationError(f"{name} is empty; leave it out or give it a name")
        if not _PIPELINE_NAME.fullmatch(self.pipeline):  # it names a folder
            raise ConfigurationError(
                f"pipeline is {self.pipeline!r}; use letters, digits and _, and start with a letter"
            )
        try:
            with translate_errors("the warehouse could not be opened"):
                pipeline: dlt.Pipeline = dlt.pipeline(
                    self.pipeline,
                    destination=self.destination,
                    staging=self.staging,
                    dataset_name=self.dataset,
                    pipelines_dir=self.working_dir,  # type: ignore[arg-type]  # None is its default, untyped
                )
                dataset_name(pipeline)  # refuses one that is the staging dataset too
                _use_current_folder(pipeline)
                _limit_lock_waits(pipeline)
        except OSError as error:
            raise unusable_folder(error) from None
        return pipeline


def unusable_folder(error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"dlt's working folder cannot be used ({error}); set DLT_DATA_DIR to a folder that you may write to"
    )


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


def read_warehouse(pipeline: dlt.Pipeline, report: DailyReport, **options: Any) -> Proof:
    """Queries the warehouse behind a pipeline for the proof; `options` as `read_proof` takes them."""
    with translate_errors("the warehouse could not be queried"):
        return read_proof(pipeline, SOURCE_NAME, report.tables, report.ledger, **options)


def set_defaults(pipeline: dlt.Pipeline) -> None:
    """Sets what dlt's configuration leaves open, under the pipeline's own name: no other pipeline sees it (D5d)."""
    # finished load files hold the records; they are not kept (D11)
    set_default(pipeline, "load.delete_completed_jobs", True)
    place = pipeline.destination
    for key, value in destination_of(pipeline).settings.items():
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
