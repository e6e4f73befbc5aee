"""All that report and summary read of one organization and period: sums by side, and what they mean by cost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property

from claude_code_analytics import ConfigurationError
from claude_code_analytics.foreign_text import printable

from ..defaults import MIN_TEAM
from ..read_only import described, open_read_only
from ..status import OrganizationStatus, status_of
from ..warehouse import Warehouse
from . import queries
from .jumps import LOOK_BACK, daily_costs, jump_weeks
from .periods import WEEK, Calendar, Period, before_month, choose, monday
from .reader import Reader, open_reader
from .sums import KEY, PERSON, Row, grouped, merged

# Trends look back half a year from the end of the period.
TREND_WEEKS = 26
# What every summary needs, by the names of `queries.grouping`.
BASE = ("", "trend:day", "actor", "model", "stopped")
# What the report reads beside it.
TRENDS = ("tool", "terminal", "trend:tool,week", "trend:model,week", "active_actors", "weeks", "cohorts", "seen")
# What names the causes of a jump.
JUMPS = ("weekly_actors", "trend:model,week")

NOW, BEFORE = 1, 0
_NOTHING = Decimal(0)


@dataclass(frozen=True)
class Request:
    """Organization, period and options of a report or summary.

    Attributes:
        organization: The organization; None where the dataset has only one.
        month: First day of the month that is wanted.
        weeks: Number of complete ISO weeks that are wanted.
        first: First day of the period.
        last: Last day of the period; None for the newest final day.
        teams: Teams by folded address.
        names_people: Whether people are listed by name.
        min_team: Fewest active people of a team that is shown by its name, where people are not listed.
        seats: Seats of the organization.
        seat_price: US dollars for a seat and month.
        budget: US dollars for a month.
    """

    organization: str | None = None
    month: dt.date | None = None
    weeks: int | None = None
    first: dt.date | None = None
    last: dt.date | None = None
    teams: Mapping[str, str] | None = None
    names_people: bool = True
    min_team: int = MIN_TEAM
    seats: int | None = None
    seat_price: float | None = None
    budget: float | None = None

    @property
    def is_current(self) -> bool:
        """True if no past days were chosen, so that the running month is of interest."""
        return self.month is None and self.first is None and self.last is None


@dataclass(frozen=True)
class Figures:
    """Numbers of one organization and period.

    Attributes:
        request: What was wanted.
        organization_id: The organization.
        name: Its own name for itself; None if it is not known.
        made_at: When it was read (UTC).
        period: The period.
        since: First day of the trends.
        money: The amount that is meant by cost, one of `queries.AMOUNTS`.
        identities: Treatments of identities in the dataset: `keep`, `drop`, `hash:...`.
        rows: Rows of the queries, by name.
        proof: The proof of its days, which only the report reads.
    """

    request: Request
    organization_id: str
    name: str | None
    made_at: dt.datetime
    period: Period
    since: dt.date
    money: str
    identities: frozenset[str]
    rows: Mapping[str, Sequence[Row]] = field(repr=False)
    proof: OrganizationStatus | None = None

    @property
    def organization(self) -> str:
        """The name of the organization, else its id."""
        return self.name or self.organization_id

    @property
    def status(self) -> OrganizationStatus:
        """The proof of a report."""
        if self.proof is None:
            raise LookupError("these figures were read without the proof")
        return self.proof

    @property
    def calendar(self) -> Calendar:
        """The loaded and final days."""
        return self.period.calendar

    @property
    def knows_people(self) -> bool:
        """True if identities are kept."""
        return self.identities <= {"keep"}

    @property
    def names_people(self) -> bool:
        """True if people may be listed: identities are kept, and names are wanted (METRICS, R11)."""
        return self.knows_people and self.request.names_people

    @property
    def treatment(self) -> str:
        """Treatment of identities, in words."""
        return "kept" if self.knows_people else "dropped" if "drop" in self.identities else "hashed"

    @cached_property
    def subject(self) -> str:
        """The type of actor that is spoken of: people, or keys where no person was active (METRICS, R12)."""
        active = {row["actor_type"] for row in self.rows[""] if row["active_days"]}
        return KEY if KEY in active and PERSON not in active else PERSON

    @property
    def shows_running_month(self) -> bool:
        """True if the running month is spoken of: it is wanted, or the newest days are."""
        return self.request.is_current or self.request.month == self.calendar.today.replace(day=1)

    def sums(self, actor_type: str | None = None, side: int = NOW, query: str = "") -> Row:
        """Returns the sums of the period (or of the days before), of all actors or of one type."""
        rows = [row for row in self.rows[query] if row["side"] == side and actor_type in (None, row["actor_type"])]
        if rows:
            return merged(rows) if query else self.with_zero(merged(rows))
        days = self.period.days if side == NOW else self.period.before
        return self.nothing if set(days.days()) & self.calendar.loaded else {}

    @property
    def nothing(self) -> Row:
        """The sums of loaded days without a record: a true 0 (METRICS, R4)."""
        counts = dict.fromkeys(("active", "sessions", "lines_added", "commits", "pull_requests"), 0)
        return {**counts, self.money: _NOTHING, "cost_usd": _NOTHING}

    def with_zero(self, sums: Row) -> Row:
        """Returns sums with a cost of 0 where no record could have one; it stays unknown where none reported one."""
        if sums.get("cost_usd") is not None or sums.get("records_of_type"):
            return sums
        return {**sums, self.money: _NOTHING, "cost_usd": _NOTHING}

    def cost_of(self, days: Iterable[dt.date]) -> Decimal:
        """Returns the cost of some days."""
        return sum((self.daily_costs.get(day, _NOTHING) for day in days), _NOTHING)

    @cached_property
    def daily_costs(self) -> Mapping[dt.date, Decimal]:
        """Cost of all actors, by day."""
        return daily_costs(self.rows["trend:day"])


def read_figures(target: Warehouse, request: Request, now: dt.datetime, names: Iterable[str] = TRENDS) -> Figures:
    """Reads the numbers of one organization and period. Needs no views, and writes nothing.

    Args:
        target: The warehouse.
        request: What the reader wants to see.
        now: The machine's time (UTC).
        names: What to read beside `BASE`: names of `queries.grouping` and `queries.OTHERS`.

    Raises:
        ConfigurationError: Nothing is loaded there, or not this organization or period, or a team map where
            identities are not kept.
        DestinationError: The warehouse cannot be queried.
    """
    with open_read_only(target) as pipeline:
        proofs = status_of(pipeline, now).organizations if _is_report(names) else []
        with open_reader(pipeline) as reader:
            ledger = grouped(reader.rows(queries.LEDGER), lambda row: row["organization_id"])
            if not ledger:
                raise ConfigurationError(f"nothing is loaded in {described(pipeline)}")
            organization = _organization(ledger, request.organization)
            calendar = _calendar(ledger[organization], now)
            period = choose(calendar, request.month, request.weeks, request.first, request.last)
            figures = _read(_reading(reader, organization, period, names), request, names, now)
    figures = replace(figures, proof=next((each for each in proofs if each.organization_id == organization), None))
    if request.teams is not None:
        _check_map(figures, request.teams)
    return figures


def _read(read: _Reading, request: Request, names: Iterable[str], now: dt.datetime) -> Figures:
    known = read.rows(queries.ORGANIZATION)
    money, rows = read.all([*BASE, *names, *(["seen"] if request.teams is not None else [])])
    return Figures(
        request=request,
        organization_id=read.organization,
        name=next((row["organization_name"] for row in known if row["organization_name"]), None),
        made_at=now,
        period=read.period,
        since=read.trends,
        money=money,
        identities=frozenset(row["actor_identity"] or "" for row in known),
        rows=rows,
    )


def _is_report(names: Iterable[str]) -> bool:
    return {*TRENDS} <= {*names}


def _check_map(figures: Figures, teams: Mapping[str, str]) -> None:
    if not figures.knows_people:
        raise ConfigurationError(
            f"a team map needs addresses, and identities are {figures.treatment} in this dataset: leave out --team-map"
        )
    if not teams.keys() & {row["actor"] for row in figures.rows["seen"]}:  # it would accuse everybody
        raise ConfigurationError(
            f"none of the {len(teams):,} addresses of the team map occurs in the loaded days; check its column email"
        )


@dataclass(frozen=True)
class _Reading:
    """A reader with the parameters of all queries."""

    reader: Reader
    organization: str
    period: Period
    since: dt.date
    trends: dt.date

    def rows(self, query: str) -> list[Row]:
        return self.reader.rows(query, **self._parameters)

    def all(self, names: Iterable[str]) -> tuple[str, dict[str, list[Row]]]:
        """Returns the amount that is meant by cost, and the rows of queries by name."""
        amounts = self.rows(queries.MONEY)[0]
        is_listed = not amounts[queries.API_COST] and amounts[queries.LIST_VALUE]
        money = queries.LIST_VALUE if is_listed else queries.API_COST
        self.reader.define(queries.FACTS, queries.facts(money, self.period.left_out), **self._parameters)
        rows = {name: self.rows(_query(name, money)) for name in dict.fromkeys(names)}
        if jump_weeks(daily_costs(rows["trend:day"]), self.period.calendar, self.period.days):
            rows |= {name: self.rows(_query(name, money)) for name in JUMPS}
        return money, rows

    @cached_property
    def _parameters(self) -> dict[str, str | dt.date]:
        days, before = self.period.days, self.period.before
        return {
            "organization": self.organization,
            "first": days.first,
            "last": days.last,
            "before_first": before.first,
            "before_last": before.last,
            "since": self.since,
            "until": max(days.last, self.period.calendar.newest),
            "trends": self.trends,
            "look_back": days.first - LOOK_BACK,
        }


def _reading(reader: Reader, organization: str, period: Period, names: Iterable[str]) -> _Reading:
    trends = monday(period.days.last - WEEK * (TREND_WEEKS - 1))
    since = _first_needed(period)
    if _is_report(names):
        since = min(since, trends)
        reader.keep("claude_code_records", organization)
    return _Reading(reader, organization, period, since, trends)


def _query(name: str, money: str) -> str:
    return queries.OTHERS.get(name) or queries.grouping(name, money)


def _first_needed(period: Period) -> dt.date:
    """Returns the first day of the comparison, of the jumps, and of the month before the running one."""
    month = before_month(period.calendar.today)
    try:
        return min(
            period.before.first, monday(period.days.first) - LOOK_BACK, month, period.calendar.newest - LOOK_BACK
        )
    except OverflowError:
        raise ConfigurationError(f"no period is before {period.days.first}; choose a later --start") from None


def _calendar(ledger: Iterable[Row], now: dt.datetime) -> Calendar:
    days = {row["date"]: row["is_final"] for row in ledger}
    return Calendar(frozenset(days), frozenset(day for day, final in days.items() if final), now.date())


def _organization(known: Iterable[str], name: str | None) -> str:
    known = sorted(known)
    if name is None and len(known) == 1:
        return known[0]
    if name in known:
        return name
    listed = printable(", ".join(known))
    if name is None:
        raise ConfigurationError(
            f"the dataset has {len(known)} organizations: choose one with --organization ({listed})"
        )
    raise ConfigurationError(f"the dataset has no organization {printable(name)}; it has {listed}")
