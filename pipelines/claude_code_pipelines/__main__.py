"""Entry point of the command line: signals and standard streams are settled before the slow imports."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import Any

INCOMPLETE = 1


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
    try:
        from .cli import run  # takes half a second, in which a signal may arrive

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = INCOMPLETE
    with suppress(OSError):
        sys.stdout.flush()
    sys.stderr.flush()
    # A request may still wait for its response in a daemon thread, and DuckDB complains of threads at exit.
    os._exit(code)


def _interrupt(number: int, frame: object) -> None:
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda number, frame: os._exit(INCOMPLETE))
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
