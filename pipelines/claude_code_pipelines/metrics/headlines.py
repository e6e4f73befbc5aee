"""Headline numbers: a table of measures, each with its change against the preceding period. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .explanations import SIGN_INS_MISSING
from .tables import Column, Kind, Table, rounded
from .totals import FEWEST_FOR_UNIT_COST, Cost, Totals, ratio


@dataclass(frozen=True)
class Headline:
    """One number of a period.

    Attributes:
        name: Name for programs.
        label: Name for people.
        kind: Unit.
        value: The number; None if not known.
        before: The number of the preceding period.
        change: Relative change, for shares the difference; None unless both periods are complete.
        note: What the number covers.
        meaning: How it is counted.
    """

    name: str
    label: str
    kind: Kind
    value: Any
    before: Any
    change: float | None
    note: str
    meaning: str

    @property
    def change_kind(self) -> Kind:
        """Unit of the change."""
        return Kind.POINTS if self.kind is Kind.SHARE else Kind.CHANGE


# From here on a share is printed as 100 %, and says nothing.
_WHOLE = 0.995


@dataclass(frozen=True)
class Measure:
    """Recipe of a headline number."""

    name: str
    label: str
    kind: Kind
    of: Callable[[Totals], Any]
    meaning: str
    note: Callable[[Totals, int | None], str] = lambda totals, seats: ""


def _seat_use(totals: Totals, seats: int | None) -> str:
    if totals.people is None:
        return "identities are dropped"
    return f"{rounded(ratio(totals.people, seats), Kind.SHARE)} of {seats:,} seats" if seats else ""


def _per_person(measure: str) -> Callable[[Totals, int | None], str]:
    def note(totals: Totals, _: int | None) -> str:
        average = ratio(totals.sums[measure], totals.people)
        return "" if average is None or totals.keys else f"{rounded(average, Kind.NUMBER)} per person"

    return note


def _cost_note(totals: Totals, _: int | None) -> str:
    if totals.cost_coverage is None or totals.cost_coverage >= _WHOLE:
        return ""
    return f"from {rounded(totals.cost_coverage, Kind.SHARE)} of sessions"


def _sessions_per_day(totals: Totals, _: int | None) -> str:
    average = ratio(totals.person_sessions, totals.person_days) if totals.people else None
    return f"{rounded(average, Kind.NUMBER)} per active day" if average is not None else ""


MEASURES = (
    Measure(
        "active_people",
        "Active people",
        Kind.COUNT,
        lambda totals: totals.people,
        f"People with any activity in the period. {SIGN_INS_MISSING}",
        _seat_use,
    ),
    Measure(
        "active_keys",
        "Active API keys",
        Kind.COUNT,
        lambda totals: totals.keys,
        "API keys with any activity. A key may be a robot or a person, and two keys may share a name.",
    ),
    Measure("sessions", "Sessions", Kind.COUNT, lambda totals: totals.sums["sessions"], "", _sessions_per_day),
    Measure(
        "acceptance_rate",
        "Acceptance",
        Kind.SHARE,
        lambda totals: totals.acceptance_rate,
        "Accepted of all proposed edits, automatically accepted ones included. A trend, not a measure of quality.",
        lambda totals, seats: f"of {rounded(totals.decisions, Kind.COUNT)} edits" if totals.decisions else "",
    ),
    Measure(
        "lines_added",
        "Lines added",
        Kind.COUNT,
        lambda totals: totals.sums["lines_added"],
        "",
        _per_person("lines_added"),
    ),
    Measure("commits", "Commits", Kind.COUNT, lambda totals: totals.sums["commits"], "", _per_person("commits")),
    Measure(
        "pull_requests",
        "Pull requests",
        Kind.COUNT,
        lambda totals: totals.sums["pull_requests"],
        "Opened through Claude Code, merged or not.",
        _per_person("pull_requests"),
    ),
    Measure(
        "cost_billed",
        "Cost billed by use",
        Kind.MONEY,
        lambda totals: totals.billed.amount,
        "The API's estimate for customer type api, in US dollars: not an invoice.",
        _cost_note,
    ),
    Measure(
        "cost_notional",
        "Subscription list value",
        Kind.MONEY,
        lambda totals: totals.notional.amount,
        "What subscription use would cost at list prices. Nobody is billed for it: never add it to the cost.",
    ),
    Measure(
        "cost_other",
        "Cost of other types",
        Kind.MONEY,
        lambda totals: totals.other_cost,
        "The API's estimate for customer types other than api and subscription: it is not known who pays it.",
    ),
    Measure(
        "cost_per_active_person",
        "Billed per person",
        Kind.MONEY,
        lambda totals: totals.billed.per_person,
        "Cost billed by use, of people without keys / people with such a cost.",
        lambda totals, seats: f"{totals.billed.people:,} people, no keys" if totals.billed.people else "",
    ),
    Measure(
        "cache_read_share",
        "Read from cache",
        Kind.SHARE,
        lambda totals: totals.cache_read_share,
        "Cache reads of all input tokens. A share of tokens, not of money.",
        lambda totals, seats: "of input tokens",
    ),
)

# What a cost is divided by: label, the cost of one, and their number.
UNIT_COSTS: tuple[tuple[str, Callable[[Cost], float | None], Callable[[Cost], int | None]], ...] = (
    ("Active person", lambda cost: cost.per_person, lambda cost: cost.people),
    ("Session", lambda cost: cost.per_unit("sessions"), lambda cost: cost.covered.get("sessions")),
    ("Commit", lambda cost: cost.per_unit("commits"), lambda cost: cost.covered.get("commits")),
    ("Pull request", lambda cost: cost.per_unit("pull_requests"), lambda cost: cost.covered.get("pull_requests")),
)


def headlines(current: Totals, before: Totals, seats: int | None = None) -> list[Headline]:
    """Returns the headline numbers of a period; those that the API never reported are left out.

    Args:
        current: The period.
        before: The preceding period of equal length.
        seats: Seats of the organization, which the API does not know.
    """
    comparable = current.is_complete and before.is_complete
    found = []
    for measure in MEASURES:
        value, earlier = measure.of(current), measure.of(before)
        if _is_shown(measure.name, value, earlier):
            change = change_of(measure.kind, value, earlier) if comparable else None
            note = measure.note(current, seats)
            found.append(
                Headline(measure.name, measure.label, measure.kind, value, earlier, change, note, measure.meaning)
            )
    if not current.people and current.keys:  # an organization of named keys: they come first
        found.sort(key=lambda headline: headline.name != "active_keys")
    return found


def _is_shown(name: str, value: Any, before: Any) -> bool:
    if name == "active_keys":
        return bool(value or before)
    return name in ("active_people", "sessions") or value is not None or before is not None


def change_of(kind: Kind, value: Any, before: Any) -> float | None:
    """Returns the change of a number: a difference for shares, else relative; None if nothing was before."""
    if value is None or before is None:
        return None
    if kind is Kind.SHARE:
        return float(value) - float(before)
    return float(value - before) / float(before) if before else None


def unit_costs(current: Totals, before: Totals) -> Table:
    """Returns the cost of an active person, a session, a commit and a pull request, billed and notional apart."""
    comparable = current.is_complete and before.is_complete
    rows: list[tuple[Any, ...]] = []
    for label, of, number in UNIT_COSTS:
        row: list[Any] = [label]
        for cost, earlier in ((current.billed, before.billed), (current.notional, before.notional)):
            change = change_of(Kind.MONEY, of(cost), of(earlier)) if comparable else None
            row += [number(cost), of(cost), change]
        rows.append(tuple(row))
    columns = (
        Column("For each", Kind.TEXT),
        Column("Number with billed cost"),
        Column("Billed by use", Kind.MONEY),
        Column("Change of billed cost", Kind.CHANGE),
        Column("Number with list value"),
        Column("Subscription list value", Kind.MONEY),
        Column("Change of list value", Kind.CHANGE),
    )
    return Table("unit_costs", columns, rows)


FEW = f"The cost of a commit or pull request is left out under {FEWEST_FOR_UNIT_COST} of them."
