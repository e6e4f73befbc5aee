"""`load`: windows that are proven before they count, every door back to the truth, and nothing lost on the way."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dlt
import pytest
from dlt.common.exceptions import DltException

from claude_code_analytics import (
    ApiUnavailable,
    ConfigurationError,
    DestinationError,
)
from claude_code_pipelines import DaysNotHeld, LoadObserver, Warehouse, backfill, load
from claude_code_simulator import SAMPLE_ORGANIZATION_ID, record
from support.days import days, september
from support.world import LEDGER, MODELS, TODAY, TOOLS, USAGE, World

Warnings = Callable[[], list[str]]

ORGANIZATION = "9f8e7d6c-0000-4000-8000-000000000001"
NEIGHBOUR = "9f8e7d6c-0000-4000-8000-000000000002"


def after_each_write(world: World, action: Callable[[int], object]) -> list[int]:
    """Lets something happen to the warehouse whenever the pipeline has written, before anything is proven.

    Returns:
        The numbers of the writes so far, from 1.
    """
    write, writes = world.pipeline.load, []

    def write_then_act(*arguments: Any, **options: Any) -> Any:
        info = write(*arguments, **options)
        writes.append(len(writes) + 1)
        action(writes[-1])
        return info

    world.pipeline.load = write_then_act  # type: ignore[method-assign]
    return writes


def lose(world: World, day: dt.date) -> None:
    world.sql(f"DELETE FROM {TOOLS} WHERE date = ?", day)


class Events(LoadObserver):
    """Notes what a load reports."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def planned(self, days: Any) -> None:
        self.seen.append(("planned", len(days)))

    def fetched(self, day: dt.date, records: int) -> None:
        self.seen.append(("fetched", day.day, records))

    def writing(self, days: Any) -> None:
        self.seen.append(("writing", [day.day for day in days]))

    def committed(self, days: Any) -> None:
        self.seen.append(("committed", [day.day for day in days]))

    def repeating(self, days: Any, seconds: float) -> None:
        self.seen.append(("repeating", [day.day for day in days]))

    def waiting(self, until: dt.datetime) -> None:
        self.seen.append(("waiting", until))

    def of(self, kind: str) -> list[Any]:
        return [event for event in self.seen if event[0] == kind]


# Windows


def test_windows_are_committed_oldest_first_and_an_observer_learns_of_each_when_it_is_proven(world: World) -> None:
    world.write_days(september(18), TODAY)

    class Follower(Events):
        def committed(self, days: Any) -> None:
            super().committed(days)
            world.require_truth(days)

    follower = Follower()
    report = world.load(start=september(18), window_days=2, observer=follower)

    assert report.windows == [tuple(days(18, 19)), (TODAY,)]
    assert (report.days, report.records, report.waiting, report.resumed) == (days(18, 20), 3, 0, 0)
    assert dict(report.rows) == {USAGE: 3, TOOLS: 3, MODELS: 3, LEDGER: 3}
    assert "warehouse.duckdb" in report.destination
    assert follower.seen == [
        ("planned", 3),
        ("fetched", 18, 1),
        ("fetched", 19, 1),
        ("writing", [18, 19]),
        ("committed", [18, 19]),
        ("fetched", 20, 1),
        ("writing", [20]),
        ("committed", [20]),
    ]


def test_an_api_that_goes_down_leaves_what_was_read_before_and_the_next_load_resumes(world: World) -> None:
    world.write_days(september(1), TODAY)
    world.fail_on(*days(18, 20))

    with pytest.raises(ApiUnavailable, match="2026-09-20") as failure:
        world.load(start=september(1), window_days=8)

    assert failure.value.day == september(20)
    assert world.column("date") == days(1, 17)
    assert world.cursor() == september(17)
    world.require_truth()

    world.fail_on()
    world.load(start=september(1), window_days=8)
    assert world.days_requested() == days(13, 20)  # 13 to 17 are not settled
    world.require_truth(days(1, 20))


def test_midnight_on_the_way_changes_nothing_of_what_was_planned(world: World) -> None:
    world.write_days(september(1), september(21))

    class Midnight(LoadObserver):
        def planned(self, days: Any) -> None:
            world.clock.now = dt.datetime(2026, 9, 20, 23, 59, 59, tzinfo=dt.timezone.utc)

        def committed(self, days: Any) -> None:
            world.clock.move(minutes=30)

    report = world.load(start=september(1), window_days=10, observer=Midnight())
    assert report.days == world.days_requested() == days(1, 20)

    world.load(start=september(1))
    assert world.days_requested()[-1] == september(21)
    world.require_truth(days(1, 21))


# Which days


def test_a_start_before_what_is_loaded_loads_all_that_is_missing_since_then(world: World) -> None:
    world.write_days(september(1), TODAY)
    world.load(start=september(10))
    world.load(start=september(3))
    assert world.days_requested() == [*days(3, 9), *days(13, 20)]
    world.require_truth(days(3, 20))


def test_the_configuration_of_the_source_holds_for_loads(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"START_DATE": "2026-09-11", "LOOKBACK_DAYS": "2", "INCLUDE_TODAY": "false"}.items():
        monkeypatch.setenv(f"SOURCES__CLAUDE_CODE_ANALYTICS__{name}", value)

    world.load(start=None)
    assert world.days_requested() == days(11, 19)

    world.clock.move(days=1)
    world.load(start=None)
    assert world.days_requested() == days(18, 20)

    monkeypatch.setenv("SOURCES__CLAUDE_CODE_ANALYTICS__END_DATE", "2026-09-12")
    world.load(start=None)
    assert world.days_requested() == days(11, 12)


def test_few_days_at_a_time_catch_up_and_the_report_counts_those_that_wait(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__CLAUDE_CODE_ANALYTICS__MAX_DAYS", "3")
    world.write_days(september(14), TODAY)

    reports = [world.load() for _ in range(3)]

    assert [report.waiting for report in reports] == [4, 4, 4]  # days of the lookback wait again
    assert [report.days for report in reports] == [days(14, 16), days(17, 19), [september(14), september(15), TODAY]]
    world.require_truth(days(14, 20))
    assert world.backfill(september(1), september(5)).waiting == 0
    assert world.days_requested() == days(1, 5)


# Proof before return


def test_rows_that_are_lost_while_they_are_written_are_read_again_before_the_load_returns(world: World) -> None:
    world.write_days(september(14), TODAY)
    writes = after_each_write(world, lambda number: lose(world, september(16)) if number == 1 else None)
    events = Events()

    report = world.load(window_days=4, observer=events)

    assert writes == [1, 2, 3]
    assert events.of("writing") == [("writing", [14, 15, 16, 17]), ("writing", [16]), ("writing", [18, 19, 20])]
    assert events.of("repeating") == [("repeating", [16])]
    assert len(events.of("fetched")) == 7, "a day read again moved the progress twice"
    assert (report.records, report.rows[USAGE], report.rows[LEDGER]) == (7, 7, 7)
    world.require_truth(days(14, 20))
    assert world.status().days("inconsistent") == []


def test_days_that_are_never_held_are_read_five_times_more_after_doubling_waits_and_are_named(world: World) -> None:
    world.write_days(september(14), TODAY)
    writes = after_each_write(world, lambda number: lose(world, september(16)))

    with pytest.raises(DaysNotHeld, match="1 day is not held: 2026-09-16; row counts differ from the ledger") as caught:
        world.load(window_days=4)

    waits = world.clock.slept
    assert len(waits) == 5
    assert all(2**number <= seconds <= 3 * 2**number for number, seconds in enumerate(waits))
    assert len(writes) == 6 + 1, "the windows after it are loaded too"
    assert caught.value.days == [september(16)]
    assert caught.value.report.windows == [(*days(14, 15), september(17)), tuple(days(18, 20))]
    assert caught.value.report.records == 6

    del world.pipeline.load
    world.load()
    world.require_truth(days(14, 20))


def test_days_that_another_load_completes_during_the_wait_are_not_read_again(world: World) -> None:
    world.write_days(september(18), TODAY)
    kept: list[list[tuple[Any, ...]]] = []

    def hide(number: int) -> None:
        world.sql(f"CREATE TABLE hidden AS SELECT * FROM {TOOLS} WHERE date = DATE '2026-09-19'")
        lose(world, september(19))

    class Other(LoadObserver):
        def repeating(self, days: Any, seconds: float) -> None:
            kept.append(world.sql(f"INSERT INTO {TOOLS} SELECT * FROM hidden"))

    writes = after_each_write(world, hide)
    report = world.load(start=september(18), observer=Other())

    assert (len(kept), writes, report.days) == (1, [1], days(18, 20))
    world.require_truth(days(18, 20))


@pytest.mark.parametrize(("failures", "minutes"), [(1, 1), (2, 1), (1, 0)])  # 0: at the instant of the fetch before
def test_a_write_that_fails_is_retried_once(
    week: World, monkeypatch: pytest.MonkeyPatch, failures: int, minutes: int
) -> None:
    world = week
    world.clock.move(minutes=minutes)
    world.write_days(september(14), TODAY, sessions=99)
    write, failed, events = world.pipeline.load, [], Events()

    def fail_then_write(*arguments: Any, **options: Any) -> Any:
        writes = len(events.of("writing"))
        if len(failed) < writes <= failures:  # aborting the package goes this way too, and works
            failed.append(writes)
            raise DltException("server closed the connection unexpectedly")
        return write(*arguments, **options)

    monkeypatch.setattr(world.pipeline, "load", fail_then_write)
    if failures == 2:
        with pytest.raises(DestinationError, match="the window could not be written: server closed the connection"):
            world.load(observer=events)
    else:
        world.load(observer=events)
        world.require_truth(days(14, 20))  # and not what the tables held before
    assert events.of("writing") == [("writing", list(range(14, 21)))] * 2
    assert not world.pipeline.has_pending_data


# Another machine, an older copy, a crash


def test_own_packages_that_a_killed_load_left_are_aborted_and_their_days_read_again(week: World) -> None:
    week.pipeline.extract(week.source())
    week.pipeline.normalize()
    week.clock.move(minutes=1)
    week.write_days(september(14), TODAY, sessions=99)
    week.new_pipeline()

    week.load()

    assert set(week.column("core_metrics__num_sessions")) == {99}
    assert not week.pipeline.has_pending_data
    assert week.require_truth(days(14, 20)).fetches == 7 + 7, "the package was loaded, not aborted"


@pytest.mark.parametrize(("is_loaded", "has_own"), [(False, True), pytest.param(True, False, marks=pytest.mark.slow)])
def test_packages_of_other_sources_are_finished_and_not_lost(world: World, is_loaded: bool, has_own: bool) -> None:
    world.write_days(september(14), TODAY)
    if is_loaded:
        world.load(end=september(15))
    if has_own:
        world.pipeline.extract(world.source())
    world.pipeline.extract([{"a": 1}], table_name="another", schema=dlt.Schema("another"))
    world.clock.move(minutes=1)

    world.load()

    assert world.sql("SELECT a FROM another") == [(1,)]
    world.require_truth(days(14, 20))


def test_what_a_kill_left_of_a_package_is_cleared(week: World) -> None:
    remains = week.machine / week.name / "normalize" / "extracted" / "1800000000.1"
    (remains / "completed_jobs").mkdir(parents=True)
    week.new_pipeline()

    week.load()

    assert not remains.exists()
    week.require_truth(days(14, 20))


def test_a_package_that_a_kill_left_loaded_but_not_moved_away_is_cleared(week: World) -> None:
    folder = week.machine / week.name / "load"
    (loaded,) = sorted((folder / "loaded").iterdir())[-1:]
    loaded.rename(folder / "normalized" / loaded.name)
    week.new_pipeline()
    week.clock.move(seconds=5)
    week.load()
    week.require_truth(days(14, 20))


@pytest.mark.parametrize("has_pending", [False, True])
def test_a_working_folder_without_its_schemas_is_made_anew(week: World, has_pending: bool) -> None:
    """A kill while dlt restores its schemas leaves a state that names one without a file."""
    if has_pending:
        week.pipeline.extract(week.source())
    for file in week.machine.glob("*/schemas/*"):
        file.unlink()
    week.new_pipeline()
    assert week.load(start=september(14)).days
    week.require_truth([september(14), TODAY])


def test_two_loads_in_one_working_folder_exclude_each_other(world: World) -> None:
    class Second(LoadObserver):
        def planned(self, days: Any) -> None:
            with pytest.raises(DestinationError, match="another load of pipeline claude_code_analytics is running"):
                load(world.pipeline, client=world.client(), start=september(19))

    world.load(observer=Second())
    assert world.load(start=september(19)).days == days(19, 20)  # it has let go of the lock


def test_a_pipeline_without_a_destination_is_refused_before_anything_is_requested(world: World) -> None:
    for call in (load, lambda target, **options: backfill(target, september(14), september(15), **options)):
        with pytest.raises(ConfigurationError, match="the pipeline has no destination; name one"):
            call(dlt.pipeline("nowhere"), client=world.client())
    assert world.api.requests == []


# Several organizations


def test_real_data_and_the_sample_do_not_mix(world: World) -> None:
    world.load(start=september(19))
    world.organization.id = ORGANIZATION
    with pytest.raises(ConfigurationError, match=r"sample and real data do not mix: load into another dataset"):
        world.load(start=september(19))

    world.sql(f"UPDATE {LEDGER} SET organization_id = ?", ORGANIZATION)
    world.organization.id = SAMPLE_ORGANIZATION_ID
    with pytest.raises(ConfigurationError, match="sample and real data do not mix"):
        world.backfill(september(1), september(2))
    assert world.column("date", LEDGER) == days(19, 20)


def test_a_further_organization_is_added_whole_with_a_warning_at_its_first_load(
    world: World, warnings_of: Warnings
) -> None:
    for organization in (ORGANIZATION, NEIGHBOUR, NEIGHBOUR):
        world.organization.id = organization
        world.write_days(september(18), TODAY)
        world.clock.move(seconds=5)
        world.load(start=september(18))

    assert world.sql(f"SELECT organization_id, count(*) FROM {USAGE} GROUP BY 1 ORDER BY 1") == [
        (ORGANIZATION, 3),
        (NEIGHBOUR, 3),
    ]
    warned = [warning for warning in warnings_of() if "is added beside it" in warning]
    assert warned == [f"the dataset held organization {ORGANIZATION} so far; {NEIGHBOUR} is added beside it"]


# Several warehouses


def test_each_warehouse_and_each_dataset_of_one_pipeline_name_holds_everything(world: World, tmp_path: Path) -> None:
    world.write_days(september(14), TODAY)
    for database, dataset in (("one", "claude_code"), ("two", "claude_code"), ("one", "other")):
        with world.client() as client:
            target = Warehouse(
                dlt.destinations.duckdb(str(tmp_path / f"{database}.duckdb")), dataset, working_dir=str(tmp_path / "m")
            )
            load(target, start=september(14), client=client)
        found = dlt.pipeline("reader", destination=target.destination, dataset_name=dataset)
        with found.sql_client() as sql:
            assert sql.execute_sql(f"SELECT count(*), count(DISTINCT date) FROM {USAGE}") == [(7, 7)]


def test_a_pipeline_of_another_name_knows_what_the_warehouse_holds(world: World, tmp_path: Path) -> None:
    """Also which type a column has that an unknown field became."""
    for day, note in ((1, 5), (2, "five")):
        world.write(september(day), record(september(day), note=note))
    world.backfill(september(1), september(1))
    worker = World(tmp_path, api=world.api, clock=world.clock, database=world.database, name="worker_2")
    assert worker.status().days("held") == [september(1)]
    worker.backfill(september(2), september(2))
    assert world.sql(f"SELECT note, note__v_text FROM {USAGE} ORDER BY date") == [(5, None), (None, "five")]


# Mistakes


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("LOOKBACK_DAYS", "many", "lookback_days"),
        ("ACTOR_IDENTITY", "hash", "needs a key: set identity_key"),
        ("INCLUDE", '["costs"]', "include is not supported yet"),
    ],
)
def test_a_mistake_in_the_configuration_is_a_configuration_error(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(f"SOURCES__CLAUDE_CODE_ANALYTICS__{name}", value)
    with pytest.raises(ConfigurationError, match=sentence):
        world.load(start=None, end=None)
    assert world.days_requested() == []


def test_an_end_before_the_first_day_is_a_configuration_error(world: World) -> None:
    with world.client() as client, pytest.raises(ConfigurationError, match=r"end 2024-12-30 is before the first day"):
        load(world.pipeline, end="2024-12-30", client=client)


def test_an_empty_name_is_a_configuration_error() -> None:
    for field in ("destination", "dataset", "pipeline", "staging"):
        with pytest.raises(ConfigurationError, match=f"{field} is empty"):
            Warehouse(**{field: " "}).dlt_pipeline()


@pytest.mark.parametrize("name", ["../elsewhere", "..", "a/b", "{folder}", "eu-1", "1st"])
def test_no_folder_but_dlts_own_is_ever_used(tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "dlt" / "elsewhere"
    (elsewhere / "schemas").mkdir(parents=True)
    (elsewhere / "schemas" / "notes.txt").write_text("no JSON")
    with pytest.raises(ConfigurationError, match=r"pipeline is .*; use letters, digits and _, and start with a letter"):
        Warehouse(pipeline=name.format(folder=elsewhere), working_dir=str(tmp_path / "dlt" / "p")).dlt_pipeline()
    assert (elsewhere / "schemas" / "notes.txt").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": "duckdb"}, "target is of type str; it must be of type Warehouse or Pipeline"),
        ({"target": Warehouse(dataset=5)}, "dataset is of type int; it must be of type str"),  # type: ignore[arg-type]
        ({"target": Warehouse(pipeline=None)}, "pipeline is of type NoneType"),  # type: ignore[arg-type]
        ({"target": Warehouse(5)}, "destination is of type int; it must be of type str or Destination"),
        ({"target": Warehouse(working_dir=5)}, "working_dir is of type int; it must be"),  # type: ignore[arg-type]
        ({"target": Warehouse(staging=5)}, "staging is of type int; it must be of type str"),  # type: ignore[arg-type]
        ({"window_days": True}, "window_days is True; it must be a whole number, 1 or more"),
        ({"report": "costs"}, "report is of type str; it must be of type DailyReport"),
        ({"window_days": "3"}, "window_days is '3'; it must be a whole number, 1 or more"),
        ({"window_days": 2.5}, "window_days is 2.5; it must be a whole number"),
        ({"client": "sk-ant"}, "client is of type str; it must be of type AnalyticsClient or None"),
        ({"observer": print}, "observer is of type builtin_function_or_method; it must be of type LoadObserver"),
        ({"start": 5}, "start_date is '5'; it must be a day such as 2025-01-31"),
    ],
)
def test_an_argument_of_another_type_is_one_line(world: World, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load(**{"target": world.pipeline, "client": world.client(), **arguments})
    assert message in str(raised.value)
    with pytest.raises(ConfigurationError):
        backfill(world.pipeline, None, TODAY)  # type: ignore[arg-type]
    assert not world.api.requests
