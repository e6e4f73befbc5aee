"""The interface of an organization, and an organization whose days a test writes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from .record_builders import SAMPLE_ORGANIZATION_ID


class Organization(Protocol):
    """Interface of an organization for the simulated API."""

    id: str
    name: str

    def records(self, day: dt.date, now: dt.datetime) -> Sequence[dict[str, Any]]:
        """Returns the records of the UTC day `day` as the API reports them at `now` (aware, UTC)."""


class ScriptedOrganization:
    """An organization whose days a test writes, and may change between two reads. Other days are empty."""

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
        """Returns the records written for `day`, whatever `now` is."""
        return self.days.get(day, [])
