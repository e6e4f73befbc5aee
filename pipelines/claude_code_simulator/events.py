"""An organization made of events: activity that completes at one time and arrives at another.

What the API says about a day at a moment is the sum of all events of the day that it knows by then. Late
arrivals, restatements, rows that vanish and rows that change terminal are all just more events.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from .organization import HIDDEN_FOR
from .records import OMITTED, Omitted


@dataclass(frozen=True)
class Dimensions:
    """What tells the rows of a day apart.

    Attributes:
        email: Address of the `user_actor`.
        api_key: Name of the key: given, the actor is an `api_actor` and `email` is not used.
        key_id: Tells two keys of one name apart; the API does not show it.
        customer_type: `api` or `subscription`.
        subscription_type: `team`, `enterprise`, null, or `OMITTED`.
        terminal_type: Free text.
        is_remote: Whether the session ran remotely, or `OMITTED`.
    """

    email: str = "ada@example.test"
    api_key: str | None = None
    key_id: str = ""
    customer_type: str = "api"
    subscription_type: str | Omitted | None = None
    terminal_type: str | None = "vscode"
    is_remote: bool | Omitted = False

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Dimensions:
        """Return the dimensions of a record."""
        return cls(
            email=row["actor"].get("email_address", ""),
            api_key=row["actor"].get("api_key_name"),
            customer_type=row["customer_type"],
            subscription_type=row.get("subscription_type", OMITTED),
            terminal_type=row["terminal_type"],
            is_remote=row.get("is_remote", OMITTED),
        )


@dataclass(frozen=True)
class Usage:
    """Use of one model.

    Attributes:
        model: Model id as the API spells it.
        input: Uncached input tokens; more or less, and the same for the others.
        output: Output tokens.
        cache_read: Tokens read from the cache.
        cache_creation: Tokens written to the cache.
        cents: Exact cost; the API rounds the sum of a model in a row.
    """

    model: str
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_creation: int = 0
    cents: Decimal | int = 0

    def __neg__(self) -> Usage:
        return Usage(self.model, -self.input, -self.output, -self.cache_read, -self.cache_creation, -self.cents)


@dataclass(frozen=True)
class Event:
    """Some activity, or a correction of it. Every number may be negative.

    Attributes:
        completed_at: When the activity finished (aware); its UTC day is the day that it belongs to.
        by: Who, how and where: the row that it counts in.
        arrived_at: When the API comes to know of it; at once if None.
        sessions: Sessions started.
        added: Lines added.
        removed: Lines removed.
        commits: Commits made.
        pull_requests: Pull requests opened.
        tools: By tool name, how often it was accepted and rejected.
        models: Use of models; a model may come more than once.
    """

    completed_at: dt.datetime
    by: Dimensions = Dimensions()
    arrived_at: dt.datetime | None = None
    sessions: int = 0
    added: int = 0
    removed: int = 0
    commits: int = 0
    pull_requests: int = 0
    tools: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    models: tuple[Usage, ...] = ()

    @classmethod
    def of(cls, row: Mapping[str, Any], completed_at: dt.datetime) -> Event:
        """Make the event that is all of a record, such as one of another organization, to correct it.

        Args:
            row: A record in the documented shape; fields beyond it are lost, and tools and models without
                any number but zero.
            completed_at: A moment of the record's day.
        """
        metrics = row["core_metrics"]
        return cls(
            completed_at,
            Dimensions.of(row),
            sessions=metrics["num_sessions"],
            added=metrics["lines_of_code"]["added"],
            removed=metrics["lines_of_code"]["removed"],
            commits=metrics["commits_by_claude_code"],
            pull_requests=metrics["pull_requests_by_claude_code"],
            tools={name: (tool["accepted"], tool["rejected"]) for name, tool in row["tool_actions"].items()},
            models=tuple(
                Usage(part["model"], **part["tokens"], cents=Decimal(str(part["estimated_cost"]["amount"])))
                for part in row["model_breakdown"]
            ),
        )

    @property
    def day(self) -> dt.date:
        """The UTC day that it belongs to."""
        return self.completed_at.astimezone(dt.timezone.utc).date()

    @property
    def visible_from(self) -> dt.datetime:
        """The moment from which the API tells of it: an hour after its completion, or later when it is late."""
        shown = self.completed_at + HIDDEN_FOR
        return shown if self.arrived_at is None else max(shown, self.arrived_at)

    def undone(self, arrived_at: dt.datetime) -> Event:
        """Return the event that cancels this one from `arrived_at` on.

        Raises:
            ValueError: The API would learn of the correction before it tells of what is corrected.
        """
        if arrived_at < self.visible_from:
            message = f"{arrived_at} is before {self.visible_from}, from when on the event is seen"
            raise ValueError(message)
        return replace(
            self,
            arrived_at=arrived_at,
            sessions=-self.sessions,
            added=-self.added,
            removed=-self.removed,
            commits=-self.commits,
            pull_requests=-self.pull_requests,
            tools={name: (-accepted, -rejected) for name, (accepted, rejected) in self.tools.items()},
            models=tuple(-usage for usage in self.models),
        )

    def moved(self, arrived_at: dt.datetime, **dimensions: Any) -> tuple[Event, Event]:
        """Return the two events that move this one to another row from `arrived_at` on.

        Args:
            arrived_at: When the API comes to know of the correction.
            **dimensions: What is different there, as in `Dimensions`, such as `terminal_type="tmux"`.
        """
        there = replace(self, by=replace(self.by, **dimensions), arrived_at=arrived_at)
        return self.undone(arrived_at), there
