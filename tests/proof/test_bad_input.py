"""What a person gets to read who brings a key that is refused, or an organization that has nothing to tell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result

from claude_code_analytics import AnalyticsClient
from claude_code_pipelines.cli import commands
from claude_code_pipelines.console.summary import EMPTY_IS_SUSPICIOUS
from claude_code_simulator import FaultScript, On, SimulatedApi, record

Connect = Callable[..., AnalyticsClient]

JOBS = (
    ("load", "--start", "2026-09-18"),
    ("load", "--start", "2026-09-16", "--end", "2026-09-17"),
    ("backfill", "--start", "2026-09-16", "--end", "2026-09-17"),
)


def run(client: AnalyticsClient, *arguments: str) -> Result:
    """Runs a command in this process."""
    result = CliRunner().invoke(commands, list(arguments), obj=client)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.mark.parametrize(
    ("job", "key"), [(JOBS[0], "workspace_key"), (JOBS[1], "enterprise_key"), (JOBS[2], "sk-ant-admin01-of-nobody")]
)
def test_a_key_that_is_refused_is_one_sentence_that_helps_and_nothing_is_loaded(
    api: SimulatedApi, connect: Connect, tmp_path: Path, job: tuple[str, ...], key: str
) -> None:
    secret = getattr(api.credentials, key, key)

    result = run(connect(api_key=secret), *job)

    assert result.exit_code == 2
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert "the API refused the credential: 40" in line
    assert "use an Admin API key" in line or "Console" in line
    assert secret not in result.output
    for database in tmp_path.glob("*.duckdb"):
        with duckdb.connect(str(database), read_only=True) as connection:
            assert connection.execute("SELECT table_name FROM duckdb_tables()").fetchall() == []
    assert len(api.requests) < 10


def test_a_key_that_was_good_for_the_last_load_leaves_what_it_loaded(
    api: SimulatedApi, connect: Connect, warehouse: Any
) -> None:
    day = warehouse.clock.now.date()
    warehouse.write(day, record(day))
    warehouse.load(start_date=day)
    before = warehouse.rows()
    warehouse.write(day, record(day), record(day))
    warehouse.api.fault = FaultScript(On("status-401", path=None, times=None))
    with pytest.raises(Exception, match="the API refused the credential"):
        warehouse.load(start_date=day)
    assert warehouse.rows() == before


@pytest.mark.parametrize("job", JOBS, ids=" ".join)
def test_days_without_any_record_are_called_suspicious_and_why(connect: Connect, job: tuple[str, ...]) -> None:
    result = run(connect(), *job)

    assert result.exit_code == 0
    assert f"warning: {EMPTY_IS_SUSPICIOUS}" in result.output
    for reason in ("Claude Enterprise", "subscription", "AWS"):
        assert reason in result.output


def test_days_with_one_record_among_empty_ones_are_not_suspicious(api: SimulatedApi, connect: Connect) -> None:
    day = connect().now().date()
    api.organization.days[day] = [record(day)]

    result = run(connect(), "load", "--start", "2026-09-18")

    assert result.exit_code == 0
    assert "suspicious" not in result.output
