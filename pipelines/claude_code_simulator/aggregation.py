"""The organization of `events`: events added up to the rows of a day, when the day is asked for."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

from .events import Dimensions, Event
from .organization import Organization
from .records import OMITTED, SAMPLE_ORGANIZATION_ID, model_usage, record

Money = Literal["cents", "float", "string"]
Counts = Counter[tuple[str, ...]]
"""The numbers of a row, by where they stand in it."""


class EventOrganization:
    """An organization whose days are the sums of its events; safe for several threads.

    A row, a tool or a model whose numbers are all zero is not there, so that a correction can make it vanish,
    and a day become empty again.

    Args:
        events: What is known from the start; `add` adds more.
        base: Another organization, such as a `SampleOrganization`, on top of which the events come: they count
            in its rows where the dimensions are the same. Its other rows are told as they are.
        money: How costs are written: whole `cents`, rounded half up for each model of a row, or the exact
            amount as a `float` or as a `string`.
        same_key_name: Whether the activity of two API keys of one name is one row (`merge`) or two that no
            dimension tells apart (`split`).
        era: `B` for today's records, `A` for those from before 2026: without `is_remote` and
            `subscription_type`, and not told apart by them.
        id: UUID text; that of `base`, or of the sample organization, unless given.
        name: What `/v1/organizations/me` calls it.
    """

    def __init__(
        self,
        events: Iterable[Event] = (),
        *,
        base: Organization | None = None,
        money: Money = "cents",
        same_key_name: Literal["merge", "split"] = "merge",
        era: Literal["A", "B"] = "B",
        id: str | None = None,
        name: str = "Event Organization",
    ) -> None:
        self.id = id or (base.id if base else SAMPLE_ORGANIZATION_ID)
        self.name = name
        self.base = base
        self.money = money
        self.same_key_name = same_key_name
        self.era = era
        self._events: defaultdict[dt.date, list[Event]] = defaultdict(list)
        self._lock = threading.Lock()
        self.add(*events)

    def add(self, *events: Event) -> None:
        """Add events, all at once for whoever is asking meanwhile."""
        with self._lock:
            for event in events:
                self._events[event.day].append(event)

    def events(self, day: dt.date) -> list[Event]:
        """Return the events of `day`, also those that cannot be seen yet, in the order in which they were added."""
        with self._lock:
            return list(self._events.get(day, ()))

    def records(self, day: dt.date, now: dt.datetime) -> Sequence[dict[str, Any]]:
        """Return what the API says about `day` when it is asked at `now`.

        Args:
            day: A UTC day, any.
            now: The moment of the question, aware. Counted is what completed an hour ago or earlier and has
                arrived.
        """
        rows: dict[Dimensions, Counts] = {}
        for event in self.events(day):
            if event.visible_from <= now:
                _count(event, rows.setdefault(self._row(event.by), Counter()))
        untouched = []
        for row in self.base.records(day, now) if self.base else ():
            counts = rows.get(self._row(Dimensions.of(row)))
            if counts is None:
                untouched.append(row)
            else:
                _count(Event.of(row, now), counts)
        return untouched + [self._record(day, by, counts) for by, counts in rows.items() if any(counts.values())]

    def _row(self, by: Dimensions) -> Dimensions:
        """Return the dimensions of the row that `by` counts in."""
        if by.api_key is not None:
            by = replace(by, email="")
        if by.key_id and self.same_key_name == "merge":
            by = replace(by, key_id="")
        if self.era == "A":
            by = replace(by, is_remote=OMITTED, subscription_type=OMITTED)
        return by

    def _record(self, day: dt.date, by: Dimensions, counts: Counts) -> dict[str, Any]:
        return record(
            day,
            email=by.email,
            api_key=by.api_key,
            organization_id=self.id,
            customer_type=by.customer_type,
            subscription_type=by.subscription_type,
            terminal_type=by.terminal_type,
            is_remote=by.is_remote,
            sessions=counts["sessions",],
            added=counts["added",],
            removed=counts["removed",],
            commits=counts["commits",],
            pull_requests=counts["pull_requests",],
            tools={
                name: (counts["tool", name, "accepted"], counts["tool", name, "rejected"])
                for name in _present("tool", counts)
            },
            models=[
                model_usage(
                    name,
                    input=counts["model", name, "input"],
                    output=counts["model", name, "output"],
                    cache_read=counts["model", name, "cache_read"],
                    cache_creation=counts["model", name, "cache_creation"],
                    cents=_money(Decimal(counts["model", name, "cents"]), self.money),
                )
                for name in _present("model", counts)
            ],
        )


def _count(event: Event, counts: Counts) -> None:
    """Add the numbers of an event to those of its row."""
    for name in ("sessions", "added", "removed", "commits", "pull_requests"):
        counts[name,] += getattr(event, name)
    for name, (accepted, rejected) in event.tools.items():
        counts["tool", name, "accepted"] += accepted
        counts["tool", name, "rejected"] += rejected
    for usage in event.models:
        for name in ("input", "output", "cache_read", "cache_creation", "cents"):
            counts["model", usage.model, name] += getattr(usage, name)


def _present(kind: str, counts: Counts) -> list[str]:
    """Return the tools or models that have any number but zero, in order of appearance."""
    return list(dict.fromkeys(place[1] for place, number in counts.items() if place[0] == kind and number))


def _money(cents: Decimal, money: Money) -> int | float | str:
    if money == "cents":
        return int(cents.quantize(Decimal(1), ROUND_HALF_UP))
    return float(cents) if money == "float" else f"{cents:f}"
