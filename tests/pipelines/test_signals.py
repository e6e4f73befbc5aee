"""Signals of the command: one ends the process wherever it is, and what is committed is reported.

Each test starts a program of its own, because signals belong to a process.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import httpx
import pytest

from claude_code_simulator import ScriptedOrganization, SimulatedApi
from support.serving import serving
from support.world import LEDGER

# A signal to itself in a callback at the first event of this kind: while dlt is imported, or when a package is written.
_AT_AN_EVENT = """
import os, signal, sys, weakref
from claude_code_pipelines.__main__ import main

def interrupt_once(name, arguments, waiting=[True]):
    if waiting and name == {event!r} and {text!r} in str(arguments):
        waiting.clear()
        cycle = [type("Cycle", (), {{}})()]
        weakref.finalize(cycle[0], os.kill, os.getpid(), signal.SIGTERM)
        cycle.clear()

sys.addaudithook(interrupt_once)
sys.argv = ["claude-code-analytics", "demo", "--start", "2026-03-02", "--end", "2026-03-03", "--window-days", "1"]
main()
"""

# A lock that no signal interrupts, as in a driver that waits for its server.
_HANGING = """
import ctypes
from claude_code_pipelines import __main__, cli

def hang(arguments):
    lock = ctypes.create_string_buffer(256)
    print("ready", flush=True)
    for _ in range(2):
        ctypes.CDLL(None).pthread_mutex_lock(lock)

cli.commands.main = hang
__main__.main()
"""

_IGNORES_A_CLOSED_TERMINAL = """
import signal
from claude_code_pipelines.signals import end_at_signals

end_at_signals()
print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN, end="")
"""


@pytest.mark.parametrize(
    "stop", [signal.SIGINT, *(pytest.param(each, marks=pytest.mark.slow) for each in (signal.SIGTERM, signal.SIGHUP))]
)
def test_being_stopped_ends_at_once_and_says_what_is_committed(tmp_path: Path, stop: signal.Signals) -> None:
    api = SimulatedApi(ScriptedOrganization())
    over = threading.Event()

    def hang(request: httpx.Request, number: int) -> None:
        if request.url.params.get("starting_at", "") > "2026-03-02":
            over.wait(60)

    api.fault = hang
    command = ("backfill", "--start", "2026-03-01", "--end", "2026-03-04", "--window-days", "2")
    with (
        serving(api) as variables,
        subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "claude_code_pipelines", *command],
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as running,
    ):
        assert running.stderr is not None
        while not running.stderr.readline().startswith("committed "):
            assert running.poll() is None
        running.send_signal(stop)
        stdout, stderr = running.communicate(timeout=40)  # less than the API would take
        over.set()

    assert running.returncode == 1
    assert stderr.splitlines()[-1] == (
        "interrupted; committed: 2 days, 2026-03-01..2026-03-02; run the same command again to resume"
    )
    assert (stdout, stderr.count("Traceback")) == ("", 0)
    with duckdb.connect(str(tmp_path / "claude_code_analytics.duckdb")) as connection:
        assert connection.execute(f"SELECT count(*) FROM claude_code.{LEDGER}").fetchone() == (2,)


@pytest.mark.parametrize(
    ("event", "text", "message"),
    [
        ("import", "dlt", "interrupted"),
        ("os.rename", "/loaded/", "interrupted; nothing was committed; run the same command again"),
    ],
    ids=["import", "write"],
)
def test_a_signal_is_not_lost_in_a_callback(event: str, text: str, message: str) -> None:
    command = [sys.executable, "-c", _AT_AN_EVENT.format(event=event, text=text)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603

    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.splitlines()[-1] == message
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(("started_by", "is_ignored"), [([], "False"), (["nohup"], "True")])
def test_a_closed_terminal_is_ignored_under_nohup(started_by: list[str], is_ignored: str) -> None:
    command = [*started_by, sys.executable, "-c", _IGNORES_A_CLOSED_TERMINAL]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == is_ignored  # noqa: S603


def test_a_program_that_hangs_in_a_driver_ends_and_shows_the_cursor_again() -> None:
    leader, terminal = os.openpty()
    command = [sys.executable, "-c", _HANGING]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=terminal, text=True) as running:  # noqa: S603
        os.close(terminal)
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        running.send_signal(signal.SIGTERM)
        try:
            running.communicate(timeout=30)
        finally:
            running.kill()

    assert running.returncode == 1
    assert os.read(leader, 100).endswith(b"\x1b[?25hinterrupted\r\n")
