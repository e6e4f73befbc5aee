"""dlt's own switches: defaults for one pipeline, and settings that are honoured here or refused before any request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import dlt
from dlt.common.configuration import known_sections
from dlt.common.configuration.resolve import resolve_configuration
from dlt.common.schema import Schema
from dlt.extract import DltResource
from dlt.normalize.configuration import ItemsNormalizerConfiguration

from ..exceptions import ConfigurationError

EVOLVE, FREEZE, DISCARD_VALUE, DISCARD_ROW = "evolve", "freeze", "discard_value", "discard_row"


@dataclass(frozen=True)
class Contract:
    """Limits that a schema contract puts on columns beyond the declared ones.

    Attributes:
        columns: Mode for unknown fields: `evolve`, `freeze` or `discard_value`.
        data_type: Mode for values that do not fit their column.
    """

    columns: str = EVOLVE
    data_type: str = EVOLVE


def check_resource(resource: DltResource) -> None:
    """Refuses settings of the resource that would be ignored, or would break the replacement of days.

    Args:
        resource: The resource that runs.

    Raises:
        ConfigurationError: A setting that cannot be honoured.
    """
    disposition = resource.write_disposition
    if disposition != "append":  # dlt's default, which no user has to set
        raise ConfigurationError(
            f"write_disposition is {disposition!r}, but days are always replaced day by day; leave it out, and use "
            "refresh='drop_sources' to start over"
        )
    hints: Any = resource._hints or {}
    renamed = hints.get("table_name")
    if renamed:
        raise ConfigurationError(
            f"table_name is {renamed!r}, but the tables of {resource.name} keep their names; leave it out, and choose "
            "another dataset_name to keep tables apart"
        )
    for name in ("primary_key", "merge_key", "columns"):
        if hints.get(name):
            raise ConfigurationError(
                f"{name} is set, but each table of {resource.name} has keys and columns of its own; leave it out"
            )
    normalizer = resolve_configuration(
        ItemsNormalizerConfiguration(), sections=(known_sections.NORMALIZE, "parquet_normalizer")
    )
    if normalizer.add_dlt_id:
        raise ConfigurationError(
            "normalize.parquet_normalizer.add_dlt_id is on, and dlt would add a second _dlt_id to tables that have "
            "one; switch it off"
        )


def contract_of(resource: DltResource, schema: Schema) -> Contract:
    """Returns the schema contract of a run.

    Args:
        resource: The resource that runs.
        schema: The schema of its source.

    Raises:
        ConfigurationError: A mode that would drop rows or tables: a day could then never be held.
    """
    contract: Any = (resource._hints or {}).get("schema_contract") or schema.settings.get("schema_contract")
    modes: dict[str, str] = dict(Schema.expand_schema_contract_settings(contract or {}))  # type: ignore[arg-type]
    refused = [name for name, mode in modes.items() if mode == DISCARD_ROW]
    refused += ["tables"] if modes["tables"] == DISCARD_VALUE else []
    if refused:
        raise ConfigurationError(
            f"the schema contract discards rows ({refused[0]}: {modes[refused[0]]}), and a day without all its rows is "
            "not what the API returned; use evolve, freeze, or discard_value for columns and data types"
        )
    is_new = resource.name not in schema.tables  # dlt lets a new table have any column
    return Contract(EVOLVE if is_new else modes["columns"], modes["data_type"])


def set_default(pipeline: dlt.Pipeline, key: str, value: Any) -> None:
    """Sets a dlt setting that the user left open, for one pipeline: no other pipeline of the process sees it (D5d).

    Args:
        pipeline: The pipeline.
        key: The setting, such as `load.workers`.
        value: Its value.
    """
    own = f"{pipeline.pipeline_name}.{key}"
    if dlt.config.get(key) is None and dlt.config.get(own) is None:
        dlt.config[own] = value
