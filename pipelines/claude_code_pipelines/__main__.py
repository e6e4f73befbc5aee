"""Entry point of the command line: signals and standard streams are settled before the slow imports."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

INCOMPLETE = 1
GRACE_SECONDS = 10.0


class _ForgivingStream:
    """A text stream that drops what cannot be written, so that it changes no exit code.

    Args:
        stream: The stream, or None where the caller closed it (`2>&-`).
        ignored: The errors that are ignored.
    """

    def __init__(self, stream: Any, ignored: type[OSError]) -> None:
        self._stream = stream or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # until the process ends
        self._ignored = ignored

    def write(self, text: str) -> int:
        """Writes text where possible."""
        with suppress(self._ignored):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flushes where possible."""
        with suppress(self._ignored):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        """Passes on everything else."""
        return getattr(self._stream, name)


def main() -> None:
    """Runs the command line. A signal ends it like Ctrl-C does; a second one ends it at once."""
    # Nothing is under way during the imports, and an interrupt that is raised there may get lost in a callback.
    _handle_signals(lambda number, frame: _end("interrupted"))
    sys.stderr = _ForgivingStream(sys.stderr, OSError)  # a full disk must not fail a load that is committed
    sys.stdout = _ForgivingStream(sys.stdout, BrokenPipeError)  # the reader has seen enough
    from .cli import run  # takes half a second

    _handle_signals(_interrupt)
    _end_after_signal()
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        code = INCOMPLETE
    with suppress(OSError):
        sys.stdout.flush()
    sys.stderr.flush()
    # A request may still wait for its response in a daemon thread, and DuckDB complains of threads at exit.
    os._exit(code)


def _end_after_signal() -> None:
    """Ends the process some seconds after a signal, where it hangs in a driver's call that no signal interrupts."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    def watch() -> None:
        os.read(reader, 1)
        time.sleep(GRACE_SECONDS)
        _end("interrupted while the warehouse or the network was busy; run the same command again")

    threading.Thread(target=watch, daemon=True).start()


def _interrupt(number: int, frame: object) -> None:
    _handle_signals(lambda number, frame: os._exit(INCOMPLETE))
    raise KeyboardInterrupt


def _handle_signals(handler: Callable[[int, Any], object]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler)


def _end(message: str) -> None:
    """Ends the process at once, and prints why."""
    with suppress(OSError):
        os.write(2, f"{message}\n".encode())  # the stream itself may be in use
    os._exit(INCOMPLETE)


if __name__ == "__main__":
    main()
