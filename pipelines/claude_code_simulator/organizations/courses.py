"""Courses of the sample organization's people, as data: who joins when, and stays, tries, pauses, fades or leaves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple


class Phase(NamedTuple):
    """One phase of a course: days from joining on, and how often and how much a person works then.

    `presence` and `pace` multiply the person's own; a presence of 0 is a pause.
    """

    until: int
    presence: float
    pace: float


class Course(NamedTuple):
    """Phases of a person. After the last one the person has left."""

    name: str
    weight: int
    phases: tuple[Phase, ...]


_ALWAYS: Final = 10_000

COURSES: Final = (
    Course("stays", 46, (Phase(14, 0.6, 0.5), Phase(_ALWAYS, 1.0, 1.0))),
    Course("grows", 20, (Phase(60, 0.6, 0.5), Phase(180, 0.9, 0.9), Phase(_ALWAYS, 1.0, 1.4))),
    Course("pauses", 12, (Phase(70, 1.0, 1.0), Phase(105, 0.0, 0.0), Phase(480, 1.0, 1.0), Phase(530, 0.0, 0.0),
                          Phase(_ALWAYS, 1.0, 1.0))),
    Course("returns", 6, (Phase(10, 0.7, 0.3), Phase(90, 0.08, 0.3), Phase(_ALWAYS, 0.3, 0.4))),
    Course("tries", 6, (Phase(12, 0.7, 0.3), Phase(400, 0.04, 0.2))),
    Course("fades", 5, (Phase(300, 1.0, 1.0), Phase(420, 0.5, 0.6), Phase(600, 0.12, 0.3))),
    Course("leaves", 5, (Phase(560, 1.0, 1.0),)),
)  # fmt: skip

# Share of all developers that has joined, by days since the founding: a pilot, a roll-out, a second one.
JOINED: Final = ((0, 0.15), (90, 0.3), (210, 0.65), (330, 0.88), (540, 0.9), (640, 1.0))

# Weeks in which a pipeline runs wild: first day, days, its place among the pipelines, and how much more it does.
JUMPS: Final = ((dt.date(2026, 10, 12), 12, 1, 12.0),)

# Teams and their weights. The last one is too small to be shown by its name.
TEAMS: Final = {"Platform": 24, "Payments": 18, "Mobile": 14, "Web": 22, "Data": 16, "Security": 4}


def joining_day(share: float) -> int:
    """Returns the day since the founding on which the developer at this share of all developers joins."""
    for (day, joined), (next_day, next_joined) in pairwise(JOINED):
        if share < joined:
            return day
        if share < next_joined:
            return day + int((next_day - day) * (share - joined) / (next_joined - joined))
    return JOINED[-1][0]


def phase_on(phases: Sequence[Phase], days: int) -> Phase | None:
    """Returns the phase so many days after joining; None once the person has left."""
    return next((phase for phase in phases if days < phase.until), None)


def jump_on(day: dt.date, pipeline: int) -> float:
    """Returns how much more a pipeline does on a day than usual."""
    return next(
        (
            factor
            for first, days, place, factor in JUMPS
            if place == pipeline and first <= day < first + dt.timedelta(days=days)
        ),
        1.0,
    )
