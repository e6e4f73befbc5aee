"""All numbers of one organization and period, for report and summary."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from claude_code_analytics import ConfigurationError
from claude_code_analytics.dates import ONE_DAY, DayRange, list_ranges
from claude_code_analytics.foreign_text import printable

from ..defaults import MIN_TEAM
from ..read_only import open_read_only
from ..status import OrganizationStatus, Status, status_of
from ..warehouse import Warehouse
from . import breakdowns
from .headlines import Headline, headlines, unit_costs
from .queries import KEPT_VIEWS, QUERIES
from .reader import Row, open_reader
from .tables import Table
from .totals import Totals, monday, totals_of

DEFAULT_DAYS = 28
# Trends look back half a year from the end of the period.
TREND_WEEKS = 26


@dataclass(frozen=True)
class Request:
    """Organization, period and options of a report or summary.

    Attributes:
        organization: The organization; None where the dataset has only one.
        first: First day of the period; None for 28 days.
        last: Last day of the period; None for the newest final day.
        days: Length of the period where `first` is None.
        teams: Teams by address.
        min_team: Fewest active people of a team that is shown by its name.
        seats: Seats of the organization.
    """

    organization: str | None = None
    first: dt.date | None = None
    last: dt.date | None = None
    days: int = DEFAULT_DAYS
    teams: Mapping[str, str] | None = None
    min_team: int = MIN_TEAM
    seats: int | None = None


@dataclass(frozen=True)
class Figures:
    """Numbers of one organization and period.

    Attributes:
        request: What was wanted.
        status: The proof of its organization.
        warehouse: Address and dataset.
        made_at: When it was read (UTC).
        period: The period.
        since: First day of the trends.
        identities: Treatments of identities in the dataset: `keep`, `drop`, `hash:...`.
        rows: Rows of the queries, by name.
    """

    request: Request
    status: OrganizationStatus
    warehouse: str
    made_at: dt.datetime
    period: DayRange
    since: dt.date
    identities: frozenset[str]
    rows: Mapping[str, list[Row]]

    @property
    def names_people(self) -> bool:
        """True if people may be listed: identities are kept (METRICS, R11)."""
        return self.identities <= {"keep"}

    @cached_property
    def before(self) -> DayRange:
        """The preceding period of equal length."""
        return preceding(self.period)

    @cached_property
    def current(self) -> Totals:
        """Totals of the period."""
        costs = _current(self.rows["costs"], 1)
        return totals_of(self.period, self.rows["days"], self.actors(), costs, self.within("tools"))

    @cached_property
    def earlier(self) -> Totals:
        """Totals of the preceding period."""
        actors, costs = (_current(self.rows[name], 0) for name in ("actors", "costs"))
        return totals_of(self.before, self.rows["days"], actors, costs, self.within("tools", self.before))

    @property
    def is_comparable(self) -> bool:
        """True if both periods are complete."""
        return self.current.is_complete and self.earlier.is_complete

    @property
    def period_sentence(self) -> str:
        """How complete the period is, and what it is compared with."""
        days, current = len(self.period), self.current
        if not current.is_complete:
            missing, partial = days - current.loaded, current.loaded - current.final
            counted = ((missing, "not loaded"), (partial, "not final"))
            gaps = [f"{number} {'is' if number == 1 else 'are'} {what}" for number, what in counted if number]
            return f"Of {days} days, {' and '.join(gaps)}: no comparison with the period before."
        if not self.earlier.is_complete:
            return f"All {days} days are final. The {days} days before are not complete: no comparison."
        return f"All {days} days are final. Changes are against the {days} days before."

    @cached_property
    def headlines(self) -> list[Headline]:
        """Headline numbers."""
        return headlines(self.current, self.earlier, self.request.seats)

    @cached_property
    def unit_costs(self) -> Table:
        """Costs of a person, a session, a commit and a pull request."""
        return unit_costs(self.current, self.earlier)

    def actors(self) -> list[Row]:
        """Returns the rows of people and keys of the period."""
        return _current(self.rows["actors"], 1)

    def within(self, name: str, days: DayRange | None = None) -> list[Row]:
        """Returns the rows of a query by day that lie in a range, by default the period."""
        days = days or self.period
        return [row for row in self.rows[name] if days.first <= row["date"] <= days.last]

    def table(self, by: str) -> Table:
        """Returns a breakdown of the period.

        Args:
            by: `person`, `key`, `team`, `tool`, `model` or `terminal`.

        Raises:
            ConfigurationError: People may not be listed, or there is no team map.
        """
        if by in ("person", "team") and not self.names_people:
            raise ConfigurationError(f"identities are {self._treatment()} in this dataset: people are not listed")
        teams = self.request.teams
        if by == "team":
            if teams is None:
                raise ConfigurationError("teams need a map of addresses to teams: --team-map FILE.csv")
            return breakdowns.by_team(self.actors(), teams, self.request.min_team)
        if by == "person":
            return breakdowns.by_person(self.actors(), self.rows.get("people", ()), teams, self.request.min_team)
        if by == "tool":
            earlier = self.within("tools", self.before)
            return breakdowns.by_tool(self.within("tools"), earlier, comparable=self.is_comparable)
        if by == "model":
            return breakdowns.by_model(self.within("models"))
        return breakdowns.by_key(self.actors()) if by == "key" else breakdowns.by_terminal(self.rows["mix"])

    def mapped_without_activity(self) -> Table | None:
        """Returns the people of the team map without activity; None without a map."""
        teams = self.request.teams
        return None if teams is None else breakdowns.mapped_without_activity(self.actors(), teams)

    def _treatment(self) -> str:
        return "dropped" if "drop" in self.identities else "hashed"


def read_figures(
    target: Warehouse, request: Request, now: dt.datetime, queries: Iterable[str] = tuple(QUERIES)
) -> Figures:
    """Reads the numbers of one organization and period. Needs no views, and writes nothing.

    Args:
        target: The warehouse.
        request: What the reader wants to see.
        now: The machine's time (UTC).
        queries: Names of the queries to run.

    Raises:
        ConfigurationError: Nothing is loaded there, or not this organization or period, or a team map where
            identities are not kept.
        DestinationError: The warehouse cannot be queried.
    """
    with open_read_only(target) as pipeline:
        status = status_of(pipeline, now)
        organization = _organization(status, request.organization)
        period = _period(organization, request)
        try:
            since = min(monday(period.last - dt.timedelta(weeks=TREND_WEEKS - 1)), preceding(period).first)
        except OverflowError:
            raise ConfigurationError(f"no period lies before {period.first}; choose a later --start") from None
        days = {"first": period.first, "last": period.last, "before": preceding(period).first, "since": since}
        own_id = organization.organization_id
        with open_reader(pipeline) as reader:
            for view in KEPT_VIEWS:
                reader.keep(view, own_id)
            rows = {name: reader.rows(QUERIES[name], organization=own_id, **days) for name in queries}
    identities = frozenset(row["actor_identity"] or "" for row in rows["identities"])
    figures = Figures(request, organization, status.warehouse, now, period, since, identities, rows)
    if request.teams is not None and not figures.names_people:
        raise ConfigurationError(
            "a team map needs addresses, and identities are hashed or dropped in this dataset: leave out --team-map"
        )
    return figures


def preceding(days: DayRange) -> DayRange:
    """Returns the range of equal length that ends the day before."""
    return DayRange(days.first - ONE_DAY * len(days), days.first - ONE_DAY)


def _current(rows: Iterable[Row], is_current: int) -> list[Row]:
    return [row for row in rows if row["is_current"] == is_current]


def _organization(status: Status, name: str | None) -> OrganizationStatus:
    known = {each.organization_id: each for each in status.organizations}
    if name is None and len(known) == 1:
        return next(iter(known.values()))
    if name in known:
        return known[name]
    listed = printable(", ".join(known))
    if name is None:
        raise ConfigurationError(
            f"the dataset has {len(known)} organizations: choose one with --organization ({listed})"
        )
    raise ConfigurationError(f"the dataset has no organization {printable(name)}; it has {listed}")


def _period(organization: OrganizationStatus, request: Request) -> DayRange:
    loaded = sorted(day for kind, days in organization.days.items() if kind != "missing" for day in days)
    final = sorted(organization.days["held"] + organization.days["changed"])
    last = request.last or max(final or loaded, default=organization.last)
    first = request.first or last - ONE_DAY * (request.days - 1)
    if last < first:
        raise ConfigurationError(f"the last final day is {last}, before --start {first}; give an --end")
    if not any(first <= day <= last for day in loaded):
        has = list_ranges(loaded, 3)
        raise ConfigurationError(f"no day from {first} to {last} is loaded; the dataset has {has}")
    return DayRange(first, last)
