"""Names of the datasets behind a pipeline as the destination has them: dlt normalizes those that it is given."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import dlt
from dlt.common.configuration import configspec, known_sections
from dlt.common.configuration.resolve import resolve_configuration
from dlt.common.configuration.specs import BaseConfiguration
from dlt.common.destination.client import DestinationClientDwhConfiguration
from dlt.common.schema import Schema

from claude_code_analytics import ConfigurationError
from claude_code_analytics.constants import SOURCE_NAME

# Postgres lets a superuser create tables there.
_RESERVED = re.compile("information_schema|pg_catalog|pg_toast", re.IGNORECASE)


@configspec
class _Naming(BaseConfiguration):
    """dlt's settings of dataset names. Read without the rest of a destination's, they need no credentials."""

    staging_dataset_name_layout: str = "%s_staging"
    enable_dataset_name_normalization: bool = True


def dataset_name(pipeline: dlt.Pipeline) -> str:
    """Returns the name of the dataset that holds the tables, without connecting and without credentials.

    Raises:
        ConfigurationError: The database has one of that name for itself, or it would be the staging dataset too, which
            dlt truncates.
    """
    place: Any = pipeline.destination
    given = {name: place.config_params[name] for name in _Naming.get_resolvable_fields() if name in place.config_params}
    naming: _Naming = resolve_configuration(
        _Naming(), sections=(known_sections.DESTINATION, place.destination_name), explicit_value=given
    )
    schema = Schema(SOURCE_NAME)
    with suppress(FileNotFoundError):  # not loaded yet, or a working folder that lost its schemas
        schema = pipeline.schemas[SOURCE_NAME]
    default_schema = None if pipeline.config.use_single_dataset else pipeline.default_schema_name
    config: Any = DestinationClientDwhConfiguration()
    config._bind_dataset_name(pipeline.dataset_name, default_schema)
    config.staging_dataset_name_layout = naming.staging_dataset_name_layout
    config.enable_dataset_name_normalization = naming.enable_dataset_name_normalization
    name = str(config.normalize_dataset_name(schema))
    if _RESERVED.fullmatch(name):
        raise ConfigurationError(f"dataset {name} belongs to the database itself; choose another name")
    if config.normalize_staging_dataset_name(schema) == name:
        raise ConfigurationError(
            f"by staging_dataset_name_layout the staging dataset is {name} too, and dlt empties it; leave it out, or "
            "write another layout, such as %s_staging"
        )
    return str(place.capabilities().casefold_identifier(name))
