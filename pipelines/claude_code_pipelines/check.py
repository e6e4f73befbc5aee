"""The `check` command's work: calls the endpoint for some recent days and counts what comes back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from claude_code_analytics import AnalyticsClient
from claude_code_analytics.claude_code.report import CLAUDE_CODE
from claude_code_analytics.claude_code.tables import Shaping
from claude_code_analytics.dates import ONE_DAY, DayRange, last_final_day
from claude_code_analytics.privacy import pseudonymizer
from claude_code_analytics.warehouse.unknown_fields import ExtraColumns

CHECKED_DAYS = 7


@dataclass(frozen=True)
class Check:
    """Summary of the responses to a credential.

    Attributes:
        days: The days that were requested.
        organization_id: The credential's organization, where the API names it.
        problem: Why it does not.
        records: Records of all days.
        customer_types: Records by customer type.
    """

    days: DayRange
    organization_id: str | None
    problem: str | None
    records: int = 0
    customer_types: Counter[str] = field(default_factory=Counter)


def check_credential(client: AnalyticsClient) -> Check:
    """Calls the endpoint with a client's credential.

    Args:
        client: The client.

    Raises:
        ConfigurationError: There is no credential.
        ApiError: The API refused it, or did not respond.
    """
    client.require_credential()
    session = client.session()
    organization = session.organization()
    last = last_final_day(session.now())
    days = DayRange(last - (CHECKED_DAYS - 1) * ONE_DAY, last)
    shaping = Shaping(
        organization.id or "", pseudonymizer("drop", None), ExtraColumns("__".join, {}, lambda message: None)
    )
    types: Counter[str] = Counter()
    for day in days.days():
        usage = CLAUDE_CODE.shape(CLAUDE_CODE.fetch(session, day), shaping).tables[CLAUDE_CODE.tables[0].name]
        types.update(str(value) for value in usage["customer_type"].to_pylist())
    return Check(days, organization.id, organization.problem, sum(types.values()), types)
