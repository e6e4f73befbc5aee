"""A wrong clock at every door: refused, or said and without effect; and datasets that were loaded under one."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from dlt.pipeline.exceptions import PipelineStepFailed

from claude_code_analytics import AnalyticsClient, ConfigurationError
from claude_code_analytics.dates import ONE_DAY
from claude_code_pipelines import Warehouse
from claude_code_pipelines.check import check_credential
from claude_code_pipelines.cli import commands
from claude_code_pipelines.metrics.figures import Request, read_figures
from claude_code_pipelines.metrics.views import create_views
from support.days import MONDAY, TUESDAY, WEEK
from support.world import LEDGER, TODAY, TestClock, World

Door = Callable[[World, AnalyticsClient], Any]

DOORS: dict[str, Door] = {
    "pipeline.run": lambda world, client: world.run(client=client),
    "load": lambda world, client: world.load(client=client),
    "backfill": lambda world, client: world.backfill(MONDAY, TUESDAY, client=client),
    "check": lambda world, client: check_credential(client),
}
COMMANDS = ("load", f"backfill --start {MONDAY} --end {TUESDAY}", "check")


def ahead(world: World, **by: float) -> AnalyticsClient:
    """Makes a client on a machine whose clock is so far ahead of the API's."""
    machine = TestClock(world.clock.now + dt.timedelta(**by))
    return world.client(clock=machine, sleep=machine.sleep)


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
@pytest.mark.parametrize("days", [40, -4])
def test_clocks_more_than_a_day_apart_are_refused_before_any_day_is_read(world: World, door: Door, days: int) -> None:
    both = f"{world.clock.now + dt.timedelta(days=days):%Y-%m-%d %H:%M:%S}, the API's 2026-09-20 12:00:00"
    with pytest.raises((ConfigurationError, PipelineStepFailed), match=f"the clock of this machine shows {both}"):
        door(world, ahead(world, days=days))
    assert (world.days_requested(), len(world.api.requests)) == ([], 1)


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
@pytest.mark.parametrize(("by", "warned"), [({"hours": 3}, 1), ({"hours": -23}, 1), ({"minutes": 50}, 0)], ids=str)
def test_from_an_hour_on_a_warning_shows_both_times(
    world: World, warnings_of: Callable[[], list[str]], door: Door, by: dict[str, float], warned: int
) -> None:
    door(world, ahead(world, **by))
    said = [text for text in warnings_of() if "the clock of this machine" in text]
    assert len(said) == warned
    assert all("the API's 2026-09-20 12:00:00 (UTC); the API's is used" in text for text in said)
    assert max(world.days_requested()) <= TODAY


@pytest.mark.parametrize("door", ["pipeline.run", "load", "backfill"])
def test_a_clock_that_only_the_pages_show_wrong_makes_no_day_unheld(world: World, door: str) -> None:
    machine = TestClock(world.clock.now + dt.timedelta(hours=2))

    def without_date(request: httpx.Request) -> httpx.Response:
        response = world.api.transport.handle_request(request)
        if request.url.path.endswith("/me"):
            del response.headers["date"]
        return response

    world.write_days(MONDAY, TUESDAY)
    DOORS[door](world, world.client(clock=machine, sleep=machine.sleep, transport=httpx.MockTransport(without_date)))
    assert world.status().days("held")[:2] == [MONDAY, TUESDAY]
    assert world.sql(f"SELECT count(*) FROM {LEDGER} WHERE date = '{MONDAY}'") == [(1,)]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_exits_with_2_and_one_line(world: World, command: str) -> None:
    ran = CliRunner().invoke(commands, command.split(), obj=ahead(world, days=2))
    errors = [line for line in ran.stderr.splitlines() if "calling" not in line]
    assert (ran.exit_code, len(errors), ran.stdout) == (2, 1, "")
    assert re.match("error: the clock of this machine shows .*; one of them is wrong", errors[0])
    assert list(world.folder.glob("*.duckdb")) == []


# A dataset that was loaded under a wrong clock, when nothing refused it


def days_by_reader(world: World) -> dict[str, Any]:
    """Returns the newest day and the newest final day, as each reader shows them."""
    (status,) = world.status().organizations
    last, final = world.sql("SELECT max(date), max(CASE WHEN is_final THEN date END) FROM claude_code_day_ledger")[0]
    figures = read_figures(Warehouse(world.backend.destination, world.dataset), Request(), world.clock.now)
    return {
        "status": (status.newest, status.final_until),
        "views": (last, final),
        "figures": (last, figures.period.days.last),
    }


@pytest.mark.parametrize("door", ["run", "load"])
def test_days_that_were_loaded_in_the_future_go_with_the_next_load(
    world: World, warnings_of: Callable[[], list[str]], door: str
) -> None:
    world.write_days(MONDAY, TODAY)
    world.clock.move(days=40)  # of the machine and of the API alike
    world.load()
    create_views(world.pipeline)
    world.clock.move(days=-40)
    future = TODAY + dt.timedelta(days=40)
    assert set(days_by_reader(world).values()) == {(future, future - ONE_DAY)}

    world.write_days(MONDAY, TODAY, sessions=5)
    getattr(world, door)()
    assert set(days_by_reader(world).values()) == {(TODAY, TODAY - ONE_DAY)}
    assert world.column("core_metrics__num_sessions") == [5] * 7
    assert [text for text in warnings_of() if "the ledger had 47 fetches from the future, up to 2026-10-30" in text]
    world.require_truth(WEEK)
    world.clock.move(minutes=1)
    getattr(world, door)(**({"lookback_days": 0} if door == "run" else {}))
    assert len([text for text in warnings_of() if "from the future" in text]) == 1


@pytest.mark.parametrize(("apart", "is_removed"), [(0, True), (59, True), (61, False)])
def test_a_fetch_less_than_a_day_ahead_goes_where_machine_and_api_agree_on_the_time(
    world: World, apart: int, is_removed: bool
) -> None:
    world.write_days(MONDAY, TODAY)
    world.clock.move(hours=20)
    world.load()
    create_views(world.pipeline)
    world.clock.move(hours=-20)
    with ahead(world, minutes=apart) as client:
        world.load(client=client)
    last = TODAY if is_removed else TODAY + ONE_DAY
    assert set(days_by_reader(world).values()) == {(last, last - ONE_DAY)}
    assert world.status().days("inconsistent") == []
    world.require_truth()


def test_a_fetch_up_to_an_hour_ahead_counts_for_every_reader_and_hides_nothing(world: World) -> None:
    world.write_days(MONDAY, TODAY)
    world.clock.move(hours=12, minutes=15)
    world.load()
    create_views(world.pipeline)
    world.clock.move(minutes=-45)
    world.load()
    assert set(days_by_reader(world).values()) == {(TODAY + ONE_DAY, TODAY - ONE_DAY)}
    assert world.status().days("inconsistent") == []
