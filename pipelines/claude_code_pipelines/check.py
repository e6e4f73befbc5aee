"""The `check` command's work: calls the endpoint for some recent days and counts what comes back."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass

from claude_code_analytics import AnalyticsClient, UndecodableDay
from claude_code_analytics.claude_code.report import CLAUDE_CODE
from claude_code_analytics.dates import ONE_DAY, DayRange, last_final_day
from claude_code_analytics.json_codec import NotJson, decode_exact

CHECKED_DAYS = 7


@dataclass(frozen=True)
class Check:
    """Summary of the responses to a credential; `problem` is why the API does not name its organization."""

    days: DayRange
    organization_id: str | None
    problem: str | None
    customer_types: Counter[str]


def check_credential(client: AnalyticsClient) -> Check:
    session = client.session()
    organization = session.organization()
    last = last_final_day(session.now())
    days = DayRange(last - (CHECKED_DAYS - 1) * ONE_DAY, last)
    types: Counter[str] = Counter()
    for day in days.days():
        fetched = CLAUDE_CODE.fetch(session, day)
        types.update(_customer_types(fetched.bodies, day, fetched.request_id))
    return Check(days, organization.id, organization.problem, types)


def _customer_types(bodies: tuple[bytes, ...], day: dt.date, request_id: str | None) -> list[str]:
    try:
        records = [record for body in bodies for record in decode_exact(body)["data"]]
        if not all(isinstance(record, dict) for record in records):
            raise NotJson("a record is not an object")
    except NotJson as error:
        message = f"{error}; report it to Anthropic's support"
        raise UndecodableDay(message, day=day, status=200, request_id=request_id) from None
    return [str(record.get("customer_type")) for record in records]
