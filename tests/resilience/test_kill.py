"""The command line is killed at random moments, its folder kept or lost: one more run brings the truth."""

from __future__ import annotations

import os
import random
import shutil
import time
from pathlib import Path

import duckdb
import pytest

from claude_code_pipelines import Warehouse
from claude_code_pipelines.status import read_status
from claude_code_simulator import utc_now
from support.exactness import differences
from support.expected import tables_in
from support.processes import PATIENCE, Machine, Office, ended, start_forks
from support.serving import serving
from support.tally import Tally

KILLS = int(os.environ.get("KILLS", "20"))

# States of dlt's working folder, by what is going on.
MOMENTS = {
    "reading": "normalize/extracted/*/new_jobs/*",
    "read": "normalize/extracted/*/load_package_state.json",
    "normalizing": "load/new/*/new_jobs/*",
    "normalized": "load/normalized/*",
    "loading": "load/normalized/*/started_jobs/*",
    "merging": "load/normalized/*/started_jobs/*.sql",
    "loaded in part": "load/normalized/*/completed_jobs/*",
    "state written": "load/normalized/*/completed_jobs/_dlt_pipeline_state*",
    "loaded": "load/loaded/*",
}


def files(machine: Machine, moment: str) -> set[Path]:
    """Returns what is there in this state; nothing, where a folder goes away under the search."""
    try:
        return set(machine.working_dir.glob(MOMENTS[moment]))
    except FileNotFoundError:
        return set()


def kill(machine: Machine, office: Office, *arguments: str) -> str:
    """Kills a command in some state of its work, or some time after its first request; returns when it was."""
    rng = office.rng
    moment = rng.choice([*MOMENTS, "any", "any", "any"])
    turn = rng.choice([1, 1, 2, 3])
    seen = set() if moment == "any" else files(machine, moment)
    requests = len(office.api.requests)
    process = machine.command(*arguments)
    deadline = time.monotonic() + PATIENCE
    while process.exitcode is None:
        assert time.monotonic() < deadline
        if moment == "any":
            turn = 0 if len(office.api.requests) > requests else turn
        elif found := files(machine, moment) - seen:
            seen |= found
            turn -= 1
        if not turn:
            break
        time.sleep(0.0005)
    process.join(rng.uniform(0, 1.5) if moment == "any" else rng.choice([0, 0, rng.uniform(0, 0.1)]))
    process.kill()
    code = ended(process)
    assert code in (0, -9), machine.output
    return moment if code else "never"


def survive(folder: Path, tally: Tally, monkeypatch: pytest.MonkeyPatch, kills: int, seed: int) -> None:
    """Kills the command so many times, with days restated in between, and has it finish now and then."""
    start_forks()
    office = Office(random.Random(seed), 14)  # noqa: S311
    first, old = office.days[5], office.days[:4]
    load = ("load", "--start", f"{first}", "--window-days", "4")
    backfill = ("backfill", "--start", f"{old[0]}", "--end", f"{old[-1]}", "--window-days", "2")
    database = folder / "warehouse.duckdb"
    apis = {office.api.organization.id: office.api}
    with serving(office.api) as variables:
        machine = Machine(folder / "home", {**variables, "DESTINATION__DUCKDB__CREDENTIALS": f"duckdb:///{database}"})
        for number in range(1, kills + 1):
            tally.add("kills", kill(machine, office, *office.rng.choice([load, load, backfill])))
            if office.rng.random() < 0.3:
                shutil.rmtree(machine.folder / "dlt", ignore_errors=True)
                tally.add("kills", "folders lost")
            for _ in range(office.rng.randint(0, 3)):
                office.restate(office.rng.choice(office.days))
            if number % 5 and number < kills:
                continue
            office.api.last.clear()
            assert ended(machine.command(*load)) == 0, machine.output
            with duckdb.connect(str(database), read_only=True) as connection:
                tables = tables_in(connection, "claude_code")
            wrong = differences(tables, apis)
            # days that a killed backfill left half written are before the range of this load
            assert not [key for key in wrong if key[1] >= first], wrong
            fetched = {row["date"]: row["request_id"] for row in sorted(tables["claude_code_days"], key=_fetched_at)}
            assert set(office.days[5:]) <= set(fetched)
            assert {day: fetched[day] for day in office.api.last} == office.api.last
        assert ended(machine.command(*backfill)) == 0, machine.output
        assert ended(machine.command(*load)) == 0, machine.output
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", f"duckdb:///{database}")
    with duckdb.connect(str(database), read_only=True) as connection:
        assert differences(tables_in(connection, "claude_code"), apis) == {}
    status = read_status(Warehouse(), utc_now(), first)
    assert not status.has_gap


def _fetched_at(row: dict[str, object]) -> object:
    return row["fetched_at"]


def test_a_few_kills_lose_nothing_and_double_nothing(
    tmp_path: Path, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    survive(tmp_path, tally, monkeypatch, 2, 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 100 + max(1, KILLS // 25)))
def test_many_kills_lose_nothing_and_double_nothing(
    tmp_path: Path, tally: Tally, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    survive(tmp_path, tally, monkeypatch, 25, seed)
