"""Headline numbers: what all cost, what people did, what keys did, each with its change. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .changes import split
from .figures import BEFORE, NOW, Figures
from .measures import MEASURES, Measure, change_of, worded
from .queries import AMOUNTS, LIST_VALUE
from .sums import KEY, PERSON, ratio
from .tables import Kind, rounded

# From here on a share is printed as 100 %, and says nothing.
_WHOLE = 0.995


@dataclass(frozen=True)
class Headline:
    """One number of a period.

    Attributes:
        name: Name for programs.
        label: Name for people.
        kind: Unit.
        value: The number; None if not known.
        before: The number of the days before.
        change: Relative change, for shares the difference; None unless both sides are complete.
        note: What the number covers.
        meaning: How it is counted.
        falls: Whether less of it is better.
    """

    name: str
    label: str
    kind: Kind
    value: Any
    before: Any
    change: float | None
    note: str = ""
    meaning: str = ""
    falls: bool = False

    @property
    def change_kind(self) -> Kind:
        """Unit of the change."""
        return Kind.POINTS if self.kind is Kind.SHARE else Kind.CHANGE


@dataclass(frozen=True)
class _Entry:
    """A measure of some actors: of all, of people or of keys."""

    key: str
    actor_type: str | None = PERSON
    name: str = ""
    label: str = ""
    query: str = ""
    note: Callable[[Figures], str] = lambda figures: ""


def _cost(figures: Figures) -> str:
    share = MEASURES["cost_coverage"].of(figures.sums())
    coverage = f"known for {rounded(share, Kind.SHARE)} of sessions" if share is not None and share < _WHOLE else ""
    return "; ".join(filter(None, (coverage, split(figures, figures.period))))


def _sessions_a_day(figures: Figures) -> str:
    days = [row for row in figures.rows["trend:day"] if row["side"] == NOW and row["actor_type"] == figures.subject]
    average = ratio(figures.sums(figures.subject).get("sessions"), sum(row["active"] for row in days))
    return f"{rounded(average, Kind.NUMBER)} per active day" if average is not None else ""


def _for_each(measure: str) -> Callable[[Figures], str]:
    def note(figures: Figures) -> str:
        sums = figures.sums(figures.subject)
        average = ratio(sums.get(measure), None if sums.get("dropped") else sums.get("active"))
        who = "person" if figures.subject == PERSON else "key"
        return "" if average is None else f"{rounded(average, Kind.NUMBER)} per {who}"

    return note


def _division(key: str) -> Callable[[Figures], str]:
    return lambda figures: division(figures, key)


def division(figures: Figures, key: str) -> str:
    """Returns the two numbers that the cost of one is made of; empty where it is not known."""
    sums = figures.sums(figures.subject)
    if MEASURES[key].of(sums) is None:
        return ""
    number = MEASURES[MEASURES[key].per].of(sums)
    return f"{rounded(sums.get('cost_usd'), Kind.MONEY)} / {rounded(number, Kind.COUNT)}"


def _edits(figures: Figures) -> str:
    decisions = figures.sums(figures.subject).get("decisions")
    return f"of {rounded(decisions, Kind.COUNT)} edits" if decisions else ""


_ACTIVITY = (
    _Entry("sessions", note=_sessions_a_day),
    _Entry("acceptance_rate", note=_edits),
    _Entry("lines_added", note=_for_each("lines_added")),
    _Entry("commits", note=_for_each("commits")),
    _Entry("pull_requests", note=_for_each("pull_requests")),
    _Entry("cache_read_share", query="model", note=lambda figures: "of input tokens"),
)
_LABELS = {LIST_VALUE: "List value, not billed"}
UNIT_COSTS = ("cost_per_active_person", "cost_per_session", "cost_per_commit", "cost_per_pr")
_UNITS = tuple(entry for key in UNIT_COSTS for entry in (_Entry(MEASURES[key].per), _Entry(key, note=_division(key))))
_KEYS = (
    _Entry("active_keys", KEY),
    _Entry("sessions", KEY, "key_sessions", "Sessions of API keys"),
    _Entry("commits", KEY, "key_commits", "Commits of API keys"),
)


def headlines(figures: Figures) -> list[Headline]:
    """Returns the headline numbers of a period; those that the API never reported are left out.

    In order: money, what people did, what one costs, what keys did (METRICS, R12).
    """
    has_people = figures.subject == PERSON  # else keys take their place
    entries = [
        *_amounts(figures.money, has_people),
        _Entry("active_people" if has_people else "active_keys"),
        *_ACTIVITY,
        *_UNITS,
        *(_KEYS if has_people else ()),
    ]
    found = [_headline(figures, entry) for entry in entries]
    return [each for each in found if _is_shown(each)]


def _amounts(money: str, has_people: bool) -> Iterator[_Entry]:
    yield _Entry(money, None, label=_LABELS.get(money, ""), note=_cost)
    if has_people:
        yield _Entry(money, PERSON, "people_cost_usd", "Cost of people")
        yield _Entry(money, KEY, "key_cost_usd", "Cost of API keys")
    yield from (_Entry(key, None, label=_LABELS.get(key, ""), note=_addition(key)) for key in AMOUNTS if key != money)


def _addition(key: str) -> Callable[[Figures], str]:
    return lambda figures: "never add it to the cost" if key == LIST_VALUE else ""


def _headline(figures: Figures, entry: _Entry) -> Headline:
    measure = MEASURES[entry.key]
    value, before = (_value(figures, entry, measure, side) for side in (NOW, BEFORE))
    change = change_of(measure.kind, value, before) if figures.period.is_comparable else None
    return Headline(
        entry.name or entry.key,
        worded(entry.label or measure.title, figures.money, figures.subject),
        measure.kind,
        value,
        before,
        change,
        entry.note(figures),
        worded(measure.meaning, figures.money, figures.subject),
        measure.falls,
    )


def _value(figures: Figures, entry: _Entry, measure: Measure, side: int) -> Any:
    actor_type = figures.subject if entry.actor_type == PERSON else entry.actor_type
    return measure.of(figures.sums(actor_type, side, entry.query))


def _is_shown(each: Headline) -> bool:
    if each.name in ("active_people", "sessions"):
        return True
    if each.name.startswith(("key_", "active_keys")):
        return bool(each.value or each.before)
    return each.value is not None or each.before is not None
