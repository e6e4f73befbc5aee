"""Parameters of the source: default and check; how dlt's configuration is read."""

from __future__ import annotations

from typing import Any

from dlt.common.configuration import configspec
from dlt.common.configuration.resolve import resolve_configuration
from dlt.common.configuration.specs import BaseConfiguration, known_sections
from dlt.common.typing import TSecretStrValue

from .api.client import AnalyticsClient, check_whole_number, usable_url
from .constants import BASE_URL, EARLIEST_DAY, LOOKBACK_DAYS, MAX_CONCURRENT_DAYS, SOURCE_NAME, UNKNOWN_ORGANIZATION
from .dates import check_range, parse_day
from .exceptions import ConfigurationError
from .foreign_text import printable
from .privacy import Pseudonymizer, check_mode, pseudonymizer

# What `dlt init` writes into secrets.toml for each secret.
_PLACEHOLDER = "<configure me>"


@configspec
class SourceConfig(BaseConfiguration):
    """The parameters of `claude_code_analytics`; each can be set in dlt's section `sources.claude_code_analytics`.

    `start_date` and `end_date` hold a `datetime.date` or None once the configuration is resolved.
    """

    api_key: TSecretStrValue | None = None
    access_token: TSecretStrValue | None = None
    start_date: Any | None = None
    end_date: Any | None = None
    lookback_days: int = LOOKBACK_DAYS
    include_today: bool = True
    max_days: int | None = None
    max_concurrent_days: int = MAX_CONCURRENT_DAYS
    include: Any | None = None
    actor_identity: str = "keep"
    identity_key: TSecretStrValue | None = None
    organization_id: str | None = None
    base_url: str = BASE_URL

    def on_resolved(self) -> None:
        for name in ("api_key", "access_token", "identity_key"):
            if getattr(self, name) == _PLACEHOLDER:
                setattr(self, name, None)
        for name in ("start_date", "end_date"):
            if getattr(self, name) is not None:
                setattr(self, name, parse_day(getattr(self, name), name))
            if getattr(self, name) and getattr(self, name) < EARLIEST_DAY:
                raise ConfigurationError(
                    f"{name} {getattr(self, name)} lies before Claude Code existed; take a day from {EARLIEST_DAY} on"
                )
        check_range(self.start_date, self.end_date)
        for name, least in (("lookback_days", 0), ("max_concurrent_days", 1), ("max_days", 1)):
            if getattr(self, name) is not None:
                check_whole_number(name, getattr(self, name), least)
        if not isinstance(self.include_today, bool):
            raise ConfigurationError(f"include_today is {self.include_today!r}; it must be true or false")
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


def _optional_id(value: Any) -> str | None:
    if value is None:
        return None
    text = str(value).strip()
    if not text or printable(text) != text or text.lower() == UNKNOWN_ORGANIZATION:
        raise ConfigurationError(f"organization_id is {value!r}; it must be the id of an organization, on one line")
    return text
