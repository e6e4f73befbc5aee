"""Organizations for the simulated API: what there is to say about a UTC day at a given moment.

`SampleOrganization` makes up believable days, for demonstrations and for load at scale;
`ScriptedOrganization` says what a test wrote down. Who works in the sample and what models cost stands in
`roster` and `models`; paging, credentials and errors are `api`'s.
"""

from __future__ import annotations

import datetime as dt
import random
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from .models import Model, in_use
from .records import SAMPLE_ORGANIZATION_ID, model_usage, record
from .roster import Person, roster

HIDDEN_FOR: Final = dt.timedelta(hours=1)
"""The API returns only data that is older than this."""

REMOTE_SINCE: Final = dt.date(2025, 11, 3)

TOOLS: Final = (
    # name, chance that a record has it, accepted and rejected on an average day
    ("edit_tool", 0.95, 16, 3),
    ("multi_edit_tool", 0.45, 5, 1),
    ("write_tool", 0.70, 6, 1),
    ("notebook_edit_tool", 0.08, 4, 1),
)

TOKENS: Final = (20_000, 30_000, 6_000_000, 400_000)
"""Input, output, cache read and cache creation on an average day: about 4 dollars with a sonnet model."""


class Organization(Protocol):
    """What the simulated API asks about."""

    id: str
    name: str

    def records(self, day: dt.date, now: dt.datetime) -> Sequence[dict[str, Any]]:
        """Return what the API says about the UTC day `day` when it is asked at `now` (aware, UTC)."""


class ScriptedOrganization:
    """An organization whose days a test writes down, and may change between two reads.

    It says what is written, whatever the hour: a test that wants a partial day writes one.

    Args:
        days: Records by UTC day. A day that is not there is empty.
        id: UUID text.
        name: What `/v1/organizations/me` calls it.
    """

    def __init__(
        self,
        days: Mapping[dt.date, Sequence[dict[str, Any]]] | None = None,
        *,
        id: str = SAMPLE_ORGANIZATION_ID,
        name: str = "Scripted Organization",
    ) -> None:
        self.id = id
        self.name = name
        self.days: dict[dt.date, list[dict[str, Any]]] = {day: list(records) for day, records in (days or {}).items()}

    def records(self, day: dt.date, now: dt.datetime) -> Sequence[dict[str, Any]]:
        """Return what is written down for `day` at this moment; `now` changes nothing."""
        return self.days.get(day, [])


class SampleOrganization:
    """A made-up organization with believable days, from its founding until now.

    The same arguments give the same days, in whatever order they are asked for, and nothing is kept in
    memory between two days. Weekdays are busy; weekends are thin, many of them without any record, and so
    is the end of December. Today holds what is older than an hour and grows until 01:00 UTC tomorrow.

    Args:
        seed: Another seed, another organization.
        developers: How many developers ever belong to it; each active one has one to three records a day.
        founded: First UTC day with activity.
        id: UUID text.
        name: What `/v1/organizations/me` calls it.
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
        self._people = roster(seed, developers, founded)

    def records(self, day: dt.date, now: dt.datetime) -> Sequence[dict[str, Any]]:
        """Return what the API says about `day` when it is asked at `now`.

        Args:
            day: A UTC day, any.
            now: The moment of the question, aware. Activity younger than an hour is not in the answer.
        """
        midnight = dt.datetime.combine(day, dt.time(), dt.timezone.utc)
        visible_hours = (now - HIDDEN_FOR - midnight) / dt.timedelta(hours=1)
        if visible_hours <= 0 or _is_closed(self._seed, day):
            return []
        return [
            row
            for person in self._people
            if person.joined <= day and (person.left is None or day < person.left)
            for row in self._rows(person, day, visible_hours)
        ]

    def _rows(self, person: Person, day: dt.date, visible_hours: float) -> Iterator[dict[str, Any]]:
        # Every person and day has a generator of its own, so that no answer depends on another question.
        rng = random.Random(f"{self._seed}|{day}|{person.number}")  # noqa: S311 (days, not secrets)
        weekend = day.weekday() >= 5
        if rng.random() >= (person.weekend_presence if weekend else person.presence):
            return
        if person.api_key is None and _is_on_leave(self._seed, person.number, day):
            return
        places = [(person.terminals[0], False)]
        places += [(terminal, False) for terminal in person.terminals[1:] if rng.random() < 0.6]
        if person.remote and day >= REMOTE_SINCE and rng.random() < 0.4:
            # The same terminal as the local row: what tells the two apart is `is_remote` alone.
            places.append((person.terminals[0], True))
        for terminal, remote in places:
            row = self._row(rng, person, day, terminal, remote, visible_hours)
            if row is not None:
                yield row

    def _row(
        self,
        rng: random.Random,
        person: Person,
        day: dt.date,
        terminal: str,
        remote: bool,
        visible_hours: float,
    ) -> dict[str, Any] | None:
        opens, closes = person.hours
        start = opens + (closes - opens) * 0.5 * rng.random()
        end = start + (closes - start) * (0.3 + 0.7 * rng.random())
        # Every number is drawn for the whole day and then cut to the share of it that can be seen yet: the
        # draws stay the same through the day, so that counts only ever grow.
        share = min(1.0, (visible_hours - start) / (end - start))
        effort = person.pace * (0.2 + 1.6 * rng.random())

        def some(average: float) -> int:
            return int(average * effort * 2 * rng.random() * share)

        writes = rng.random() < 0.95  # The others only asked questions that day.
        sessions = 1 + some(2)
        added, removed, commits, pull_requests = some(220), some(80), some(2), some(0.7)
        tools = {
            name: (some(accepted), some(rejected))
            for name, chance, accepted, rejected in TOOLS
            if rng.random() < chance
        }
        models = []
        for family, part in person.mix:
            tokens = [some(average * part) for average in TOKENS]
            models.append(_usage(in_use(family, day - person.patience), tokens))
        if share <= 0:
            return None
        return record(
            day,
            email=person.email,
            api_key=person.api_key,
            organization_id=self.id,
            customer_type=person.contract[0],
            subscription_type=person.contract[1],
            terminal_type=terminal,
            is_remote=remote,
            sessions=sessions,
            added=added if writes else 0,
            removed=removed if writes else 0,
            commits=commits if writes else 0,
            pull_requests=pull_requests if writes else 0,
            tools=tools if writes else {},
            models=models,
        )


def _usage(model: Model, tokens: list[int]) -> dict[str, Any]:
    return model_usage(
        model.id,
        input=tokens[0],
        output=tokens[1],
        cache_read=tokens[2],
        cache_creation=tokens[3],
        cents=model.cents(*tokens),
    )


def _is_closed(seed: int, day: dt.date) -> bool:
    """Tell whether nobody and nothing works: the turn of the year, and two weekend days in five."""
    if (day.month, day.day) >= (12, 24) or (day.month, day.day) == (1, 1):
        return True
    return day.weekday() >= 5 and random.Random(f"{seed}|{day}").random() < 0.4  # noqa: S311


def _is_on_leave(seed: int, number: int, day: dt.date) -> bool:
    """Tell whether a developer is away in the week of `day`: about one week in twelve."""
    year, week, _ = day.isocalendar()
    return zlib.crc32(f"{seed}|{number}|{year}-{week}".encode()) % 12 == 0
