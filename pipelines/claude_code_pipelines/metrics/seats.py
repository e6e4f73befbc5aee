"""Use of seats, people who stopped, and people of the team map who never began (METRICS, R17 and R18). Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Set
from dataclasses import dataclass
from decimal import Decimal

from claude_code_analytics.dates import ONE_DAY, DayRange

from .figures import NOW, Figures
from .jumps import LOOK_BACK
from .periods import month_of
from .queries import LIST_VALUE
from .sums import PERSON
from .tables import Column, Kind, Table

# In the order in which they are listed.
_STATES = STOPPED, EARLIER, NEVER = "stopped", "stopped earlier", "never active"


@dataclass(frozen=True)
class Seats:
    """Use of the seats of the organization.

    Attributes:
        seats: Their number, as given.
        used: People with use of customer type `subscription` in the period; None where identities are dropped.
        price: What all seats cost in the period; None without a price.
        list_value: What their use would have cost at list prices. Nobody is billed for it.
    """

    seats: int
    used: int | None
    price: Decimal | None
    list_value: Decimal | None


def seats(figures: Figures) -> Seats | None:
    """Returns the use of seats; None without their number."""
    number, price = figures.request.seats, figures.request.seat_price
    if number is None:
        return None
    people = figures.sums(PERSON)
    used = None if people.get("dropped") else people.get("subscribers", 0)
    cost = None if price is None else Decimal(str(price)) * number * _months(figures.period.days)
    return Seats(number, used, cost, people.get(LIST_VALUE))


def _months(days: DayRange) -> Decimal:
    if days == month_of(days.first):
        return Decimal(1)
    return Decimal(12) / Decimal(365) * len(days)


def who_stopped(figures: Figures) -> Table | None:
    """Returns people without activity in the period: who stopped, and of the team map who never began.

    None where people may not be listed, or where nobody can be known to have stopped.
    """
    is_looked_back = _is_loaded(figures) and set(look_back(figures).days()) & figures.calendar.loaded
    can_be_known = _map_joins(figures) or is_looked_back
    if not figures.names_people or not can_be_known:
        return None
    teams = figures.request.teams
    columns = (
        Column("Person", Kind.TEXT, "person"),
        *([Column("Team", Kind.TEXT, "team", detail=6)] if teams else []),
        Column("Last active", Kind.DAY, "last_day"),
        Column("Sessions before", Kind.COUNT, "sessions_before", detail=1),
        Column("State", Kind.TEXT, "state"),
    )
    people = sorted(_without_activity(figures), key=lambda row: (_STATES.index(row[3]), -(row[2] or 0), row[0]))
    rows = [(row[0], *([teams.get(row[0])] if teams else []), *row[1:]) for row in people]
    return Table("who_stopped", columns, rows)


def look_back(figures: Figures) -> DayRange:
    """Returns the days before the period in which those who stopped were active."""
    first = figures.period.days.first
    return DayRange(first - LOOK_BACK, first - ONE_DAY)


def stopped_earlier(figures: Figures) -> str:
    """Returns how many people stopped before the days of `look_back`, whom no list has; empty if there are none."""
    if figures.request.teams is not None or not _is_loaded(figures):
        return ""
    first = look_back(figures).first
    number = sum(row["last_day"] < first for row in figures.rows["seen"] if row["actor"])
    who = "1 person" if number == 1 else f"{number:,} people"
    since = f"before {first:%-d %B %Y}"
    return f"{who} stopped earlier, {since}: --team-map FILE lists those that it has." if number else ""


def _is_loaded(figures: Figures) -> bool:
    """Returns true if no day of the period is missing: on such a day, those who seem to have stopped may be active."""
    return figures.period.counted <= figures.calendar.loaded


_Person = tuple[str, dt.date | None, int | None, str]


def _without_activity(figures: Figures) -> list[_Person]:
    before = {row["actor"]: row for row in figures.rows["stopped"] if row["last_day"]} if _is_loaded(figures) else {}
    stopped = before.keys() - active_people(figures)
    return [
        *((actor, before[actor]["last_day"], before[actor]["sessions"], STOPPED) for actor in stopped),
        *(_mapped(figures, stopped) if _map_joins(figures) else ()),
    ]


def _mapped(figures: Figures, stopped: Set[str]) -> list[_Person]:
    """Returns the people of the team map who stopped earlier, or never began."""
    silent = (figures.request.teams or {}).keys() - active_people(figures) - stopped
    seen = {row["actor"]: row["last_day"] for row in figures.rows["seen"]}
    earlier = silent & seen.keys() if _is_loaded(figures) else ()
    return [
        *((actor, seen[actor], None, EARLIER) for actor in earlier),
        *((actor, None, None, NEVER) for actor in silent - seen.keys()),
    ]


def active_people(figures: Figures) -> set[str]:
    """Returns the people who were active in the period."""
    rows = figures.rows["actor"]
    return {row["actor"] for row in rows if row["side"] == NOW and row["actor_type"] == PERSON and row["active"]}


def map_coverage(figures: Figures) -> str:
    """Returns how many active people the team map has, and why nobody of it is listed; empty without a map."""
    teams, active = figures.request.teams, active_people(figures)
    if teams is None or not active:
        return ""
    text = f"it has {len(active & teams.keys()):,} of {len(active):,} active people"
    if _map_joins(figures) or not figures.names_people:
        return text
    return f"{text}, fewer than half, so nobody is listed as never active"


def _map_joins(figures: Figures) -> bool:
    """Returns true if at least half of the active people are in the team map: else it accuses people."""
    teams, active = figures.request.teams, active_people(figures)
    return teams is not None and 2 * len(active & teams.keys()) >= len(active)
