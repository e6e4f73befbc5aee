"""The `check` command's work: calls the endpoint for some recent days and counts what comes back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from claude_code_analytics import AnalyticsClient
from claude_code_analytics.claude_code.decode import decode_any, undecodable
from claude_code_analytics.claude_code.pages import fetch_day
from claude_code_analytics.dates import ONE_DAY, DayRange, last_final_day
from claude_code_analytics.privacy import pseudonymizer

CHECKED_DAYS = 7


@dataclass(frozen=True)
class Check:
    """Summary of the responses to a credential.

    Attributes:
        days: The days that were requested.
        organization_id: The credential's organization, where the API names it.
        problem: Why it does not.
        customer_types: Records by customer type.
    """

    days: DayRange
    organization_id: str | None
    problem: str | None
    customer_types: Counter[str]


def check_credential(client: AnalyticsClient) -> Check:
    """Calls the endpoint with a client's credential."""
    client.require_credential()
    session = client.session()
    organization = session.organization()
    last = last_final_day(session.now())
    days = DayRange(last - (CHECKED_DAYS - 1) * ONE_DAY, last)
    types: Counter[str] = Counter()
    for day in days.days():
        fetched = fetch_day(session, day)
        try:
            columns = decode_any(fetched, pseudonymizer("drop", None)).columns
        except RecursionError as error:
            raise undecodable(fetched, "a record is nested too deeply") from error
        types.update(map(str, columns.get(("customer_type",), [None] * fetched.record_count)))
    return Check(days, organization.id, organization.problem, types)
