"""Entry point of the command line: signals and standard streams are settled before the slow imports."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any

from .signals import INCOMPLETE, end_at_signals, interrupt_at_signals, interruptible


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
    end_at_signals()
    sys.stderr = _ForgivingStream(sys.stderr, OSError)  # a full disk must not fail a load that is committed
    sys.stdout = _ForgivingStream(sys.stdout, BrokenPipeError)  # the reader has seen enough
    from .cli import run  # takes half a second

    interrupt_at_signals()
    try:
        with interruptible():
            code = run(sys.argv[1:])
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        code = INCOMPLETE
    with suppress(OSError):
        sys.stdout.flush()
    sys.stderr.flush()
    # A request may still wait for its response in a daemon thread, and DuckDB complains of threads at exit.
    os._exit(code)


if __name__ == "__main__":
    main()
