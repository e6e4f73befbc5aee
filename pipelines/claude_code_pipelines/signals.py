"""SIGINT and SIGTERM of the command: an interrupt that cannot get lost, and an end that does not wait for ever."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

INCOMPLETE = 1
# Seconds after which a signal ends the process, where it hangs in a driver's call that nothing interrupts.
GRACE_SECONDS = 10.0
# Seconds after which the interrupt is raised again. Python loses one that is raised in a callback of the garbage
# collector, and drivers turn it into errors of their own.
_AGAIN_SECONDS = 0.5

_SHOW_CURSOR = "\x1b[?25h"

_arrived = threading.Event()
_unwound = threading.Event()


def end_at_signals() -> None:
    """Ends the process at once at a signal: for the time in which nothing is under way yet."""
    _handle(lambda number, frame: _end("interrupted"))


def interrupt_at_signals() -> None:
    """Raises KeyboardInterrupt in the main thread at a signal; a second signal ends the process at once."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    sys.unraisablehook = _without_interrupts(sys.unraisablehook)
    threading.Thread(target=_watch, args=(reader, threading.get_ident()), daemon=True).start()
    _handle(_interrupt)


@contextmanager
def interruptible() -> Iterator[None]:
    """Turns whatever a step fails with after a signal into KeyboardInterrupt: the signal is why it failed."""
    try:
        yield
    except BaseException:
        if not _arrived.is_set():
            raise
        _unwound.set()
        raise KeyboardInterrupt from None


def _interrupt(number: int, frame: object) -> None:
    _arrived.set()
    raise KeyboardInterrupt


def _watch(reader: int, main_thread: int) -> None:
    os.read(reader, 1)
    _arrived.set()
    until = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < until:
        if select.select([reader], [], [], _AGAIN_SECONDS)[0]:
            _end("interrupted")
        if not _unwound.is_set():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(main_thread), ctypes.py_object(KeyboardInterrupt))
    _end("interrupted while the warehouse or the network was busy; run the same command again")


def _without_interrupts(hook: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Wraps the hook that prints exceptions of callbacks: an interrupt among them is raised again soon."""
    return lambda raised: None if raised.exc_type is KeyboardInterrupt else hook(raised)


def _handle(handler: Callable[[int, Any], object]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler)


def _end(message: str) -> None:
    """Ends the process at once, and prints why."""
    with suppress(OSError):
        shown = _SHOW_CURSOR if os.isatty(2) else ""  # a progress bar hides it
        os.write(2, f"{shown}{message}\n".encode())  # the stream itself may be in use
    os._exit(INCOMPLETE)
