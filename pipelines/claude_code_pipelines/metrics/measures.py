"""Catalog of the numbers that are shown: key, title, unit and recipe of each. Headlines and all tables read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .explanations import SIGN_INS_MISSING
from .queries import API_COST, LIST_VALUE, OTHER_COST
from .sums import KEY, Row, all_tokens, cache_read_share, ratio
from .tables import Kind

# Fewer commits (or pull requests) make a cost of each that says nothing (METRICS, cost_per_commit).
FEWEST_FOR_UNIT_COST = 20


@dataclass(frozen=True)
class Measure:
    """Recipe of a number.

    Attributes:
        key: Name for programs.
        title: Name for people.
        kind: Unit.
        of: Returns it for the sums of a group.
        meaning: How it is counted, and what must not be concluded.
        falls: Whether less of it is better.
        per: Key of the number that the cost of people is divided by.
        detail: Where there is little room, the columns with the highest ones give way first.
    """

    key: str
    title: str
    kind: Kind
    of: Callable[[Row], Any]
    meaning: str = ""
    falls: bool = False
    detail: int = 0
    per: str = ""


def _sum(name: str) -> Callable[[Row], Any]:
    return lambda sums: sums.get(name)


def _counted(name: str) -> Callable[[Row], Any]:
    """Returns a distinct count; not known where identities are dropped."""
    return lambda sums: None if sums.get("dropped") else sums.get(name)


def _cost_per(measure: str, fewest: int = 1) -> Callable[[Row], Any]:
    def of(sums: Row) -> float | None:
        number = sums.get(f"priced_{measure}")
        return ratio(sums.get("cost_usd"), number) if (number or 0) >= fewest else None

    return of


def _cost_per_person(sums: Row) -> float | None:
    return None if sums.get("dropped") else ratio(sums.get("cost_usd"), sums.get("paying"))


def _price(sums: Row) -> float | None:
    found = ratio(sums.get("cost_usd"), sums.get("priced_tokens"))
    return None if found is None else found * 1e6


_BILLED = "Those in records with a cost: what the cost of one is divided by."
_FEW = f"Left out under {FEWEST_FOR_UNIT_COST} of them. The cost of those who made none is in it."

_MEASURES = (
    Measure(
        "active_people",
        "Active people",
        Kind.COUNT,
        _counted("active"),
        f"People with any activity. {SIGN_INS_MISSING}",
    ),
    Measure(
        "active_keys",
        "Active API keys",
        Kind.COUNT,
        _counted("active"),
        "API keys with any activity. A key may be a robot or a person, and two keys may share a name.",
    ),
    # what a cost is divided by: only what its records report
    Measure("billed_people", "Billed people", Kind.COUNT, _counted("paying"), "Active people with a cost.", detail=9),
    Measure("billed_sessions", "Billed sessions", Kind.COUNT, _sum("priced_sessions"), _BILLED),
    Measure("billed_commits", "Billed commits", Kind.COUNT, _sum("priced_commits"), _BILLED),
    Measure("billed_pull_requests", "Billed pull requests", Kind.COUNT, _sum("priced_pull_requests"), _BILLED),
    Measure("active_days", "Active days", Kind.COUNT, _counted("active_days"), detail=4),
    Measure("sessions", "Sessions", Kind.COUNT, _sum("sessions"), detail=1),
    Measure("lines_added", "Lines added", Kind.COUNT, _sum("lines_added"), detail=8),
    Measure("commits", "Commits", Kind.COUNT, _sum("commits"), detail=3),
    Measure(
        "pull_requests",
        "Pull requests",
        Kind.COUNT,
        _sum("pull_requests"),
        "Opened through Claude Code, merged or not.",
        detail=6,
    ),
    Measure("accepted", "Accepted", Kind.COUNT, _sum("accepted")),
    Measure("rejected", "Rejected", Kind.COUNT, _sum("rejected"), detail=1),
    Measure(
        "acceptance_rate",
        "Acceptance",
        Kind.SHARE,
        lambda sums: ratio(sums.get("accepted_decided"), sums.get("decisions")),
        "Accepted of all proposed edits, automatically accepted ones included. A trend, not a measure of quality.",
        detail=5,
    ),
    Measure(
        "cost_coverage",
        "Cost known",
        Kind.SHARE,
        lambda sums: ratio(sums.get("priced_sessions") or 0, sums.get("sessions_of_type")),
        "Sessions with a cost in dollars, of all sessions that are paid this way.",
    ),
    Measure(
        "cost_per_active_person",
        "Cost of a person",
        Kind.MONEY,
        _cost_per_person,
        "Cost of people / billed people.",
        falls=True,
        detail=9,
        per="billed_people",
    ),
    Measure(
        "cost_per_session",
        "Cost of a session",
        Kind.MONEY,
        _cost_per("sessions"),
        "Cost of people / their billed sessions.",
        falls=True,
        detail=9,
        per="billed_sessions",
    ),
    Measure(
        "cost_per_commit",
        "Cost of a commit",
        Kind.MONEY,
        _cost_per("commits", FEWEST_FOR_UNIT_COST),
        f"Cost of people / their billed commits. {_FEW}",
        falls=True,
        detail=9,
        per="billed_commits",
    ),
    Measure(
        "cost_per_pr",
        "Cost of a pull request",
        Kind.MONEY,
        _cost_per("pull_requests", FEWEST_FOR_UNIT_COST),
        f"Cost of people / their billed pull requests. {_FEW}",
        falls=True,
        detail=9,
        per="billed_pull_requests",
    ),
    Measure("tokens_total", "Tokens", Kind.COUNT, all_tokens, "All four kinds of tokens.", detail=4),
    Measure(
        "cache_read_share",
        "From cache",
        Kind.SHARE,
        cache_read_share,
        "Cache reads of all input tokens. A share of tokens, not of money.",
        detail=3,
    ),
    Measure(
        "price_per_mtok",
        "A million tokens",
        Kind.MONEY,
        _price,
        "A blend of four prices, which moves with the share read from cache.",
        falls=True,
        detail=4,
    ),
    Measure(
        "remote_share",
        "Remote",
        Kind.SHARE,
        lambda sums: ratio(sums.get("remote_sessions") or 0, sums.get("located_sessions")),
        "Not known before August 2026.",
        detail=6,
    ),
    Measure("last_day", "Last active", Kind.DAY, _sum("last_day"), detail=7),
)

_LISTED = "What subscription use would cost at list prices. Nobody is billed for it: never add it to the cost."
MONEY = (
    Measure(
        API_COST,
        "Cost",
        Kind.MONEY,
        _sum(API_COST),
        "The API's estimate for use that is billed, in US dollars: not an invoice.",
    ),
    Measure(LIST_VALUE, "List value", Kind.MONEY, _sum(LIST_VALUE), _LISTED),
    Measure(
        OTHER_COST,
        "Other cost",
        Kind.MONEY,
        _sum(OTHER_COST),
        "The API's estimate for customer types other than api and subscription: it is not known who pays it.",
        detail=5,
    ),
)
MEASURES: Mapping[str, Measure] = {each.key: each for each in (*_MEASURES, *MONEY)}
# Other words of titles, where list value is meant by cost, or keys take the place of people.
_WORDS = {
    LIST_VALUE: {
        "Cost of": "List value of",
        "Billed people": "Subscribers",
        "billed people": "subscribers",
        "Billed": "Subscription",
        "their billed": "their subscription",
    },
    KEY: {"people": "keys", "person": "key"},
}
# How the amount that is meant by cost is called in a sentence.
COST_NAMES = {API_COST: "cost", LIST_VALUE: "list value, not billed"}


def worded(text: str, money: str, subject: str) -> str:
    """Returns a title in the words of the amount that is meant by cost, and of the actors that are spoken of."""
    for word, other in (*_WORDS.get(money, {}).items(), *_WORDS.get(subject, {}).items()):
        text = text.replace(word, other)
    return text


def change_of(kind: Kind, value: Any, before: Any) -> float | None:
    """Returns the change of a number: a difference for shares, else relative; None if nothing was before."""
    if value is None or before is None:
        return None
    if kind is Kind.SHARE:
        return float(value) - float(before)
    return float(value - before) / float(before) if before else None
