"""Entry point of the command line: signals and standard streams are settled before the slow imports."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import Any

INCOMPLETE = 1
GRACE_SECONDS = 10.0


class _ForgivingStream:
    """A text stream that drops what cannot be written: a full disk must not fail a load that is committed.

    Args:
        stream: The stream, or None where the caller closed it (`2>&-`).
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # until the process ends

    def write(self, text: str) -> int:
        """Writes text where possible."""
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flushes where possible."""
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        """Passes on everything else."""
        return getattr(self._stream, name)


def main() -> None:
    """Runs the command line. A signal ends it like Ctrl-C does; a second one ends it at once."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    sys.stderr = _ForgivingStream(sys.stderr)
    if sys.stdout is None:
        sys.stdout = _ForgivingStream(None)
    _end_after_signal()
    try:
        from .cli import run  # takes half a second, in which a signal may arrive

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
        os._exit(INCOMPLETE)

    threading.Thread(target=watch, daemon=True).start()


def _interrupt(number: int, frame: object) -> None:
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda number, frame: os._exit(INCOMPLETE))
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
