"""The story that every destination is told: what the API says of an organization, day after day, and who loads it.

A `Story` is one organization, the simulated API in front of it, and a dataset of a place that loads go to. What happens
in it stand in the chapters of `test_story.py`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from claude_code_analytics import AnalyticsClient
from claude_code_pipelines import Loading, Status, Warehouse, backfill, load, read_status
from claude_code_pipelines.load import stored_progress
from claude_code_simulator import OMITTED, ScriptedOrganization, model_usage, record
from comparison import compared
from places import Place
from truth import PLACES, REPORT_PATH, Contents, RecordingApi, Tables

FIRST = dt.date(2026, 9, 14)
"""Where loads begin unless a chapter says otherwise; the clock stands at noon of 2026-09-20."""
TODAY = dt.date(2026, 9, 20)
ORGANIZATION = "11111111-aaaa-4a55-9d3e-3c2f5a7b9e10"
OTHER_ORGANIZATION = "22222222-bbbb-4b66-8e4f-4d3e6b8c0f21"
IDENTITY_KEY = "k" * 40
AWKWARD = 'it\'s 100% "odd"\\ \n\t;-- {0} %s ? Zürich 東京 🙂'
"""Text that must go through SQL, CSV and JSON unharmed."""


class Story:
    """An organization, the simulated API in front of it, and a dataset that it is loaded into.

    Args:
        place: Where the dataset is.
        dataset: Its name.
        clock: The time, for API and loads; every job begins a little later than the last.
        folder: For dlt's working folders.
        organization: Id of the organization.
        pipeline: Name of the pipeline that loads it.
        places: The values of a record that are compared.
        as_stored: Makes of a record what a load is to store of it.

    Attributes:
        rows_compared: Rows that `require_truth` has compared so far.
        rows_wrong: Those of them that were wrong.
    """

    def __init__(
        self,
        place: Place,
        dataset: str,
        clock: Any,
        folder: Path,
        *,
        organization: str = ORGANIZATION,
        pipeline: str = "claude_code_analytics",
        places: Sequence[str] = PLACES,
        as_stored: Callable[[dict[str, Any]], dict[str, Any]] = lambda record: record,
    ) -> None:
        self.place = place
        self.dataset = dataset
        self.clock = clock
        self.organization = ScriptedOrganization(id=organization)
        self.api = RecordingApi(self.organization, clock=clock, places=places, as_stored=as_stored)
        self.rows_compared = self.rows_wrong = 0
        self._pipeline = pipeline
        self._folder = folder
        self._machine = 1
        self._asked_at: dict[str, dt.datetime] = {}

    @property
    def target(self) -> Warehouse:
        """The dataset, as seen from the machine that loads at present."""
        folder = self._folder / f"machine {self._machine}"
        return Warehouse(self.place.name, self.dataset, self._pipeline, working_dir=str(folder))

    def move_to_another_machine(self) -> None:
        """Has all that comes happen where dlt's working folder is empty."""
        self._machine += 1

    def write(self, day: dt.date, *records: dict[str, Any]) -> None:
        """Has the API say this about a day from now on."""
        self.organization.days[day] = [{**each, "organization_id": self.organization.id} for each in records]

    def write_days(self, first: dt.date, last: dt.date, sessions: int = 1) -> None:
        """Has the API tell of a few records on each of these days."""
        for number in range((last - first).days + 1):
            day = first + dt.timedelta(days=number)
            self.write(day, *some_records(day, sessions + number))

    def load(self, **options: Any) -> Loading:
        """`load`, with a client of its own."""
        with self.job() as client:
            return load(self.target, **{"start": FIRST, "client": client, **options})

    def backfill(self, first: dt.date, last: dt.date, **options: Any) -> Loading:
        """`backfill`, with a client of its own."""
        with self.job() as client:
            return backfill(self.target, first, last, client=client, **options)

    @contextmanager
    def job(self) -> Iterator[AnalyticsClient]:
        """A client for one job."""
        self.clock.move(seconds=1, microseconds=1)
        self.api.requests.clear()
        with AnalyticsClient(
            api_key=self.api.credentials.admin_key,
            transport=self.api.transport,
            clock=self.clock,
            sleep=self.clock.sleep,
        ) as client:
            try:
                yield client
            finally:
                for request_id in self.api.answers:
                    self._asked_at.setdefault(request_id, self.clock())

    def told(self) -> Iterator[tuple[str, dt.date, dt.datetime, list[str]]]:
        """All that the API said: request-id, day, when it was asked, records."""
        for request_id, (day, records) in self.api.answers.items():
            yield request_id, day, self._asked_at[request_id], records

    def recall(self, request_id: str, day: dt.date, asked_at: dt.datetime, records: list[str]) -> None:
        """Takes what the API said before this story began, in the order in which it was said."""
        self.api.answers[request_id] = day, records
        self.api.last[day] = request_id
        self._asked_at[request_id] = asked_at

    def status(self) -> Status:
        """What the product says of the dataset."""
        return read_status(self.target.open(), self.clock())

    def cursor(self) -> dt.date | None:
        """Where the incremental cursor stands."""
        progress = stored_progress(self.target.open())
        return progress.cursor if progress else None

    def days_asked(self) -> list[dt.date]:
        """The days that the last job asked for."""
        asked = {request.params["starting_at"] for request in self.api.requests if request.path == REPORT_PATH}
        return sorted(map(dt.date.fromisoformat, asked))

    def contents(self) -> Contents:
        """What the dataset holds of this organization."""
        return Contents(self._tables(), self.api.places)

    def _tables(self) -> Tables:
        return {
            name: [row for row in rows if row["organization_id"] == self.organization.id]
            for name, rows in self.place.tables(self.dataset).items()
        }

    def require_truth(self) -> Contents:
        """Compares the dataset with what the API said, value by value; every day must be as it was told last."""
        tables = self._tables()
        contents = Contents(tables, self.api.places)
        comparison = compared(tables, contents, self.api, self._asked_at)
        self.rows_compared += comparison.rows
        self.rows_wrong += comparison.wrong
        assert not comparison.said, "\n".join(comparison.said)
        return contents


def some_records(day: dt.date, sessions: int) -> list[dict[str, Any]]:
    """Three records of a day: the usual one, one of the same person elsewhere, one whose values are hard to carry."""
    return [
        record(day, sessions=sessions, models=["claude-sonnet-4-5", "claude-opus-4-1"], subscription_type="team"),
        record(day, sessions=sessions, terminal_type="tmux", is_remote=True, tools={}, models=[]),
        record(
            day,
            api_key=f"{AWKWARD} {sessions}",
            terminal_type="",
            is_remote=OMITTED,
            subscription_type=OMITTED,
            sessions=0,
            added=2**53 + sessions,
            tools={"edit_tool": (sessions, 0), "": (1, 2), "Ümlaut 'tool'": (3, 2**40)},
            models=[
                model_usage("m", cents=12345678901234567890123456789, cache_read=2**62 + 1),
                model_usage("m", cents=-0.123456789, currency="EUR"),
                model_usage(AWKWARD, cents=0, input=0),
            ],
        ),
    ]


def pseudonymous(record: dict[str, Any]) -> dict[str, Any]:
    """A record as `actor_identity=hash` stores it, by the documentation: HMAC-SHA256 of the lower-cased text."""

    def pseudonym(text: str) -> str:
        return hmac.new(IDENTITY_KEY.encode(), text.lower().encode(), hashlib.sha256).hexdigest()

    actor = {key: value if key == "type" else pseudonym(value) for key, value in record["actor"].items()}
    return {**record, "actor": actor}
