"""The first questions of a reader, answered in one line each, for page and terminal alike. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .changes import KINDS, Jump, Mover, jumps, movers, split
from .explanations import LIST_VALUE_IS
from .figures import BEFORE, NOW, Figures
from .headlines import UNIT_COSTS, division
from .measures import COST_NAMES, MEASURES, change_of, worded
from .pace import MonthToDate, ended_month, running_month, to_date
from .periods import Period, month_of
from .queries import API_COST, LIST_VALUE
from .seats import Seats, map_coverage, seats
from .sums import KEY, PERSON
from .tables import Kind, rounded, signed

# Movers in a line: of the actors first, since a model costs only because somebody uses it.
_MOVERS = 3


@dataclass(frozen=True)
class Answer:
    """One line: what it is about, and what is known."""

    label: str
    text: str


def answers(figures: Figures) -> list[Answer]:
    """Returns what is spent, why that changed, where it ends, who uses it, and what one costs."""
    return [answer for answer_of in _ANSWERS for answer in answer_of(figures)]


def _cost(figures: Figures) -> Iterator[Answer]:
    period, measure = figures.period, MEASURES[figures.money]
    month = running_month(figures)
    if month and period.is_running:
        yield _so_far(figures, month)
        return
    now, before = (measure.of(figures.sums(side=side)) for side in (NOW, BEFORE))
    against = _against(figures, measure.kind, now, before)
    where = f" in {period.name_before}{_why(figures, period)}" if against else ""
    gaps = f"; {period.gaps[0].lower()}{period.gaps[1:]}" if period.gaps else ""
    yield Answer(f"{measure.title}, {period.name}", f"{_money(now)}{_not_billed(figures)}{against}{where}{gaps}")


def _why(figures: Figures, period: Period) -> str:
    parts = split(figures, period, movers(figures) if period == figures.period else ())
    return f": {parts}" if parts else ""


def _not_billed(figures: Figures) -> str:
    return "" if figures.money == API_COST else f" {COST_NAMES[figures.money]}"


def _changed(figures: Figures) -> Iterator[Answer]:
    found = movers(figures)
    actors = [each for each in found if each.by in ("person", "key")]
    models = [each for each in found if each.by == "model"]
    largest = sorted(actors, key=lambda each: -abs(each.difference))[:_MOVERS]
    if largest or models:
        yield Answer("Changed most", "; ".join(map(_moved, largest or models[:_MOVERS])))
    for jump in jumps(figures):
        yield Answer("Jump", _jumped(jump))


def _moved(each: Mover) -> str:
    kind = "" if each.by == "person" else f"{KINDS[each.by]} "
    state = f", {each.state}" if each.state else ""
    return f"{kind}{each.name} {_money(each.before)} to {_money(each.now)} ({signed(each.difference)}{state})"


def _jumped(jump: Jump) -> str:
    week = jump.week
    usual = f"{_money(week.cost)} instead of {_money(week.median)}"
    causes = (
        f"{'most' if each.is_most else 'more than any other'} by {KINDS[each.by]} {each.name}" for each in jump.causes
    )
    return ": ".join(filter(None, (f"week of {week.week:%-d %B} cost {usual}", ", ".join(causes))))


def _months(figures: Figures) -> Iterator[Answer]:
    for month in (ended_month(figures), running_month(figures)):
        if month is not None:
            yield from _month(figures, month)


def _month(figures: Figures, month: MonthToDate) -> Iterator[Answer]:
    name = f"{month.month.first:%B}"
    if month.last and not figures.period.is_running:  # else it is the first answer
        yield _so_far(figures, month)
    if not month.is_final:
        yield Answer(f"End of {name}", _end(figures, month))
    if month.budget:
        yield Answer(f"Budget, {name}", _budget(month, month.budget))


def _so_far(figures: Figures, month: MonthToDate) -> Answer:
    days = "all" if month.is_final else f"{month.days} of"
    not_billed = f"{_not_billed(figures)}," if figures.money != API_COST else ""
    text = f"{_money(month.cost)}{not_billed} on {days} {len(month.month)} days"
    compared = to_date(figures, month.month)
    if compared is not None and month.change is not None:
        before = compared.before
        same = f"{before.first:%B}" if month.is_final else f"1-{before.last.day} {before.first:%B}"
        change = f"{rounded(month.change, Kind.CHANGE)} from {_money(month.cost_before)}"
        text += f", {change} on {same}{_why(figures, compared)}"
    return Answer(f"{month.month.first:%B}{'' if month.is_final else ' so far'}", text)


def _end(figures: Figures, month: MonthToDate) -> str:
    if month.projection is None:
        return "not projected: the last 28 final days have a gap or no cost"
    end, left = month.projection, len(month.month) - month.days
    days = f"{month.days} final days, and {left} more" if month.days else f"all {left} days"
    before = month_of(month.month_before)
    whole = f"; {before.first:%B} was {_money(month.whole_before)}" if month.whole_before_days == len(before) else ""
    span = f"({_money(end.low)} to {_money(end.high)} by the cheapest and dearest week)"
    pace = f"{days} at the pace of the last 28 final days (mean of each weekday)"
    return f"{_money(end.cost)}{_not_billed(figures)} {span}: {pace}{whole}"


def _budget(month: MonthToDate, budget: float) -> str:
    used = f"{rounded(float(month.cost) / budget, Kind.SHARE)} of {_money(budget)} used"
    if month.projection is None:
        return used
    left = budget - float(month.projection.cost)
    return f"{used}; at this pace the month ends {_money(abs(left))} {'below' if left >= 0 else 'above'}"


def _list_value(figures: Figures) -> Iterator[Answer]:
    now, before = (figures.sums(side=side).get(LIST_VALUE) for side in (NOW, BEFORE))
    if now and figures.money != LIST_VALUE:
        against = _against(figures, Kind.MONEY, now, before)
        yield Answer("List value", f"{_money(now)}{against}: {LIST_VALUE_IS}")


def _people(figures: Figures) -> Iterator[Answer]:
    if figures.subject == KEY:
        yield Answer("API keys", f"{_active(figures, KEY)}; no person was active")
        return
    people = figures.sums(PERSON)
    if people.get("dropped"):
        yield Answer("People", "identities are dropped, so people cannot be counted")
    else:
        yield Answer("People", f"{_active(figures, PERSON)}; {billing_of(figures)}")
    yield from _keys(figures)


def billing_of(figures: Figures) -> str:
    """Returns how many of the people are billed, and how many have a subscription, in words."""
    people = figures.sums(PERSON)
    billed = f"{people.get('paying', 0):,} billed by use, " if figures.money == API_COST else ""
    return f"{billed}{people.get('subscribers', 0):,} with a subscription"


def _active(figures: Figures, actor_type: str) -> str:
    now, before = (figures.sums(actor_type, side).get("active", 0) for side in (NOW, BEFORE))
    return f"{now:,} active{_against(figures, Kind.COUNT, now, before)}"


def _keys(figures: Figures) -> Iterator[Answer]:
    """Yields what keys cost beside people, also where they stopped."""
    keys, before = (figures.sums(KEY, side) for side in (NOW, BEFORE))
    if any(sums.get(name) for sums in (keys, before) for name in ("active", "dropped")):
        count = "" if keys.get("dropped") else f"{keys.get('active', 0):,} active; "
        cost, cost_before = (sums.get("cost_usd") for sums in (keys, before))
        against = _against(figures, Kind.MONEY, cost, cost_before)
        yield Answer("API keys", f"{count}{_money(cost)}{_not_billed(figures)}{against}")


def _unit_costs(figures: Figures) -> Iterator[Answer]:
    for key in UNIT_COSTS:
        measure = MEASURES[key]
        now, before = (measure.of(figures.sums(figures.subject, side)) for side in (NOW, BEFORE))
        if now is not None and key != "cost_per_session":
            label, number = (_worded(figures, MEASURES[each].title) for each in (key, measure.per))
            against = _against(figures, measure.kind, now, before)
            made_of = f"{division(figures, key)} {number.lower()}"
            yield Answer(label.replace("pull request", "PR"), f"{_money(now)}{against} ({made_of})")


def _worded(figures: Figures, title: str) -> str:
    return worded(title, figures.money, figures.subject)


def _seats(figures: Figures) -> Iterator[Answer]:
    found = seats(figures)
    if found is not None:
        yield Answer("Seats", _seats_sentence(figures, found))


def _seats_sentence(figures: Figures, found: Seats) -> str:
    """Returns the use of seats in words."""
    if found.used is None:
        return "identities are dropped, so the use of seats is not known"
    text = f"{found.used:,} of {found.seats:,} used ({rounded(found.used / found.seats, Kind.SHARE)})"
    if found.used > found.seats:
        return f"{text}; the number of seats given is too small"
    if found.price is None:
        return text
    text += f"; all {found.seats:,} cost {_money(found.price)} in {figures.period.name}"
    if found.list_value is None:
        return text
    return f"{text}, and at list prices their use would have cost {_money(found.list_value)}"


def _map(figures: Figures) -> Iterator[Answer]:
    coverage = map_coverage(figures)
    if coverage:
        yield Answer("Team map", coverage)


def _against(figures: Figures, kind: Kind, now: Any, before: Any) -> str:
    """Returns the change against the days before, in words."""
    change = change_of(kind, now, before) if figures.period.is_comparable else None
    return "" if change is None else f", {rounded(change, Kind.CHANGE)} from {rounded(before, kind)}"


def _money(value: Decimal | float | None) -> str:
    return "not reported" if value is None else rounded(value, Kind.MONEY)


_ANSWERS: tuple[Callable[[Figures], Iterator[Answer]], ...] = (
    _cost,
    _changed,
    _months,
    _list_value,
    _people,
    _unit_costs,
    _seats,
    _map,
)
