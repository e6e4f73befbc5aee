"""The DAGs of docs/schedules in Airflow, against the simulated API and a Postgres server."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import runpy
import shutil
import socket
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

# Airflow reads them when it is imported
HOME = Path(tempfile.mkdtemp(prefix="airflow-"))
os.environ |= {"AIRFLOW_HOME": str(HOME), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}

from airflow.sdk import DAG
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.timetables.base import DataInterval, TimeRestriction
from airflow.utils.db import initdb
from airflow.utils.types import DagRunType
from filelock import FileLock

from claude_code_simulator import ScriptedOrganization, SimulatedApi, error_response, record, utc_now
from support.backends.postgres_server import Postgres, PostgresServer
from support.imports import ROOT
from support.serving import connect_on_this_machine, serving

FILE = ROOT / "docs" / "schedules" / "airflow_dags.py"
UTC = dt.timezone.utc
ONE_DAY = dt.timedelta(days=1)
TODAY = utc_now().date()
DAYS = [TODAY - dt.timedelta(days=back) for back in range(9, -1, -1)]
# All tasks but the one that loads the interval, to pass without running.
OTHERS = "in_the_newest_run|load_recent"


@pytest.fixture(scope="session", autouse=True)
def _airflow() -> Iterator[None]:
    initdb()
    yield
    shutil.rmtree(HOME)


@pytest.fixture
def organization() -> ScriptedOrganization:
    found = ScriptedOrganization()
    found.days = {day: [record(day, sessions=1)] for day in DAYS}
    return found


@pytest.fixture
def api(organization: ScriptedOrganization, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedApi]:
    api = SimulatedApi(organization, clock=utc_now)
    monkeypatch.setattr(socket.socket, "connect", connect_on_this_machine)
    with serving(api) as variables:
        name = "SOURCES__CLAUDE_CODE_ANALYTICS__BASE_URL"
        monkeypatch.setenv(name, variables[name])
        monkeypatch.setenv("SOURCES__CLAUDE_CODE_ANALYTICS__START_DATE", str(DAYS[0]))
        monkeypatch.setenv("AIRFLOW_CONN_ANTHROPIC", f"http://:{api.credentials.admin_key}@")
        yield api


@pytest.fixture
def warehouse(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Postgres:
    found = Postgres(postgres, f"airflow_{uuid.uuid4().hex[:8]}")
    address = urlsplit(found.address)
    connection = {
        "conn_type": "postgres",
        "host": address.hostname,
        "port": address.port,
        "schema": address.path[1:],
        "login": address.username,
        "password": address.password,
        "extra": {"connect_timeout": 10},  # as Airflow stores what follows the `?` of an address
    }
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(connection))
    return found


def installed(name: str, **replaced: str) -> DAG:
    """Copies the file into the folder of DAGs, as users do, and returns a DAG that retries at once."""
    text = FILE.read_text().replace("timedelta(minutes=15)", "timedelta(0)")
    for old, new in replaced.items():
        assert f"{old}=" in text
        text = re.sub(rf"{old}=.*,", f"{old}={new},", text, count=1)
    copied = HOME / "dags" / FILE.name
    copied.parent.mkdir(exist_ok=True)
    copied.write_text(text)
    dag: DAG = runpy.run_path(str(copied))[name]()
    return dag


def morning_after(day: dt.date) -> dt.datetime:
    """Returns when the run starts that loads a day."""
    return dt.datetime.combine(day + ONE_DAY, dt.time(6, 30), UTC)


def tries(run: Any) -> dict[str, tuple[str, int]]:
    """Returns the state and the number of tries of each task."""
    return {instance.task_id: (str(instance.state), instance.try_number) for instance in run.get_task_instances()}


def sessions(warehouse: Postgres) -> dict[dt.date, int]:
    return dict(warehouse.run("SELECT date, core_metrics__num_sessions FROM claude_code.claude_code_usage"))


def fetches(warehouse: Postgres) -> dict[dt.date, int]:
    return dict(warehouse.run("SELECT date, count(*) FROM claude_code.claude_code_days GROUP BY date"))


def test_a_daily_run_loads_its_interval_and_all_days_that_may_still_change(
    api: SimulatedApi, warehouse: Postgres
) -> None:
    run = installed("claude_code_analytics").test(logical_date=morning_after(DAYS[2]))

    assert tries(run) == dict.fromkeys(("load_interval", "in_the_newest_run", "load_recent"), ("success", 1))
    assert sessions(warehouse) == dict.fromkeys(DAYS, 1)
    assert fetches(warehouse)[DAYS[2]] == 2


def test_a_catch_up_has_a_run_for_each_day_and_only_the_newest_loads_others(
    api: SimulatedApi, warehouse: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = morning_after(DAYS[0])
    dag = installed("claude_code_analytics", start_date=f"pendulum.datetime{(*first.timetuple()[:3], 0, 0)}")
    create = SerializedDAG.create_dagrun
    scheduled = {"run_type": DagRunType.SCHEDULED}  # `test` starts runs by hand, which count as newest
    monkeypatch.setattr(
        SerializedDAG, "create_dagrun", lambda self, **options: create(self, **{**options, **scheduled})
    )
    # what the scheduler asks for
    restriction = TimeRestriction(earliest=dag.start_date, latest=None, catchup=dag.catchup)
    interval: DataInterval | None = None
    for day in DAYS[1:4]:
        info = dag.timetable.next_dagrun_info(last_automated_data_interval=interval, restriction=restriction)
        assert info
        interval = info.data_interval
        run = dag.test(logical_date=interval.end)
        assert tries(run) == {
            "load_interval": ("success", 1),
            "in_the_newest_run": ("success", 1),
            "load_recent": ("skipped", 0),
        }
        assert max(sessions(warehouse)) == day
    assert fetches(warehouse) == dict.fromkeys(DAYS[1:4], 1)


def test_a_rerun_loads_a_restated_day_anew(
    api: SimulatedApi, warehouse: Postgres, organization: ScriptedOrganization
) -> None:
    day = DAYS[0]
    for number in (1, 5):
        organization.days[day] = [record(day, sessions=number)]
        dag = installed("claude_code_analytics")
        dag.test(logical_date=morning_after(day), mark_success_pattern=OTHERS)
        assert sessions(warehouse) == {day: number}


def test_a_failed_day_is_tried_again(api: SimulatedApi, warehouse: Postgres) -> None:
    def fail(request: httpx.Request, number: int) -> httpx.Response | None:
        loads = sum(each.path.endswith("/organizations/me") for each in api.requests)  # each asks once
        return error_response(404, "no such day") if loads == 1 and "starting_at" in request.url.params else None

    api.fault = fail

    run = installed("claude_code_analytics").test(logical_date=morning_after(DAYS[2]), mark_success_pattern=OTHERS)

    assert tries(run)["load_interval"] == ("success", 2)
    assert sessions(warehouse) == {DAYS[2]: 1}


def test_an_interval_without_length_is_its_day(api: SimulatedApi, warehouse: Postgres) -> None:
    dag = installed("claude_code_analytics", schedule='"30 6 * * *"')
    run = dag.test(logical_date=morning_after(DAYS[2]), mark_success_pattern=OTHERS)

    assert run.data_interval_start == run.data_interval_end
    assert fetches(warehouse) == {DAYS[3]: 1}


@pytest.mark.parametrize("mistake", ["a key that is refused", "a day in the future"])
def test_a_mistake_is_not_tried_again(
    api: SimulatedApi, warehouse: Postgres, mistake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = DAYS[2]
    if mistake == "a day in the future":
        day = TODAY + 2 * ONE_DAY
    else:
        monkeypatch.setenv("AIRFLOW_CONN_ANTHROPIC", "http://:sk-ant-admin01-other@")

    run = installed("claude_code_analytics").test(logical_date=morning_after(day), mark_success_pattern=OTHERS)

    assert tries(run)["load_interval"] == ("failed", 1)


def test_windows_of_a_backfill_do_not_exclude_each_other_nor_the_daily_load(
    api: SimulatedApi, warehouse: Postgres, tmp_path: Path
) -> None:
    folder = tmp_path / "dlt" / "pipelines"
    folder.mkdir(parents=True)
    days = {"start": str(TODAY - 40 * ONE_DAY), "end": str(DAYS[-2])}
    with FileLock(folder / "claude_code_analytics.lock"):
        run = installed("claude_code_backfill").test(run_conf=days)

    assert {task: state for task, (state, _) in tries(run).items()} == {"windows": "success", "load_window": "success"}
    assert len(run.get_task_instances()) == 3
    assert len(fetches(warehouse)) == 40
    assert sessions(warehouse) == dict.fromkeys(DAYS[:-1], 1)
    assert len([path for path in folder.iterdir() if path.is_dir()]) == 2
