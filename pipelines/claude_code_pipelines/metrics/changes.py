"""Changes: movers between the period and the days before, and the causes of a week's jump (METRICS, R16). Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import Any

from .breakdowns import BREAKDOWNS, labels
from .figures import BEFORE, NOW, Figures
from .jumps import JumpWeek, daily_costs, jump_weeks
from .periods import Period
from .sums import KEY, PERSON, Row, grouped, total_of
from .tables import Column, Kind, Table, signed

# Lists of movers, and how one of them is called.
KINDS = {"person": "person", "key": "API key", "team": "team", "model": "model"}
# Parts of the cost, and the kind of mover that names one who made most of a part's difference.
_PARTS = {PERSON: ("people", "person"), KEY: ("keys", "key")}
_OTHERS = ("other actors", "")
MOST_MOVERS = 5
_SHARE = Decimal("0.05")
_MOST = Decimal("0.5")
_NOTHING = Decimal(0)
NEW, GONE = "new", "gone"


@dataclass(frozen=True)
class Mover:
    """Somebody or something whose cost changed.

    Attributes:
        by: What it is, a key of `KINDS`.
        name: Its name.
        now: Its cost in the period.
        before: Its cost in the days before.
    """

    by: str
    name: str
    now: Decimal
    before: Decimal

    @property
    def difference(self) -> Decimal:
        """Cost above that of the days before."""
        return self.now - self.before

    @property
    def state(self) -> str:
        """`new` or `gone`; empty if it has a cost on both sides."""
        return "" if self.now and self.before else NEW if self.now else GONE


@dataclass(frozen=True)
class Cause:
    """An actor or model that exceeded its own median week most.

    Attributes:
        by: What it is, a key of `KINDS`.
        name: Its name.
        excess: What it cost more than its own median week.
        is_most: Whether that is at least half of the whole excess; else it is more than any other.
    """

    by: str
    name: str
    excess: Decimal
    is_most: bool


@dataclass(frozen=True)
class Jump:
    """A week that cost far more than those before, and what made it."""

    week: JumpWeek
    causes: tuple[Cause, ...]


def movers(figures: Figures) -> list[Mover]:
    """Returns who and what changed the cost most, at most five of each kind; nothing where nothing is comparable."""
    if not figures.period.is_comparable:
        return []
    return [mover for by in KINDS if _is_known(figures, by) for mover in _movers_by(figures, by)]


def split(figures: Figures, period: Period, movers: Sequence[Mover] = ()) -> str:
    """Returns what people and keys make of a difference of cost, in words; empty where only one of them has a cost.

    Args:
        figures: The numbers.
        period: The days, and those that they are compared with.
        movers: Who may be named where one of them makes at least half of a part.
    """
    parts = grouped(figures.rows["trend:day"], lambda row: _PARTS.get(row["actor_type"], _OTHERS))
    if not period.is_comparable or len(parts) < 2:
        return ""
    sides = period.counted, {*period.before.days()} - period.left_out
    found = {part: _difference(daily_costs(rows), *sides) for part, rows in parts.items()}
    ordered = sorted((part for part in found if round(found[part], 2)), key=lambda part: -abs(found[part]))
    return ", ".join(f"{part[0]} {signed(found[part])}{_made_by(part[1], found[part], movers)}" for part in ordered)


def _difference(costs: Mapping[dt.date, Decimal], now: Iterable[dt.date], before: Iterable[dt.date]) -> Decimal:
    return sum((costs.get(day, _NOTHING) for day in now), _NOTHING) - sum(
        (costs.get(day, _NOTHING) for day in before), _NOTHING
    )


def _made_by(by: str, difference: Decimal, movers: Iterable[Mover]) -> str:
    most = (each for each in movers if each.by == by and each.difference / difference >= _MOST)
    return next((f" ({each.name} {signed(each.difference)})" for each in most), "")


def _is_known(figures: Figures, by: str) -> bool:
    """Returns true unless the kind lists people who may not be named, or teams without a map."""
    if by == "team":
        return figures.names_people and figures.request.teams is not None
    return by != "person" or figures.names_people


def _movers_by(figures: Figures, by: str) -> list[Mover]:
    now, before = (_costs(figures, by, side) for side in (NOW, BEFORE))
    # a change counts against the larger of both sides, of its own kind (METRICS, R12)
    least = _SHARE * max(sum(now.values(), _NOTHING), sum(before.values(), _NOTHING))
    found = [Mover(by, name, now.get(name, _NOTHING), before.get(name, _NOTHING)) for name in {**now, **before}]
    large = [each for each in found if each.difference and abs(each.difference) >= least]
    return sorted(large, key=lambda each: (-abs(each.difference), each.name))[:MOST_MOVERS]


def _costs(figures: Figures, by: str, side: int) -> dict[str, Decimal]:
    spec = BREAKDOWNS[by]
    rows = [
        row
        for row in figures.rows[spec.dimension]
        if row["side"] == side and spec.is_own(row, figures.subject) and row[spec.dimension]
    ]
    by_label = grouped(rows, labels(figures, by))
    return {name: total_of(its, "cost_usd") or _NOTHING for (_, name), its in by_label.items()}


def movers_table(figures: Figures) -> Table:
    """Returns the movers as a table."""
    columns = (
        Column("Kind", Kind.TEXT, "kind"),
        Column("Name", Kind.TEXT, "name"),
        Column("Before", Kind.MONEY, "before", detail=1),
        Column("Now", Kind.MONEY, "now"),
        Column("Difference", Kind.MONEY, "difference"),
        Column("State", Kind.TEXT, "state", detail=2),
    )
    return Table(
        "movers",
        columns,
        [
            (KINDS[each.by], each.name, each.before, each.now, each.difference, each.state or None)
            for each in movers(figures)
        ],
    )


def jumps(figures: Figures) -> list[Jump]:
    """Returns the weeks of the period that cost far more than those before, with what made each."""
    weeks = jump_weeks(figures.daily_costs, figures.calendar, figures.period.days)
    return [Jump(week, tuple(_causes(figures, week))) for week in weeks]


def _causes(figures: Figures, jump: JumpWeek) -> Iterable[Cause]:
    actors = [row for row in figures.rows["weekly_actors"] if row["actor"]]
    actor = _largest_excess(actors, lambda row: (row["actor_type"], row["actor"]), jump)
    if actor is not None:
        (actor_type, name), excess = actor
        by = "person" if actor_type == PERSON else "key"
        if by == "key" or figures.names_people:
            yield Cause(by, name, excess, excess >= jump.excess / 2)
    model = _largest_excess(figures.rows["trend:model,week"], lambda row: row["model"] or "", jump)
    if model is not None:
        name, excess = model
        yield Cause("model", name, excess, excess >= jump.excess / 2)


def _largest_excess(rows: Sequence[Row], key: Callable[[Row], Any], jump: JumpWeek) -> tuple[Any, Decimal] | None:
    found = {name: _excess(its, jump) for name, its in grouped(rows, key).items()}
    best = max(sorted(found, key=str), key=lambda name: found[name], default=None)
    return None if best is None or found[best] <= 0 else (best, found[best])


def _excess(rows: Iterable[Row], jump: JumpWeek) -> Decimal:
    weekly: dict[dt.date, Decimal] = {
        week: total_of(its, "cost_usd") or _NOTHING for week, its in grouped(rows, lambda row: row["week"]).items()
    }
    return weekly.get(jump.week, _NOTHING) - median(weekly.get(week, _NOTHING) for week in jump.before)
