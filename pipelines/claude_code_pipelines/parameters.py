"""Parameters of the source as dlt's configuration has them, for whoever must know them before the source runs."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass

from dlt.common.configuration import with_config
from dlt.common.configuration.specs import known_sections
from dlt.common.typing import TSecretStrValue

from claude_code_analytics import AnalyticsClient, ConfigurationError
from claude_code_analytics.days import parse_day
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
        lookback_days: Days before the cursor's day that an incremental load reads again.
        include_today: Whether today is read.
    """

    start: dt.date
    lookback_days: int
    include_today: bool


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
        api_key=api_key or os.environ.get(API_KEY_VARIABLE),
        access_token=access_token,
        base_url=base_url,
        max_concurrent_days=max_concurrent_days,
    )


@with_config(sections=(known_sections.SOURCES, SOURCE_NAME))
def configured_parameters(
    start_date: str | dt.date | dt.datetime = START_DATE,
    lookback_days: int = LOOKBACK_DAYS,
    include_today: bool = True,
) -> Parameters:
    """The parameters from dlt's configuration, or their defaults; given arguments win."""
    return Parameters(parse_day(start_date, "start_date"), lookback_days, include_today)
