"""The sample organization: plausible days at any scale, made from a seed."""

from __future__ import annotations

import datetime as dt
import random
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from .courses import jump_on, phase_on
from .people import Person, people
from .prices import newest_model
from .record_builders import SAMPLE_ORGANIZATION_ID, model_usage, record

# The API hides activity younger than an hour.
HIDDEN_FOR: Final = dt.timedelta(hours=1)
# Some rows come late: those of one developer in so many, on one day in so many, so many hours after the day began. A
# load that read the day before has to notice.
LATE_ROWS: Final = (25, 9, 54)
REMOTE_SINCE: Final = dt.date(2025, 11, 3)
# Name, chance that a record has it, accepted and rejected on an average day.
TOOLS: Final = (
    ("edit_tool", 0.95, 16, 3),
    ("multi_edit_tool", 0.45, 5, 1),
    ("write_tool", 0.70, 6, 1),
    ("notebook_edit_tool", 0.08, 4, 1),
)
# Input, output, cache read and cache creation on an average day: about 4 dollars with a sonnet model.
TOKENS: Final = (20_000, 30_000, 6_000_000, 400_000)


class Place(NamedTuple):
    """A place of work, which has a record of its own."""

    terminal: str
    is_remote: bool


class SampleOrganization:
    """A made-up organization with plausible days from its founding until now.

    The same arguments give the same days in any order. Weekdays are busy, weekends are thin or empty, and so is the end
    of December. Today holds what is older than an hour and grows until 01:00 UTC tomorrow. Some rows come a
    day late (`LATE_ROWS`), so that a final day changes.

    Args:
        seed: Another seed, another organization.
        developers: Developers who ever belong to it. Each active one has one to three records a day.
        founded: First UTC day with activity.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        developers: int = 60,
        founded: dt.date = dt.date(2025, 3, 3),
        id: str = SAMPLE_ORGANIZATION_ID,
        name: str = "Sample Organization",
    ) -> None:
        self.id = id
        self.name = name
        self._seed = seed
        self._people = people(seed, developers, founded)

    def records(self, day: dt.date, now: dt.datetime) -> Sequence[dict[str, Any]]:
        """Returns the records of the UTC day `day` that the API reports at `now` (aware)."""
        midnight = dt.datetime.combine(day, dt.time(), dt.timezone.utc)
        visible_hours = (now - HIDDEN_FOR - midnight) / dt.timedelta(hours=1)
        if visible_hours <= 0 or self._is_closed(day):
            return []
        return [
            row
            for person in self._people
            if person.joined <= day and not self._is_late(person, day, visible_hours)
            for row in self._rows(person, day, visible_hours)
        ]

    def _is_late(self, person: Person, day: dt.date, visible_hours: float) -> bool:
        """Returns whether the rows of a developer are not there yet, though the day may be final."""
        people, days, hours = LATE_ROWS
        return visible_hours < hours and day.toordinal() % days == 0 and person.number % people == 0

    @property
    def teams(self) -> dict[str, str]:
        """Teams by address in lower case; a tenth of the developers has none."""
        developers = [person for person in self._people if person.email]
        return {person.email.lower(): person.team for person in developers if person.number % 10 != 7}

    @property
    def seats(self) -> int:
        """Seats that the organization pays for: some for people who are not there yet."""
        return len([person for person in self._people if person.email]) + 12

    def _is_closed(self, day: dt.date) -> bool:
        """Returns whether nothing runs at all: the turn of the year, and two weekend days in five."""
        if (day.month, day.day) >= (12, 24) or (day.month, day.day) == (1, 1):
            return True
        return day.weekday() >= 5 and random.Random(f"{self._seed}|{day}").random() < 0.4  # noqa: S311

    def _is_on_leave(self, person: Person, day: dt.date) -> bool:
        """Returns whether a developer is away in the week of `day`: about one week in twelve."""
        year, week, _ = day.isocalendar()
        return zlib.crc32(f"{self._seed}|{person.number}|{year}-{week}".encode()) % 12 == 0

    def _rows(self, person: Person, day: dt.date, visible_hours: float) -> Iterator[dict[str, Any]]:
        # A generator for each person and day, so that no day depends on which were read before.
        rng = random.Random(f"{self._seed}|{day}|{person.number}")  # noqa: S311 (days, not secrets)
        pace = self._pace(rng, person, day)
        for place in _places(rng, person, day) if pace else ():
            row = self._row(rng, person, pace, day, place, visible_hours)
            if row is not None:
                yield row

    def _pace(self, rng: random.Random, person: Person, day: dt.date) -> float:
        """Returns how much a person works on a day, around 1; 0 on a day without any work."""
        phase = phase_on(person.phases, (day - person.joined).days)
        if phase is None:
            return 0.0
        presence = person.weekend_presence if day.weekday() >= 5 else person.presence
        if rng.random() >= presence * phase.presence:
            return 0.0
        if person.pipeline is not None:
            return person.pace * phase.pace * jump_on(day, person.pipeline)
        return 0.0 if self._is_on_leave(person, day) else person.pace * phase.pace

    def _row(
        self, rng: random.Random, person: Person, pace: float, day: dt.date, place: Place, visible_hours: float
    ) -> dict[str, Any] | None:
        # Every number is drawn for the whole day, then cut to the visible share of it. The draws stay the same through
        # the day, so counts only ever grow.
        share = _visible_share(rng, person.hours, visible_hours)
        effort = pace * (0.2 + 1.6 * rng.random())

        def some(average: float) -> int:
            return int(average * effort * 2 * rng.random() * share)

        writes = rng.random() < 0.95  # the others only read code that day
        sessions = 1 + some(2)
        written = {"added": some(220), "removed": some(80), "commits": some(2), "pull_requests": some(0.7)}
        tools = {
            name: (some(accepted), some(rejected))
            for name, chance, accepted, rejected in TOOLS
            if rng.random() < chance
        }
        models = []
        for family, part in person.mix:
            tokens = [some(average * part) for average in TOKENS]
            model = newest_model(family, day - person.delay)
            models.append(model_usage(model.id, *tokens, cents=model.cents(tokens)))
        if share <= 0:
            return None
        return record(
            day,
            email=person.email,
            api_key=person.api_key,
            organization_id=self.id,
            customer_type=person.contract[0],
            subscription_type=person.contract[1],
            terminal_type=place.terminal,
            is_remote=place.is_remote,
            sessions=sessions,
            **(written if writes else dict.fromkeys(written, 0)),
            tools=tools if writes else {},
            models=models,
        )


def _places(rng: random.Random, person: Person, day: dt.date) -> list[Place]:
    favourite = person.terminals[0]
    others = [Place(terminal, False) for terminal in person.terminals[1:] if rng.random() < 0.6]
    is_remote = person.remote and day >= REMOTE_SINCE and rng.random() < 0.4
    # The terminal of the local row: only `is_remote` differs.
    return [Place(favourite, False), *others, *([Place(favourite, True)] if is_remote else [])]


def _visible_share(rng: random.Random, hours: tuple[int, int], visible_hours: float) -> float:
    opens, closes = hours
    start = opens + (closes - opens) * 0.5 * rng.random()
    end = start + (closes - start) * (0.3 + 0.7 * rng.random())
    return min(1.0, (visible_hours - start) / (end - start))
