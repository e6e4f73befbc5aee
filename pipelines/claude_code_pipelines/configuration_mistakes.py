"""Mistakes in dlt's configuration or in the installation: what dlt raises for each, and its one line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, get_args

from dlt.common.configuration.exceptions import (
    ConfigFieldMissingException,
    ConfigurationException,
    ConfigValueCannotBeCoercedException,
    InvalidNativeValue,
    LookupTraces,
)
from dlt.common.destination.exceptions import (
    DestinationLoadingViaStagingNotSupported,
    DestinationNoStagingMode,
    UnknownDestinationModule,
)
from dlt.common.exceptions import MissingDependencyException
from dlt.common.normalizers.naming.exceptions import InvalidNamingType, NamingTypeNotFound, UnknownNamingModule
from dlt.destinations.impl.duckdb.exceptions import InvalidInMemoryDuckdbCredentials
from dlt.pipeline.exceptions import InvalidPipelineName

from claude_code_analytics.constants import SOURCE_NAME
from claude_code_analytics.installation import install_command
from claude_code_analytics.warehouse.destinations import NAMES, SUPPORTED, missing_driver, similar_to

from .driver_text import one_line


def _missing_settings(error: Any) -> str:
    """Names the settings that dlt misses, and a driver that is missing too; dlt's own text runs over many lines."""
    wanted = [max(_keys(traces), key=len, default=name) for name, traces in error.traces.items()]
    missing = [key.rpartition("__")[2].lower() for key in wanted]
    place = wanted[0].split("__")[1].lower() if wanted[0].startswith("DESTINATION__") else ""
    driver = missing_driver(place)
    return (
        f"{f'destination {place}' if place else error.spec_name} lacks {', '.join(missing)}: set {', '.join(wanted)} "
        "in the environment, or the same in .dlt/secrets.toml (docs/destinations.md)"
        + (f", and install its driver: {driver}" if driver else "")
    )


def _missing_package(error: Any) -> str:
    """Names the command that installs what dlt misses, by this project's extra where it has one."""
    extras = {each.requirement: each.extra for each in SUPPORTED}
    commands = [install_command(name, extras.get(name, "")) for name in error.dependencies]
    return f"{error.caller} needs a package that is not installed: {' && '.join(commands)}"


def missing_module(error: ImportError) -> str:
    """Names the requirement that brings a driver's module, or what is wrong with the driver."""
    top = (error.name or "").partition(".")[0]
    commands = (missing_driver(each.name) for each in SUPPORTED if top and each.driver.partition(".")[0] == top)
    found = next(filter(None, commands), "")
    return f"the driver is not installed: {found}" if found else f"the driver cannot be used: {one_line(error)}"


def _unknown_destination(error: Any) -> str:
    similar = similar_to(error.ref)
    return f"dlt has no destination {error.ref!r}; " + (
        f"did you mean {similar}?" if similar else f"use one of {NAMES}"
    )


def _keys(traces: Iterable[Any]) -> list[str]:
    """Returns the variables in which dlt looked for a setting; a group that lacks several fields counts as one."""
    found = []
    for each in traces:
        if isinstance(each, LookupTraces):
            keys = [key for fields in each.traces.values() for key in _keys(fields)]
            found += keys if len(each.traces) == 1 else [key.rsplit("__", 1)[0] for key in keys]
        elif each.key.startswith("DESTINATION__"):
            found.append(each.key)
    return found


def _unreadable_setting(error: Any) -> str:
    """Names the setting without its value: it may be a secret."""
    place = ".".join(error.embedded_sections)
    return f"{error.spec.__name__} cannot read {place} in dlt's configuration; docs/destinations.md shows its form"


def _wrong_type(error: Any) -> str:
    """Names a setting whose text is of another type, without that text: it may be a secret."""
    from claude_code_analytics.config import SourceConfig  # with the HTTP client, which few commands need

    own = f"sources.{SOURCE_NAME}." if error.field_name in SourceConfig.get_resolvable_fields() else ""
    choices = f"one of {', '.join(map(str, get_args(error.hint)))}" if get_args(error.hint) else f"of type {error.hint}"
    kind = {int: "a whole number", bool: "true or false", float: "a number"}.get(error.hint, choices)
    return f"{own}{error.field_name} in dlt's configuration must be {kind}"


# What dlt raises for mistakes in configuration or installation, and the line for each; the first match counts.
MISTAKES: tuple[tuple[type[BaseException], Callable[[Any], str]], ...] = (
    (UnknownDestinationModule, _unknown_destination),
    (DestinationNoStagingMode, lambda error: "files can only be staged in a bucket: use --staging filesystem"),
    (
        DestinationLoadingViaStagingNotSupported,
        lambda error: f"the destination {error.destination} cannot load files from a bucket; leave staging out",
    ),
    (ConfigFieldMissingException, _missing_settings),
    (InvalidNativeValue, _unreadable_setting),
    (ConfigValueCannotBeCoercedException, _wrong_type),
    (
        InvalidInMemoryDuckdbCredentials,
        lambda error: (
            "a DuckDB database in memory is lost with each of dlt's connections; set destination.duckdb.credentials to "
            "a file"
        ),
    ),
    *(
        (kind, lambda error: f"schema.naming: dlt has no naming convention {error.naming_module!r}; leave it out")
        for kind in (UnknownNamingModule, NamingTypeNotFound, InvalidNamingType)
    ),
    (InvalidPipelineName, lambda error: one_line(error)),
    (ConfigurationException, lambda error: one_line(error)),
    (MissingDependencyException, _missing_package),
)
