"""What `load` and `backfill` promise: windows that stay, going on where a load stopped, and the truth at the end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from claude_code_analytics import (
    AnalyticsClient,
    ApiUnavailable,
    ClaudeCodeAnalyticsError,
    ConfigurationError,
    CredentialRefused,
    DestinationError,
    claude_code_analytics,
)
from claude_code_pipelines import Loading, Warehouse, backfill, load, read_status
from claude_code_pipelines.windows import Watch, Window
from claude_code_simulator import ScriptedOrganization, SimulatedApi, error_response, record

OTHER_ORGANIZATION = "9f8e7d6c-0000-4000-8000-000000000001"
THIRD_ORGANIZATION = "9f8e7d6c-0000-4000-8000-000000000002"
TODAY = dt.date(2026, 9, 20)

Days = Callable[[int, int], list[dt.date]]
Ranges = Callable[[Any], list[str]]


def september(day: int) -> dt.date:
    return dt.date(2026, 9, day)


# Windows


def test_a_first_load_commits_its_range_in_windows_oldest_first(office: Any, ranges: Ranges) -> None:
    office.write(september(11), TODAY)

    loading = office.load(start=september(11), window_days=4)

    assert ranges(loading.committed) == ["2026-09-11..2026-09-14", "2026-09-15..2026-09-18", "2026-09-19..2026-09-20"]
    assert (loading.days, loading.records) == (10, 10)
    assert dict(loading.rows) | {"_dlt_pipeline_state": 0} == {
        "claude_code_usage": 10,
        "claude_code_usage__tool_actions": 10,
        "claude_code_usage__model_breakdown": 10,
        "claude_code_days": 10,
        "_dlt_pipeline_state": 0,
    }
    assert office.loaded() == office.truth()


def test_a_watch_is_told_of_a_window_when_it_is_in_the_warehouse(office: Any, days: Days, ranges: Ranges) -> None:
    office.write(september(18), TODAY)
    told: list[Any] = []

    class Listener(Watch):
        def planned(self, windows: list[Window]) -> None:
            told.append(ranges(windows))

        def fetched(self, day: Any) -> None:
            told.append(day.date)

        def committed(self, window: Window) -> None:
            told.append((ranges([window]), len(office.loaded())))

    office.load(start=september(18), window_days=2, watch=Listener())

    assert told == [
        ["2026-09-18..2026-09-19", "2026-09-20"],
        september(18),
        september(19),
        (["2026-09-18..2026-09-19"], 2),
        september(20),
        (["2026-09-20"], 3),
    ]


# Goes on where it stopped


def test_a_day_that_fails_leaves_the_windows_before_it_and_is_named(office: Any, ranges: Ranges) -> None:
    office.write(september(1), TODAY)
    office.fail_on(september(18))
    loading = Loading()

    with pytest.raises(ApiUnavailable, match="2026-09-18") as failure:
        office.load(start=september(1), window_days=8, loading=loading)

    assert failure.value.day == september(18)
    assert ranges(loading.committed) == ["2026-09-01..2026-09-08", "2026-09-09..2026-09-16"]
    assert office.loaded() == office.truth(september(1), september(16))
    assert office.cursor() == "2026-09-16"


def test_the_next_load_goes_on_from_there_and_ends_at_the_truth(office: Any, days: Days) -> None:
    office.write(september(1), TODAY)
    office.fail_on(september(18))
    with pytest.raises(ApiUnavailable):
        office.load(start=september(1), window_days=8)

    office.fail_on()
    office.load(start=september(1), window_days=31)

    assert office.days_asked() == days(9, 20)
    assert office.loaded() == office.truth()


def test_a_load_reads_the_lookback_again_and_what_is_new(office: Any, clock: Any, days: Days) -> None:
    office.load(start=september(1))
    clock.move(days=2)

    office.load(start=september(1))

    assert office.days_asked() == days(13, 22)


@pytest.mark.parametrize("window_days", [4, 31])
def test_the_whole_lookback_is_read_again_however_small_the_window(
    office: Any, clock: Any, days: Days, window_days: int
) -> None:
    office.load(start=september(1))
    clock.move(days=2)

    office.load(start=september(1), window_days=window_days)

    assert office.days_asked() == days(13, 22)
    assert office.cursor() == "2026-09-22"


def test_a_long_pause_is_caught_up_to_the_last_day_in_one_load(office: Any, clock: Any, days: Days) -> None:
    clock.now = dt.datetime(2026, 9, 5, 3, tzinfo=dt.timezone.utc)  # so that two days are not final
    office.load(start=september(1))
    clock.now = dt.datetime(2026, 9, 20, 3, tzinfo=dt.timezone.utc)
    office.write(september(1), TODAY)

    office.load(start=september(1), window_days=5)

    assert office.days_asked() == days(1, 20)
    assert office.cursor() == "2026-09-20"
    assert office.loaded() == office.truth()


def test_a_day_restated_within_the_lookback_is_corrected_by_the_next_load(office: Any) -> None:
    office.write(september(1), TODAY)
    office.load(start=september(1))
    office.write(september(13), september(13), sessions=99)

    office.load(start=september(1))

    assert office.loaded() == office.truth()


def test_a_day_restated_before_the_lookback_is_corrected_by_a_backfill(office: Any) -> None:
    office.write(september(1), TODAY)
    office.load(start=september(1))
    before = office.loaded()
    office.write(september(12), september(12), sessions=99)

    office.load(start=september(1))
    assert office.loaded() == before

    office.backfill(september(12), september(12))
    assert office.loaded() == office.truth()


def test_a_day_that_became_empty_is_emptied(office: Any) -> None:
    office.write(september(10), TODAY)
    office.load(start=september(10))
    office.organization.days[september(15)] = []

    office.load(start=september(10))

    assert office.loaded() == office.truth()


def test_a_load_with_an_end_is_a_closed_range_that_leaves_the_cursor_alone(office: Any, days: Days) -> None:
    office.load(start=september(10))

    office.load(start=september(1), end=september(3))

    assert office.days_asked() == days(1, 3)
    assert office.cursor() == "2026-09-20"


def test_a_load_goes_on_from_the_cursor_of_the_warehouse_on_another_machine(office: Any, days: Days) -> None:
    office.write(september(1), TODAY)
    office.load(start=september(1))
    office.move_to_another_machine()

    office.load(start=september(1))

    assert office.days_asked() == days(13, 20)
    assert office.loaded() == office.truth()


def test_what_is_committed_is_what_was_read_when_midnight_passes_between_windows(
    office: Any, clock: Any, days: Days
) -> None:
    office.write(september(1), september(21))

    class Midnight(Watch):
        def committed(self, window: Window) -> None:
            clock.now = dt.datetime(2026, 9, 21, 0, 30, tzinfo=dt.timezone.utc)

    loading = office.load(start=september(1), window_days=10, watch=Midnight())
    assert loading.days == len(office.loaded()) == 20

    office.load(start=september(1), window_days=10)
    assert office.loaded() == office.truth()
    assert set(office.days_asked()) == set(days(13, 21))


def test_a_load_tells_which_days_it_read_when_midnight_passes_before_it_reads(
    office: Any, clock: Any, days: Days, ranges: Ranges
) -> None:
    office.load(start=september(1))

    class Midnight(Watch):
        def planned(self, windows: list[Window]) -> None:
            clock.now = dt.datetime(2026, 9, 21, 0, 30, tzinfo=dt.timezone.utc)

    loading = office.load(start=september(1), watch=Midnight())

    asked = office.days_asked()
    assert ranges(loading.committed) == [f"{asked[0]}..{asked[-1]}"]
    assert loading.days == len(asked)
    assert asked[-1] == september(21)


# Backfills


def test_a_backfill_leaves_the_cursor_alone(office: Any, days: Days) -> None:
    office.load(start=september(15))

    office.backfill(september(1), september(5))

    assert office.days_asked() == days(1, 5)
    assert office.cursor() == "2026-09-20"


def test_a_backfill_before_any_load_leaves_the_next_load_to_begin_at_its_start(office: Any, days: Days) -> None:
    office.write(september(1), TODAY)
    office.backfill(september(5), september(8))

    office.load(start=september(1))

    assert office.days_asked() == days(1, 20)
    assert office.loaded() == office.truth()


def test_an_interrupted_backfill_of_the_same_range_goes_on_where_it_stopped(office: Any, days: Days) -> None:
    office.write(september(1), september(10))
    office.fail_on(september(9))
    with pytest.raises(ApiUnavailable, match="2026-09-09"):
        office.backfill(september(1), september(10), window_days=4)

    office.fail_on()
    loading = office.backfill(september(1), september(10), window_days=4)

    assert office.days_asked() == days(9, 10)
    assert loading.resumed_after == september(8)
    assert office.loaded() == office.truth()


def test_an_interrupted_backfill_begins_anew_for_another_organization(office: Any, days: Days) -> None:
    for organization in (OTHER_ORGANIZATION, THIRD_ORGANIZATION):
        office.organization.id = organization
        office.write(september(1), september(10))
        office.fail_on(*([september(8)] if organization == THIRD_ORGANIZATION else []))
        with suppress(ApiUnavailable):
            office.backfill(september(1), september(10), window_days=3)
    office.organization.id = OTHER_ORGANIZATION
    office.fail_on()

    office.backfill(september(1), september(10), window_days=3)

    assert office.days_asked() == days(1, 10)


def test_a_start_after_the_cursor_tells_which_days_it_leaves_out(
    office: Any, clock: Any, warnings_of: Callable[[], list[str]]
) -> None:
    clock.now = dt.datetime(2026, 9, 5, 12, tzinfo=dt.timezone.utc)
    office.load(start=september(1))
    clock.now = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)

    office.load(start=september(10))

    assert [told for told in warnings_of() if "days after 2026-09-05 and before 2026-09-10 are left out" in told]


def test_a_clock_that_was_ahead_is_told_about(office: Any, clock: Any, warnings_of: Callable[[], list[str]]) -> None:
    clock.now = dt.datetime(2026, 12, 20, 12, tzinfo=dt.timezone.utc)
    office.load(start=september(1), window_days=400)
    clock.now = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)

    office.load(start=september(1))

    assert [told for told in warnings_of() if "2026-12-20, which lies in the future" in told]


def test_a_finished_backfill_reads_the_whole_range_again(office: Any, days: Days) -> None:
    office.fail_on(september(9))
    with pytest.raises(ApiUnavailable):
        office.backfill(september(1), september(10), window_days=4)
    office.fail_on()
    office.backfill(september(1), september(10), window_days=4)

    loading = office.backfill(september(1), september(10), window_days=4)

    assert office.days_asked() == days(1, 10)
    assert loading.resumed_after is None


def test_a_backfill_of_another_range_begins_at_its_own_first_day(office: Any, days: Days) -> None:
    office.fail_on(september(9))
    with pytest.raises(ApiUnavailable):
        office.backfill(september(1), september(10), window_days=4)
    office.fail_on()

    office.backfill(september(1), september(9), window_days=4)

    assert office.days_asked() == days(1, 9)


def test_an_interrupted_backfill_begins_anew_when_names_are_treated_otherwise(
    office: Any, days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.write(september(1), september(4))
    office.fail_on(september(3))
    with pytest.raises(ApiUnavailable):
        office.backfill(september(1), september(4), window_days=2)
    office.fail_on()

    monkeypatch.setenv("SOURCES__CLAUDE_CODE_ANALYTICS__ACTOR_IDENTITY", "drop")
    office.backfill(september(1), september(4), window_days=2)

    assert office.days_asked() == days(1, 4)
    assert {row[1] for row in office.loaded()} == {None}


def test_an_interrupted_backfill_begins_anew_when_the_file_is_gone(office: Any, days: Days) -> None:
    office.write(september(1), september(10))
    office.fail_on(september(9))
    with pytest.raises(ApiUnavailable):
        office.backfill(september(1), september(10), window_days=4)
    office.fail_on()
    office.lose_file()

    office.backfill(september(1), september(10), window_days=4)

    assert office.days_asked() == days(1, 10)
    assert office.loaded() == office.truth()


def test_an_interrupted_backfill_begins_anew_on_an_older_copy_of_the_file(office: Any, days: Days) -> None:
    office.write(september(1), september(10))
    office.backfill(september(1), september(2))
    office.copy_file()
    office.fail_on(september(9))
    with pytest.raises(ApiUnavailable):
        office.backfill(september(1), september(10), window_days=4)
    office.fail_on()
    office.go_back_to_the_copy()

    office.backfill(september(1), september(10), window_days=4)

    assert office.days_asked() == days(1, 10)
    assert office.loaded() == office.truth()


# Another warehouse, or none any more


def test_a_load_reads_everything_again_when_the_file_is_gone(office: Any, days: Days) -> None:
    office.write(september(1), TODAY)
    office.load(start=september(1), window_days=8)
    office.lose_file()

    office.load(start=september(1), window_days=8)

    assert office.days_asked() == days(1, 20)
    assert office.loaded() == office.truth()


def test_a_load_goes_on_from_an_older_copy_of_the_file(office: Any, clock: Any) -> None:
    office.write(september(1), TODAY)
    clock.now = dt.datetime(2026, 9, 5, 12, tzinfo=dt.timezone.utc)
    office.load(start=september(1))
    office.copy_file()
    clock.now = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)
    office.load(start=september(1))

    office.go_back_to_the_copy()
    office.load(start=september(1))

    assert office.loaded() == office.truth()


def test_each_warehouse_of_one_pipeline_name_holds_everything(
    office: Any, clock: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / "one.duckdb", tmp_path / "two.duckdb"]
    office.write(september(1), september(30))
    for day in (10, 30):
        clock.now = dt.datetime(2026, 9, day, 12, tzinfo=dt.timezone.utc)
        for file in files:
            monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(file))
            office.load(start=september(1))
            assert office.loaded(file) == office.truth(last=september(day))


def test_what_one_warehouse_had_pending_does_not_go_into_another(
    office: Any, clock: Any, connect: Callable[..., AnalyticsClient], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / "one.duckdb", tmp_path / "two.duckdb"]
    office.write(september(1), september(30))
    for file, day in zip(files, (12, 2), strict=True):
        clock.now = dt.datetime(2026, 9, day, 12, tzinfo=dt.timezone.utc)
        monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(file))
        office.load(start=september(1))
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(files[0]))
    clock.now = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)
    office.target.open().extract(claude_code_analytics(start_date=september(1), client=connect()))

    for file in reversed(files):
        monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(file))
        office.load(start=september(1))

    assert office.loaded(files[0]) == office.loaded(files[1]) == office.truth(last=TODAY)


def test_each_dataset_of_one_pipeline_name_holds_everything(office: Any, clock: Any) -> None:
    office.write(september(1), TODAY)
    office.load(start=september(1))
    office.target = Warehouse(dataset="other")

    office.load(start=september(1))

    assert office.sql("SELECT count(*) FROM other.claude_code_usage") == [(20,)]


# After a crash


def test_a_load_that_was_killed_before_it_was_written_ends_at_the_truth(
    office: Any, clock: Any, connect: Callable[..., AnalyticsClient], days: Days
) -> None:
    clock.now = dt.datetime(2026, 9, 5, 12, tzinfo=dt.timezone.utc)
    office.write(september(1), TODAY)
    office.load(start=september(1))
    clock.now = dt.datetime(2026, 9, 15, 12, tzinfo=dt.timezone.utc)
    pipeline = office.target.open()
    pipeline.extract(claude_code_analytics(start_date=september(1), client=connect()))
    pipeline.normalize()
    clock.now = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)

    office.load(start=september(1))

    assert office.days_asked() == days(1, 20)
    assert office.loaded() == office.truth()


def test_a_load_that_was_killed_before_it_was_normalized_ends_at_the_truth(
    office: Any, clock: Any, connect: Callable[..., AnalyticsClient]
) -> None:
    clock.now = dt.datetime(2026, 9, 5, 12, tzinfo=dt.timezone.utc)
    office.write(september(1), TODAY)
    office.load(start=september(1))
    clock.now = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)
    office.target.open().extract(claude_code_analytics(start_date=september(1), client=connect()))

    office.load(start=september(1))

    assert office.loaded() == office.truth()


def test_a_load_that_the_destination_refused_is_made_good_by_the_next_one(office: Any, clock: Any, days: Days) -> None:
    clock.now = dt.datetime(2026, 9, 5, 12, tzinfo=dt.timezone.utc)
    office.write(september(1), TODAY)
    office.load(start=september(1))
    models = "claude_code.claude_code_usage__model_breakdown"
    office.sql(f"ALTER TABLE {models} RENAME TO kept; CREATE VIEW {models} AS SELECT * FROM kept")  # noqa: S608
    clock.now = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)
    with pytest.raises(DestinationError):
        office.load(start=september(1))
    office.sql(f"DROP VIEW {models}; ALTER TABLE kept RENAME TO claude_code_usage__model_breakdown")

    office.load(start=september(1))

    assert office.loaded() == office.truth()
    assert office.sql(f"SELECT count(*) FROM {models}") == [(20,)]  # noqa: S608
    assert set(office.days_in_ledger()) == set(days(1, 20))


def test_the_remains_of_a_package_that_a_kill_left_are_cleared(office: Any, tmp_path: Path) -> None:
    office.write(september(1), TODAY)
    office.load(start=september(1), end=september(5))
    remains = tmp_path / "dlt" / "pipelines" / "claude_code_analytics" / "normalize" / "extracted" / "1800000000.1"
    (remains / "completed_jobs").mkdir(parents=True)

    office.load(start=september(1))

    assert not remains.exists()
    assert office.loaded() == office.truth()


def test_finished_load_files_with_records_are_not_kept(office: Any, tmp_path: Path) -> None:
    office.write(september(19), TODAY)

    office.load(start=september(19))

    assert list((tmp_path / "dlt").rglob("*.parquet*")) == []


# Organizations


def test_a_pipeline_of_another_name_knows_what_the_warehouse_holds(
    office: Any, clock: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "shared.duckdb"
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(file))
    office.write(september(1), september(2))
    for day, note in ((1, 5), (2, "five")):
        office.organization.days[september(day)][0]["note"] = note
    office.backfill(september(1), september(1))

    office.target = replace(office.target, pipeline="worker_2")
    assert read_status(office.target.open(), clock()).loaded == (september(1),)
    office.backfill(september(2), september(2))

    with duckdb.connect(str(file)) as connection:
        notes = connection.execute("SELECT note, note__v_text FROM claude_code.claude_code_usage ORDER BY date")
        assert notes.fetchall() == [(5, None), (None, "five")]


def test_real_data_does_not_go_beside_the_sample(office: Any) -> None:
    office.load(start=september(19))
    office.organization.id = OTHER_ORGANIZATION

    with pytest.raises(ConfigurationError, match=r"sample and real data do not mix.*choose another --pipeline"):
        office.load(start=september(19))


def test_the_sample_does_not_go_beside_real_data(office: Any) -> None:
    sample, office.organization.id = office.organization.id, OTHER_ORGANIZATION
    office.load(start=september(19))
    office.organization.id = sample

    with pytest.raises(ConfigurationError, match="sample and real data do not mix"):
        office.backfill(september(1), september(2))
    assert set(office.days_in_ledger()) == {september(19), september(20)}


def test_a_further_organization_is_added_whole_and_said(
    office: Any, warnings_of: Callable[[], list[str]], days: Days
) -> None:
    for organization in (OTHER_ORGANIZATION, THIRD_ORGANIZATION):
        office.organization.id = organization
        office.write(september(1), TODAY)
        office.load(start=september(1))

    assert office.sql("SELECT organization_id, count(*) FROM claude_code_usage GROUP BY 1 ORDER BY 1") == [
        (OTHER_ORGANIZATION, 20),
        (THIRD_ORGANIZATION, 20),
    ]
    said = [warning for warning in warnings_of() if "is added beside it" in warning]
    assert len(said) == 1
    assert OTHER_ORGANIZATION in said[0]
    assert THIRD_ORGANIZATION in said[0]


def test_a_further_organization_that_was_interrupted_goes_on_where_it_stopped(office: Any, days: Days) -> None:
    office.organization.id = OTHER_ORGANIZATION
    office.load(start=september(1))
    office.organization.id = THIRD_ORGANIZATION
    office.fail_on(september(11))
    with pytest.raises(ApiUnavailable):
        office.load(start=september(1), window_days=5)
    office.fail_on()

    office.load(start=september(1), window_days=5)

    assert set(office.days_asked()) == set(days(11, 20))


def test_two_organizations_that_take_turns_leave_no_gap(office: Any, clock: Any) -> None:
    for number, day in enumerate((2, 12, 14)):
        clock.now = dt.datetime(2026, 9, day, 12, tzinfo=dt.timezone.utc)
        office.organization.id = (OTHER_ORGANIZATION, THIRD_ORGANIZATION)[number % 2]
        office.write(september(1), september(day))
        office.load(start=september(1))

    found = office.sql("SELECT organization_id, count(DISTINCT date) FROM claude_code_usage GROUP BY 1 ORDER BY 1")
    assert found == [(OTHER_ORGANIZATION, 14), (THIRD_ORGANIZATION, 12)]


# Configuration and mistakes


def test_the_configuration_of_the_source_holds_for_loads(
    office: Any, clock: Any, days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__CLAUDE_CODE_ANALYTICS__START_DATE", "2026-09-11")
    monkeypatch.setenv("SOURCES__CLAUDE_CODE_ANALYTICS__LOOKBACK_DAYS", "2")
    monkeypatch.setenv("SOURCES__CLAUDE_CODE_ANALYTICS__INCLUDE_TODAY", "false")
    monkeypatch.setenv("SOURCES__CLAUDE_CODE_ANALYTICS__MAX_DAYS", "3")  # windows do what it is for

    office.load(start=None)
    assert office.days_asked() == days(11, 19)

    clock.move(days=1)
    office.load(start=None)
    assert office.days_asked() == days(17, 20)

    office.backfill(september(1), september(5))
    assert office.days_asked() == days(1, 5)


def test_a_configured_end_makes_a_load_a_closed_range(office: Any, days: Days, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__CLAUDE_CODE_ANALYTICS__END_DATE", "2026-09-04")

    loading = office.load(start=september(2))

    assert office.days_asked() == days(2, 4)
    assert loading.days == 3
    assert office.cursor() is None


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"window_days": 0}, "the window is 0 days; it must be 1 or more"),
        ({"start": "September"}, "start_date is 'September'; it must be a day such as 2025-01-31"),
        ({"start": dt.date(2026, 9, 21)}, "start_date 2026-09-21 lies in the future; today is 2026-09-20"),
        ({"end": dt.date(2026, 9, 21)}, "end 2026-09-21 lies in the future"),
        ({"start": september(2), "end": september(1)}, "end 2026-09-01 lies before start 2026-09-02; swap them"),
    ],
)
def test_a_mistake_in_arguments_is_a_configuration_error_before_anything_is_asked(
    office: Any, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        office.load(**options)
    assert office.days_asked() == []


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("LOOKBACK_DAYS", "-1", "lookback_days is -1; it must be a whole number, 0 or more"),
        ("LOOKBACK_DAYS", "many", "lookback_days"),
        ("START_DATE", "2026-33-01", "start_date is '2026-33-01'"),
        ("ACTOR_IDENTITY", "blur", "actor_identity is 'blur'; it must be one of keep, hash, drop"),
        ("ACTOR_IDENTITY", "hash", "needs a key: set identity_key"),
    ],
)
def test_a_mistake_in_the_configuration_is_a_configuration_error(
    office: Any, monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(f"SOURCES__CLAUDE_CODE_ANALYTICS__{name}", value)

    with pytest.raises(ConfigurationError, match=sentence):
        office.load(start=None)


def test_a_missing_credential_is_a_configuration_error_that_leaves_no_file_behind(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no credential"):
        load(Warehouse())
    with pytest.raises(ConfigurationError, match="no credential"):
        backfill(Warehouse(), "2026-01-01", "2026-01-02")
    assert list(tmp_path.glob("*.duckdb")) == []


@pytest.mark.parametrize("field", ["destination", "dataset", "pipeline"])
def test_an_empty_name_is_a_configuration_error(office: Any, field: str) -> None:
    office.target = Warehouse(**{field: ""})

    with pytest.raises(ConfigurationError, match=f"{field} is empty"):
        office.load()


def test_a_credential_that_expires_on_the_way_leaves_what_was_committed(office: Any) -> None:
    office.write(september(1), TODAY)
    office.api.fault = lambda request, number: (
        error_response(401, "OAuth token has expired.")
        if request.url.params.get("starting_at", "") > "2026-09-10"
        else None
    )
    loading = Loading()

    with pytest.raises(CredentialRefused, match="2026-09-11"):
        office.load(start=september(1), window_days=5, loading=loading)

    assert loading.days == 10
    assert office.loaded() == office.truth(last=september(10))


def test_a_locked_file_is_a_destination_error(office: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "nowhere" / "x.duckdb"))

    with pytest.raises(DestinationError, match="nowhere"):
        office.load(start=september(19))


def test_every_mistake_is_of_the_one_tree() -> None:
    assert issubclass(ConfigurationError, ClaudeCodeAnalyticsError)
    assert issubclass(DestinationError, ClaudeCodeAnalyticsError)


def test_an_organization_whose_days_are_all_empty_is_loaded_all_the_same(office: Any, days: Days) -> None:
    loading = office.load(start=september(18))

    assert loading.records == 0
    assert office.days_in_ledger() == days(18, 20)
    assert office.cursor() == "2026-09-20"


def test_records_of_several_organizations_in_one_answer_are_all_replaced(
    clock: Any, connect: Callable[..., AnalyticsClient], office: Any
) -> None:
    day = september(19)
    office.organization.days[day] = [record(day), record(day, organization_id=OTHER_ORGANIZATION)]

    for _ in range(2):
        office.load(start=day)

    assert len(office.loaded()) == 2


def test_a_day_of_long_texts_finds_the_memory_that_it_needs(office: Any) -> None:
    office.organization.days[september(1)] = [
        {
            **record(september(1), email=f"{number}@example.test"),
            "organization_id": office.organization.id,
            "long": [text],
        }
        for number in range(400)
        for text in [chr(97 + number % 26) * 300_000]
    ]

    for _ in range(2):
        assert office.backfill(september(1), september(1)).records == 400


def test_the_memory_of_whoever_has_the_file_open_too_is_left_as_it_was(office: Any) -> None:
    office.write(september(1), september(2))
    office.backfill(september(1), september(2))
    office.sql("SET GLOBAL memory_limit = '300 MiB'")

    office.backfill(september(1), september(2))

    assert office.sql("SELECT current_setting('memory_limit')") == [("300.0 MiB",)]


def test_a_client_of_ones_own_stays_open(clock: Any) -> None:
    api = SimulatedApi(ScriptedOrganization(), clock=clock)
    with AnalyticsClient(
        api_key=api.credentials.admin_key, transport=api.transport, clock=clock, sleep=clock.sleep
    ) as client:
        load(Warehouse(), start=september(19), client=client)
        assert client.day(september(19)).record_count == 0
