"""Postgres: delete and insert in one transaction, and merges of a table that take turns."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing

import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

from claude_code_analytics import ConfigurationError, DestinationError
from claude_code_pipelines import LoadObserver, Warehouse, load, locks, warehouse
from claude_code_pipelines.metrics.views import create_views
from destinations.backends.postgres_server import Postgres
from destinations.scenario import Scenario, some_records
from support.world import FIRST_DAY, MODELS, RECORD_TABLES, TODAY, USAGE

pytestmark = pytest.mark.parametrize("backend", ["postgres"], indirect=True)
# Seconds within which the server has to reach a state; it takes a fraction of one.
PATIENCE = 30


def test_a_table_that_rejects_rows_keeps_the_old_ones(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """Delete and insert are one transaction: dlt sends them as one text of several statements."""
    monkeypatch.setenv("LOAD__RAISE_ON_MAX_RETRIES", "1")
    scenario.write_days(FIRST_DAY, TODAY)
    scenario.run()
    models = scenario.backend.qualified(scenario.dataset, MODELS)
    before = scenario.backend.tables(scenario.dataset)[MODELS]
    scenario.backend.run(f"ALTER TABLE {models} ADD CONSTRAINT none CHECK (model <> 'm') NOT VALID")

    with pytest.raises(PipelineStepFailed, match="none"):
        scenario.run()

    assert sorted(map(str, scenario.backend.tables(scenario.dataset)[MODELS])) == sorted(map(str, before))


def test_a_number_without_a_precision_is_named_in_a_sentence(scenario: Scenario) -> None:
    scenario.write_days(TODAY, TODAY)
    scenario.run(start_date=TODAY)
    models = scenario.backend.qualified(scenario.dataset, MODELS)
    scenario.backend.run(f"ALTER TABLE {models} ALTER estimated_cost__amount TYPE numeric")
    with pytest.raises(ConfigurationError, match="is decimal without a precision, not decimal"):
        scenario.load(start=TODAY)
    with pytest.raises(PipelineStepFailed, match="is decimal without a precision, not decimal"):
        scenario.run(start_date=TODAY)


def test_a_reader_that_blocks_a_load_is_named_and_the_load_gives_up(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Idle in a transaction, the reader holds a lock that a new column waits for; a second reader queues behind."""
    monkeypatch.setattr(locks, "FIRST_LOOK", 0.1)
    monkeypatch.setattr(warehouse, "LOCK_TIMEOUT_SECONDS", 2)
    scenario.write_days(TODAY, TODAY)
    target = Warehouse("postgres", scenario.dataset, working_dir=str(scenario.folder / "machine"))
    with scenario.client() as client:
        load(target, start=TODAY, client=client)
    scenario.write(TODAY, {**some_records(TODAY, 1)[0], "new_field": 1})

    class Watch(LoadObserver):
        lines: list[str] = []  # noqa: RUF012  # one observer

        def blocked(self, reason: str) -> None:
            self.lines.append(reason)

    with closing(scenario.backend.connect("postgres")) as reader, scenario.client() as client:
        with reader.cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM {scenario.backend.qualified(scenario.dataset, USAGE)}")
        with pytest.raises(DestinationError, match="another session holds a lock on a table"):
            load(target, start=TODAY, client=client, observer=Watch())
        process = reader.info.backend_pid

    assert Watch.lines
    assert all(line.startswith(f"waiting for a lock held by session {process} of postgres") for line in Watch.lines)
    assert all(line.endswith("idle in transaction") for line in Watch.lines)


def test_views_leave_what_others_built_upon_them_and_change_together(scenario: Scenario) -> None:
    scenario.write_days(TODAY, TODAY)
    scenario.load(start=TODAY)
    create_views(scenario.pipeline)
    records, people = (
        scenario.backend.qualified(scenario.dataset, f"claude_code_{name}") for name in ("records", "people")
    )
    dashboard = scenario.backend.qualified(scenario.dataset, "dashboard")
    scenario.backend.run(f"CREATE VIEW {dashboard} AS SELECT * FROM {records}")
    create_views(scenario.pipeline)
    assert scenario.backend.run(f"SELECT COUNT(*) FROM {dashboard}") == [(3,)]

    scenario.backend.run(f"DROP VIEW {people}; CREATE TABLE {people} (mine int); COMMENT ON VIEW {records} IS 'old'")
    with pytest.raises(ConfigurationError, match='"claude_code_people" is not a view; a table of yours has the name'):
        create_views(scenario.pipeline)
    assert scenario.backend.run(f"SELECT obj_description('{records}'::regclass)") == [("old",)]


def test_tables_and_views_and_all_their_columns_have_comments(scenario: Scenario) -> None:
    scenario.write_days(TODAY, TODAY)
    scenario.load(start=TODAY)
    create_views(scenario.pipeline)
    without = scenario.backend.run(f"""
        SELECT c.relname, place
        FROM pg_class c, LATERAL (SELECT 0 UNION SELECT attnum FROM pg_attribute WHERE attrelid = c.oid) AS x (place)
        WHERE c.relnamespace = '{scenario.dataset}'::regnamespace AND c.relkind IN ('r', 'v')
        AND c.relname LIKE 'claude%' AND place >= 0
        AND CASE place WHEN 0 THEN obj_description(c.oid) ELSE col_description(c.oid, place) END IS NULL
    """)
    assert without == []


def test_merges_of_one_table_take_turns_so_that_no_row_is_doubled(make_scenario: Callable[..., Scenario]) -> None:
    """Two machines wait at the same lock with the same day. Without it both would delete the old rows and insert."""
    first, second = make_scenario(), make_scenario(machine="second")
    second.api = first.api
    second.organization = first.organization
    first.write_days(TODAY, TODAY)
    first.run(start_date=TODAY)
    second.run(start_date=TODAY)
    for scenario, sessions in ((first, 20), (second, 30)):
        scenario.write_days(TODAY, TODAY, sessions=sessions)
        scenario.pipeline.extract(scenario.source(start_date=TODAY))
        scenario.pipeline.normalize()
    errors: list[BaseException] = []

    def write(scenario: Scenario) -> None:
        try:
            scenario.pipeline.load()
        except Exception as error:  # noqa: BLE001  # it is looked at below
            errors.append(error)

    backend = first.backend
    assert isinstance(backend, Postgres)
    with closing(backend.connect()) as connection:
        cursor = connection.cursor()
        for table in RECORD_TABLES:
            cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", [f'"{first.dataset}"."{table}"'])
        threads = [threading.Thread(target=write, args=[scenario]) for scenario in (first, second)]
        for number, thread in enumerate(threads, 1):
            thread.start()
            backend.wait_for(
                "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted", number * len(RECORD_TABLES)
            )
    for thread in threads:
        thread.join(PATIENCE)

    assert not errors
    contents = first.contents()
    assert not contents.doubles
    assert len(contents.days[TODAY]) == 3
    first.run(start_date=TODAY)
    first.require_truth()
