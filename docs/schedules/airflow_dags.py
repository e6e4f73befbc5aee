"""Claude Code analytics in Airflow 3: copy this file into the folder of your DAGs.

Connections: `anthropic`, whose password is the key, and `warehouse`, here a Postgres server.
"""

from datetime import date, timedelta

import pendulum
from airflow.providers.standard.operators.latest_only import LatestOnlyOperator
from airflow.sdk import Connection, Param, dag, task
from airflow.sdk.exceptions import AirflowFailException
from airflow.timetables.interval import CronDataIntervalTimetable

RETRIES = {"retries": 3, "retry_delay": timedelta(minutes=15)}


def run(job, *days, pipeline="claude_code_analytics"):
    """Runs `load` or `backfill`. Two tasks that run at once need two names of pipelines."""
    import dlt

    import claude_code_pipelines
    from claude_code_analytics import ConfigurationError, CredentialRefused

    place = Connection.get("warehouse")
    dlt.secrets["sources.claude_code_analytics.api_key"] = Connection.get("anthropic").password
    dlt.secrets["destination.postgres.credentials"] = {
        "host": place.host,
        "port": place.port,
        "database": place.schema,
        "username": place.login,
        "password": place.password,
        "query": place.extra_dejson,
    }
    warehouse = claude_code_pipelines.Warehouse("postgres", pipeline=pipeline)
    try:
        report = getattr(claude_code_pipelines, job)(warehouse, *days)
    except (ConfigurationError, CredentialRefused) as error:
        raise AirflowFailException(str(error)) from None  # trying again would not help
    return {"days": len(report.days), "records": report.records}


@dag(
    # a cron text would give runs without an interval; yesterday is final at 06:00
    schedule=CronDataIntervalTimetable("30 6 * * *", timezone="UTC"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=True,
    max_active_runs=1,
    default_args=RETRIES,
)
def claude_code_analytics():
    """Loads the days of each interval, and in the newest run all days that are missing or may still change."""

    @task
    def load_interval(data_interval_start=None, data_interval_end=None):
        if data_interval_start is None:  # a run that was started by hand may have no interval
            return None
        first = data_interval_start.date()
        return run("backfill", first, max(first, data_interval_end.date() - timedelta(days=1)))

    @task
    def load_recent():
        return run("load")

    load_interval() >> LatestOnlyOperator(task_id="in_the_newest_run") >> load_recent()


@dag(
    schedule=None,
    params={name: Param(type="string", format="date") for name in ("start", "end")},
    default_args=RETRIES,
)
def claude_code_backfill():
    """Loads the days from `start` to `end`, two windows at a time."""

    @task
    def windows(params=None):
        first, end = (date.fromisoformat(params[name]) for name in ("start", "end"))
        starts = [first + timedelta(days=days) for days in range(0, (end - first).days + 1, 31)]
        return [[str(start), str(min(start + timedelta(days=30), end))] for start in starts]

    @task(max_active_tis_per_dagrun=2)
    def load_window(days):
        return run("backfill", *days, pipeline=f"claude_code_{days[0]}".replace("-", "_"))

    load_window.expand(days=windows())


claude_code_analytics()
claude_code_backfill()
