"""Parameters of the source: default and check; how dlt's configuration is read."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, TypeAlias

from dlt.common.configuration import configspec
from dlt.common.configuration.resolve import resolve_configuration
from dlt.common.configuration.specs import BaseConfiguration, known_sections
from dlt.common.typing import TSecretStrValue

from .api.client import AnalyticsClient, usable_url
from .argument_types import OPTIONAL_TEXT, Types, check_types, check_whole_number
from .constants import BASE_URL, EARLIEST_DAY, LOOKBACK_DAYS, MAX_CONCURRENT_DAYS, SOURCE_NAME, UNKNOWN_ORGANIZATION
from .dates import check_range, parse_day
from .exceptions import ConfigurationError
from .foreign_text import printable
from .privacy import Pseudonymizer, check_mode, pseudonymizer

# What `dlt init` writes into secrets.toml for each secret.
_PLACEHOLDER = "<configure me>"


_TYPES: Types = {
    "api_key": OPTIONAL_TEXT,
    "access_token": OPTIONAL_TEXT,
    "include_today": (bool,),
    "actor_identity": (str,),
    "identity_key": OPTIONAL_TEXT,
    "organization_id": OPTIONAL_TEXT,
    "base_url": (str,),
}

# dlt answers None for any other type with a page of text; `on_resolved` refuses it in one line.
if TYPE_CHECKING:
    Text: TypeAlias = str
    Number: TypeAlias = int
    Flag: TypeAlias = bool
else:
    Text, Number, Flag = str | None, int | None, bool | None


@configspec
class SourceConfig(BaseConfiguration):
    """The parameters of `claude_code_analytics`; each can be set in dlt's section `sources.claude_code_analytics`.

    `start_date` and `end_date` hold a `datetime.date` or None once the configuration is resolved.
    """

    api_key: TSecretStrValue | None = None
    access_token: TSecretStrValue | None = None
    start_date: Any | None = None
    end_date: Any | None = None
    lookback_days: Number = LOOKBACK_DAYS
    include_today: Flag = True
    max_days: int | None = None
    max_concurrent_days: Number = MAX_CONCURRENT_DAYS
    include: Any | None = None
    actor_identity: Text = "keep"
    identity_key: TSecretStrValue | None = None
    organization_id: str | None = None
    base_url: Text = BASE_URL

    def on_resolved(self) -> None:
        for name in ("api_key", "access_token", "identity_key"):
            if getattr(self, name) == _PLACEHOLDER:
                setattr(self, name, None)
        check_types(_TYPES, vars(self))
        for name in ("start_date", "end_date"):
            setattr(self, name, _optional_day(name, getattr(self, name)))
        check_range(self.start_date, self.end_date)
        for name, least in (("lookback_days", 0), ("max_concurrent_days", 1), ("max_days", 1)):
            if name != "max_days" or self.max_days is not None:
                check_whole_number(name, getattr(self, name), least)
        check_mode(self.actor_identity)
        self.organization_id = _optional_id(self.organization_id)
        usable_url(self.base_url)  # before a run, whose trace dlt keeps in a file with the address
        if self.include:
            raise ConfigurationError("include is not supported yet; leave it out")

    def client(self, **options: Any) -> AnalyticsClient:
        """Makes the client of the configured credential; `options` are further arguments of the client."""
        return AnalyticsClient(
            api_key=self.api_key,
            access_token=self.access_token,
            base_url=self.base_url,
            max_concurrent_days=self.max_concurrent_days,
            **options,
        )

    def actors(self) -> Pseudonymizer:
        """Returns the treatment of actors, or raises ConfigurationError for `hash` without a key."""
        return pseudonymizer(self.actor_identity, self.identity_key)


def resolve_config(**given: Any) -> SourceConfig:
    """Reads the parameters from dlt's configuration; given ones that are not None win."""
    explicit = {name: value for name, value in given.items() if value is not None}
    return resolve_configuration(
        SourceConfig(), sections=(known_sections.SOURCES, SOURCE_NAME), explicit_value=explicit
    )


def _optional_day(name: str, value: Any) -> dt.date | None:
    if value is None:
        return None
    day = parse_day(value, name)
    if day < EARLIEST_DAY:
        raise ConfigurationError(f"{name} {day} is before Claude Code existed; use {EARLIEST_DAY} or later")
    return day


def _optional_id(value: str | None) -> str | None:
    if value is None:
        return None
    text = value.strip()
    if not text or printable(text) != text or text.lower() == UNKNOWN_ORGANIZATION:
        raise ConfigurationError(f"organization_id is {value!r}; it must be the id of an organization, on one line")
    return text
