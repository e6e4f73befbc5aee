"""The workflow of docs/schedules, run step by step as GitHub runs it, each run on a new machine."""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from claude_code_simulator import ScriptedOrganization, SimulatedApi, error_response, record, utc_now
from support.backends.postgres_server import Postgres, PostgresServer
from support.imports import ROOT
from support.serving import serving

FILE = ROOT / "docs" / "schedules" / "github-actions.yml"
# YAML 1.1 reads the key `on` as true
WORKFLOW: dict[Any, Any] = yaml.safe_load(FILE.read_text())
(JOB,) = WORKFLOW["jobs"].values()
TODAY = utc_now().date()
DAYS = [TODAY - dt.timedelta(days=back) for back in range(9, -1, -1)]
# GitHub runs a step like this.
SHELL = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"]


def filled(text: str, secrets: dict[str, str]) -> str:
    return re.sub(r"\$\{\{ secrets\.(\w+) \}\}", lambda found: secrets[found[1]], text)


def run_job(folder: Path, secrets: dict[str, str], **variables: str) -> tuple[dict[str, int], str, str]:
    """Runs the job on a new machine; returns exit codes by command, its output, and its summary."""
    folder.mkdir()
    summary = folder / "summary.md"
    own = {name: filled(value, secrets) for name, value in JOB["env"].items()}
    machine = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "DLT_DATA_DIR": str(folder / "dlt"),
        "GITHUB_STEP_SUMMARY": str(summary),
    }
    codes: dict[str, int] = {}
    output = ""
    for step in JOB["steps"]:
        script = step.get("run", "")
        if not script.startswith("claude-code-analytics") or (any(codes.values()) and "if" not in step):
            continue
        ran = subprocess.run(  # noqa: S603
            [*SHELL, script],
            cwd=folder,
            env={**machine, **variables, **own},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        codes[script.split()[1]] = ran.returncode
        output += ran.stdout + ran.stderr
    return codes, output, summary.read_text() if summary.exists() else ""


def test_the_workflow_has_no_rights_no_second_run_and_waits_until_yesterday_is_final() -> None:
    minute, hour, *every_day = WORKFLOW[True]["schedule"][0]["cron"].split()

    assert WORKFLOW["permissions"] == {}
    assert WORKFLOW["concurrency"]
    assert (int(hour) >= 6, int(minute) > 0, every_day) == (True, True, ["*"] * 3)
    uploaded = JOB["steps"][-1]["with"]
    assert (uploaded["path"], uploaded["retention-days"] <= 7) == ("claude-code-report.html", True)
    assert {step["uses"].partition("@")[0] for step in JOB["steps"] if "uses" in step} == {
        "actions/setup-python",
        "actions/upload-artifact",
    }


@pytest.mark.slow
def test_the_workflow_keeps_the_warehouse_exact_and_fails_where_a_day_is_not_held(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    warehouse = Postgres(postgres, "scheduled")
    organization = ScriptedOrganization()
    organization.days = {day: [record(day, sessions=1)] for day in DAYS}
    api = SimulatedApi(organization, clock=utc_now)
    secrets = {"ANTHROPIC_ADMIN_KEY": api.credentials.admin_key, "WAREHOUSE": warehouse.address}

    with serving(api) as variables:
        address = {
            "SOURCES__CLAUDE_CODE_ANALYTICS__BASE_URL": variables["SOURCES__CLAUDE_CODE_ANALYTICS__BASE_URL"],
            "SOURCES__CLAUDE_CODE_ANALYTICS__START_DATE": str(DAYS[0]),
        }
        codes, output, summary = run_job(tmp_path / "first", secrets, **address)
        assert codes == dict.fromkeys(("load", "status", "summary", "report"), 0), output
        assert (tmp_path / "first" / JOB["steps"][-1]["with"]["path"]).exists()
        assert summary.startswith("#")

        restated, lost = DAYS[-3], DAYS[-2]
        organization.days[restated] = [record(restated, sessions=5)]
        api.fault = lambda request, number: (
            error_response(404, "no such day") if request.url.params.get("starting_at") == str(lost) else None
        )
        codes, output, summary = run_job(tmp_path / "second", secrets, **address)

    assert codes == {"load": 1, "status": 1}
    assert f"1 day could not be read: {lost}" in output
    assert summary == ""
    sessions = dict(warehouse.run("SELECT date, core_metrics__num_sessions FROM claude_code.claude_code_usage"))
    assert sessions == {day: 5 if day == restated else 1 for day in DAYS}
    assert not any(secret in output for secret in secrets.values())


def test_the_workflow_installs_extras_that_exist() -> None:
    (install,) = [step["run"] for step in JOB["steps"] if step.get("run", "").startswith("pip")]
    extras = re.search(r"dlt-claude-code-analytics\[([\w,]+)\]", install)

    assert extras
    listed = (ROOT / "pyproject.toml").read_text()
    assert all(re.search(rf"^{extra} = \[", listed, re.MULTILINE) for extra in extras[1].split(","))
