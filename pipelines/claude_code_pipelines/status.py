"""Status of a warehouse by the proof: held, missing, partial, changed and inconsistent days (decision D5)."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import NoneType

import dlt

from claude_code_analytics import ConfigurationError
from claude_code_analytics.argument_types import Types, check_types
from claude_code_analytics.claude_code.report import CLAUDE_CODE
from claude_code_analytics.dates import ONE_DAY, DayRange, last_final_day
from claude_code_analytics.warehouse.proof import DayState, Proof

from .read_only import described, open_read_only
from .warehouse import Warehouse, read_warehouse

_TYPES: Types = {
    "target": (Warehouse, dlt.Pipeline),
    "now": (dt.datetime,),
    "first": (dt.date, NoneType),
    "last": (dt.date, NoneType),
}

# What a day can be, in the order in which a person on call looks.
KINDS = ("missing", "inconsistent", "partial", "changed", "held")


@dataclass(frozen=True)
class OrganizationStatus:
    """The days of one organization."""

    organization_id: str
    first: dt.date  # the days looked at
    last: dt.date
    days: dict[str, list[dt.date]]  # by kind, oldest first
    problems: dict[dt.date, str]  # why each inconsistent day is not held
    records: int  # of these days, by their newest fetch
    last_fetch: dt.datetime | None  # of any day
    newest: dt.date | None = None  # the newest day that is loaded
    days_behind: int | None = None  # from there to today
    final_until: dt.date | None = None  # every day up to it is held and final


@dataclass(frozen=True)
class Status:
    """Status of a warehouse.

    Attributes:
        warehouse: Address and dataset as dlt names them, without passwords.
        organizations: The days of each organization.
        rows: Rows by table.
        outside: Days with rows or ledger entries outside the requested range.
        clock: The time by which days are final: the reader's, or that of the newest fetch where it is later.
    """

    warehouse: str = ""
    organizations: list[OrganizationStatus] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    outside: int = 0
    clock: dt.datetime | None = None

    def days(self, kind: str) -> list[dt.date]:
        """Returns the days of a kind, of all organizations."""
        return sorted({day for organization in self.organizations for day in organization.days[kind]})

    @property
    def has_gap(self) -> bool:
        """True if days are missing or inconsistent, or nothing is loaded."""
        return not self.organizations or bool(self.days("missing") or self.days("inconsistent"))


def read_status(
    target: Warehouse | dlt.Pipeline, now: dt.datetime, first: dt.date | None = None, last: dt.date | None = None
) -> Status:
    """Reads the proof. Needs no credential of the API, writes nothing, and creates no file.

    Args:
        target: The warehouse, or a dlt pipeline that leads there.
        now: The machine's time (UTC); the newest fetch in the ledger counts where it is later.
        first: First day to look at; None: the first that is loaded.
        last: Last day to look at; None: the last final day, or the last that is loaded.

    Raises:
        ConfigurationError: Nothing is loaded there.
        DestinationError: The warehouse cannot be queried.
    """
    check_types(_TYPES, locals())
    if now.tzinfo is None:
        raise ConfigurationError("now has no time zone; use datetime.now(timezone.utc)")
    with open_read_only(target) as pipeline:
        return status_of(pipeline, now, first, last)


def status_of(
    pipeline: dlt.Pipeline, now: dt.datetime, first: dt.date | None = None, last: dt.date | None = None
) -> Status:
    """Reads the proof through an opened pipeline; see `read_status`."""
    warehouse = described(pipeline)
    proof = read_warehouse(pipeline, CLAUDE_CODE)
    if not proof.states:
        raise ConfigurationError(f"nothing is loaded in {warehouse}")
    clock = max(now, _last_fetch(proof.states.values()) or now)
    judged = _judged(pipeline, proof, now)
    found = [_organization(name, states, clock, first, last) for name, states in judged.organizations.items()]
    shown = {day for each in found for days in each.days.values() for day in days}
    return Status(warehouse, _in_range(found), _rows(proof), len({day for _, day in proof.states} - shown), clock)


def _in_range(found: list[OrganizationStatus]) -> list[OrganizationStatus]:
    """Returns the organizations that have days in the requested range, and refuses a range in which none has."""
    inside = [each for each in found if each.first <= each.last]
    if not inside:
        first, last = found[0].first, found[0].last
        raise ConfigurationError(f"{last} is before {first}, the first day to look at; choose another range")
    return inside


def _judged(pipeline: dlt.Pipeline, proof: Proof, now: dt.datetime) -> Proof:
    """Returns the proof in which a day is held with all fetches, or with those up to now.

    A load ignores a fetch that lies ahead of its clock, at most a day (decision D13). All else about a day is of its
    newest fetch, as in the views.
    """
    if all(state.is_held for state in proof.states.values()):
        return proof
    by_now = read_warehouse(pipeline, CLAUDE_CODE, now=now).states
    return Proof(
        {
            key: replace(state, is_held=True, problem=None) if key in by_now and by_now[key].is_held else state
            for key, state in proof.states.items()
        }
    )


def _rows(proof: Proof) -> dict[str, int]:
    rows: Counter[str] = Counter({table.name: 0 for table in CLAUDE_CODE.tables})
    for state in proof.states.values():
        rows.update(dict(zip(rows, state.rows, strict=True)))
    return dict(rows)


def _organization(
    name: str,
    states: Mapping[dt.date, DayState],
    now: dt.datetime,
    first: dt.date | None,
    last: dt.date | None,
) -> OrganizationStatus:
    first = first or min(states)
    last = last or max(*states, last_final_day(now))
    days = _by_kind(states, first, last, now)
    newest = max((day for day, state in states.items() if state.fetched_at), default=None)
    return OrganizationStatus(
        organization_id=name,
        first=first,
        last=last,
        days=days,
        problems={day: states[day].problem or "" for day in days["inconsistent"]},
        records=sum(state.records for day, state in states.items() if first <= day <= last),
        last_fetch=_last_fetch(states.values()),
        newest=newest,
        days_behind=max((now.date() - newest).days, 0) if newest else None,
        final_until=_final_until(states),
    )


def _by_kind(
    states: Mapping[dt.date, DayState], first: dt.date, last: dt.date, now: dt.datetime
) -> dict[str, list[dt.date]]:
    days: dict[str, list[dt.date]] = {kind: [] for kind in KINDS}
    for day in DayRange(first, last).days() if first <= last else []:
        kind = _kind(day, states.get(day), now)
        if kind:
            days[kind].append(day)
    return days


def _last_fetch(states: Iterable[DayState]) -> dt.datetime | None:
    return max((state.fetched_at for state in states if state.fetched_at), default=None)


def _final_until(states: Mapping[dt.date, DayState]) -> dt.date | None:
    """Returns the last day of the unbroken run of held, final days that begins with the first one."""
    until = None
    for day in sorted(states):
        state = states[day]
        if not (state.is_held and state.is_final) or (until and day != until + ONE_DAY):
            break
        until = day
    return until


def _kind(day: dt.date, state: DayState | None, now: dt.datetime) -> str | None:
    if state is None:
        return "missing" if day <= last_final_day(now) else None
    if not state.is_held:
        return "inconsistent"
    if not state.is_final:
        return "partial"
    return "changed" if state.has_changed else "held"
