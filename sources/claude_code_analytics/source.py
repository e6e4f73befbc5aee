"""The dlt source: parameters to resources, without I/O."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from types import NoneType

import dlt
from dlt.common.typing import TSecretStrValue
from dlt.extract import DltResource

from .api.client import AnalyticsClient
from .argument_types import check_types
from .claude_code.report import CLAUDE_CODE
from .config import SourceConfig
from .constants import BASE_URL, LOOKBACK_DAYS, MAX_CONCURRENT_DAYS, SOURCE_NAME
from .run.resource import daily_resource


@dlt.source(name=SOURCE_NAME, section=SOURCE_NAME, spec=SourceConfig)
def claude_code_analytics(
    api_key: TSecretStrValue | None = None,
    access_token: TSecretStrValue | None = None,
    start_date: str | dt.date | dt.datetime | None = None,
    end_date: str | dt.date | dt.datetime | None = None,
    lookback_days: int = LOOKBACK_DAYS,
    include_today: bool = True,
    max_days: int | None = None,
    max_concurrent_days: int = MAX_CONCURRENT_DAYS,
    include: Sequence[str] = (),
    actor_identity: str = "keep",
    identity_key: TSecretStrValue | None = None,
    organization_id: str | None = None,
    base_url: str = BASE_URL,
    client: AnalyticsClient | None = None,
    config: SourceConfig = None,  # type: ignore[assignment]  # dlt fills in the resolved parameters
) -> DltResource:
    """Claude Code usage of an organization, by UTC day: records, tool actions, models, and a ledger of days.

    Every parameter but `client` can also be set in dlt's configuration (`sources.claude_code_analytics.<name>`). The
    source can be built without network and without secrets; the credential is needed when it runs.

    Args:
        api_key: Key for `x-api-key`; also taken from the environment variable `ANTHROPIC_ADMIN_KEY`.
        access_token: OAuth token with `org:admin`, used instead of `api_key`.
        start_date: First day, inclusive. None: the first day that the dataset has, on a first load 2025-01-01.
        end_date: Last day, inclusive. Set: a closed range, which leaves the cursor alone. None: up to today (UTC).
        lookback_days: Days after its end until which a day is read again by every incremental run.
        include_today: False stops at the last final day (six hours after its end).
        max_days: At most this many days in one run; those that were read longest ago come first.
        max_concurrent_days: Days in flight at once.
        include: Further reports; none is supported yet.
        actor_identity: `keep`, `hash` (keyed HMAC) or `drop`; applied before anything is written.
        identity_key: Key of the HMAC.
        organization_id: Id of the credential's organization, only where the API does not name it, or names two.
        base_url: Address of the API.
        client: A client to use instead of one made from the parameters; it brings its own credential, clock and
            transport.
        config: The resolved parameters; filled in by dlt.

    Returns:
        The source with its resource `claude_code_usage`, which fills all four tables.

    Raises:
        ConfigurationError: A parameter that cannot work.
    """
    check_types({"client": (AnalyticsClient, NoneType)}, locals())
    return daily_resource(CLAUDE_CODE, config, client)
