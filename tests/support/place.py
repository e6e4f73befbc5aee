"""A warehouse that was loaded with the days of three weeks, for tests that maltreat it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb

from claude_code_analytics import AnalyticsClient
from claude_code_pipelines import Loading, Warehouse, backfill, load
from claude_code_simulator import ScriptedOrganization, model_usage, record
from support.truth import RecordingApi, broken_promises, in_file

ONE_DAY = dt.timedelta(days=1)
FIRST = dt.date(2026, 9, 1)
TODAY = dt.date(2026, 9, 20)
REAL_ID = "11111111-aaaa-4a55-9d3e-3c2f5a7b9e10"


class Place:
    """A warehouse that holds the days of three weeks."""

    def __init__(self, folder: Path, clock: Any) -> None:
        self.clock = clock
        self.database = folder / "history.duckdb"
        self.api = RecordingApi(ScriptedOrganization(id=REAL_ID), clock=clock)
        self.target = Warehouse()
        for number in range((TODAY - FIRST).days + 2):
            self.write(FIRST + number * ONE_DAY, number + 1)

    def write(self, day: dt.date, sessions: int) -> None:
        self.api.organization.days[day] = [  # type: ignore[attr-defined]
            record(
                day,
                email=email,
                organization_id=REAL_ID,
                sessions=sessions,
                models=[model_usage("m", cache_read=3 * 10**9)],
            )
            for email in ("ada@example.test", "bob@example.test")
        ]

    def change(self, sql: str) -> None:
        with duckdb.connect(str(self.database)) as connection:
            connection.execute(f"USE claude_code; {sql}")

    def client(self) -> AnalyticsClient:
        return AnalyticsClient(
            api_key=self.api.credentials.admin_key,
            transport=self.api.transport,
            clock=self.clock,
            sleep=self.clock.sleep,
        )

    def load(self, target: Warehouse | None = None, **options: Any) -> Loading:
        with self.client() as client:
            return load(target or self.target, **{"start": FIRST, "client": client, **options})

    def backfill(self, first: dt.date, last: dt.date, target: Warehouse | None = None) -> Loading:
        with self.client() as client:
            return backfill(target or self.target, first, last, client=client)

    def require_truth(self) -> None:
        contents = in_file(self.database)
        broken = broken_promises(contents, self.api)
        assert not broken, "\n".join(broken)
        assert contents.ledger == self.api.last
        assert set(contents.days) == {FIRST + number * ONE_DAY for number in range(21)}

    def counts(self) -> dict[str, int]:
        return in_file(self.database).rows
