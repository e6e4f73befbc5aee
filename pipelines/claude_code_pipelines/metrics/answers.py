"""The first questions of a reader, answered in one line each, for page and terminal alike. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .changes import KINDS, Jump, Mover, jumps, movers
from .figures import BEFORE, NOW, Figures
from .headlines import change_of
from .measures import COST_NAMES, MEASURES
from .pace import RunningMonth, running_month
from .periods import month_of
from .queries import API_COST
from .seats import Seats, map_coverage, seats
from .sums import KEY, PERSON
from .tables import Kind, rounded

# Movers in a line: of the actors first, since a model costs only because somebody uses it.
_MOVERS = 3


@dataclass(frozen=True)
class Answer:
    """One line: what it is about, and what is known."""

    label: str
    text: str


def answers(figures: Figures) -> list[Answer]:
    """Returns what is spent, who uses it, what one costs, and what changed most."""
    return [answer for answer_of in _ANSWERS for answer in answer_of(figures)]


def _cost(figures: Figures) -> Iterator[Answer]:
    month = running_month(figures)
    running = [] if month is None else _month_lines(figures, month)
    whole = [] if month and figures.period.is_running else _period_lines(figures)
    # on the first days of a month nothing of it is final
    yield from (*running, *whole) if month and month.last else (*whole, *running)


def _period_lines(figures: Figures) -> Iterator[Answer]:
    measure = MEASURES[figures.money]
    now, before = (measure.of(figures.sums(side=side)) for side in (NOW, BEFORE))
    text = f"{_money(now)}{_not_billed(figures)}{_against(figures, measure.kind, now, before)}"
    yield Answer(f"Cost, {figures.period.name}", text)


def _not_billed(figures: Figures) -> str:
    return "" if figures.money == API_COST else f" {COST_NAMES[figures.money]}"


def _month_lines(figures: Figures, month: RunningMonth) -> Iterator[Answer]:
    name = f"{month.month.first:%B}"
    yield Answer(f"{name} so far", _so_far(figures, month))
    if month.projection is None:
        yield Answer(f"End of {name}", "not projected: the last four weeks have a gap or no cost")
    else:
        end = month.projection
        span = f"{_money(end.cost)}{_not_billed(figures)} ({_money(end.low)} to {_money(end.high)})"
        yield Answer(f"End of {name}", f"{span} at the pace of the last four weeks")
    if month.budget:
        yield Answer("Budget", _budget(month, month.budget))


def _so_far(figures: Figures, month: RunningMonth) -> str:
    before = month_of(month.month_before)
    name, is_whole = f"{before.first:%B}", month.whole_before_days == len(before)
    days = "all" if is_whole else f"{month.whole_before_days} of {len(before)} days"
    whole = f"{days}: {_money(month.whole_before)}" if month.whole_before_days else ""
    if month.last is None:
        return "; ".join(filter(None, ("no final day yet", whole and f"{name}, {whole}")))
    text = f"{_money(month.cost)}{_not_billed(figures)} in {month.days} of {len(month.month)} days"
    if month.change is None:
        return text
    same = f"1-{min(month.last.day, len(before))} {name}"
    return f"{text}, {rounded(month.change, Kind.CHANGE)} on {same} ({whole})"


def _budget(month: RunningMonth, budget: float) -> str:
    used = f"{rounded(float(month.cost) / budget, Kind.SHARE)} of {_money(budget)} used"
    if month.projection is None:
        return used
    left = budget - float(month.projection.cost)
    return f"{used}; at this pace the month ends {_money(abs(left))} {'below' if left >= 0 else 'above'}"


def _people(figures: Figures) -> Iterator[Answer]:
    if figures.subject == KEY:
        now, before = (MEASURES["active_keys"].of(figures.sums(KEY, side)) for side in (NOW, BEFORE))
        yield Answer(
            "API keys", f"{_count(now)} active{_against(figures, Kind.COUNT, now, before)}; no person was active"
        )
        return
    now, before = (MEASURES["active_people"].of(figures.sums(PERSON, side)) for side in (NOW, BEFORE))
    if figures.sums(PERSON).get("dropped"):
        yield Answer("People", "identities are dropped, so people cannot be counted")
    else:
        yield Answer("People", f"{_count(now)} active{_against(figures, Kind.COUNT, now, before)}")
    yield from _keys(figures)


def _keys(figures: Figures) -> Iterator[Answer]:
    """Yields what keys cost beside people, also where they stopped."""
    keys, before = (figures.sums(KEY, side) for side in (NOW, BEFORE))
    if any(sums.get(name) for sums in (keys, before) for name in ("active", "dropped")):
        count = "" if keys.get("dropped") else f"{_count(keys.get('active', 0))} active, "
        costs = (f"{_cost_and_change(figures, each)}" for each in (KEY, PERSON))
        yield Answer("API keys", f"{count}{'; people alone '.join(costs)}")


def _cost_and_change(figures: Figures, actor_type: str) -> str:
    now, before = (figures.sums(actor_type, side).get("cost_usd") for side in (NOW, BEFORE))
    change = change_of(Kind.MONEY, now, before) if figures.period.is_comparable else None
    return f"{_money(now)}{'' if change is None else f' ({rounded(change, Kind.CHANGE)})'}"


def _unit_costs(figures: Figures) -> Iterator[Answer]:
    parts = []
    for key, name in (
        ("cost_per_active_person", "person" if figures.subject == PERSON else "key"),
        ("cost_per_commit", "commit"),
        ("cost_per_pr", "PR"),
    ):
        measure = MEASURES[key]
        now, before = (measure.of(figures.sums(figures.subject, side)) for side in (NOW, BEFORE))
        if now is not None:
            change = change_of(measure.kind, now, before) if figures.period.is_comparable else None
            parts.append(f"{name} {_money(now)}{'' if change is None else f' ({rounded(change, Kind.CHANGE)})'}")
    if parts:
        compared = "; less is better" if figures.period.is_comparable else ""
        yield Answer("One costs", f"{', '.join(parts)}{_not_billed(figures)}{compared}")


def _changed(figures: Figures) -> Iterator[Answer]:
    found = movers(figures)
    actors = [each for each in found if each.by in ("person", "key")]
    models = [each for each in found if each.by == "model"]
    largest = sorted(actors, key=lambda each: -abs(each.difference))[:_MOVERS]
    if largest or models:
        yield Answer("Changed most", ", ".join(map(_moved, largest or models[:_MOVERS])))
    for jump in jumps(figures):
        yield Answer("Jump", _jumped(jump))


def _moved(each: Mover) -> str:
    sign = "+" if each.difference > 0 else "-"
    kind = "" if each.by == "person" else f"{KINDS[each.by]} "
    state = f" ({each.state})" if each.state else ""
    return f"{kind}{each.name} {sign}{_money(abs(each.difference))}{state}"


def _jumped(jump: Jump) -> str:
    week = jump.week
    usual = f"{_money(week.cost)} instead of {_money(week.median)}"
    causes = (
        f"{'most' if each.is_most else 'more than any other'} by {KINDS[each.by]} {each.name}" for each in jump.causes
    )
    return ": ".join(filter(None, (f"week of {week.week:%-d %B} cost {usual}", ", ".join(causes))))


def _seats(figures: Figures) -> Iterator[Answer]:
    found = seats(figures)
    if found is not None:
        yield Answer("Seats", seats_sentence(found))


def seats_sentence(found: Seats) -> str:
    """Returns the use of seats in words."""
    if found.used is None:
        return "identities are dropped, so the use of seats is not known"
    text = (
        f"{found.used:,} of {found.seats:,} used with a subscription ({rounded(found.used / found.seats, Kind.SHARE)})"
    )
    if found.used > found.seats:
        return f"{text}; the number of seats given is too small"
    if found.price is None:
        return text
    text += f"; they cost {_money(found.price)}"
    if found.list_value is None:
        return text
    return f"{text}, their use {_money(found.list_value)} at list prices"


def _map(figures: Figures) -> Iterator[Answer]:
    coverage = map_coverage(figures)
    if coverage:
        yield Answer("Team map", coverage)


def _against(figures: Figures, kind: Kind, now: Any, before: Any) -> str:
    """Returns the change against the days before, in words."""
    change = change_of(kind, now, before) if figures.period.is_comparable else None
    if change is None:
        return ""
    return f", {rounded(change, Kind.CHANGE)} on {rounded(before, kind)} in {figures.period.name_before}"


def _money(value: Decimal | float | None) -> str:
    return "not reported" if value is None else rounded(value, Kind.MONEY)


def _count(value: int | None) -> str:
    return "unknown" if value is None else f"{value:,}"


_ANSWERS: tuple[Callable[[Figures], Iterator[Answer]], ...] = (_cost, _people, _unit_costs, _changed, _seats, _map)
