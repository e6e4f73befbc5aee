"""Signals of the command: SIGINT, SIGTERM and SIGHUP end the process at once, wherever it is.

A load can be killed at any time (decision D5a), so there is nothing to unwind. A KeyboardInterrupt was lost in one of
five loads: Python ignores it in a callback of the garbage collector, DuckDB turns it into a failed query that is tried
again, and other drivers do not return to Python before their server responds. A statement that waits for a lock in
Postgres goes on waiting there, for at most `LOCK_TIMEOUT_SECONDS`. If it still gets the lock, the merge is whole.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress

from .exit_codes import INCOMPLETE

# Clears the line of a progress bar, and shows the cursor that it hides.
_CLEAR = "\r\x1b[2K\x1b[?25h"

_message: list[Callable[[], str]] = [lambda: "interrupted"]


def describe_interruption(message: Callable[[], str]) -> None:
    """Sets what is printed when a signal arrives from now on. `message` is called in another thread."""
    _message.append(message)


def end_at_signals() -> None:
    """Lets a thread wait for signals: it runs also where the main thread hangs in a driver."""
    arrived, wakeup = os.pipe()
    os.set_blocking(wakeup, False)
    signal.set_wakeup_fd(wakeup)
    ending = {signal.SIGINT, signal.SIGTERM}
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # `nohup` ignores it
        ending.add(signal.SIGHUP)
    for number in ending:
        signal.signal(number, lambda number, frame: None)
    threading.Thread(target=_end_at_signal, args=(arrived,), daemon=True).start()


def _end_at_signal(arrived: int) -> None:
    os.read(arrived, 1)
    with suppress(OSError):
        os.write(2, f"{_CLEAR if os.isatty(2) else ''}{_message[-1]()}\n".encode())  # the stream may be in use
    os._exit(INCOMPLETE)
