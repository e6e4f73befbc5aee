"""Loads in processes of their own, in front of an API that outlives them: for tests that stop and kill them.

A process is forked from one that has imported everything, which takes a tenth of the time of a new one.
"""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import dlt
from dlt.common.runtime.collector import NullCollector

from claude_code_analytics import AnalyticsClient, claude_code_analytics
from claude_code_pipelines import DaysNotHeld, backfill, load
from claude_code_pipelines.__main__ import main
from claude_code_simulator import ScriptedOrganization, model_usage, record, utc_now
from support.expected import RecordingApi
from support.world import World

# Seconds that a process may take.
PATIENCE = 180
# Exit code of a load that raised `DaysNotHeld`, and of one that raised anything else.
NOT_HELD, FAILED = 3, 4

_FORKS: Any = multiprocessing.get_context("forkserver")


def start_forks() -> None:
    """Starts the process that all others are forked from, where it does not run yet."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)  # Python 3.11 forgets it on the way
    _FORKS.set_forkserver_preload(["support.processes", "claude_code_pipelines.cli.frame"])
    forkserver.ensure_running()
    os.environ.pop("PYTHONPATH")
    if before is not None:
        os.environ["PYTHONPATH"] = before


class Machine:
    """A computer with a home of its own; `variables` lead to the API and to the warehouse."""

    def __init__(self, folder: Path, variables: Mapping[str, str], destination: str = "duckdb") -> None:
        self.folder = folder
        self.destination = destination
        folder.mkdir(parents=True, exist_ok=True)
        self._variables = {
            **variables,
            "DLT_DATA_DIR": str(folder / "dlt"),
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            "LOAD__RAISE_ON_MAX_RETRIES": "2",  # dlt tries five times otherwise, with a second in between
        }

    @property
    def working_dir(self) -> Path:
        """dlt's working folder of the pipeline."""
        return self.folder / "dlt" / "pipelines" / "claude_code_analytics"

    @property
    def output(self) -> str:
        """Output of its processes."""
        return (self.folder / "output").read_text()

    def command(self, *arguments: str) -> Any:
        """Starts the command line."""
        return self._start(_command, *arguments, "--progress", "none")

    def job(self, name: str, first: str, last: str | None, **options: Any) -> Any:
        """Starts `load`, `backfill` or a plain `run`, in Python."""
        return self._start(_job, name, self.destination, first, last, options)

    def _start(self, target: Any, *arguments: Any) -> Any:
        process = _FORKS.Process(target=_enter, args=(str(self.folder), self._variables, target, arguments))
        process.start()
        return process


def ended(process: Any) -> int:
    """Waits for a process; returns its exit code."""
    process.join(PATIENCE)
    if process.exitcode is None:
        process.kill()
        raise AssertionError("a load hangs")
    return int(process.exitcode)


def _enter(folder: str, variables: dict[str, str], target: Any, arguments: Any) -> None:
    for name in list(os.environ):
        if name.startswith(("SOURCES__", "DESTINATION__", "DLT_", "ANTHROPIC")):
            del os.environ[name]
    os.environ.update(variables)
    os.chdir(folder)
    with Path("output").open("a", buffering=1) as output, redirect_stdout(output), redirect_stderr(output):
        target(*arguments)


def _command(*arguments: str) -> None:
    sys.argv = ["claude-code-analytics", *arguments]
    main()


def _job(name: str, destination: str, first: str, last: str | None, options: dict[str, Any]) -> None:
    time.sleep(options.get("later", 0.0))
    lag = options.get("lag", 0.0)

    def sleep(seconds: float) -> None:
        time.sleep(seconds / 10)  # the waits are for programs that take minutes, not seconds

    pipeline = dlt.pipeline(
        "claude_code_analytics",
        destination=destination,
        dataset_name="claude_code",
        progress=_Slow(lag) if lag else None,
    )
    client = AnalyticsClient(
        api_key=os.environ["ANTHROPIC_ADMIN_KEY"],
        base_url=os.environ["SOURCES__CLAUDE_CODE_ANALYTICS__BASE_URL"],
        sleep=sleep,
    )
    with client:
        try:
            if name == "run":
                options = {"start_date": first, "end_date": last, "lookback_days": 1}
                pipeline.run(claude_code_analytics(client=client, **options))
            elif name == "backfill":
                backfill(pipeline, first, str(last), client=client)
            else:
                load(pipeline, start=first, client=client)
        except DaysNotHeld as error:
            print(f"not held: {','.join(day.isoformat() for day in error.days)}")  # noqa: T201
            sys.exit(NOT_HELD)
        except Exception as error:  # noqa: BLE001  # any: the exit code says it
            print(f"failed: {type(error).__name__}: {error}")  # noqa: T201
            sys.exit(FAILED)


class _Slow(NullCollector):
    """Delays each step of dlt, so that two loads meet between them."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def update(self, *arguments: Any, **options: Any) -> None:
        time.sleep(random.uniform(0, self._seconds))  # noqa: S311


def restless_world(folder: Path, rng: random.Random, number_of_days: int, **options: Any) -> World:
    """Returns a world of random days up to today by the real clock; machines load from its API into its warehouse."""
    world = World(folder, api=RecordingApi(ScriptedOrganization(), clock=utc_now), **options)
    today = utc_now().date()
    for back in range(number_of_days - 1, -1, -1):
        restate(world, rng, today - dt.timedelta(days=back))
    return world


def restate(world: World, rng: random.Random, day: dt.date) -> None:
    """Has the API return something else about a day from now on; perhaps nothing."""
    names = rng.sample(["ada", "bob", "cyd", "dan"], rng.choice([0, 1, 2, 3, 3]))
    world.write(
        day,
        *(
            record(
                day,
                email=f"{name}@example.test",
                sessions=rng.randint(1, 99),
                tools={tool: (rng.randint(0, 9), rng.randint(0, 9)) for tool in rng.sample(["a", "b", "c"], 2)},
                models=[model_usage(f"m{number}", cents=rng.randint(0, 10**6)) for number in range(rng.randint(0, 3))],
            )
            for name in names
        ),
    )
