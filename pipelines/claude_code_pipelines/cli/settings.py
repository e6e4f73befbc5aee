"""Options for settings of the source: each takes the place of one environment variable while the command runs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any

import click

from claude_code_analytics.constants import BASE_URL, LOOKBACK_DAYS, MAX_CONCURRENT_DAYS, SOURCE_NAME

from .options import Command, Decorator, all_of

# As `privacy.MODES`, which takes an import of half the source.
IDENTITIES = ("keep", "hash", "drop")

# By setting: type, what is shown in its place, default, help. The default is only shown: where an option is not given,
# dlt's configuration decides.
_OPTIONS: Mapping[str, tuple[Any, str | None, object, str]] = {
    "lookback_days": (int, "N", LOOKBACK_DAYS, "Days after its end until which loads fetch a day again."),
    "include_today": (bool, None, "include", "Whether to load days that are not final yet."),
    "max_days": (int, "N", "no limit", "Most days of one load; the others wait."),
    "max_concurrent_days": (int, "N", MAX_CONCURRENT_DAYS, "Days requested at the same time."),
    "actor_identity": (click.Choice(IDENTITIES), None, "keep", "Keep names, write pseudonyms, or drop them."),
    "organization_id": (str, "ID", "from the API", "Id of the organization."),
    "base_url": (str, "URL", BASE_URL, "Address of the API, or of a gateway."),
}
SETTINGS = tuple(_OPTIONS)


def variable(name: str) -> str:
    """Returns the environment variable of a setting."""
    return f"SOURCES__{SOURCE_NAME}__{name}".upper()


def with_settings(*names: str) -> Decorator:
    """Adds options for settings, which win over the environment and dlt's files."""

    def add(command: Command) -> Command:
        @wraps(command)
        def run(*args: Any, **kwargs: Any) -> Any:
            given = {variable(name): kwargs.pop(name) for name in names}
            with _environment({name: str(value) for name, value in given.items() if value is not None}):
                return command(*args, **kwargs)

        return all_of(*map(_option, names))(run)

    return add


def _option(name: str) -> Decorator:
    kind, metavar, default, text = _OPTIONS[name]
    names = f"--{name}/--no-{name}" if kind is bool else f"--{name}"
    return click.option(
        names.replace("_", "-"), type=kind, metavar=metavar, default=None, help=f"{text}  [default: {default}]"
    )


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
