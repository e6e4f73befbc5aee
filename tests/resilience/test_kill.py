"""The command line is killed at random moments, its folder kept or lost: one more run brings the truth."""

from __future__ import annotations

import os
import random
import shutil
import time
from pathlib import Path

import pytest

from claude_code_pipelines import read_status
from claude_code_simulator import utc_now
from support.expected import wrong_days
from support.processes import PATIENCE, Machine, ended, restate, restless_world, start_forks
from support.serving import serving
from support.tally import Tally
from support.world import World

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


def kill(machine: Machine, world: World, rng: random.Random, *arguments: str) -> str:
    """Kills a command in some state of its work, or some time after its first request; returns when it was."""
    moment = rng.choice([*MOMENTS, "any", "any", "any"])
    turn = rng.choice([1, 1, 2, 3])
    seen = set() if moment == "any" else files(machine, moment)
    requests = len(world.api.requests)
    process = machine.command(*arguments)
    deadline = time.monotonic() + PATIENCE
    while process.exitcode is None:
        assert time.monotonic() < deadline
        if moment == "any":
            turn = 0 if len(world.api.requests) > requests else turn
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


def survive(folder: Path, tally: Tally, kills: int, seed: int) -> None:
    """Kills the command so many times, with days restated in between, and has it finish now and then."""
    start_forks()
    rng = random.Random(seed)  # noqa: S311
    world = restless_world(folder, rng, 14)
    days = sorted(world.organization.days)
    first, old = days[5], days[:4]
    load = ("load", "--start", f"{first}", "--window-days", "4")
    backfill = ("backfill", "--start", f"{old[0]}", "--end", f"{old[-1]}", "--window-days", "2")
    with serving(world.api) as variables:
        machine = Machine(folder / "home", {**variables, **world.backend.environment})
        for number in range(1, kills + 1):
            tally.add("kills", kill(machine, world, rng, *rng.choice([load, load, backfill])))
            if rng.random() < 0.3:
                shutil.rmtree(machine.folder / "dlt", ignore_errors=True)
                tally.add("kills", "folders lost")
            for _ in range(rng.randint(0, 3)):
                restate(world, rng, rng.choice(days))
            if number % 5 and number < kills:
                continue
            world.api.last.clear()
            assert ended(machine.command(*load)) == 0, machine.output
            contents = world.contents()
            # days that a killed backfill left half written are before the range of this load
            wrong = wrong_days(contents, world.api)
            assert not [day for day in wrong if day >= first], wrong
            assert set(days[5:]) <= set(contents.ledger)
            assert {day: contents.ledger[day] for day in world.api.last} == world.api.last
        assert ended(machine.command(*backfill)) == 0, machine.output
        assert ended(machine.command(*load)) == 0, machine.output
    world.require_truth()
    assert not read_status(world.pipeline, utc_now(), first).has_gap


def test_a_kill_loses_nothing_and_doubles_nothing(tmp_path: Path, tally: Tally) -> None:
    survive(tmp_path, tally, 1, 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 100 + max(1, KILLS // 25)))
def test_many_kills_lose_nothing_and_double_nothing(tmp_path: Path, tally: Tally, seed: int) -> None:
    survive(tmp_path, tally, 25, seed)
