"""The scenario of every destination: an organization, loaded into a backend and compared value by value."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from claude_code_analytics import AnalyticsClient
from claude_code_simulator import OMITTED, ScriptedOrganization, model_usage, record
from destinations.backends import Backend
from support.expected import LEDGER, PLACES, Contents, RecordingApi, Row, Tables
from support.world import TestClock, World

ORGANIZATION = "11111111-aaaa-4a55-9d3e-3c2f5a7b9e10"
OTHER_ORGANIZATION = "22222222-bbbb-4b66-8e4f-4d3e6b8c0f21"
IDENTITY_KEY = "k" * 40
# Text that must go through SQL, CSV and JSON unharmed.
AWKWARD = 'it\'s 100% "odd"\\ \n\t;-- {0} %s ? Zürich 東京 🙂'


class Scenario(World):
    """A world whose warehouse is a dataset of a backend.

    Args:
        folder: Folder for dlt's working folders.
        backend: Where the dataset is.
        clock: The time; every load begins a little later than the last.
        organization: Id of the organization.
        fields: The fields of a record that are compared.
        as_stored: Turns a record into what a load has to store of it.
        **options: As `World` takes them.

    Attributes:
        rows_compared: Rows that `require_truth` has compared so far.
    """

    def __init__(
        self,
        folder: Path,
        backend: Backend,
        clock: TestClock,
        *,
        organization: str = ORGANIZATION,
        fields: Sequence[str] = PLACES,
        as_stored: Callable[[dict[str, Any]], dict[str, Any]] = lambda record: record,
        **options: Any,
    ) -> None:
        self.backend = backend
        self.rows_compared = 0
        organization_ = ScriptedOrganization(id=organization)
        api = RecordingApi(organization_, clock=clock, places=fields, as_stored=as_stored)
        super().__init__(folder, clock=clock, api=api, destination=backend.name, **options)

    def client(self, **options: Any) -> AnalyticsClient:
        """Makes a client; a load with it begins a little later than the last one."""
        self.clock.move(seconds=1, microseconds=1)
        return super().client(**options)

    def write(self, day: dt.date, *records: dict[str, Any]) -> None:
        """Has the API return these records for a day from now on."""
        super().write(day, *({**each, "organization_id": self.organization.id} for each in records))

    def write_days(self, first: dt.date, last: dt.date, sessions: int = 1, **fields: Any) -> None:
        """Has the API return three records on each of these days."""
        for number in range((last - first).days + 1):
            day = first + dt.timedelta(days=number)
            self.write(day, *some_records(day, sessions + number))

    def contents(self) -> Contents:
        """Returns what the dataset holds of this organization."""
        return Contents(self._tables(), self.api.places)

    def require_truth(self, days: Any = ()) -> Contents:
        """Compares the dataset with the API, value by value, every day and every row of the ledger."""
        contents = super().require_truth(days)
        assert contents.ledger == self.api.last
        for entry in self._tables()[LEDGER]:
            self._require_entry(entry)
        self.rows_compared += sum(contents.rows.values())
        return contents

    def _require_entry(self, entry: Row) -> None:
        day, records = self.api.responses[entry["request_id"]]
        returned_at = self.api.returned_at[entry["request_id"]]
        children = [json.loads(text)[1:] for text in records]
        expected = {
            "date": day,
            "records": len(records),
            "tool_actions": sum(len(tools) for tools, _ in children),
            "models": sum(len(models) for _, models in children),
            "pages": 1,
            "fetched_at": returned_at,
            "is_final": day < returned_at.date(),
        }
        assert {name: entry[name] for name in expected} == expected
        assert entry["_dlt_load_id"]

    def _tables(self) -> Tables:
        return {
            name: [row for row in rows if row["organization_id"] == self.organization.id]
            for name, rows in self.backend.tables(self.dataset).items()
        }


def some_records(day: dt.date, sessions: int) -> list[dict[str, Any]]:
    """Returns three records: a usual one, one of the same person elsewhere, one whose values are hard to carry."""
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
    """Returns a record as `actor_identity=hash` stores it, by the documentation: HMAC-SHA256 of lower-cased text."""

    def pseudonym(text: str) -> str:
        return hmac.new(IDENTITY_KEY.encode(), text.lower().encode(), hashlib.sha256).hexdigest()

    actor = {key: value if key == "type" else pseudonym(value) for key, value in record["actor"].items()}
    return {**record, "actor": actor}
