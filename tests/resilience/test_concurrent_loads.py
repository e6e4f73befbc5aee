"""Two machines load the same days into one Postgres at the same time (decision D5b).

Each round restates days and has both machines write them, by `load()` or by plain runs, with delays between dlt's
steps, and with a machine stopped for a while, killed, or waiting for a third session's lock. After a `load()` that ends
with exit 0 while nobody else writes, no day of it is wrong. Rows are never doubled. One more plain run heals the rest.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import re
import signal
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from support.backends.postgres_server import Postgres, PostgresServer
from support.expected import wrong_days
from support.processes import NOT_HELD, Machine, ended, restate, restless_world, start_forks
from support.serving import serving
from support.tally import Tally
from support.world import RECORD_TABLES

ROUNDS = int(os.environ.get("CONCURRENT_ROUNDS", "4"))
DISTURBANCES = ("none", "lock", "stop", "kill")


def disturb(kind: str, process: Any, rng: random.Random) -> None:
    """Stops or kills the first machine's process; the lock was taken before."""
    if kind in ("none", "lock"):
        return
    time.sleep(rng.uniform(0.3, 2.5))
    with suppress(ProcessLookupError):
        if kind == "kill":
            os.kill(process.pid, signal.SIGKILL)
        else:
            os.kill(process.pid, signal.SIGSTOP)
            time.sleep(rng.uniform(1.0, 2.5))
            os.kill(process.pid, signal.SIGCONT)


def play(folder: Path, backend: Postgres, doors: tuple[str, str], rounds: int, seed: int, tally: Tally) -> None:
    start_forks()
    rng = random.Random(seed)  # noqa: S311
    world = restless_world(folder, rng, 8, backend=backend)
    days = sorted(world.organization.days)
    heading = f"two machines, {' and '.join(doors)}"
    with serving(world.api) as variables:
        machines = [Machine(folder / name, {**variables, **backend.environment}, "postgres") for name in ("one", "two")]
        assert ended(machines[0].job("run", f"{days[0]}", None)) == 0, machines[0].output
        world.require_truth()
        for number in range(rounds):
            kind = DISTURBANCES[(number + seed) % len(DISTURBANCES)]
            for day in rng.sample(days, 4):
                restate(world, rng, day)
            before = days[rng.randrange(3)]
            with closing(backend.connect()) as third:
                if kind == "lock":
                    third.cursor().execute(f"LOCK TABLE claude_code.{rng.choice(RECORD_TABLES)} IN SHARE MODE")
                processes = [
                    machine.job(
                        door, f"{before}", f"{days[-1]}", later=rng.uniform(0, 0.5), lag=rng.choice([0, 0.1, 0.3])
                    )
                    for machine, door in zip(machines, doors, strict=True)
                ]
                disturb(kind, processes[0], rng)
                time.sleep(rng.uniform(1.0, 3.0) if kind == "lock" else 0)
            codes = [ended(process) for process in processes]
            outputs = "\n".join(machine.output[-1500:] for machine in machines)
            tally.add(heading, f"rounds ({kind})")
            wrong = wrong_days(world.contents(), world.api)
            tally.add(heading, "days wrong after both", len(wrong))
            assert "rows doubled" not in wrong.values(), wrong
            allowed = {0, NOT_HELD} | ({-9} if kind == "kill" else set())
            assert set(codes) <= allowed, (kind, codes, outputs)
            if "run" not in doors:
                judge_loads(codes, wrong, before, machines, tally, heading, outputs)
            # one plain run on the second machine heals; the first may have a package pending
            assert ended(machines[1].job("run", f"{days[0]}", None)) == 0, machines[1].output
            world.require_truth()
            tally.add(heading, "healed by one more run")


def judge_loads(
    codes: list[int],
    wrong: Mapping[dt.date, str],
    before: dt.date,
    machines: list[Machine],
    tally: Tally,
    heading: str,
    outputs: str,
) -> None:
    """Requires that no day is wrong where both ended with exit 0, and that a failed load named the wrong days."""
    for code in codes:
        tally.add(heading, {0: "exit 0", NOT_HELD: "exit 1"}.get(code, "killed"))
    if codes == [0, 0]:
        assert not wrong, (wrong, outputs)
    elif NOT_HELD in codes:
        named = {
            dt.date.fromisoformat(day)
            for machine, code in zip(machines, codes, strict=True)
            if code == NOT_HELD
            for day in re.findall(r"not held: (.*)", machine.output)[-1].split(",")
        }
        assert wrong.keys() <= named, (wrong, named)
        assert all(day >= before for day in named)


@pytest.mark.parametrize(
    ("doors", "seed"),
    [(("backfill", "backfill"), 1), pytest.param(("run", "run"), 2, marks=pytest.mark.slow)],
    ids=lambda value: str(value),
)
def test_two_machines_at_once_never_leave_a_wrong_day_behind(
    postgres: PostgresServer, tmp_path: Path, tally: Tally, doors: tuple[str, str], seed: int
) -> None:
    play(tmp_path, Postgres(postgres, f"at_once_{seed}"), doors, 1, seed, tally)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("doors", "seed"),
    [
        (("backfill", "backfill"), 11),
        (("load", "backfill"), 12),
        (("backfill", "run"), 13),
        (("run", "run"), 14),
    ],
    ids=lambda value: str(value),
)
def test_many_rounds_never_leave_a_wrong_day_behind(
    postgres: PostgresServer, tmp_path: Path, tally: Tally, doors: tuple[str, str], seed: int
) -> None:
    play(tmp_path, Postgres(postgres, f"at_once_{seed}"), doors, ROUNDS, seed, tally)
