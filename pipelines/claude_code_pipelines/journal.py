"""Which days are being replaced right now, noted in the warehouse itself before a window is written.

A window is several transactions: one for each table, in no fixed order. A kill in between leaves days whose tables tell
of different answers, and the working folder that knows of it may be gone, or on another machine. So each window is
noted and struck out when it is done; whoever loads next reads what still stands there again. Where a note stands, is
for `books.py`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import dlt

from claude_code_analytics import DestinationError
from claude_code_analytics.dates import DayRange
from claude_code_analytics.settings import SOURCE_NAME, UNKNOWN_ORGANIZATION

from .books import books
from .pipeline import analytics_schema

_NOTE = re.compile(
    rf"{SOURCE_NAME} (?P<organization>\S+) (?P<first>[0-9-]+)\.\.(?P<last>[0-9-]+)"
    r"(?: (?P<pipeline>\S+) (?P<begun>\S+)| \S+)?",
    re.ASCII,
)
"""A note's text. In the first versions it was the load id, with the package's name behind."""
_LONGEST_WRITE = dt.timedelta(hours=1)
"""After so long, what another pipeline notes is taken for interrupted and no longer for a load that goes on: two at
once would write the same days, and where the warehouse lets both go on, as Postgres does, the rows would be doubled."""


@dataclass(frozen=True)
class OpenWindow:
    """A window that was begun and not finished, or that another load is writing at this moment.

    Attributes:
        load_id: The load package that it was to be written by.
        organization_id: Organization of the load.
        days: The days that it replaces.
        pipeline: Name of the pipeline that loads, where it is noted.
        begun: When it began to write (UTC), where that is noted.
    """

    load_id: str
    organization_id: str
    days: DayRange
    pipeline: str | None
    begun: dt.datetime | None

    def is_interrupted(self, pipeline: dlt.Pipeline, now: dt.datetime) -> bool:
        """Whether nobody is writing it any more, as seen from a load of `pipeline`, which is alone on its name."""
        return self.begun is None or self.pipeline == pipeline.pipeline_name or now - self.begun > _LONGEST_WRITE

    def concerns(self, organization_id: str | None, days: DayRange | None = None) -> bool:
        """Whether it may be of the organization, and where `days` are given has some of them."""
        named = {self.organization_id, organization_id or UNKNOWN_ORGANIZATION}
        return (len(named) == 1 or UNKNOWN_ORGANIZATION in named) and (
            days is None or (self.days.first <= days.last and days.first <= self.days.last)
        )


def open_windows(pipeline: dlt.Pipeline) -> list[OpenWindow]:
    """The windows in the warehouse that were begun and not finished, of all pipelines that load there.

    Raises:
        DestinationError: The warehouse could not be read.
    """
    notes = books(pipeline).notes()
    noted = [(load_id, _NOTE.fullmatch(note) or _NOTE.fullmatch(load_id)) for load_id, note in notes]
    return [
        OpenWindow(
            load_id,
            note["organization"],
            DayRange(dt.date.fromisoformat(note["first"]), dt.date.fromisoformat(note["last"])),
            note["pipeline"],
            dt.datetime.fromisoformat(note["begun"]) if note["begun"] else None,
        )
        for load_id, note in noted
        if note
    ]


@contextmanager
def writing(pipeline: dlt.Pipeline, organization_id: str | None, days: DayRange, now: dt.datetime) -> Iterator[None]:
    """Notes the days while a window that was read and normalized is written; the note stays where that fails.

    Args:
        pipeline: The pipeline, which has the window normalized.
        organization_id: Organization of the load, where it is known.
        days: The days of the window.
        now: The time (UTC).

    Raises:
        DestinationError: The warehouse could not be written to, or another pipeline may be writing some of the days.
    """
    load_ids = pipeline.list_normalized_load_packages()
    if analytics_schema(pipeline) is None or not load_ids:
        raise RuntimeError("there is no window to write")
    name, begun = pipeline.pipeline_name, now.astimezone(dt.timezone.utc).isoformat()
    note = f"{SOURCE_NAME} {organization_id or UNKNOWN_ORGANIZATION} {days.first}..{days.last} {name} {begun}"
    books(pipeline).note(load_ids[-1], note)
    for other in open_windows(
        pipeline
    ):  # noted first and looked afterwards: of two at once, one at least sees the other
        if not other.is_interrupted(pipeline, now) and other.concerns(organization_id, days):
            strike_out(pipeline, load_ids[-1])
            raise DestinationError(
                f"pipeline {other.pipeline} began to write {other.days} at {other.begun:%H:%M} UTC, and two at once "
                f"could double rows of {days}: run again when it is done; if it was stopped, run it, or wait an hour"
            )
    yield
    strike_out(pipeline, load_ids[-1])


def strike_out(pipeline: dlt.Pipeline, load_id: str) -> None:
    """Removes the note of a load: its days are whole.

    Raises:
        DestinationError: The warehouse could not be written to.
    """
    books(pipeline).strike_out(load_id)
