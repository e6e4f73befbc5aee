"""Read-only access to a warehouse: no credential of the API, no write lock, no file created."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dlt

from claude_code_analytics import ConfigurationError
from claude_code_analytics.warehouse.destinations import destination_of, kind_of

from .dataset_names import dataset_name
from .duckdb_file import is_open_here
from .error_messages import translate_errors
from .warehouse import Warehouse, active_pipeline_kept


@contextmanager
def open_read_only(target: Warehouse | dlt.Pipeline) -> Iterator[dlt.Pipeline]:
    """Opens a pipeline in a working folder of its own, which knows the schema that the destination has.

    A DuckDB file is opened read-only, which needs no write lock and creates no file, unless this process has it open.
    """
    with TemporaryDirectory() as folder, active_pipeline_kept():
        with translate_errors("the warehouse could not be opened"):
            pipeline = _in_folder(target, folder, None)
            destination_of(pipeline)
            if kind_of(pipeline) == "duckdb":
                credentials: Any = pipeline.destination_client().config.credentials
                require_file(pipeline)
                credentials.read_only = not is_open_here(credentials.database)
                pipeline = _in_folder(target, folder, dlt.destinations.duckdb(credentials=credentials))
            pipeline.sync_destination()
        yield pipeline


def require_file(pipeline: dlt.Pipeline) -> None:
    """Refuses a DuckDB file that does not exist: connecting would create it."""
    if kind_of(pipeline) == "duckdb":
        credentials: Any = pipeline.destination_client().config.credentials
        if not Path(credentials.database).exists():
            raise ConfigurationError(f"nothing is loaded: there is no file {credentials.database}")


def described(pipeline: dlt.Pipeline) -> str:
    """Returns address and dataset of a warehouse as dlt names them, without passwords."""
    with translate_errors("the warehouse could not be opened"):
        return f"{pipeline.destination_client().config}, dataset {dataset_name(pipeline)}"


def _in_folder(target: Warehouse | dlt.Pipeline, folder: str, destination: Any) -> dlt.Pipeline:
    if isinstance(target, Warehouse):
        made = replace(target, working_dir=folder)
        return replace(made, destination=destination or made.destination).dlt_pipeline()
    pipeline: dlt.Pipeline = dlt.pipeline(
        target.pipeline_name,
        destination=destination or target.destination,
        dataset_name=target.dataset_name,
        pipelines_dir=folder,
    )
    return pipeline
