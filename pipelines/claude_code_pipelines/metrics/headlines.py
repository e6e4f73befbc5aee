"""Headline numbers: what all cost, what people did, what keys did, each with its change. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .figures import BEFORE, NOW, Figures
from .measures import MEASURES, Measure
from .queries import API_COST, LIST_VALUE, OTHER_COST
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


def _coverage(figures: Figures) -> str:
    share = MEASURES["cost_coverage"].of(figures.sums())
    return f"known for {rounded(share, Kind.SHARE)} of sessions" if share is not None and share < _WHOLE else ""


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


def _edits(figures: Figures) -> str:
    decisions = figures.sums(figures.subject).get("decisions")
    return f"of {rounded(decisions, Kind.COUNT)} edits" if decisions else ""


# In order: money of all, then people, then keys (METRICS, R12).
_MONEY = (_Entry(API_COST, None, note=_coverage), _Entry(LIST_VALUE, None), _Entry(OTHER_COST, None))
_ACTIVITY = (
    _Entry("sessions", note=_sessions_a_day),
    _Entry("acceptance_rate", note=_edits),
    _Entry("lines_added", note=_for_each("lines_added")),
    _Entry("commits", note=_for_each("commits")),
    _Entry("pull_requests", note=_for_each("pull_requests")),
    _Entry("cost_per_active_person"),
    _Entry("cost_per_session"),
    _Entry("cost_per_commit"),
    _Entry("cost_per_pr"),
    _Entry("cache_read_share", query="model"),
)
_KEYS = (
    _Entry("active_keys", KEY),
    _Entry("sessions", KEY, "key_sessions", "Sessions of API keys"),
)


def headlines(figures: Figures) -> list[Headline]:
    """Returns the headline numbers of a period; those that the API never reported are left out."""
    entries = [*_MONEY, _Entry("active_people"), *_ACTIVITY, *_KEYS]
    entries.append(_Entry(figures.money, KEY, "key_cost_usd", "Cost of API keys"))
    if figures.subject == KEY:  # keys take the place of people
        entries = [*_MONEY, _Entry("active_keys"), *_ACTIVITY]
    found = [_headline(figures, entry) for entry in entries]
    return [each for each in found if _is_shown(each)]


def _headline(figures: Figures, entry: _Entry) -> Headline:
    measure = MEASURES[entry.key]
    value, before = (_value(figures, entry, measure, side) for side in (NOW, BEFORE))
    change = change_of(measure.kind, value, before) if figures.period.is_comparable else None
    label = entry.label or measure.title
    return Headline(
        entry.name or entry.key,
        label,
        measure.kind,
        value,
        before,
        change,
        entry.note(figures),
        measure.meaning,
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


def change_of(kind: Kind, value: Any, before: Any) -> float | None:
    """Returns the change of a number: a difference for shares, else relative; None if nothing was before."""
    if value is None or before is None:
        return None
    if kind is Kind.SHARE:
        return float(value) - float(before)
    return float(value - before) / float(before) if before else None
