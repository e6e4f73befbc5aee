"""Another daily report is data: tables of its own pass through resource, ledger, proof and `load()` (NEXT_API.md)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import dlt
import pyarrow as pa
import pytest

from claude_code_analytics import UndecodableDay
from claude_code_analytics.claude_code.columns import DAYS
from claude_code_analytics.claude_code.pages import FetchedDay
from claude_code_analytics.claude_code.report import DailyReport
from claude_code_analytics.claude_code.tables import ShapedDay, Shaping
from claude_code_analytics.config import SourceConfig, resolve_config
from claude_code_analytics.run.resource import daily_resource
from claude_code_analytics.warehouse.schema import Column, Table
from claude_code_pipelines import backfill, load
from support.days import MONDAY, TUESDAY, WEEK
from support.world import TODAY, World

COMMON = tuple(column for column in DAYS.columns if column.name in ("organization_id", "date", "_dlt_load_id"))
ROW_ID = Column("_dlt_id", "text", "Id of the row.", nullable=False)
VISITS = Table(
    "door_visits",
    "Visits of a day.",
    (*COMMON, Column("door", "text", "The door.", ("door",)), ROW_ID),
    counted_as="visits",
)
BADGES = Table(
    "door_visits__badges",
    "Badges that were shown.",
    (*COMMON, Column("badge", "bigint", "The badge."), Column("_dlt_parent_id", "text", "The visit."), ROW_ID),
    counted_as="badges",
    parent="door_visits",
)
LEDGER = Table(
    "door_days",
    "Fetches.",
    (
        *(column for column in DAYS.columns if column.name not in ("records", "tool_actions", "models")),
        Column("visits", "bigint", "Visits."),
        Column("badges", "bigint", "Badges."),
    ),
)


@dataclass
class Doors:
    """A report that is read from memory: by day, the doors and the badges that were shown there."""

    days: dict[dt.date, Any] = field(default_factory=dict)
    read: list[dt.date] = field(default_factory=list)

    def fetch(self, session: Any, day: dt.date) -> FetchedDay:
        self.read.append(day)
        body = json.dumps(self.days.get(day, {})).encode()
        return FetchedDay(day, (body,), 0, f"req_{len(self.read)}", session.now())

    def shape(self, day: FetchedDay, shaping: Shaping) -> ShapedDay:
        visits = json.loads(day.bodies[0])
        if visits is None:
            raise UndecodableDay("no visits", day=day.date)
        organization = shaping.organization_id or "unknown"
        common = {"organization_id": organization, "date": day.date}
        doors = [{**common, "door": door, "_dlt_id": f"{day.date}.{door}"} for door in visits]
        badges = [
            {**common, "badge": badge, "_dlt_parent_id": f"{day.date}.{door}", "_dlt_id": f"{day.date}.{door}.{number}"}
            for door, shown in visits.items()
            for number, badge in enumerate(shown)
        ]
        tables = {table.name: _arrow(table, rows) for table, rows in ((VISITS, doors), (BADGES, badges))}
        return ShapedDay(day.date, day.fetched_at, 1, day.request_id, len(visits), str(hash(day.bodies)), tables)

    @property
    def report(self) -> DailyReport:
        return DailyReport(
            name="door_visits",
            tables=(VISITS, BADGES),
            ledger=LEDGER,
            fetch=self.fetch,
            shape=self.shape,
        )


def _arrow(table: Table, rows: list[dict[str, Any]]) -> pa.Table:
    schema = pa.schema([column.field for column in table.columns if column.name != "_dlt_load_id"])
    return pa.Table.from_pylist(rows, schema=schema)


@pytest.fixture
def doors() -> Doors:
    return Doors({day: {"north": [1, 2], "south": [3]} for day in WEEK})


@pytest.fixture(autouse=True)
def _kept_open(world: World) -> Iterator[None]:
    with world.kept_open():
        yield


def plain_run(world: World, doors: Doors, **given: Any) -> list[dt.date]:
    """Runs the report in a source of its own, and returns the days that were read."""
    doors.read.clear()
    config: SourceConfig = resolve_config(**{"start_date": MONDAY, **given})

    @dlt.source(name="doors")
    def source() -> Any:
        return daily_resource(doors.report, config, client=world.client())

    world.pipeline.run(source())
    return sorted(doors.read)


def held(world: World) -> dict[dt.date, dict[str, list[int]]]:
    """Returns what the warehouse has, as the report has it."""
    found: dict[dt.date, dict[str, list[int]]] = {}
    query = (
        "SELECT v.date, door, badge FROM door_visits v LEFT JOIN door_visits__badges b "
        "ON b._dlt_parent_id = v._dlt_id ORDER BY ALL"
    )
    for day, door, badge in world.sql(query):
        found.setdefault(day, {}).setdefault(door, []).append(badge)
    return found


def test_a_plain_run_replaces_days_and_reads_what_is_not_held(world: World, doors: Doors) -> None:
    assert plain_run(world, doors, lookback_days=0) == WEEK
    assert held(world) == doors.days
    doors.days[TODAY] = {"east": [4]}
    del doors.days[TUESDAY]
    world.sql(f"DELETE FROM door_visits__badges WHERE date = DATE '{TUESDAY}'")
    assert plain_run(world, doors, lookback_days=0) == [TUESDAY, TODAY]
    assert held(world) == doors.days
    counts = world.sql("SELECT visits, badges FROM door_days ORDER BY fetched_at, date, _dlt_load_id")
    assert sorted(counts) == [(0, 0), (1, 1), *[(2, 3)] * 7]


def test_load_and_backfill_take_another_report_and_prove_its_days(world: World, doors: Doors) -> None:
    with world.client() as client:
        done = load(world.pipeline, start=MONDAY, client=client, report=doors.report)
        assert (done.days, done.records) == (WEEK, 14)
        assert held(world) == doors.days
        world.clock.move(seconds=1)
        doors.days = {MONDAY: {"west": [9]}}
        backfill(world.pipeline, MONDAY, TODAY, client=client, report=doors.report)
    assert held(world) == doors.days
