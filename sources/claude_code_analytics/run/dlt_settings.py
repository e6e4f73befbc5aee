"""dlt's own switches: settings that are honoured here or refused before any request."""

from __future__ import annotations

from typing import Any

import dlt
from dlt.common.configuration import known_sections
from dlt.common.configuration.container import Container
from dlt.common.configuration.resolve import resolve_configuration
from dlt.common.pipeline import PipelineContext
from dlt.common.schema import Schema
from dlt.common.storages.exceptions import CurrentLoadPackageStateNotAvailable
from dlt.extract import DltResource
from dlt.normalize.configuration import ItemsNormalizerConfiguration

from ..exceptions import ConfigurationError
from ..warehouse.destinations import NOWHERE, Destination, destination_of


def running_destination() -> Destination:
    """Returns the destination of the pipeline that extracts now. Outside of one dlt would make its own pipeline."""
    try:
        dlt.current.load_package_state()
    except CurrentLoadPackageStateNotAvailable:
        return NOWHERE
    return destination_of(Container()[PipelineContext].pipeline())


def check_resource(resource: DltResource) -> None:
    """Refuses settings of the resource that would be ignored, or would break the replacement of days."""
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


def check_contract(resource: DltResource, schema: Schema) -> None:
    """Refuses a schema contract that discards anything: a day would not hold what the API returned (decision D5e)."""
    contract: Any = (resource._hints or {}).get("schema_contract") or schema.settings.get("schema_contract")
    modes: dict[str, str] = dict(Schema.expand_schema_contract_settings(contract or {}))  # type: ignore[arg-type]
    for entity, mode in modes.items():
        if mode.startswith("discard"):
            raise ConfigurationError(
                f"the schema contract discards what it does not know ({entity}: {mode}), and a day without it is not "
                "what the API returned; use evolve or freeze"
            )
