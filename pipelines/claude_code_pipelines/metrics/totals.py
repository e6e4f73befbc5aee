"""Totals of one period: sums, distinct counts and what costs are known of. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from claude_code_analytics.dates import DayRange

from .catalog import MEASURES
from .reader import Row

PERSON, KEY = "user_actor", "api_actor"
API, SUBSCRIPTION = "api", "subscription"

# Fewer commits (or pull requests) make a cost of each that says nothing (METRICS, cost_per_commit).
FEWEST_FOR_UNIT_COST = 20
# Measures that a cost is divided by.
COVERED = ("sessions", "commits", "pull_requests", "lines_added")


@dataclass(frozen=True)
class Cost:
    """Estimated cost of one customer type, in US dollars, and what it can be divided by.

    Attributes:
        amount: The cost; None if none was reported.
        of_people: The part of people, without keys; None where identities are dropped.
        people: Active people with such a cost.
        covered: By measure, the sum over records with a cost.
    """

    amount: Decimal | None = None
    of_people: Decimal | None = None
    people: int = 0
    covered: Mapping[str, Any] = field(default_factory=dict)

    @property
    def per_person(self) -> float | None:
        """Cost of people / people with a cost."""
        return ratio(self.of_people, self.people)

    def per_unit(self, measure: str) -> float | None:
        """Returns the cost of one session, commit and so on; None if there are few."""
        number = self.covered.get(measure)
        enough = measure == "sessions" or (number or 0) >= FEWEST_FOR_UNIT_COST
        return ratio(self.amount, number) if enough else None


@dataclass(frozen=True)
class Totals:
    """Totals of one period.

    Attributes:
        days: The period.
        loaded: Days of it that are loaded.
        final: Days of it that are loaded and final.
        sums: By measure, the sum; None if the API reported none.
        people: Active people; None where identities are dropped.
        keys: Active API keys; None where identities are dropped.
        person_days: Pairs of a person and an active day.
        person_sessions: Sessions of people, without keys.
        billed: Cost of customer type `api`.
        notional: List value of customer type `subscription`. Nobody is billed for it.
        cost_coverage: Sessions of records with a cost / all sessions.
        other_cost: Cost of all other customer types.
        accepted_decided: Accepted proposals, where a record reports both counts of a tool.
        decisions: Accepted and rejected proposals of these.
    """

    days: DayRange
    loaded: int
    final: int
    sums: dict[str, Any]
    people: int | None
    keys: int | None
    person_days: int
    person_sessions: int | None
    billed: Cost
    notional: Cost
    other_cost: Decimal | None
    cost_coverage: float | None
    accepted_decided: int | None
    decisions: int | None

    @property
    def is_complete(self) -> bool:
        """True if all days are loaded and final."""
        return self.final == len(self.days)

    @property
    def acceptance_rate(self) -> float | None:
        """Accepted of all decisions."""
        return ratio(self.accepted_decided, self.decisions)

    @property
    def cache_read_share(self) -> float | None:
        """Cache reads of all input tokens."""
        return cache_read_share(self.sums)


def totals_of(
    days: DayRange, day_rows: Iterable[Row], actors: Sequence[Row], costs: Sequence[Row], tools: Sequence[Row]
) -> Totals:
    """Sums up a period.

    Args:
        days: The period.
        day_rows: Rows of `queries.QUERIES["days"]`, of any days.
        actors: Rows of `actors`, of this period.
        costs: Rows of `costs`, of this period.
        tools: Rows of `tools`, of this period.
    """
    loaded = [row for row in day_rows if days.first <= row["date"] <= days.last]
    people, keys = where(actors, "actor_type", PERSON), where(actors, "actor_type", KEY)
    return Totals(
        days=days,
        loaded=len(loaded),
        final=sum(bool(row["is_final"]) for row in loaded),
        sums={name: total_of(loaded, name) for name in MEASURES},
        people=_active(people) if loaded else None,
        keys=_active(keys) if loaded else None,
        person_days=sum(row["active_days"] for row in people),
        person_sessions=total_of(people, "sessions"),
        billed=_cost(API, "billed_cost", people, costs),
        notional=_cost(SUBSCRIPTION, "notional_cost", people, costs),
        other_cost=_other_cost(costs),
        cost_coverage=ratio(total_of(costs, "sessions_covered") or 0, total_of(costs, "sessions")),
        accepted_decided=total_of(tools, "accepted_decided"),
        decisions=total_of(tools, "decisions"),
    )


def _cost(customer_type: str, column: str, people: Sequence[Row], costs: Sequence[Row]) -> Cost:
    rows = where(costs, "customer_type", customer_type)
    with_cost = [row for row in people if row[column] is not None and row["active_days"]]
    if any(row["actor"] is None for row in with_cost):  # dropped, at least in a part of the period
        with_cost = []
    covered = {name: total_of(rows, f"{name}_with_cost") for name in COVERED}
    return Cost(total_of(rows, "cost_usd"), total_of(with_cost, column), len(with_cost), covered)


def _other_cost(costs: Sequence[Row]) -> Any:
    return total(row["cost_usd"] for row in costs if row["customer_type"] not in (API, SUBSCRIPTION))


def _active(actors: Sequence[Row]) -> int | None:
    if any(row["actor"] is None and row["active_days"] for row in actors):
        return None
    return len([row for row in actors if row["active_days"]])


def total(values: Iterable[Any]) -> Any:
    """Sums up values that are there; None if there are none (METRICS, R4)."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def total_of(rows: Iterable[Row], column: str) -> Any:
    """Sums up a column, as `total` does."""
    return total(row[column] for row in rows)


def where(rows: Iterable[Row], column: str, value: str) -> list[Row]:
    """Returns the rows with a value in a column."""
    return [row for row in rows if row[column] == value]


def ratio(numerator: Any, denominator: Any) -> float | None:
    """Divides; None without a denominator (METRICS, R5)."""
    if numerator is None or not denominator:
        return None
    return float(numerator) / float(denominator)


def cache_read_share(tokens: dict[str, Any]) -> float | None:
    """Returns the share of cache reads in all input tokens."""
    inputs = total(tokens[f"tokens_{kind}"] for kind in ("input", "cache_read", "cache_creation"))
    return ratio(tokens["tokens_cache_read"], inputs)


def all_tokens(tokens: dict[str, Any]) -> Any:
    """Sums up the four kinds of tokens."""
    return total(tokens[f"tokens_{kind}"] for kind in ("input", "output", "cache_read", "cache_creation"))


def monday(day: dt.date) -> dt.date:
    """Returns the Monday of a day's ISO week."""
    return day - dt.timedelta(days=day.weekday())
