"""Parameters of the source as dlt's configuration has them, for whoever must know them before the source runs."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass

from dlt.common.configuration import with_config
from dlt.common.configuration.specs import known_sections
from dlt.common.typing import TSecretStrValue

from claude_code_analytics import AnalyticsClient, ConfigurationError
from claude_code_analytics.api.credentials import filled_in
from claude_code_analytics.dates import parse_day
from claude_code_analytics.settings import (
    API_KEY_VARIABLE,
    BASE_URL,
    LOOKBACK_DAYS,
    MAX_CONCURRENT_DAYS,
    SOURCE_NAME,
    START_DATE,
)


@dataclass(frozen=True)
class Parameters:
    """What the pipelines need to know of the source's parameters.

    Attributes:
        start: First day of an incremental load that has no cursor yet.
        end: Last day of a closed range; None for an incremental load.
        lookback_days: Days before the cursor's day that an incremental load reads again.
        include_today: Whether today is read.
        actor_identity: What is stored of actors.
    """

    start: dt.date
    end: dt.date | None
    lookback_days: int
    include_today: bool
    actor_identity: str


@with_config(sections=(known_sections.SOURCES, SOURCE_NAME))
def configured_client(
    api_key: TSecretStrValue | None = None,
    access_token: TSecretStrValue | None = None,
    base_url: str = BASE_URL,
    max_concurrent_days: int = MAX_CONCURRENT_DAYS,
) -> AnalyticsClient:
    """A client made from dlt's configuration, as the source would make it; one serves all windows of a run."""
    if max_concurrent_days < 1:
        raise ConfigurationError(f"max_concurrent_days is {max_concurrent_days}; it must be a whole number, 1 or more")
    return AnalyticsClient(
        api_key=filled_in(api_key) or os.environ.get(API_KEY_VARIABLE),
        access_token=filled_in(access_token),
        base_url=base_url,
        max_concurrent_days=max_concurrent_days,
    )


@with_config(sections=(known_sections.SOURCES, SOURCE_NAME))
def configured_parameters(
    start_date: str | dt.date | dt.datetime | None = START_DATE,  # dlt reads no union from its config without None
    end_date: str | dt.date | dt.datetime | None = None,
    lookback_days: int = LOOKBACK_DAYS,
    include_today: bool = True,
    actor_identity: str = "keep",
) -> Parameters:
    """The parameters from dlt's configuration, or their defaults; given arguments win."""
    if lookback_days < 0:
        raise ConfigurationError(f"lookback_days is {lookback_days}; it must be a whole number, 0 or more")
    return Parameters(
        start=parse_day(START_DATE if start_date is None else start_date, "start_date"),
        end=None if end_date is None else parse_day(end_date, "end_date"),
        lookback_days=lookback_days,
        include_today=include_today,
        actor_identity=actor_identity,
    )
