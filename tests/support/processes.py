"""The program in processes of its own, in front of an API that outlives them: for tests that kill and starve it."""

from __future__ import annotations

import datetime as dt
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from claude_code_pipelines import Warehouse
from claude_code_pipelines.windows import stored_progress
from claude_code_simulator import model_usage, record, utc_now
from support.truth import Contents, RecordingApi, broken_promises, in_file

ONE_DAY = dt.timedelta(days=1)
PATIENCE = 120
"""Seconds that a process may take, and that a state may take to come about."""


class Site:
    """A folder with a DuckDB file and dlt's working folder, and the real API server that processes load from.

    Args:
        folder: Where it all is; the current folder of the processes.
        api: What is served.
        address: Where.
        rng: What the days are made of.
    """

    def __init__(self, folder: Path, api: RecordingApi, address: str, rng: random.Random) -> None:
        self.folder = folder
        self.api = api
        self.rng = rng
        self.today = utc_now().date()
        self.database = folder / "claude_code_analytics.duckdb"
        self.working_dir = folder / "dlt" / "pipelines" / "claude_code_analytics"
        self._address = address
        for number in range(70):
            self.restate(self.day(number))

    def day(self, back: int) -> dt.date:
        """So many days ago."""
        return self.today - back * ONE_DAY

    def restate(self, day: dt.date) -> None:
        """Has the API say something else about a day from now on; perhaps nothing at all."""
        rng = self.rng
        self.api.organization.days[day] = [  # type: ignore[attr-defined]
            record(
                day,
                email=f"{name}@example.test",
                organization_id=self.api.organization.id,
                sessions=rng.randint(1, 99),
                tools={tool: (rng.randint(0, 9), rng.randint(0, 9)) for tool in rng.sample(["a", "b", "c"], 2)},
                models=[model_usage(f"m{number}", cents=rng.randint(0, 10**6)) for number in range(rng.randint(0, 3))],
            )
            for name in rng.sample(["ada", "bob", "cyd", "dan"], rng.choice([0, 1, 2, 3, 3]))
        ]

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Starts the program."""
        environment = {
            **os.environ,
            "DLT_DATA_DIR": str(self.folder / "dlt"),
            "SOURCES__CLAUDE_CODE_ANALYTICS__BASE_URL": self._address,
            "PYTHONFAULTHANDLER": "1",  # says where the program hangs, should it hang
            "LOAD__RAISE_ON_MAX_RETRIES": "2",  # dlt tries five times otherwise, with a second in between
            "ANTHROPIC_ADMIN_KEY": self.api.credentials.admin_key,
        }
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "claude_code_pipelines", *arguments, "--progress", "plain"],
            cwd=self.folder,
            env={**environment, **options.pop("env", {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def run(self, *arguments: str, **options: Any) -> tuple[int, str, str]:
        """Runs the program to its end: exit code, standard output, standard error."""
        process = self.start(*arguments, **options)
        out, err = ended(process)
        return process.returncode, out, err

    def require_done(self, *arguments: str) -> None:
        """Runs the program; it must succeed, and every day that it asked for must be held as it was told last."""
        asked_before = dict(self.api.last)
        code, out, err = self.run(*arguments)
        assert code == 0, (out, err)
        assert "Traceback" not in err
        contents = self.require_promises()
        for day, request_id in self.api.last.items():
            if asked_before.get(day) != request_id:
                assert contents.ledger[day] == request_id, f"{day} was told anew, and that is not what is held"

    def require_promises(self) -> Contents:
        """Compares the warehouse with what the API said, value by value."""
        contents = in_file(self.database)
        broken = broken_promises(contents, self.api)
        assert not broken, "\n".join(broken)
        return contents

    def require_cursor(self, first: dt.date) -> None:
        """Ledger and cursor agree, the local one and the one that another machine would find in the warehouse."""
        ledger = in_file(self.database).ledger
        here = stored_progress(Warehouse(working_dir=str(self.folder / "dlt" / "pipelines")).open())
        elsewhere = stored_progress(Warehouse(working_dir=str(self.folder / "elsewhere")).open())
        assert here is not None
        assert here == elsewhere, (here, elsewhere)
        assert self.today <= here.cursor <= max(ledger), here
        missing = [day for day in map(self.day, range((self.today - first).days + 1)) if day not in ledger]
        assert not missing, missing


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What a process said, once it has ended; where it hangs, where it hangs."""
    try:
        return process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        out, err = process.communicate()
        message = f"{process.args} hangs: {out}\n{err}"
        raise AssertionError(message) from None


def told_in_one_line(code: int, err: str) -> str:
    """What went wrong, which must be one line, and no traceback."""
    assert code in (1, 2), err
    assert "Traceback" not in err
    lines = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, err
    assert 30 < len(lines[0]) < 600, err
    return lines[0]
