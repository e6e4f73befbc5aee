"""Text output at the end of a command: the loaded days, the state of a warehouse, the scope of a credential."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from claude_code_analytics.claude_code.report import CLAUDE_CODE
from claude_code_analytics.dates import DayRange, list_ranges

from ..check import Check
from ..events import LoadReport
from ..metrics.explanations import CUSTOMER_TYPES, DAY_KINDS, SUBSCRIPTIONS_MISSING, UNREPORTED_USE
from ..metrics.pulse import Pulse
from ..status import KINDS, OrganizationStatus, Status

NO_RECORDS = f"no records came back, which is suspicious. {' '.join(UNREPORTED_USE)}"


def loaded(report: LoadReport) -> Iterator[str]:
    if report.resumed:
        yield f"resumed: {_count(report.resumed, 'day')} of this range were loaded before the interruption"
    days = report.days
    if not days:
        yield "nothing to load"
        return
    yield f"loaded {_count(len(days), 'day')} ({list_ranges(days)}), {_count(report.records, 'record')}"
    for table in (*CLAUDE_CODE.tables, CLAUDE_CODE.ledger):
        yield f"  {table.name:<36}{report.rows[table.name]:>12,} rows"
    yield f"into {report.destination}, dataset {report.dataset}"
    if report.waiting:
        yield f"{_count(report.waiting, 'more day')} to read: run again (max_days limits each run)"
    if not report.records:
        yield f"warning: {NO_RECORDS}"


def stopped(days: Sequence[dt.date]) -> str:
    """Describes what is committed of a load that was stopped."""
    if not days:
        return "nothing was committed; run the same command again"
    return f"committed: {_count(len(days), 'day')}, {list_ranges(days)}; run the same command again to resume"


def status_lines(status: Status, pulses: Mapping[str, Pulse]) -> Iterator[str]:
    """Describes a warehouse for a person; `pulses` is by organization."""
    yield status.warehouse
    for each in status.organizations:
        yield from _organization_lines(each)
        if each.organization_id in pulses:
            yield from _pulse_lines(pulses[each.organization_id])
    if status.outside:
        yield f"rows or fetches also exist on {_count(status.outside, 'day')} outside this range"
    for table, rows in status.rows.items():
        yield f"  {table:<36}{rows:>12,} rows"


def _organization_lines(each: OrganizationStatus) -> Iterator[str]:
    number = len(DayRange(each.first, each.last)) if each.first <= each.last else 0
    yield f"organization {each.organization_id}: {_count(number, 'day')}, {each.first} to {each.last}"
    if each.newest:
        final = f"every day is final up to {each.final_until}" if each.final_until else "the first day is not final"
        yield f"  loaded up to {each.newest}, {_count(each.days_behind or 0, 'day')} behind; {final}"
    for kind in KINDS:
        days = each.days[kind]
        if days or kind in ("missing", "inconsistent"):
            yield f"  {kind:<13}{len(days):>6}{_explained(kind, days)}"
    for problem in sorted(set(each.problems.values())):
        yield f"  inconsistent because: {problem}"
    fetch = f"; last fetch {each.last_fetch:%Y-%m-%d %H:%M:%S} UTC" if each.last_fetch else ""
    yield f"  {_count(each.records, 'record')}{fetch}"


def _explained(kind: str, days: Sequence[dt.date]) -> str:
    return f": {list_ranges(days)} ({DAY_KINDS[kind]})" if days and kind != "held" else ""


def _pulse_lines(pulse: Pulse) -> Iterator[str]:
    costs = (f"${cost:,.2f} {CUSTOMER_TYPES.get(kind, kind)}" for kind, cost in pulse.costs.items())
    yield f"  estimated cost since {pulse.month}: {'; '.join(costs) or 'none reported'}"
    kinds = (f"{_count(number, (kind or 'unknown') + ' record')}" for kind, number in sorted(pulse.records.items()))
    gap = f"; no subscription appears. {SUBSCRIPTIONS_MISSING}" if set(pulse.records) == {"api"} else ""
    yield f"  customer types: {', '.join(kinds)}{gap}"


def status_json(status: Status, pulses: Mapping[str, Pulse]) -> dict[str, Any]:
    """Describes a warehouse for a program (docs/status.md)."""
    own = {each.organization_id: each for each in status.organizations}
    fetches = [each.last_fetch for each in own.values() if each.last_fetch]
    return {
        "warehouse": status.warehouse,
        "organizations": list(own),
        "first": min((each.first for each in own.values()), default=dt.date.min),
        "last": max((each.last for each in own.values()), default=dt.date.min),
        **{kind: status.days(kind) for kind in KINDS},
        "records": sum(each.records for each in own.values()),
        "rows": status.rows,
        "last_fetch": max(fetches, default=None),
        "by_organization": {name: _organization_json(each, pulses.get(name)) for name, each in own.items()},
    }


def _organization_json(each: OrganizationStatus, pulse: Pulse | None) -> dict[str, Any]:
    return {
        "first": each.first,
        "last": each.last,
        **each.days,
        "problems": {day.isoformat(): problem for day, problem in each.problems.items()},
        "records": each.records,
        "last_fetch": each.last_fetch,
        "newest": each.newest,
        "days_behind": each.days_behind,
        "final_until": each.final_until,
        "month_cost_usd": dict(pulse.costs) if pulse else None,
        "customer_types": dict(pulse.records) if pulse else None,
    }


def checked(check: Check) -> Iterator[str]:
    yield f"the credential works: the API returned {check.days.first} to {check.days.last}"
    yield f"organization {check.organization_id or f'not named ({check.problem})'}"
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in check.customer_types.most_common())
    records = _count(check.customer_types.total(), "record")
    yield f"{records} by customer_type: {kinds}" if kinds else f"warning: {NO_RECORDS}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
