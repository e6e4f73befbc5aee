"""Signals of the command: an interrupt that is swallowed is raised again, and nothing that hangs outlives a second one.

Each test starts a program of its own, because signals belong to a process.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

_IN_A_COLLECTION = """
import gc, os, signal, sys, weakref
from claude_code_pipelines.__main__ import main

class Cycle:
    pass

collect = gc.collect

def collect_with_a_signal():
    gc.collect = collect
    cycle = Cycle()
    cycle.itself = cycle
    weakref.finalize(cycle, os.kill, os.getpid(), signal.SIGINT)
    del cycle
    return collect()

gc.collect = collect_with_a_signal
sys.argv = ["claude-code-analytics", "demo", "--window-days", "1"]
main()
"""

_AS_ANOTHER_ERROR = """
import os, signal
from claude_code_pipelines import signals

signals.interrupt_at_signals()
try:
    with signals.interruptible():
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            raise RuntimeError("a driver's own word for it")
except KeyboardInterrupt:
    print("interrupt", flush=True)
    os._exit(0)
"""

# A lock that no signal interrupts, as in a driver that waits for its server.
_HANGING = """
import ctypes
from claude_code_pipelines import signals

signals.GRACE_SECONDS = {grace}
signals._interrupt = lambda number, frame: None  # it may arrive before the lock is waited for
signals.interrupt_at_signals()
lock = ctypes.create_string_buffer(256)
print("ready", flush=True)
for _ in range(2):
    ctypes.CDLL(None).pthread_mutex_lock(lock)
"""


def test_an_interrupt_that_a_callback_swallows_is_raised_again(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _IN_A_COLLECTION]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603

    assert ran.returncode == 1, ran.stderr
    assert ran.stderr.splitlines()[-1].startswith("interrupted; ")
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""


def test_an_error_after_a_signal_counts_as_the_interrupt() -> None:
    command = [sys.executable, "-c", _AS_ANOTHER_ERROR]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "interrupt\n", "")


@pytest.mark.parametrize(
    ("grace", "stops", "sentence"),
    [
        (3600, (signal.SIGTERM, signal.SIGINT), "interrupted"),
        (0.1, (signal.SIGTERM,), "interrupted while the warehouse or the network was busy; run the same command again"),
    ],
    ids=["two", "one"],
)
def test_a_program_that_hangs_in_a_driver_ends(grace: float, stops: tuple[signal.Signals, ...], sentence: str) -> None:
    command = [sys.executable, "-c", _HANGING.format(grace=grace)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:  # noqa: S603
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        for stop in stops:
            running.send_signal(stop)
        _, stderr = running.communicate(timeout=60)

    assert (running.returncode, stderr) == (1, f"{sentence}\n")
